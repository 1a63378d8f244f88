import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.datasets.transforms import CropScale, CropScale3D, RandomMove
from poselifter.datasets.transforms.base import next_rng
from poselifter.datasets.transforms.geometric import crop_scale_3d, move_linear
from poselifter.structures import check_sample


def sample(index=0, frames=9):
    inputs = np.random.default_rng(0).normal(size=(frames, 17, 3)).astype(np.float32)
    inputs[..., 2] = 0.7
    inputs[2, 5] = 0  # a joint that is not there
    return {'inputs': inputs, 'skeleton': 'h36m17', 'random_key': [0, 0, index, 0]}


@pytest.mark.parametrize('motion, out, ratio', [
    ('motion', 'out_1_1', 1),
    ('motion', 'out_2_2', 2),
    ('motion', 'out_1_3_seeded', 'ratio_1_3'),
    ('motion', 'out_025_1_seeded', 'ratio_025_1'),
    ('few_valid', 'out_few_valid', 1),
    ('degenerate', 'out_degenerate', 1),
    ('two_persons_second_zero', 'out_two_2_2', 2),
])  # fmt: skip
def test_crop_equals_the_original(published, motion, out, ratio):
    case = published('motionbert', 'crop_scale')
    ratio = float(case[ratio][0]) if isinstance(ratio, str) else ratio
    for released in (True, False):
        clip = {**sample(), 'inputs': case[motion]}
        found, expected = CropScale((ratio, ratio), released)(clip)['inputs'], case[out]
        if motion in ('few_valid', 'degenerate'):  # theirs loses the scores too; ours keeps what is known
            found, expected = found[..., :2], expected[..., :2]
        shown = released | (case[motion][..., 2:] != 0)
        np.testing.assert_allclose(found, expected * shown, atol=1e-12)


def test_crop_in_3d_equals_the_original(published):
    case = published('motionbert', 'crop_scale_3d')
    np.testing.assert_allclose(crop_scale_3d(case['motion']), case['out_1_1'], atol=1e-12)
    np.testing.assert_allclose(crop_scale_3d(case['motion'], 0.5), case['out_half'], atol=1e-12)
    assert not crop_scale_3d(np.ones((3, 17, 3))).any()
    clip = CropScale3D((0.5, 0.5))({**sample(), 'target': case['motion'].astype(np.float32)})
    check_sample({**clip, 'target': clip['target']})
    np.testing.assert_allclose(clip['target'], case['out_half'], atol=1e-5)
    np.testing.assert_array_equal(clip['inputs'][..., :2], clip['target'][..., :2])
    assert (clip['inputs'][..., 2] == 1).all()


def test_move_equals_the_original(published):
    case = published('motionbert', 'random_move')
    shifts = np.stack([case['tx'], case['ty']], 1)
    moved = move_linear(case['x'][..., :2], case['angles_deg'], case['scales'], shifts)
    np.testing.assert_allclose(moved, case['out'][..., :2], atol=1e-12)
    np.testing.assert_array_equal(case['x'][..., 2], case['out'][..., 2])


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 10), st.floats(-5, 5), st.floats(-5, 5), st.floats(1, 3))
def test_crop_forgets_place_and_size(size, dx, dy, ratio):
    clip = sample()
    moved = clip['inputs'].copy()
    moved[..., :2] = moved[..., :2] * np.float32(size) + np.float32([dx, dy])
    crop = CropScale((ratio, ratio))
    one, other = (crop({**clip, 'inputs': x, 'random_key': [0, 0, 0, 0]})['inputs'] for x in (clip['inputs'], moved))
    shown = clip['inputs'][..., 2] != 0
    np.testing.assert_allclose(one[shown], other[shown], atol=1e-3)
    assert np.ptp(one[shown][:, :2], axis=0).max() == pytest.approx(2 / ratio, rel=1e-4)
    assert not one[~shown].any()


def test_random_crops_have_the_whole_range():
    sizes = np.array([np.ptp(CropScale((1, 3))(sample(i))['inputs'][..., :2], (0, 1)).max() for i in range(300)])
    assert 2 / 3 <= sizes.min() < 0.68 and 1.97 < sizes.max() <= 2.0001


def test_generators_are_those_of_the_whole_key():
    for key in ([0, 0, 0, 0], [3, 12, 1_559_751, 2], [2**32 - 1, 1, 2, 3], [2**32, 1, 2, 3], [7, 2**40 + 5, 0, 1]):
        drawn = next_rng({'random_key': list(key)}).random(5)
        np.testing.assert_array_equal(drawn, np.random.default_rng(key).random(5))


def test_released_moves_take_missing_joints_along():
    plain, released = (RandomMove(released=flag)(sample())['inputs'] for flag in (False, True))
    shown = plain[..., 2] != 0
    np.testing.assert_array_equal(plain[shown], released[shown])
    assert released[2, 5, :2].all() and not released[2, 5, 2]


def test_random_moves_stay_in_bounds_and_leave_missing_joints():
    clip = sample()
    before = clip['inputs'].copy()
    seen = []
    for i in range(200):
        out = RandomMove()(sample(i))['inputs']
        assert not out[2, 5].any()
        np.testing.assert_array_equal(out[..., 2], before[..., 2])
        one = RandomMove(shift=0)({**sample(i), 'inputs': np.ones((3, 1, 3), np.float32)})['inputs'][..., :2]
        seen.append([np.hypot(*one.T) / 2**0.5, np.degrees(np.arctan2(*one.T[::-1])) - 45])
    scales, angles = np.array(seen)[:, 0], np.array(seen)[:, 1]
    assert 0.9 <= scales.min() < 0.92 and 1.08 < scales.max() <= 1.1
    assert -10 <= angles.min() < -9 and 9 < angles.max() <= 10
    np.testing.assert_allclose(scales[:, 0, 1], scales[:, 0, ::2].mean(1), atol=1e-5)  # the middle frame is halfway
    still = RandomMove(angle=0, scale=(1, 1), shift=0.1)(sample())['inputs'] - before
    assert np.abs(still).max() <= 0.1 + 1e-6
