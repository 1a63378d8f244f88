import math

import numpy as np
import pytest
import torch
from torch import nn
from toy_smpl import made_up_body, toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix, rotation_6d_to_matrix
from poselifter.models.heads import MeshHead
from poselifter.models.losses import (
    bone_angle,
    bone_angle_velocity,
    limb_length,
    limb_length_variance,
    mpjpe,
    smpl_norm,
    smpl_pose,
    smpl_shape,
    velocity,
)
from poselifter.registry import LOSSES
from poselifter.skeletons import flip_smpl_pose
from poselifter.structures import MotionDataSample


@pytest.fixture
def toy():
    pytest.importorskip('smplx', reason='body models need smplx')
    return toy_smpl()


def random_theta(*batch, dtype=torch.float32):
    return torch.randn(*batch, 82, generator=torch.Generator().manual_seed(2), dtype=dtype) * 0.5


def batch(theta, **fields):
    sample = MotionDataSample()
    sample.set_data({'smpl_pose': theta[..., :72], 'smpl_shape': theta[..., 72:], **fields})
    return sample


def test_equals_official(parity):
    pytest.importorskip('smplx', reason='body models need smplx')
    case = parity('motionbert/mesh_regressor')
    body, mean_pose, mean_shape = made_up_body(case.meta['smpl_seed'])
    module = case.official(body_model=body)
    # the body is the official one if the mean drawn after it is
    mesh = module.network.heads['mesh']
    torch.testing.assert_close(mesh.init_pose[0], torch.tensor(mean_pose, dtype=torch.float32))
    torch.testing.assert_close(mesh.init_shape[0], torch.tensor(mean_shape, dtype=torch.float32))

    with torch.no_grad():
        output = module(case.array('input'))
        predicted = mesh.predict(module.network.features(case.array('input'))['features'])
    expected = case.array('output')
    rotations = axis_angle_to_matrix(expected[..., :72].unflatten(-1, (24, 3)))  # near half turns the sign is open
    again = axis_angle_to_matrix(output['output'][..., :72].unflatten(-1, (24, 3)))
    for value in (predicted['rotations'], again):
        torch.testing.assert_close(value, rotations, rtol=0, atol=1e-4)
    torch.testing.assert_close(output['output'][..., 72:], expected[..., 72:], rtol=0, atol=1e-4)
    torch.testing.assert_close(output['kp_3d'], case.array('kp_3d'), rtol=0, atol=0.05)
    torch.testing.assert_close(output['verts'][..., :200, :], case.array('verts_first_200'), rtol=0, atol=0.05)


@pytest.mark.parametrize('name', ['flip_thetas', 'flip_thetas_batch'])
def test_flip_equals_official(parity, name):
    data = parity('motionbert/functions').functions(name)
    assert torch.equal(flip_smpl_pose(data['x']), data['out'])
    assert np.array_equal(flip_smpl_pose(data['x'].numpy()), data['out'].numpy())
    assert torch.equal(flip_smpl_pose(data['out']), data['x'])


@pytest.mark.parametrize('squared', [False, True])
def test_losses_equal_official(parity, squared):
    data = parity('motionbert/functions').functions('mesh_loss_MSE' if squared else 'mesh_loss_L1')
    theta, target, kp, kp_target = (data[k] for k in ('theta', 'theta_gt', 'kp_3d', 'kp_3d_gt'))
    kp, kp_target = (x - x[..., :1, :] for x in (kp, kp_target))
    parts = {
        'loss_3d_pos': mpjpe(kp, kp_target),
        'loss_3d_velocity': velocity(kp, kp_target),
        'loss_pose': smpl_pose(theta, target, squared=squared),
        'loss_shape': smpl_shape(theta, target, squared=squared),
        'loss_norm': smpl_norm(theta),
    }
    for name, value in parts.items():
        torch.testing.assert_close(value, data[name], rtol=2e-6, atol=0, msg=name)
    bones = {'lv': limb_length_variance, 'lg': limb_length, 'a': bone_angle, 'av': bone_angle_velocity}
    for name, function in bones.items():
        found, expected = function(data['kp_3d'], data['kp_3d_gt']), data[f'loss_{name}']
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=0, msg=name)
    total = 0
    for loss in MeshHead(4).losses:
        if squared and loss.name in ('smpl_pose', 'smpl_shape'):
            loss = LOSSES.build({'type': type(loss).__name__, 'loss_weight': loss.loss_weight, 'squared': True})
        total += loss(theta, target) if loss.name.startswith('smpl') else loss(kp, kp_target)
    torch.testing.assert_close(total, data['total'], rtol=2e-6, atol=0)


def test_starts_near_the_mean_body():
    torch.manual_seed(0)
    features = torch.randn(3, 5, 17, 8)
    pose, shape = torch.randn(144), torch.randn(10)
    for head, start in ((MeshHead(8), None), (MeshHead(8, mean_params={'pose': pose, 'shape': shape}), (pose, shape))):
        output = head(features)
        assert set(output) == {'theta', 'rotations', 'betas'}
        assert output['theta'].shape == (3, 5, 82)
        rotations = rotation_6d_to_matrix(pose.view(24, 6)) if start else torch.eye(3).expand(24, 3, 3)
        assert (output['rotations'] - rotations).abs().max() < 0.2
        assert (output['theta'][..., 72:] - (shape if start else 0)).abs().max() < 0.1
        bound = 0.01 * math.sqrt(6 / (1024 + 144))
        assert head.head_pose.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert torch.equal(output['theta'][:, :1, 72:].expand(-1, 5, -1), output['theta'][..., 72:])


def test_mean_params_from_a_file(tmp_path):
    path = tmp_path / 'smpl_mean_params.npz'
    np.savez(path, pose=np.arange(144.0), shape=np.arange(10.0), cam=np.zeros(3))
    head = MeshHead(4, mean_params=path)
    assert torch.equal(head.init_pose, torch.arange(144.0)[None])
    assert torch.equal(head.init_shape, torch.arange(10.0)[None])
    for wrong in (tmp_path / 'no.npz', {'pose': np.zeros(72), 'shape': np.zeros(10)}, {'pose': np.zeros(144)}):
        with pytest.raises(InputError, match=r'mean_params .* cannot be used .*expected smpl_mean_params\.npz'):
            MeshHead(4, mean_params=wrong)


def test_dropout_comes_before_the_first_layer_and_nowhere_else():
    head, zeros = MeshHead(8, dropout=0.5), {}
    for name in ('fc1', 'fc2', 'head_pose', 'head_shape'):
        hook = lambda _, args, name=name: zeros.update({name: (args[0] == 0).float().mean().item()})  # noqa: E731
        getattr(head, name).register_forward_pre_hook(hook)
    for norm in (head.bn1, head.bn2):
        nn.init.constant_(norm.bias, 10)  # the ReLU cuts nothing
    head(torch.rand(4, 6, 17, 8) + 1)
    assert zeros == {name: pytest.approx(rate, abs=0.1) for name, rate in zip(zeros, (0.5, 0, 0.5, 0), strict=True)}


def test_losses_of_the_head(toy):
    torch.manual_seed(0)
    head = MeshHead(8, body_model=toy).eval()
    features, theta = torch.randn(2, 4, 17, 8), random_theta(2, 4)
    pred, target = head(features), head.from_theta(theta)
    kp, kp_target = (x['kp_3d'] - x['kp_3d'][:, :, :1] for x in (pred, target))
    losses = head.loss(features, batch(theta))
    expected = {
        'loss_mpjpe': 0.5 * mpjpe(kp, kp_target),
        'loss_velocity': 10 * velocity(kp, kp_target),
        'loss_smpl_pose': 1000 * smpl_pose(pred['theta'], theta),
        'loss_smpl_shape': smpl_shape(pred['theta'], theta),
        'loss_smpl_norm': 20 * smpl_norm(pred['theta']),
    }
    torch.testing.assert_close(losses, expected)
    unlabelled = theta.clone()
    unlabelled[:, 3] = math.nan
    weight = torch.tensor([1.0, 1, 1, 0]).expand(2, 4)
    losses = head.loss(features, batch(unlabelled, smpl_weight=weight))
    torch.testing.assert_close(losses['loss_mpjpe'], 0.5 * mpjpe(kp[:, :3], kp_target[:, :3]))
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for n, p in head.named_parameters())


def test_bodies_in_full_precision_under_autocast(toy):
    torch.manual_seed(0)
    head, features = MeshHead(8, body_model=toy).eval(), torch.randn(2, 3, 17, 8)
    with torch.autocast('cpu', torch.bfloat16):
        output = head(features)
        losses = head.loss(features, batch(random_theta(2, 3)))
    assert {value.dtype for value in (*output.values(), *losses.values())} == {torch.float32}
    torch.testing.assert_close(output['verts'], head.from_theta(output['theta'])['verts'], rtol=0, atol=1e-2)


def test_without_the_body_model():
    head = MeshHead(8)
    with pytest.raises(InputError, match=r"no body_model, which its losses \['mpjpe', 'velocity'\] need"):
        head.loss(torch.randn(2, 3, 17, 8), batch(random_theta(2, 3)))
    head = MeshHead(8, losses=[{'type': 'SMPLPoseLoss'}, {'type': 'SMPLShapeLoss'}])
    assert set(head.loss(torch.randn(2, 3, 17, 8), batch(random_theta(2, 3)))) == {'loss_smpl_pose', 'loss_smpl_shape'}
