"""One training step of every system against the original's: losses, gradients, buffers, weights after the step."""

import pytest
import torch

from poselifter.geometry import Camera, project
from poselifter.models.losses import (
    bone_angle,
    bone_angle_velocity,
    bone_length_consistency,
    limb_length,
    limb_length_variance,
    mpjpe,
    n_mpjpe,
    temporal_consistency,
    velocity,
    weighted_mpjpe,
)
from poselifter.skeletons import get_skeleton

from .conftest import official_layout

MIXSTE = torch.tensor(get_skeleton('h36m17').joint_weights['mixste'])


def step(case, module, loss, optimizer, gradient=1e-4, floor=0.0, weights=1e-5, least=0.0, upstream=None):
    """Backward, one optimiser step, and every array of the case that states what they leave.

    Args:
        case: the parity case.
        module: from ``load_official``.
        loss: 0-dim tensor.
        optimizer: the original's.
        gradient: tolerance of gradients, a share of the array's largest entry.
        floor: added to it.
        weights: absolute tolerance of weights and buffers.
        least: weights whose gradient is smaller are not compared.
        upstream: the gradient of the loss; 1 if ``None``.
    """
    loss.backward(upstream)
    parameters = dict(module.network.named_parameters())
    grads = official_layout(module, {k: p.grad for k, p in parameters.items() if p.grad is not None})
    for name, expected in case.arrays('grad__').items():
        near = floor + gradient * expected.abs().max().item()
        torch.testing.assert_close(grads[name], expected, rtol=0, atol=near, msg=name)
    buffers = official_layout(module, dict(module.network.named_buffers()))
    for name, expected in case.arrays('after_forward__').items():
        torch.testing.assert_close(buffers[name], expected, rtol=0, atol=weights, msg=name)
    optimizer.step()
    after = official_layout(module, {k: p.detach() for k, p in parameters.items()})
    for name, expected in case.arrays('after_step__').items():
        if name in buffers:
            torch.testing.assert_close(buffers[name], expected, rtol=0, atol=weights, msg=name)
        else:
            moved = grads[name].abs() > least
            torch.testing.assert_close(after[name][moved], expected[moved], rtol=0, atol=weights, msg=name)
    return grads


def without_gradient(module):
    """Original names of the parameters that get none."""
    parameters = module.network.named_parameters()
    return set(official_layout(module, {k: p.detach() for k, p in parameters if p.grad is None}))


def trained(case, **more):
    """(module in train mode, target with its root at zero, output)."""
    module = case.official(**more).train()
    target = case.array('target').clone()
    target[..., 0, :] = 0
    return module, target, module(case.array('input'))


def test_mixste(parity):
    case = parity('mixste/train_step')
    module, target, output = trained(case)
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=1e-5)
    parts = {
        'weighted_mpjpe': weighted_mpjpe(output, target, MIXSTE),
        'temporal_consistency': temporal_consistency(output, joint_weights=MIXSTE),
        'velocity': velocity(output, target),
    }
    for name, value in parts.items():
        assert value.item() == pytest.approx(case.meta['losses'][name], rel=1e-5)
    loss = parts['weighted_mpjpe'] + 0.5 * parts['temporal_consistency'] + 2 * parts['velocity']
    assert loss.item() == pytest.approx(case.meta['losses']['total'], rel=1e-5)
    optimizer = torch.optim.AdamW(module.parameters(), lr=4e-4, weight_decay=0.1)
    # softmax does not see a shift of all keys: their bias has rounding noise for a gradient, and AdamW's first step
    # is the sign of it
    noise = 1e-5 * case.meta['grad_norm_scaled']
    # the original loop's way: the gradient is multiplied by the loss
    grads = step(case, module, loss, optimizer, least=noise, upstream=loss.detach())
    for name, expected in case.arrays('true_grad__').items():
        near = 1e-4 * expected.abs().max().item()
        torch.testing.assert_close(grads[name] / loss.detach(), expected, rtol=0, atol=near, msg=name)


TERMS = (mpjpe, n_mpjpe, velocity, limb_length_variance, limb_length, bone_angle, bone_angle_velocity)


@pytest.mark.parametrize(('name', 'terms', 'total', 'lr', 'near'), [
    ('motionbert/dstformer_train_step', 'loss_3d_pos loss_3d_scale loss_3d_velocity loss_lv loss_lg loss_a loss_av',
     'loss_total', 2e-4, {}),
    ('motionagformer/train_step', 'mpjpe n_mpjpe velocity limb_var limb_gt angle angle_velocity',
     'total', 5e-4, {'weights': 1e-6, 'least': 1e-6}),
])  # fmt: skip
def test_motionbert_and_motionagformer(parity, name, terms, total, lr, near):
    case = parity(name)
    module, _, output = trained(case)
    target = case.array('target')
    target = target - target[:, :, :1]
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=2e-5 if 'agformer' in name else 5e-6)
    parts = [function(output, target) for function in TERMS]
    for term, value in zip(terms.split(), parts, strict=True):
        assert value.item() == pytest.approx(case.meta['losses'][term], rel=1e-5), term
    loss = parts[0] + 0.5 * parts[1] + 20 * parts[2]
    assert loss.item() == pytest.approx(case.meta[total], rel=1e-5)
    grads = step(case, module, loss, torch.optim.AdamW(module.parameters(), lr=lr, weight_decay=0.01), **near)
    for key, norm in case.meta.get('gradient_norms', {}).items():
        assert grads[key].norm().item() == pytest.approx(norm, rel=1e-3, abs=1e-4), key
    if 'grad_norm_total' in case.meta:
        norm = torch.stack([g.norm() for g in grads.values()]).norm()
        assert norm.item() == pytest.approx(case.meta['grad_norm_total'], rel=1e-4)


def test_poseformer(parity):
    case = parity('poseformer/train_step')
    module, target, output = trained(case)
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=1e-5)
    loss = mpjpe(output, target)
    assert loss.item() == pytest.approx(case.meta['losses']['mpjpe'], rel=1e-5)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.1)
    grads = step(case, module, loss, optimizer)
    norm = torch.stack([g.norm() for g in grads.values()]).norm()
    assert norm.item() == pytest.approx(case.meta['grad_norm'], rel=1e-4)


def without_dropout(module):
    """The module with every dropout off but batch norms in train mode."""
    for layer in module.train().modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.eval()
        if hasattr(layer, 'attn_drop'):
            layer.attn_drop = 0.0
    return module


ADAM = {'floor': 1e-5, 'least': 1e-4}


def test_pstmo_stage_2(parity):
    case = parity('pstmo/stage2_train_step')
    module = without_dropout(case.official())
    target = case.array('target')
    target[:, :, 0] = 0
    output = module(case.array('input'))
    losses = {'loss_seq': mpjpe(output['output_seq'], target), 'loss_single': mpjpe(output['output'], target[:, 4:5])}
    for name in ('output', 'output_seq'):
        torch.testing.assert_close(output[name], case.array(name), rtol=0, atol=3e-5)
    for name, value in losses.items():
        torch.testing.assert_close(value, case.array(name), rtol=1e-5, atol=0)
    optimizer = torch.optim.Adam(module.parameters(), lr=7e-4, amsgrad=True)
    step(case, module, sum(losses.values()), optimizer, **ADAM)
    assert set(case.meta['parameters_without_gradient']) <= without_gradient(module)


def test_pstmo_stage_1(parity):
    case = parity('pstmo/stage1_train_step')
    module = without_dropout(case.official())
    x, mask = case.array('input'), case.array('mask')
    output = module(x, mask=mask, spatial_mask=case.array('spatial_mask'))
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=3e-5)
    loss = mpjpe(output, torch.cat([x[:, ~mask], x[:, mask]], 1))
    torch.testing.assert_close(loss, case.array('loss'), rtol=1e-5, atol=0)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, amsgrad=True)
    step(case, module, loss, optimizer, **ADAM)
    assert set(case.meta['parameters_without_gradient']) <= without_gradient(module)


def strided(module):
    """The same network in the form that VideoPose3D trains: convolutions stride where they else dilate."""
    assert not module.network.backbone.strided
    module.network.backbone.strided = True
    return module


def test_videopose3d(parity):
    case = parity('videopose3d/train_step_27')
    module = strided(case.official()).train()
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.momentum = case.meta['bn_momentum']
    target = case.array('target')
    target[:, :, 0] = 0
    output = module(case.array('input'))
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=2e-5)
    loss = mpjpe(output, target)
    torch.testing.assert_close(loss, case.array('loss'), rtol=1e-5, atol=0)
    step(case, module, loss, torch.optim.Adam(module.parameters(), lr=1e-3, amsgrad=True), **ADAM)


def test_videopose3d_semi_supervised(parity):
    case = parity('videopose3d/semi_supervised_step')
    pose, trajectory = (
        strided(case.official(task=task, num_joints_out=out)).train() for task, out in (('pose', 17), ('trajectory', 1))
    )
    labelled = len(case.array('input'))
    x = torch.cat([case.array('input'), case.array('input_unlabelled')])
    poses, roots = pose(x), trajectory(x)
    torch.testing.assert_close(poses, case.array('output'), rtol=0, atol=2e-5)
    torch.testing.assert_close(roots, case.array('output_trajectory'), rtol=0, atol=2e-5)

    target = case.array('target').clone()
    root = target[:, :, :1].clone()
    target[:, :, 0] = 0
    numbers = case.array('camera_unlabelled')
    camera = Camera(focal=numbers[:, :2], centre=numbers[:, 2:4], radial=numbers[:, 4:7], tangential=numbers[:, 7:])
    drawn = project(poses[labelled:] + roots[labelled:], camera)
    torch.testing.assert_close(drawn, case.array('projection'), rtol=0, atol=2e-5)
    losses = {
        'loss_pose': mpjpe(poses[:labelled], target),
        'loss_trajectory': weighted_mpjpe(roots[:labelled], root, 1 / root[..., 2]),
        'loss_projection': mpjpe(drawn, case.array('input_unlabelled')[:, 13:14]),
        'loss_bone': bone_length_consistency(poses[:labelled], poses[labelled:]),
    }
    for name, value in losses.items():
        torch.testing.assert_close(value, case.array(name), rtol=1e-5, atol=0, msg=name)
    loss = sum(losses.values())
    torch.testing.assert_close(loss, case.array('loss'), rtol=1e-5, atol=0)
    loss.backward()
    for module, start in ((pose, 'grad_pos__'), (trajectory, 'grad_traj__')):
        grads = official_layout(module, {k: p.grad for k, p in module.network.named_parameters()})
        for name, expected in case.arrays(start).items():
            near = 1e-5 + 1e-4 * expected.abs().max().item()
            torch.testing.assert_close(grads[name], expected, rtol=0, atol=near, msg=name)
