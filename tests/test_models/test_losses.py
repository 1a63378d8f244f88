"""Losses against the official ones, closed forms and finite differences."""

from __future__ import annotations

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.losses import (
    MPJPELoss,
    NMPJPELoss,
    TemporalConsistencyLoss,
    VelocityLoss,
    WeightedMPJPELoss,
    mpjpe,
    n_mpjpe,
    temporal_consistency,
    velocity,
    weighted_mpjpe,
)
from poselifter.registry import LOSSES
from poselifter.skeletons import get_skeleton

MIXSTE = torch.tensor([1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4])
LABELLED = {'mpjpe': mpjpe, 'n_mpjpe': n_mpjpe, 'velocity': velocity}


def weighted(pred, target, weight=None):
    return weighted_mpjpe(pred, target, MIXSTE[: pred.shape[-2]].to(pred.dtype), weight)


def consistency(pred, target, weight=None):
    return temporal_consistency(pred, target, MIXSTE[: pred.shape[-2]].to(pred.dtype), weight)


ALL = {**LABELLED, 'weighted_mpjpe': weighted, 'temporal_consistency': consistency}


def poses(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, 3, generator=generator, dtype=dtype) for _ in range(2)]


@pytest.mark.parametrize(
    ('case', 'function', 'name'),
    [
        ('mixste', mpjpe, 'mpjpe'),
        ('mixste', n_mpjpe, 'n_mpjpe'),
        ('mixste', velocity, 'velocity_loss'),
        ('motionbert', mpjpe, 'loss_mpjpe'),
        ('motionbert', n_mpjpe, 'n_mpjpe'),
        ('motionbert', velocity, 'loss_velocity'),
    ],
)
def test_equals_official(parity, case, function, name):
    data = parity(f'{case}/functions').functions(name)
    torch.testing.assert_close(function(data['pred'], data['target']), data['out'], rtol=1e-6, atol=0)
    if 'out_one_frame' in data:
        assert function(data['pred'][:, :1], data['target'][:, :1]) == data['out_one_frame']


def test_weighted_mpjpe_equals_official(parity):
    data = parity('mixste/functions').functions('weighted_mpjpe')
    loss = weighted_mpjpe(data['pred'], data['target'], data['w'])
    torch.testing.assert_close(loss, data['out'], rtol=1e-6, atol=0)
    data = parity('motionbert/functions').functions('weighted_mpjpe')
    for w, out in (('w', 'out'), ('w_per_clip', 'out_per_clip')):
        loss = weighted_mpjpe(data['pred'], data['target'], data[w])
        torch.testing.assert_close(loss, data[out], rtol=1e-6, atol=0)


def test_temporal_consistency_equals_official(parity):
    data = parity('mixste/functions').functions('temporal_consistency_loss')
    loss = temporal_consistency(data['pred'], joint_weights=data['w'])
    torch.testing.assert_close(loss, data['out'], rtol=1e-6, atol=0)


def test_modules_sum_to_the_official_total_with_its_gradient(parity):
    data = parity('mixste/functions').functions('total_loss')
    pred = data['pred'].requires_grad_()
    losses = (WeightedMPJPELoss(), TemporalConsistencyLoss(loss_weight=0.5), VelocityLoss(loss_weight=2.0))
    total = sum(loss(pred, data['target']) for loss in losses)
    total.backward()
    torch.testing.assert_close(total.detach(), data['out'], rtol=1e-6, atol=0)
    torch.testing.assert_close(pred.grad, data['grad'], rtol=1e-5, atol=1e-6 * data['grad'].abs().max().item())


@pytest.mark.parametrize('name', ALL)
def test_weight_one_changes_nothing(name):
    pred, target = poses(2, 4, 5)
    torch.testing.assert_close(ALL[name](pred, target, weight=torch.ones(2, 4, 5)), ALL[name](pred, target))


@pytest.mark.parametrize('name', ALL)
def test_missing_labels_do_not_count(name):
    # joint 4 missing everywhere is the loss without it; its label may be anything
    pred, target = poses(2, 4, 5)
    weight = torch.ones(2, 4, 5)
    weight[..., 4] = 0
    target[..., 4, :] = float('nan')
    pred.requires_grad_()
    loss = ALL[name](pred, target, weight=weight)
    torch.testing.assert_close(loss, ALL[name](pred[..., :4, :], target[..., :4, :]))
    loss.backward()
    assert pred.grad.isfinite().all()
    assert not pred.grad[..., 4, :].any()


@pytest.mark.parametrize('name', ALL)
def test_nothing_labelled_is_zero_with_zero_gradient(name):
    pred, target = poses(2, 4, 5)
    pred.requires_grad_()
    loss = ALL[name](pred, target, weight=torch.zeros(2, 4, 5))
    loss.backward()
    assert loss == 0
    assert (pred.grad == 0).all()


@pytest.mark.parametrize('name', ALL)
def test_no_nan_where_prediction_is_perfect_or_zero(name):
    _, target = poses(2, 4, 5)
    for value in (target, torch.zeros_like(target)):
        pred = value.clone().requires_grad_()
        ALL[name](pred, target).backward()
        assert pred.grad.isfinite().all()


@pytest.mark.parametrize('name', ALL)
def test_gradient_by_finite_differences(name):
    pred, target = poses(2, 3, 4, dtype=torch.float64)
    weight = torch.ones(2, 3, 4, dtype=torch.float64)
    weight[0, 1, 2] = 0
    assert torch.autograd.gradcheck(lambda p: ALL[name](p, target, weight=weight), pred.requires_grad_())


def test_a_velocity_needs_both_frames():
    # one joint moves 1, 2, 4 between the frames; without the label of frame 2 only the first step is known
    target = torch.tensor([0.0, 1, 3, 7])[None, :, None, None] * torch.tensor([0.0, 0, 1])
    weight = torch.tensor([1.0, 1, 0, 1])[None, :, None]
    pred = torch.zeros_like(target)
    assert velocity(pred, target) == pytest.approx(7 / 3)
    assert velocity(pred, target, weight) == 1


@pytest.mark.parametrize('name', ['velocity', 'temporal_consistency'])
def test_a_single_frame_has_no_velocity(name):
    pred, target = poses(2, 1, 5)
    pred.requires_grad_()
    for weight in (None, torch.ones(2, 1, 5)):
        loss = ALL[name](pred, target, weight=weight)
        assert loss == 0
        loss.backward()
    assert not pred.grad.any()


def test_n_mpjpe_ignores_scale():
    _, target = poses(2, 4, 5)
    assert n_mpjpe(3.7 * target, target) < 1e-6


@pytest.mark.parametrize('name', LABELLED)
def test_wrong_shapes_are_named(name):
    pred, target = poses(2, 4, 5)
    with pytest.raises(InputError, match=r'pred \(2, 4, 5, 3\), target \(2, 4, 4, 3\)'):
        LABELLED[name](pred, target[:, :, :4])
    with pytest.raises(InputError, match=r'weight \(2, 4\)'):
        LABELLED[name](pred, target, torch.ones(2, 4))


@pytest.mark.parametrize(
    ('module', 'function'),
    [
        (MPJPELoss(2.0), mpjpe),
        (NMPJPELoss(2.0), n_mpjpe),
        (VelocityLoss(2.0), velocity),
        (WeightedMPJPELoss(MIXSTE.tolist(), 2.0), weighted),
        (TemporalConsistencyLoss('mixste', 2.0), consistency),
    ],
)
def test_module_equals_function(module, function):
    pred, target = poses(2, 4, 17)
    weight = (torch.arange(17) % 3 > 0).float().expand(2, 4, 17)
    torch.testing.assert_close(module(pred, target), 2 * function(pred, target))
    torch.testing.assert_close(module(pred, target, weight), 2 * function(pred, target, weight=weight))
    assert LOSSES.get(type(module).__name__) is type(module)
    assert not module.state_dict()


def test_weights_by_name_are_those_of_the_paper():
    assert torch.equal(WeightedMPJPELoss().joint_weights, MIXSTE)
    assert get_skeleton('h36m17').joint_weights['mixste'] == tuple(MIXSTE.tolist())


def test_unknown_weights_and_wrong_joints_are_named():
    with pytest.raises(InputError, match="h36m17 has no joint_weights 'mixed'"):
        WeightedMPJPELoss('mixed')
    with pytest.raises(InputError, match='has 17 joint_weights, the prediction has 16 joints'):
        WeightedMPJPELoss()(*poses(2, 4, 16))
