"""What every registered loss promises, asked of each; closed forms and official values are in test_losses*.py."""

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.losses import mpjpe
from poselifter.models.losses.modules import JointWeightedLoss, PoseLoss, module_of
from poselifter.registry import LOSSES

EVERY = sorted(n for n, c in LOSSES.module_dict.items() if isinstance(c, type) and issubclass(c, PoseLoss))
VARIANTS = {
    'squared lengths': {'type': 'LimbLengthLoss', 'form': 'squared'},
    'relative lengths': {'type': 'LimbLengthLoss', 'form': 'relative'},
    'squared matrices': {'type': 'SMPLPoseLoss', 'squared': True},
    'scaled reprojection': {'type': 'ReprojectionLoss', 'fit_scale': True},
    'motion': {'type': 'MotionLoss', 'distances': (1, 2)},
}
CONFIGS = {**{name: {'type': name} for name in EVERY if name != 'MotionLoss'}, **VARIANTS}
WITHOUT_TARGET = {'TemporalConsistencyLoss', 'LimbLengthVarianceLoss', 'LimbSymmetryLoss', 'BoneVelocityLoss'}
WITHOUT_TARGET |= {'SMPLNormLoss'}
OVER_TIME = {'VelocityLoss', 'TemporalConsistencyLoss', 'MotionLoss', 'BoneAngleVelocityLoss', 'BoneVelocityLoss'}
OVER_TIME |= {'LimbLengthVarianceLoss'}

every_loss = pytest.mark.parametrize('config', CONFIGS.values(), ids=CONFIGS)


def batch(config, *shape, dtype=torch.float32):
    """Prediction, target and label weights of all ones for a loss, (B, T) clips."""
    generator = torch.Generator().manual_seed(0)
    theta = LOSSES.get(config['type']).compares == 'theta'
    pred, target = torch.randn(2, *shape, *((82,) if theta else (17, 3)), generator=generator, dtype=dtype)
    return pred.requires_grad_(), target, torch.ones(shape if theta else (*shape, 17), dtype=dtype)


def test_all_of_them_are_asked():
    assert len(EVERY) >= 17


@every_loss
def test_it_is_a_factor_times_its_function(config):
    loss, twice = LOSSES.build(config), LOSSES.build({**config, 'loss_weight': 2.0})
    pred, target, weight = batch(config, 2, 5)
    weight.view(-1)[::3] = 0
    arguments = {'joint_weights': loss.joint_weights} if isinstance(loss, JointWeightedLoss) else loss.arguments
    for given in (None, weight):
        expected = loss.function(pred, target, **{loss.weight_argument: given}, **arguments)
        assert expected.shape == () and expected > 0
        torch.testing.assert_close(loss(pred, target, given), expected)
        torch.testing.assert_close(twice(pred, target, given), 2 * expected)
    assert loss.name == loss.function.__name__ and not loss.state_dict()


@every_loss
def test_weight_one_changes_nothing(config):
    loss, (pred, target, weight) = LOSSES.build(config), batch(config, 2, 5)
    torch.testing.assert_close(loss(pred, target, weight), loss(pred, target))


@every_loss
def test_a_missing_frame_is_as_if_it_were_not_there(config):
    loss, (pred, target, weight) = LOSSES.build(config), batch(config, 2, 5)
    target[:, 4], weight[:, 4] = torch.nan, 0
    value, shorter = loss(pred, target, weight), loss(pred[:, :4], target[:, :4])
    # a confidence, unlike a label weight, is not normalised
    torch.testing.assert_close(value, shorter * 4 / 5 if loss.weight_argument == 'confidence' else shorter)
    value.backward()
    assert pred.grad.isfinite().all() and not pred.grad[:, 4].any() and pred.grad[:, :4].any()


@pytest.mark.parametrize('config', [c for c in CONFIGS.values() if LOSSES.get(c['type']).compares == 'poses'])
def test_a_missing_joint_has_no_influence(config):
    loss, (pred, target, weight) = LOSSES.build(config), batch(config, 2, 4)
    target[..., [13, 16], :], weight[..., [13, 16]] = torch.nan, 0
    value = loss(pred, target, weight)
    value.backward()
    assert pred.grad.isfinite().all() and not pred.grad[..., [13, 16], :].any()
    moved = pred.detach().clone()
    moved[..., [13, 16], :] += 5
    torch.testing.assert_close(loss(moved, target, weight), value)


@every_loss
def test_nothing_labelled_is_zero_with_zero_gradient(config):
    pred, target, weight = batch(config, 2, 4)
    loss = LOSSES.build(config)(pred, target * torch.nan, 0 * weight)
    loss.backward()
    assert loss == 0 and not pred.grad.any()


@every_loss
def test_no_nan_where_prediction_is_perfect_straight_or_zero(config):
    _, target, _ = batch(config, 2, 4)
    straight = torch.arange(target.shape[2]).view(-1, *[1] * (target.ndim - 3)).expand_as(target) * 0.3
    for value in (target, straight, torch.zeros_like(target)):
        pred = value.clone().requires_grad_()
        LOSSES.build(config)(pred, target).backward()
        assert pred.grad.isfinite().all()


@every_loss
def test_gradient_by_finite_differences(config):
    if 'fit_scale' in config:
        return  # its gradient is that of a fixed scale: see test_losses_reprojection.py
    pred, target, weight = batch(config, 1, 3, dtype=torch.float64)
    weight.view(-1)[1] = 0.5
    loss = LOSSES.build(config).double()
    assert torch.autograd.gradcheck(lambda p: loss(p, target, weight), pred, fast_mode=True)


@every_loss
def test_a_single_frame_does_not_change(config):
    pred, target, weight = batch(config, 2, 1)
    for given in (None, weight):
        loss = LOSSES.build(config)(pred, target, given)
        loss.backward()
        assert (loss == 0) == (config['type'] in OVER_TIME)
    assert bool(pred.grad.any()) == (config['type'] not in OVER_TIME)


@every_loss
def test_wrong_shapes_are_named(config):
    loss, (pred, target, weight) = LOSSES.build(config), batch(config, 2, 4)
    if config['type'] in WITHOUT_TARGET:
        torch.testing.assert_close(loss(pred, None), loss(pred, target))
        return
    with pytest.raises(InputError, match=r'got pred \(2, 4, .*\), target \(2, 3, '):
        loss(pred, target[:, :3])
    with pytest.raises(InputError, match=r'weight \(2, 3'):
        loss(pred, target, weight[:, :3])


def test_a_plugin_registers_a_loss_of_its_own(monkeypatch):
    def depth(pred, target, weight=None, power=1):
        return mpjpe(pred[..., 2:], target[..., 2:], weight) ** power

    monkeypatch.setattr(LOSSES, '_module_dict', {**LOSSES.module_dict})
    module_of('DepthLoss', depth, 'power')
    loss = LOSSES.build({'type': 'DepthLoss', 'loss_weight': 3.0, 'power': 2})
    target = torch.randn(2, 4, 17, 3)
    assert loss.name == 'depth' and loss(target + 2, target).item() == pytest.approx(12, rel=1e-5)
    with pytest.raises(InputError, match="DepthLoss got the argument 'powers', expected some of loss_weight, power"):
        LOSSES.build({'type': 'DepthLoss', 'powers': 2})
