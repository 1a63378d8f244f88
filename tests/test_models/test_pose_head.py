"""The pose head."""

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.heads import PoseHead
from poselifter.models.losses import mpjpe, velocity
from poselifter.structures import MotionDataSample

LOSSES = [{'type': 'MPJPELoss'}, {'type': 'VelocityLoss', 'loss_weight': 20.0}]


def batch(**fields):
    sample = MotionDataSample()
    sample.set_data(fields)
    return sample


@pytest.mark.parametrize('norm', [True, 'layer'])
def test_norm_is_layernorm_with_torchs_epsilon(norm):
    head = PoseHead(8, norm=norm)
    x = torch.randn(2, 3, 4, 8)
    normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(head(x), normed @ head.linear.weight.T + head.linear.bias, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(head.predict(x)['pred_keypoints_3d'], head(x))
    assert set(PoseHead(8).state_dict()) == {'linear.weight', 'linear.bias'}


def test_losses_are_named_and_weighted():
    head = PoseHead(8, losses=LOSSES)
    x, target = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 4, 3)
    weight = (torch.rand(2, 3, 4) > 0.3).float()
    for fields in ({'target': target}, {'target': target, 'target_weight': weight}):
        losses = head.loss(x, batch(**fields))
        w = fields.get('target_weight')
        assert list(losses) == ['loss_mpjpe', 'loss_velocity']
        torch.testing.assert_close(losses['loss_mpjpe'], mpjpe(head(x), target, w))
        torch.testing.assert_close(losses['loss_velocity'], 20 * velocity(head(x), target, w))


def test_initialisation_as_motionbert():
    torch.manual_seed(0)
    head = PoseHead(512, init_std=0.02)
    assert head.linear.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not head.linear.bias.any()


def test_a_frame_token_gives_all_joints_joint_by_joint():
    head = PoseHead(8, num_joints=5)
    x = torch.randn(2, 3, 1, 8)
    poses = head(x)
    assert poses.shape == (2, 3, 5, 3)
    flat = x[:, :, 0] @ head.linear.weight.T + head.linear.bias
    for joint in range(5):
        torch.testing.assert_close(poses[:, :, joint], flat[..., 3 * joint : 3 * joint + 3])
    assert PoseHead(8, out_channels=2, num_joints=5)(x).shape == (2, 3, 5, 2)


def test_unknown_norms_are_named():
    with pytest.raises(InputError, match="norm is 'group'"):
        PoseHead(8, norm='group')
