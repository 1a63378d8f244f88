"""The estimator: losses of many heads, windows and mirroring; the baselines against closed forms."""

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.estimators import LinearRegression, MeanPose, MotionEstimator
from poselifter.skeletons import flip_keypoints
from poselifter.structures import MotionDataSample

CODEC = dict(type='RootRelativeLifting', confidence=True)


def estimator(**changes):
    torch.manual_seed(0)
    backbone = dict(type='MixSTE', num_frames=9, in_channels=3, embed_dims=16, depth=2, num_heads=2)
    settings = dict(backbone=backbone, heads=dict(pose=dict(type='PoseHead', in_channels=16)), codec=CODEC)
    return MotionEstimator(**{**settings, **changes}).eval()


def test_modes(rng):
    model = estimator()
    clips = torch.rand(2, 9, 17, 3)
    sample = MotionDataSample(target=torch.rand(2, 9, 17, 3))
    output = model(clips)['pose']
    losses = model(clips, sample, mode='loss')
    torch.testing.assert_close(losses['loss_mpjpe'], (output - sample.target).norm(dim=-1).mean())
    [predicted] = model([clips[0]], [MotionDataSample()], mode='predict')
    assert predicted.pred_keypoints_3d.shape == (9, 17, 3)


def test_one_window_is_the_network_itself():
    model = estimator(test_cfg=dict(flip_test=False))
    clip = torch.rand(9, 17, 3)
    expected = model(clip[None])['pose'][0].clone()
    expected[:, 0] = 0
    torch.testing.assert_close(model.lift([clip])[0], expected)


def test_flip_test_is_the_mean_with_the_mirrored_pass():
    model = estimator()
    clip = torch.rand(9, 17, 3)
    plain, mirrored = model(clip[None])['pose'][0], model(flip_keypoints(clip, 'h36m17')[None])['pose'][0]
    expected = (plain + flip_keypoints(mirrored, 'h36m17')) / 2
    expected[:, 0] = 0
    torch.testing.assert_close(model.lift([clip])[0], expected, atol=1e-6, rtol=1e-5)


def test_sequences_of_any_length_together_or_alone():
    model = estimator(test_cfg=dict(window=dict(length=9, stride=4), batch_size=5))
    sequences = [torch.rand(n, 17, 3) for n in (1, 8, 30, 9)]
    together = model.lift(sequences)
    for sequence, pose in zip(sequences, together, strict=True):
        assert pose.shape == (len(sequence), 17, 3)
        torch.testing.assert_close(model.lift([sequence])[0], pose, atol=1e-5, rtol=1e-4)


def test_several_heads_have_their_names_on_their_losses():
    heads = dict(pose=dict(type='PoseHead', in_channels=16), other=dict(type='PoseHead', in_channels=16))
    model = estimator(heads=heads)
    losses = model(torch.rand(2, 9, 17, 3), MotionDataSample(target=torch.rand(2, 9, 17, 3)), mode='loss')
    assert set(losses) == {'pose.loss_mpjpe', 'other.loss_mpjpe'}


def test_wrong_joints_are_refused():
    with pytest.raises(InputError, match=r'\(T, 17, C\) of h36m17, one has shape \(9, 16, 3\)'):
        estimator().lift([torch.rand(9, 16, 3)])


def batches(linear, n=3):
    """Training batches whose target is a linear map of the frame's input."""
    torch.manual_seed(1)
    made = []
    for _ in range(n):
        inputs = torch.rand(8, 9, 17, 3)
        target = (inputs.flatten(2) @ linear).unflatten(-1, (17, 3)) + 0.5
        made.append({'inputs': inputs, 'data_samples': MotionDataSample(target=target)})
    return made


def test_mean_pose_is_the_mean():
    data = batches(torch.rand(51, 51))
    model = MeanPose(CODEC)
    model.fit(data)
    mean = torch.cat([batch['data_samples'].target for batch in data]).mean((0, 1))
    torch.testing.assert_close(model.pose(torch.rand(2, 9, 17, 3))[1, 4], mean, atol=1e-4, rtol=1e-4)


def test_linear_regression_finds_a_linear_map():
    linear = torch.rand(51, 51) / 51
    model = LinearRegression(CODEC)
    model.fit(batches(linear, n=20))
    inputs = torch.rand(1, 9, 17, 3)
    expected = (inputs.flatten(2) @ linear).unflatten(-1, (17, 3)) + 0.5
    np.testing.assert_allclose(model.pose(inputs).numpy(), expected.numpy(), atol=1e-3)
