import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.evaluation.functional import auc_3d, pck_3d, pck_by_group
from poselifter.evaluation.functional.distances import mean
from poselifter.evaluation.functional.pck import under_scores

KIT_JOINTS = slice(0, 14)
GROUPS = {
    'Head': [0], 'Neck': [1], 'Shou': [2, 5], 'Elbow': [3, 6], 'Wrist': [4, 7], 'Hip': [8, 11], 'Knee': [9, 12],
    'Ankle': [10, 13],
}  # fmt: skip


def _poses(errors):
    """A pair of poses whose joint errors are these."""
    errors = np.asarray(errors, float)
    pred = np.zeros((*errors.shape, 3))
    pred[..., 1] = errors
    return pred, np.zeros_like(pred)


def test_pstmo(parity):
    case = parity('pstmo/functions/mpi3dhp_pck_auc')
    pred, target = _poses(case['errors'])
    assert pck_3d(pred[:, KIT_JOINTS], target[:, KIT_JOINTS]) == pytest.approx(float(case['pck']), abs=1e-9)
    assert auc_3d(pred[:, KIT_JOINTS], target[:, KIT_JOINTS]) == pytest.approx(float(case['auc']), abs=1e-9)
    for group, joints in enumerate(GROUPS.values()):
        assert pck_3d(pred[:, joints], target[:, joints]) == pytest.approx(case['pck_groups'][group], abs=1e-9)
        assert auc_3d(pred[:, joints], target[:, joints]) == pytest.approx(case['auc_groups'][group], abs=1e-9)


@pytest.mark.parametrize('skeleton', ['mpi_inf_3dhp17', 'h36m17'])
def test_groups_of_the_kit_by_name(parity, shared, skeleton):
    arrays = dict(np.load(shared / 'fixtures/parity/h36m_data/mpi_inf_3dhp_metrics/poses.npz'))
    expected = parity('h36m_data/mpi_inf_3dhp_metrics')['meta']['expected']
    order = list(range(17))
    if skeleton == 'h36m17':
        order = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    found = pck_by_group(arrays['pred'][:, order], arrays['target'][:, order], skeleton=skeleton)
    names = {'Shou': 'Shoulder'}
    assert found == pytest.approx({names.get(name, name): expected[name]['pck'] for name in (*GROUPS, 'Total')})


def test_share_of_poses():
    pred, target = _poses([[10, 30], [20, 40], [50, 50], [0, 100]])  # means 20, 30, 50, 50
    assert mean(under_scores, pred, target) == 25
    assert under_scores(pred, target, limit=31)[0].mean() == 50
    target[0, 1] = np.nan
    scores, counted = under_scores(pred, target, [[1, 0], [1, 1], [1, 1], [0, 0]], limit=11)
    assert scores[counted].mean() == pytest.approx(100 / 3)


def test_threshold_is_strict():
    pred, target = _poses([[0, 149.9, 150, 150.1]])
    assert pck_3d(pred, target) == 50
    assert pck_3d(pred, target, threshold=0) == 0
    assert pck_3d(pred / 1000, target / 1000, threshold=0.15005) == 75


def test_auc_of_a_perfect_and_of_a_hopeless_prediction():
    assert auc_3d(*_poses(np.zeros((3, 17)))) == pytest.approx(100 * 30 / 31)
    assert auc_3d(*_poses(np.full((3, 17), 150.0))) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 200) | st.integers(0, 40).map(lambda k: 5.0 * k), min_size=1, max_size=20))
def test_auc_is_the_mean_of_pck(errors):
    pred, target = _poses(errors)
    mean = np.mean([pck_3d(pred, target, threshold=t) for t in range(0, 151, 5)])
    assert auc_3d(pred, target) == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize('metric', [pck_3d, auc_3d])
def test_joints_without_label_do_not_count(metric):
    pred, target = _poses([[10, 20, 500, 30]])
    target[0, 2] = np.nan
    assert metric(pred, target, visible=[[1, 1, 0, 1]]) == metric(*_poses([[10, 20, 30]]))


@pytest.mark.parametrize('metric', [pck_3d, auc_3d])
def test_bad_input_is_named(metric):
    with pytest.raises(InputError, match='expected the same shape'):
        metric(np.zeros((4, 17, 3)), np.zeros((17, 3)))
    with pytest.raises(InputError, match='pred has NaN'):
        metric(np.full((17, 3), np.nan), np.zeros((17, 3)))
