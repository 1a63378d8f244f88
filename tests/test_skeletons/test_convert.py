import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.skeletons import (
    convert_coco_demo,
    convert_keypoints,
    find_conversion,
    get_skeleton,
    list_conversions,
    list_skeletons,
)


def test_every_conversion_to_h36m17_is_the_reference_table(shared, rng):
    tables = json.loads((shared / 'reference/skeletons.json').read_text())
    h36m = get_skeleton('h36m17').joint_names
    for name in sorted(set(tables) - {'_about'}):
        matrix = np.zeros((17, tables[name]['num_joints']))
        for joint, parts in tables[name]['to_h36m17'].items():
            for source, weight in parts.items():
                matrix[h36m.index(joint), int(source)] = weight
        x = rng.normal(size=(2, 3, matrix.shape[1], 4))
        np.testing.assert_allclose(convert_keypoints(x, name, 'h36m17'), matrix @ x, atol=1e-12)


@pytest.mark.parametrize('source, case', [('coco17', 'coco2h36m'), ('halpe26', 'halpe2h36m')])
def test_motionbert_averages_the_score_channel(shared, source, case):
    case = np.load(shared / f'fixtures/parity/motionbert/functions/{case}.npz')
    np.testing.assert_allclose(convert_keypoints(case['x'], source, 'h36m17'), case['out'], atol=1e-12)
    x, scores = convert_keypoints(case['x'][..., :2], source, 'h36m17', case['x'][..., 2], scores_rule='mean')
    np.testing.assert_allclose(x, case['out'][..., :2], atol=1e-12)
    np.testing.assert_allclose(scores, case['out'][..., 2], atol=1e-12)


def test_motionagformer_demo(shared):
    folder = shared / 'fixtures/parity/motionagformer/functions/coco_to_h36m'
    case = {path.stem: np.load(path) for path in folder.glob('*.npy')}
    x, scores = convert_coco_demo(case['coco_keypoints'], case['coco_scores'])
    np.testing.assert_allclose(x, case['h36m_keypoints'], rtol=1e-6, atol=1e-3)  # float32 pixels
    np.testing.assert_allclose(scores, case['h36m_scores'], rtol=1e-6)
    with pytest.raises(InputError, match=r'expected \(\.\.\., 17, 2\)'):
        convert_coco_demo(np.zeros((16, 2)), np.zeros(16))


def test_selections_take_the_joints_of_the_same_name(rng):
    x = rng.normal(size=(26, 2))
    assert np.array_equal(convert_keypoints(x, 'halpe26', 'coco17'), x[:17])
    x = rng.normal(size=(17, 3))
    assert np.array_equal(convert_keypoints(x, 'h36m17', 'h36m16'), np.delete(x, 9, 0))
    x = rng.normal(size=(28, 3))
    kept = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]  # P-STMO's data preparation
    assert np.array_equal(convert_keypoints(x, 'mpi_inf_3dhp28', 'mpi_inf_3dhp17'), x[kept])


@pytest.mark.parametrize('name', list_skeletons())
def test_identity(name, rng):
    x = rng.normal(size=(2, get_skeleton(name).num_joints, 3)).astype(np.float32)
    assert np.array_equal(convert_keypoints(x, name, name), x)
    assert find_conversion(name, name).approximate == ()


@pytest.mark.parametrize('source, target', list_conversions())
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), leading=st.lists(st.integers(0, 3), max_size=2))
def test_torch_equals_numpy_left_stays_left_and_weights_sum_to_one(source, target, seed, leading):
    rng = np.random.default_rng(seed)
    joints = get_skeleton(source).num_joints
    x, scores = rng.normal(size=(*leading, joints, 2)), rng.random((*leading, joints))
    a, b = convert_keypoints(x, source, target, scores)
    c, d = convert_keypoints(torch.tensor(x), source, target, torch.tensor(scores))
    np.testing.assert_allclose(a, c.numpy(), atol=1e-12)
    np.testing.assert_allclose(b, d.numpy(), atol=1e-12)
    assert ((b >= 0) & (b <= 1)).all()
    order, mirrored = get_skeleton(target).flip_indices, x[..., get_skeleton(source).flip_indices, :]
    np.testing.assert_allclose(convert_keypoints(mirrored, source, target), a[..., order, :], atol=1e-12)
    np.testing.assert_allclose(convert_keypoints(x + [3, -2], source, target), a + [3, -2], atol=1e-12)
    conversion = find_conversion(source, target)
    assert {*conversion.approximate, *conversion.mean_scores} <= set(get_skeleton(target).joint_names)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_dtype_is_kept_and_integers_become_floats(dtype):
    x = np.arange(34).reshape(17, 2)
    assert convert_keypoints(x.astype(dtype), 'coco', 'h36m').dtype == dtype
    tensor = torch.tensor(x.astype(dtype))
    assert convert_keypoints(tensor, 'coco', 'h36m').dtype == tensor.dtype
    assert convert_keypoints(x, 'coco', 'h36m')[0, 0] == 23.0  # mean of 22 and 24


def test_a_missing_joint_reaches_only_what_is_made_of_it():
    x, scores = np.ones((17, 2)), np.full(17, 0.5)
    x[1], scores[1] = np.nan, 0  # the left eye
    y, s = convert_keypoints(x, 'coco17', 'h36m17', scores)
    bad = get_skeleton('h36m17').joint_names.index('head_top')
    assert s[bad] == 0 and (np.delete(s, bad) == 0.5).all() and (np.delete(y, bad, 0) == 1).all()
    s = convert_keypoints(x, 'coco17', 'h36m17', np.full(17, 0.5))[1]  # the file forgot the score
    assert s[bad] == 0 and (np.delete(s, bad) == 0.5).all()


def test_scores_of_mixed_joints():
    scores = np.linspace(0.2, 1.0, 17)
    s = convert_keypoints(np.ones((17, 2)), 'coco17', 'h36m17', scores)[1]
    pelvis, spine, thorax = s[0], s[7], s[8]
    assert pelvis == scores[11] and thorax == scores[5]
    assert np.isclose(spine, scores[[5, 6, 11, 12]].mean())
    scores[5] = 0
    s = convert_keypoints(np.ones((17, 2)), 'coco17', 'h36m17', scores)[1]
    assert s[7] == 0 and s[8] == 0 and s[0] == pelvis
    scores[5] = np.nan
    assert convert_keypoints(np.ones((17, 2)), 'coco17', 'h36m17', scores)[1][11] == 0


def test_cmu17_shares_h36m17s_tables_and_marks_its_own_joints(rng):
    x = rng.normal(size=(17, 3))
    assert np.array_equal(convert_keypoints(x, 'cmu17', 'h36m17'), x)
    assert np.array_equal(convert_keypoints(x, 'coco17', 'cmu17'), convert_keypoints(x, 'coco17', 'h36m17'))
    own = {'spine', 'thorax', 'nose', 'head_top'}
    assert set(find_conversion('cmu17', 'h36m17').approximate) == own
    assert set(find_conversion('h36m17', 'cmu17').approximate) == own
    assert set(find_conversion('aic14', 'cmu17').approximate) == own | {'pelvis'}


def test_a_newcomer_sees_what_is_approximate():
    lines = find_conversion('coco17', 'h36m17').describe().splitlines()
    assert [line.split(' = ')[0] for line in lines if line.endswith('(approximate)')] == ['spine', 'thorax', 'head_top']
    assert 'head_top = 2 head + -1 neck (approximate)' in find_conversion('smpl24', 'h36m17').describe()


@pytest.mark.parametrize(('call', 'message'), [
    (lambda: convert_keypoints(np.ones((17, 2)), 'h36m17', 'coco17'), 'targets of h36m17: h36m16, cmu17'),
    (lambda: convert_keypoints(np.ones((25, 2)), 'halpe26', 'h36m17'), r'\(25, 2\), expected \(\.\.\., 26, C\)'),
    (lambda: convert_keypoints(np.ones(26), 'halpe26', 'h36m17'), r'\(26,\)'),
    (
        lambda: convert_keypoints(np.ones((4, 17, 2)), 'coco', 'h36m', np.ones((4, 16))),
        r'scores have shape \(4, 16',
    ),
    (lambda: convert_keypoints(np.ones((17, 2)), 'coco', 'h36m', np.ones(17), 'max'), "expected 'min' or 'mean'"),
    (lambda: convert_keypoints(np.ones((17, 2)), 'coco', 'h37m'), 'unknown skeleton'),
])  # fmt: skip
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
