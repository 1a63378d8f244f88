"""The head that refines another method's bodies: where it starts, what it learns, and mirroring."""

import numpy as np
import pytest
import torch
from toy_smpl import toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.estimators import MotionEstimator
from poselifter.models.heads import MeshRefineHead
from poselifter.skeletons import flip_keypoints, flip_smpl_pose
from poselifter.structures import MotionDataSample

pytest.importorskip('smplx', reason='body models need smplx')


def random_theta(*batch, seed=2, size=0.5):
    return torch.randn(*batch, 82, generator=torch.Generator().manual_seed(seed)) * size


def samples(theta, initial):
    fields = {'smpl_pose': theta[..., :72], 'smpl_shape': theta[..., 72:]}
    sample = MotionDataSample()
    sample.set_data({**fields, 'initial_pose': initial[..., :72], 'initial_shape': initial[..., 72:]})
    return sample


def test_untrained_it_returns_the_initial_estimate():
    head, initial = MeshRefineHead(8, body_model=toy_smpl()), random_theta(2, 3)
    for training in (True, False):
        found = head.train(training)(torch.randn(2, 3, 17, 8), initial)
        expected = head.from_theta(initial)
        torch.testing.assert_close(found['theta'], initial, rtol=0, atol=2e-5)
        torch.testing.assert_close(found['rotations'], expected['rotations'], rtol=0, atol=1e-6)
        torch.testing.assert_close(found['verts'], expected['verts'], rtol=0, atol=5e-3)  # mm
        assert torch.equal(found['betas'], initial[..., 72:])


def test_learns_the_error_of_the_estimate():
    """Its errors follow the features; the loss begins with the estimate's own error, and the shape stays as given."""
    torch.manual_seed(0)
    head = MeshRefineHead(8, hidden_dims=64, dropout=0.0, body_model=toy_smpl())
    theta, features = random_theta(4, 3), torch.randn(4, 3, 17, 8)
    initial = theta.clone()
    initial[..., :72] += 0.3 * torch.tanh(features.flatten(2)[..., :72])
    losses = head.loss(features, samples(theta, initial))
    sum(losses.values()).backward()
    kp, true = (head.from_theta(x)['kp_3d'] for x in (initial, theta))
    own = ((kp - kp[:, :, :1]) - (true - true[:, :, :1])).norm(dim=-1).mean().item()
    assert losses['loss_mpjpe'].item() == pytest.approx(0.5 * own, rel=1e-4)
    assert set(losses) == {'loss_mpjpe', 'loss_velocity', 'loss_smpl_pose', 'loss_smpl_norm'}
    assert all(p.grad is not None for p in head.parameters())


def test_sequences_windows_and_mirrors():
    """Of an untrained model every frame of a sequence comes out as given, also averaged with its mirror."""
    arrays = toy_smpl()
    arrays['shapedirs'], arrays['posedirs'] = arrays['shapedirs'] * 0, arrays['posedirs'] * 0
    arrays['weights'] = np.repeat(np.eye(24), 8, axis=0)  # a symmetric body
    codec = {'type': 'RootRelativeLifting', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17', 'confidence': True}
    backbone = {'type': 'DSTformer', 'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_heads': 2, 'num_frames': 5}
    head = {'type': 'MeshRefineHead', 'hidden_dims': 8, 'body_model': arrays}
    model = MotionEstimator(backbone, {'mesh': head}, codec, test_cfg={'batch_size': 2}).eval()
    theta, clip = random_theta(13, size=0.3), torch.rand(13, 17, 3)
    theta[:, 0] = np.pi - 0.1 + torch.arange(13) * 0.02  # as cameras see people: near half a turn, where angles wrap
    with torch.no_grad():
        [found] = model.predict([clip], [samples(theta, theta)])
        turns = axis_angle_to_matrix(found.pred_smpl_pose.view(13, 24, 3))
        torch.testing.assert_close(turns, axis_angle_to_matrix(theta[:, :72].view(13, 24, 3)), rtol=0, atol=1e-4)
        torch.testing.assert_close(found.pred_smpl_shape, theta[:, 72:])
        torch.testing.assert_close(found.pred_vertices, found.vertices, rtol=0, atol=1e-5)
        # trained or not, the mirrored clip with the mirrored estimate gives the mirrored body
        torch.nn.init.normal_(model.heads['mesh'].head_pose.weight, std=0.1)
        mirrored = torch.cat([flip_smpl_pose(theta[:, :72]), theta[:, 72:]], -1)
        [one] = model.predict([clip], [samples(theta, theta)])
        [other] = model.predict([flip_keypoints(clip, 'h36m17')], [samples(mirrored, mirrored)])
    expected = flip_keypoints(one.pred_keypoints_3d, 'h36m17')
    torch.testing.assert_close(other.pred_keypoints_3d, expected, rtol=0, atol=1e-4)
    assert (one.pred_vertices - found.pred_vertices).abs().max() > 0.01


def test_without_an_estimate():
    head = MeshRefineHead(8)
    with pytest.raises(InputError, match=r'initial_pose.*set estimates=\.\.\. of MeshDataset'):
        head.loss(torch.randn(2, 3, 17, 8), MotionDataSample())
    assert head(torch.randn(2, 3, 17, 8))['theta'].abs().max() == 0
