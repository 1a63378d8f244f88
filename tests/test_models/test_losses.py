"""Losses of joints against the official ones and closed forms; what all losses promise is in test_every_loss.py."""

import math

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.losses import (
    ReprojectionLoss,
    TemporalConsistencyLoss,
    VelocityLoss,
    WeightedMPJPELoss,
    joint_l1,
    motion,
    mpjpe,
    n_mpjpe,
    reprojection,
    temporal_consistency,
    velocity,
    weighted_mpjpe,
)
from poselifter.skeletons import get_skeleton

MIXSTE = torch.tensor([1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4])


def poses(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, 3, generator=generator, dtype=dtype) for _ in range(2)]


@pytest.mark.parametrize(('case', 'function', 'name'), [
    ('mixste', mpjpe, 'mpjpe'),
    ('mixste', n_mpjpe, 'n_mpjpe'),
    ('mixste', velocity, 'velocity_loss'),
    ('motionbert', mpjpe, 'loss_mpjpe'),
    ('motionbert', n_mpjpe, 'n_mpjpe'),
    ('motionbert', velocity, 'loss_velocity'),
    ('motionbert', joint_l1, 'loss_joint'),
    ('videopose3d', mpjpe, 'mpjpe'),
    ('videopose3d', n_mpjpe, 'n_mpjpe'),
    ('videopose3d', velocity, 'mean_velocity_error'),
    ('poseformer', mpjpe, 'mpjpe'),
    ('pstmo', mpjpe, 'mpjpe'),
    ('mixste', weighted_mpjpe, 'weighted_mpjpe'),  # a weight for each joint
    ('videopose3d', weighted_mpjpe, 'weighted_mpjpe'),  # for each distance
    ('videopose3d', weighted_mpjpe, 'weighted_mpjpe_root'),  # for each frame: the trajectory's, 1 / depth
    ('poseformer', weighted_mpjpe, 'weighted_mpjpe'),  # for each clip of the batch
])  # fmt: skip
def test_equals_official(parity, case, function, name):
    data = parity(f'{case}/functions').functions(name)
    weights = [data['w']] if 'w' in data else []
    torch.testing.assert_close(function(data['pred'], data['target'], *weights), data['out'], rtol=1e-6, atol=0)
    if 'out_one_frame' in data:
        assert function(data['pred'][:, :1], data['target'][:, :1]) == data['out_one_frame']


def test_weighted_mpjpe_per_clip_equals_official(parity):
    data = parity('motionbert/functions').functions('weighted_mpjpe')
    for w, out in (('w', 'out'), ('w_per_clip', 'out_per_clip')):
        loss = weighted_mpjpe(data['pred'], data['target'], data[w])
        torch.testing.assert_close(loss, data[out], rtol=1e-6, atol=0)


def test_temporal_consistency_equals_official(parity):
    data = parity('mixste/functions').functions('temporal_consistency_loss')
    loss = temporal_consistency(data['pred'], joint_weights=data['w'])
    torch.testing.assert_close(loss, data['out'], rtol=1e-6, atol=0)


def test_reprojection_equals_official(parity):
    data = parity('motionbert/functions').functions('loss_2d_weighted')
    confidence = data['conf'][..., 0]
    for pred, target in ((data['pred'], data['target']), (data['pred'], data['target'][..., :2])):
        torch.testing.assert_close(reprojection(pred, target, confidence), data['out'], rtol=1e-6, atol=0)
    torch.testing.assert_close(ReprojectionLoss(3.0)(data['pred'], data['target'], confidence), 3 * data['out'])


def test_modules_sum_to_the_official_total_with_its_gradient(parity):
    data = parity('mixste/functions').functions('total_loss')
    pred = data['pred'].requires_grad_()
    losses = (WeightedMPJPELoss(), TemporalConsistencyLoss(loss_weight=0.5), VelocityLoss(loss_weight=2.0))
    total = sum(loss(pred, data['target']) for loss in losses)
    total.backward()
    torch.testing.assert_close(total.detach(), data['out'], rtol=1e-6, atol=0)
    torch.testing.assert_close(pred.grad, data['grad'], rtol=1e-5, atol=1e-6 * data['grad'].abs().max().item())


@pytest.mark.parametrize('function', [mpjpe, n_mpjpe, velocity, joint_l1, weighted_mpjpe, temporal_consistency, motion])
def test_a_joint_without_labels_is_as_if_it_were_not_there(function):
    pred, target = poses(2, 4, 5)
    weight = torch.ones(2, 4, 5)
    weight[..., 4] = 0
    target[..., 4, :] = torch.nan
    whole, rest = {}, {}
    if function in (weighted_mpjpe, temporal_consistency):
        whole, rest = {'joint_weights': MIXSTE[:5]}, {'joint_weights': MIXSTE[:4]}
    if function is motion:
        whole = rest = {'distances': (1, 2)}
    loss = function(pred, target, weight=weight, **whole)
    torch.testing.assert_close(loss, function(pred[..., :4, :], target[..., :4, :], **rest))


def test_a_velocity_needs_both_frames():
    # one joint moves 1, 2, 4 between the frames; without the label of frame 2 only the first step is known
    target = torch.tensor([0.0, 1, 3, 7])[None, :, None, None] * torch.tensor([0.0, 0, 1])
    weight = torch.tensor([1.0, 1, 0, 1])[None, :, None]
    pred = torch.zeros_like(target)
    assert velocity(pred, target) == pytest.approx(7 / 3)
    assert velocity(pred, target, weight) == 1


def test_weights_by_name_are_those_of_the_paper():
    assert torch.equal(WeightedMPJPELoss().joint_weights, MIXSTE)
    assert get_skeleton('h36m17').joint_weights['mixste'] == tuple(MIXSTE.tolist())


def test_unknown_weights_and_wrong_joints_are_named():
    with pytest.raises(InputError, match="h36m17 has no joint_weights 'mixed'"):
        WeightedMPJPELoss('mixed')
    with pytest.raises(InputError, match='has 17 joint_weights, the prediction has 16 joints'):
        WeightedMPJPELoss()(*poses(2, 4, 16))


def test_reprojection_with_confidence():
    # distances 5 and 10 in the picture, the depth does not count; a joint without confidence stays in the mean
    pred = torch.tensor([[[3.0, 4, 7], [6, 8, 9], [1, 1, 1]]]).requires_grad_()
    target = torch.tensor([[[0.0, 0], [0, 0], [float('nan')] * 2]])
    loss = reprojection(pred, target, torch.tensor([[1.0, 0.5, 0]]))
    assert loss.item() == pytest.approx((5 + 5 + 0) / 3)
    loss.backward()
    assert pred.grad.isfinite().all() and not pred.grad[..., 2].any() and not pred.grad[:, 2].any()
    target = target.nan_to_num()
    torch.testing.assert_close(reprojection(pred, target), mpjpe(pred[..., :2], target))
    with pytest.raises(InputError, match=r'weight \(1, 2\)'):
        reprojection(pred, target, torch.ones(1, 2))


def circling(frames, rate=0.2, radius=2.0, dtype=torch.float64):
    """17 joints, the root at rest, the others turning about z at the same rate."""
    angle = rate * torch.arange(frames, dtype=dtype)
    place = radius * torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], -1)
    return torch.cat([torch.zeros(frames, 1, 3, dtype=dtype), place[:, None].expand(-1, 16, -1)], 1)[None]


def test_motion_of_circling_joints_in_closed_form():
    # the cross product of two places on the circle is r^2 sin(rate * distance) along z
    turning, still = circling(30), circling(30, rate=0)
    distances = (8, 12, 16, 24)
    each = [4 * abs(math.sin(0.2 * step)) * 16 / 17 for step in distances]
    assert motion(still, turning) == pytest.approx(sum(each))
    assert motion(turning.flip(1), turning) == pytest.approx(2 * sum(each))  # backwards, the sign turns
    assert motion(circling(30, rate=-0.2), turning) == pytest.approx(2 * sum(each))
    assert motion(circling(30, rate=0, radius=5.0), still) == 0  # what stands still has no motion
    assert motion(still[:, :16], turning[:, :16]) == pytest.approx(sum(each[:2]))  # 16 is not shorter than the clip
    assert motion(turning[:, :1], still[:, :1]) == 0
    drift = torch.randn(1, 30, 1, 3, dtype=torch.float64)
    torch.testing.assert_close(motion(still + drift, turning - drift), motion(still, turning))  # root-relative


def test_motion_needs_joint_and_root_in_both_frames():
    turning, still = circling(6), circling(6, rate=0)
    weight = torch.ones(1, 6, 17, dtype=torch.float64)
    weight[:, 2, 0] = weight[:, :, 1:10] = 0
    # pairs of frames 3 apart: 0-3, 1-4, 2-5; the last lacks its root; the root and 7 joints are left of the others
    expected = 4 * math.sin(0.6) * 7 / 8
    assert motion(
        still, turning.masked_fill(weight[..., None] == 0, float('nan')), (3,), weight=weight
    ) == pytest.approx(expected)


def test_motion_refuses_what_it_cannot_do():
    pred, target = poses(2, 4, 17)
    for arguments in ({'distances': (0, 8)}, {'distances': ()}, {'skeleton': 'coco17'}):
        with pytest.raises(InputError, match='frame distances of 1 or more and a skeleton with a root'):
            motion(pred, target, **arguments)
    with pytest.raises(InputError, match=r'expected \(\.\.\., T, J, 3\)'):
        motion(pred[..., :2], target[..., :2])
