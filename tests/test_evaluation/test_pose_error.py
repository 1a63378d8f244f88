import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.evaluation.functional import mpjae, mpjpe, mpjve, mpve, n_mpjpe, p_mpjpe
from poselifter.evaluation.functional.distances import acceleration_distances, aligned_distances, joint_distances

ALL = [mpjpe, p_mpjpe, n_mpjpe, mpjve, mpjae]
seeds = st.integers(0, 2**32 - 1)


def _pair(seed, shape=(6, 17, 3)):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=shape)
    return target + 0.3 * rng.normal(size=shape), target


@pytest.mark.parametrize(('metric', 'case', 'rtol'), [
    (mpjpe, 'mixste/functions/mpjpe', 1e-6),
    (p_mpjpe, 'mixste/functions/p_mpjpe', 1e-9),
    (n_mpjpe, 'mixste/functions/n_mpjpe', 1e-6),
    (mpjve, 'mixste/functions/mpjve', 1e-12),
    (mpjpe, 'videopose3d/functions/mpjpe', 1e-6),
    (p_mpjpe, 'videopose3d/functions/p_mpjpe', 1e-5),
    (p_mpjpe, 'videopose3d/functions/p_mpjpe_mirrored', 1e-5),
    (n_mpjpe, 'videopose3d/functions/n_mpjpe', 1e-6),
    (mpjve, 'videopose3d/functions/mean_velocity_error', 1e-6),
    (n_mpjpe, 'motionbert/functions/n_mpjpe', 1e-6),
    (mpjpe, 'pstmo/functions/mpjpe', 1e-6),
    (mpjpe, 'poseformer/functions/mpjpe', 1e-6),
    (mpjpe, 'motionbert/functions/loss_mpjpe', 1e-6),
    (mpve, 'mixste/functions/mpjpe', 1e-6),
])  # fmt: skip
def test_published_programs(parity, metric, case, rtol):
    arrays = parity(case)
    assert metric(arrays['pred'], arrays['target']) == pytest.approx(float(arrays['out']), rel=rtol)


def test_mixste_mirrored_and_similar(parity):
    case = parity('mixste/functions/p_mpjpe')
    assert p_mpjpe(case['pred_mirrored'], case['target']) == pytest.approx(float(case['out_mirrored']), abs=1e-9)
    assert p_mpjpe(case['pred_similar'], case['target']) == pytest.approx(float(case['out_similar']), abs=1e-9)


@pytest.mark.parametrize(('distances', 'case', 'target', 'out', 'rtol'), [
    (joint_distances, 'motionbert/functions/mpjpe', 'target', 'out', 1e-9),
    (aligned_distances, 'motionbert/functions/p_mpjpe', 'target', 'out', 1e-9),
    (aligned_distances, 'motionbert/functions/p_mpjpe', 'target_mirrored', 'out_mirrored', 1e-9),
    (aligned_distances, 'pstmo/functions/p_mpjpe_per_frame', 'target', 'out', 1e-5),
    (aligned_distances, 'pstmo/functions/p_mpjpe_mirrored', 'target', 'out', 1e-5),
])  # fmt: skip
def test_published_programs_frame_by_frame(parity, distances, case, target, out, rtol):
    arrays = parity(case)
    per_frame = distances(arrays['pred'], arrays[target])[0].mean(-1)
    np.testing.assert_allclose(per_frame, arrays[out], rtol=rtol)


def test_motionagformer(parity):
    case = parity('motionagformer/functions/losses_metrics')
    pred, target = case['predicted_mm'], case['target_mm']
    distances = joint_distances(pred, target)[0]
    np.testing.assert_allclose(distances, case['jpe'], rtol=1e-5)
    np.testing.assert_allclose(distances.mean(-1), case['mpjpe_per_frame'], rtol=1e-5)
    np.testing.assert_allclose(aligned_distances(pred, target)[0].mean(-1), case['p_mpjpe_per_frame'], rtol=1e-5)
    np.testing.assert_allclose(acceleration_distances(pred, target)[0].mean(-1), case['acc_error'], rtol=1e-5)
    assert mpjae(pred, target) == pytest.approx(case['acc_error'].mean(), rel=1e-5)
    values = case['meta']['values']
    assert mpjpe(case['predicted'], case['target']) == pytest.approx(values['loss_mpjpe'], rel=1e-5)
    assert n_mpjpe(case['predicted'], case['target']) == pytest.approx(values['n_mpjpe'], rel=1e-5)
    assert mpjve(case['predicted'], case['target']) == pytest.approx(values['loss_velocity'], rel=1e-5)


def test_constant_offset_is_an_error_of_position_only():
    target = _pair(0)[1]
    pred = target + np.array([3.0, 0.0, -4.0])
    assert mpjpe(pred, target) == pytest.approx(5)
    assert p_mpjpe(pred, target) == pytest.approx(0, abs=1e-9)
    assert mpjve(pred, target) == pytest.approx(0, abs=1e-12)
    assert mpjae(pred, target) == pytest.approx(0, abs=1e-12)


def test_constant_velocity_and_constant_acceleration():
    target = _pair(0, (2, 7, 17, 3))[1]
    time = np.arange(7.0)[:, None, None]
    direction = np.array([2.0, -1.0, 2.0])
    assert mpjve(target + time * direction, target) == pytest.approx(3)
    assert mpjae(target + time * direction, target) == pytest.approx(0, abs=1e-12)
    assert mpjae(target + time**2 / 2 * direction, target) == pytest.approx(3)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, scale=st.floats(0.01, 100))
def test_n_mpjpe_ignores_scale_alone(seed, scale):
    pred, target = _pair(seed)
    assert n_mpjpe(scale * pred, target) == pytest.approx(n_mpjpe(pred, target), rel=1e-9)
    assert n_mpjpe(scale * target, target) == pytest.approx(0, abs=1e-9)
    # The scale is optimal in the squared error; no other scale may do better there.
    dot, square = (pred * target).sum((-2, -1)), (pred * pred).sum((-2, -1))
    best = np.square((dot / square)[:, None, None] * pred - target).sum()
    assert best <= np.square(scale * pred - target).sum() + 1e-9


@pytest.mark.parametrize('metric', ALL)
@settings(max_examples=10, deadline=None)
@given(seed=seeds, unit=st.sampled_from([1e-3, 1e3]))
def test_unit_in_is_unit_out(metric, seed, unit):
    pred, target = _pair(seed)
    assert metric(unit * pred, unit * target) == pytest.approx(unit * metric(pred, target), rel=1e-9)


@pytest.mark.parametrize('metric', ALL)
def test_leading_axes_and_torch(metric):
    pred, target = _pair(1, (2, 3, 8, 17, 3))
    each = np.mean([metric(p, t) for p, t in zip(pred.reshape(6, 8, 17, 3), target.reshape(6, 8, 17, 3), strict=True)])
    value = metric(torch.tensor(pred, requires_grad=True), torch.tensor(target))
    assert isinstance(value, float)
    assert value == pytest.approx(each, rel=1e-12)


@pytest.mark.parametrize('metric', ALL)
def test_inputs_stay_as_they_are(metric):
    pred, target = _pair(2)
    visible = np.ones((6, 17))
    visible[:, 3] = 0
    copies = pred.copy(), target.copy(), visible.copy()
    metric(pred, target, visible)
    for array, copy in zip((pred, target, visible), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize('metric', ALL)
def test_joints_without_label_are_as_if_they_were_not_there(metric):
    pred, target = _pair(3)
    visible = np.ones((6, 17))
    visible[:, [2, 9]] = 0
    target = np.where(visible[..., None] > 0, target, np.nan)
    kept = np.delete(np.arange(17), [2, 9])
    assert metric(pred, target, visible) == pytest.approx(metric(pred[:, kept], target[:, kept]), rel=1e-12)


def test_a_difference_counts_where_all_its_frames_are_labelled():
    target = np.zeros((5, 1, 3))
    pred = target.copy()
    pred[:, 0, 0] = [0, 1, 3, 100, 104]
    visible = np.array([[1], [1], [1], [0], [1]])
    assert mpjve(pred, target, visible) == pytest.approx((1 + 2) / 2)
    assert mpjae(pred, target, visible) == pytest.approx(1)


def test_a_pose_of_two_joints_is_not_scored_as_perfect():
    pred, target = _pair(4, (2, 5, 3))
    visible = np.ones((2, 5))
    visible[0, 2:] = 0
    assert p_mpjpe(pred, target, visible) == pytest.approx(p_mpjpe(pred[1:], target[1:]))


@pytest.mark.parametrize('metric', ALL)
def test_degenerate_poses_give_finite_numbers(metric):
    target = _pair(5)[1]
    for pred in (np.zeros_like(target), np.ones_like(target)):
        assert np.isfinite(metric(pred, target))
        assert np.isfinite(metric(target, pred))


@pytest.mark.parametrize('metric', ALL)
@pytest.mark.parametrize(('pred', 'target', 'visible', 'words'), [
    (np.zeros((4, 17, 3)), np.zeros((4, 16, 3)), None, r'pred has shape \(4, 17, 3\) and target \(4, 16, 3\)'),
    (np.zeros((4, 17, 2)), np.zeros((4, 17, 2)), None, r'pred has shape \(4, 17, 2\), expected \(\.\.\., J, 3\)'),
    (np.zeros((4, 17, 3)), np.zeros((4, 17, 3)), np.ones((4, 3)), r'visible has shape \(4, 3\)'),
    (np.full((4, 17, 3), np.nan), np.zeros((4, 17, 3)), None, r'pred has NaN .* at index \(0, 0\)'),
    (np.zeros((4, 17, 3)), np.full((4, 17, 3), np.inf), None, 'target has NaN or infinite'),
    (np.zeros((4, 17, 3)), np.zeros((4, 17, 3)), np.zeros((4, 17)), 'nothing to score'),
    (np.zeros((0, 17, 3)), np.zeros((0, 17, 3)), None, 'nothing to score'),
])  # fmt: skip
def test_bad_input_is_named(metric, pred, target, visible, words):
    with pytest.raises(InputError, match=words):
        metric(pred, target, visible)


@pytest.mark.parametrize(('metric', 'frames'), [(mpjve, 1), (mpjae, 2), (mpjae, 1)])
def test_too_short_for_a_difference(metric, frames):
    with pytest.raises(InputError, match='enough frames'):
        metric(np.zeros((frames, 17, 3)), np.zeros((frames, 17, 3)))


@pytest.mark.parametrize('metric', [mpjve, mpjae])
def test_one_pose_has_no_time(metric):
    with pytest.raises(InputError, match=r'expected \(\.\.\., T, J, 3\)'):
        metric(np.zeros((17, 3)), np.zeros((17, 3)))
