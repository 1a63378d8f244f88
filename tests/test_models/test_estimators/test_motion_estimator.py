"""The estimator: losses of many heads, windows and mirroring; the baselines against closed forms."""

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.estimators import LinearRegression, MeanPose, MotionEstimator
from poselifter.models.estimators.window_features import WindowFeatures
from poselifter.skeletons import flip_keypoints
from poselifter.structures import MotionDataSample

CODEC = dict(type='RootRelativeLifting', confidence=True)


def estimator(**changes):
    torch.manual_seed(0)
    backbone = dict(type='MixSTE', num_frames=9, in_channels=3, embed_dims=16, depth=2, num_heads=2)
    settings = dict(backbone=backbone, heads=dict(pose=dict(type='PoseHead', in_channels=16)), codec=CODEC)
    return MotionEstimator(**{**settings, **changes}).eval()


def test_sequences_of_any_length_together_or_alone():
    model = estimator(test_cfg=dict(window=dict(length=9, stride=4), batch_size=5))
    sequences = [torch.rand(n, 17, 3) for n in (1, 8, 30, 9)]
    together = model.lift(sequences)
    for sequence, pose in zip(sequences, together, strict=True):
        assert pose.shape == (len(sequence), 17, 3)
        torch.testing.assert_close(model.lift([sequence])[0], pose, atol=1e-5, rtol=1e-4)


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


PSTMO = dict(
    backbone=dict(type='STMO', num_frames=9, embed_dims=16, depth=1, feedforward_dims=12, num_heads=2),
    neck=dict(type='ManyToOneAggregator', feedforward_dims=12, num_heads=2),
    heads=dict(
        pose=dict(type='PoseHead', num_joints=17, norm='batch', feature='single'),
        sequence=dict(type='PoseHead', num_joints=17, norm='batch', feature='sequence'),
    ),
    codec=dict(type='RootRelativeLifting'),
)
CONVOLUTIONS = dict(
    backbone=dict(type='TemporalConvNet', embed_dims=8, filter_widths=[3, 3]),
    heads=dict(pose=dict(type='PoseHead', num_joints=17)),
    codec=dict(type='RootRelativeLifting'),
)
PLAIN = dict(flip_test=False)


def by_hand(model, sequence, before, after, step=1):
    """The pose of each frame from a window of its own, edges repeated."""
    poses = []
    for t in range(len(sequence)):
        slots = torch.arange(t - before * step, t + after * step + 1, step).clamp(0, len(sequence) - 1)
        poses.append(model(sequence[slots][None])['pose'][0, 0].clone())
    poses = torch.stack(poses)
    poses[:, 0] = 0
    return poses


def test_heads_of_all_frames_and_of_the_centre_have_their_own_targets():
    model = estimator(**PSTMO)
    clips, target = torch.rand(3, 9, 17, 2), torch.rand(3, 9, 17, 3)
    weight = (torch.rand(3, 9, 17) > 0.3).float()
    output = model(clips)
    assert output['pose'].shape == (3, 1, 17, 3)
    for fields in (dict(target=target), dict(target=target, target_weight=weight)):
        sample = MotionDataSample(**fields)
        losses = model(clips, sample, mode='loss')
        kept = fields.get('target_weight', torch.ones(3, 9, 17))
        for head, frames in (('pose', slice(4, 5)), ('sequence', slice(0, 9))):
            distance = (output[head] - target[:, frames]).norm(dim=-1)[kept[:, frames] > 0]
            torch.testing.assert_close(losses[f'{head}.loss_mpjpe'], distance.mean())
        assert set(losses) == {'pose.loss_mpjpe', 'sequence.loss_mpjpe'}
        assert torch.equal(sample.target, target)  # the batch keeps all frames


@pytest.mark.parametrize('frames', [1, 4, 9, 23])
def test_many_to_one_gives_a_pose_for_every_frame(frames):
    model = estimator(**PSTMO, test_cfg=PLAIN)
    window = model.window
    assert (window.length, window.outputs, window.stride, window.lead) == (9, 1, 1, 4)
    sequence = torch.rand(frames, 17, 2)
    torch.testing.assert_close(model.lift([sequence])[0], by_hand(model, sequence, 4, 4))
    [sample] = model([sequence], [MotionDataSample()], mode='predict')
    assert sample.pred_keypoints_3d.shape == (frames, 17, 3)


def test_windows_may_be_thinned():
    # P-STMO's temporal downsampling: neighbours two frames apart, every frame a centre
    model = estimator(**PSTMO, test_cfg=dict(flip_test=False, window=dict(dilation=2)))
    sequence = torch.rand(15, 17, 2)
    torch.testing.assert_close(model.lift([sequence])[0], by_hand(model, sequence, 4, 4, step=2))


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('length', [9, 14])
def test_convolutions_give_a_pose_for_every_frame(causal, length):
    backbone = dict(CONVOLUTIONS['backbone'], causal=causal)
    test_cfg = dict(flip_test=False, window=dict(length=length))
    model = estimator(**{**CONVOLUTIONS, 'backbone': backbone}, test_cfg=test_cfg)
    before, after = (8, 0) if causal else (4, 4)
    assert (model.window.outputs, model.window.lead) == (length - 8, before)
    sequence = torch.rand(20, 17, 2)
    expected = by_hand(model, sequence, before, after)
    torch.testing.assert_close(model.lift([sequence])[0], expected)
    # the padded network sees whole sequences
    padded = estimator(**{**CONVOLUTIONS, 'backbone': dict(backbone, pad=True, num_frames=20)}, test_cfg=PLAIN)
    assert (padded.window.length, padded.window.outputs, padded.window.lead) == (20, 20, 0)
    torch.testing.assert_close(padded.lift([sequence])[0], expected)


def test_convolutions_train_on_the_frames_that_they_return():
    for causal, frames in ((False, slice(4, 8)), (True, slice(8, 12))):
        model = estimator(**{**CONVOLUTIONS, 'backbone': dict(CONVOLUTIONS['backbone'], causal=causal)})
        clips, target = torch.rand(2, 12, 17, 2), torch.rand(2, 12, 17, 3)
        losses = model(clips, MotionDataSample(target=target), mode='loss')
        expected = (model(clips)['pose'] - target[:, frames]).norm(dim=-1).mean()
        torch.testing.assert_close(losses['loss_mpjpe'], expected)


def test_a_neck_without_names_is_the_only_feature():
    backbone = dict(type='PoseFormer', num_frames=9, joint_dims=4, depth=1, num_heads=2)
    heads = dict(pose=dict(type='PoseHead', num_joints=17, norm='layer'))
    model = estimator(backbone=backbone, neck=dict(type='WeightedFrameMean'), heads=heads, codec=PSTMO['codec'])
    clips, target = torch.rand(2, 9, 17, 2), torch.rand(2, 9, 17, 3)
    loss = model(clips, MotionDataSample(target=target), mode='loss')['loss_mpjpe']
    torch.testing.assert_close(loss, (model(clips)['pose'] - target[:, 4:5]).norm(dim=-1).mean())
    assert (model.window.outputs, model.window.lead) == (1, 4)
    assert model.heads['pose'].linear.in_features == model.neck.embed_dims == 17 * 4


@pytest.mark.parametrize(('settings', 'outputs', 'message'), [
    (PSTMO, 9, 'the window has 9 outputs, the model returns 1 of 9 frames'),
    (CONVOLUTIONS, 3, 'the window has 3 outputs, the model returns 1 of 9 frames'),
])  # fmt: skip
def test_wrong_window_outputs_are_named(settings, outputs, message):
    with pytest.raises(InputError, match=message):
        estimator(**settings, test_cfg=dict(window=dict(outputs=outputs, lead=0)))


def test_flip_test_of_a_centre_frame():
    model = estimator(**PSTMO)
    sequence = torch.rand(12, 17, 2)
    mirrored = flip_keypoints(by_hand(model, flip_keypoints(sequence, 'h36m17'), 4, 4), 'h36m17')
    expected = (by_hand(model, sequence, 4, 4) + mirrored) / 2
    torch.testing.assert_close(model.lift([sequence])[0], expected, atol=1e-6, rtol=1e-5)


POSEFORMER = dict(
    backbone=dict(type='PoseFormer', num_frames=9, joint_dims=8, depth=1, num_heads=2),
    neck=dict(type='WeightedFrameMean'),
    heads=dict(pose=dict(type='PoseHead', num_joints=17)),
)


@pytest.mark.parametrize('parts', [PSTMO, CONVOLUTIONS, POSEFORMER], ids=['pstmo', 'convolutions', 'poseformer'])
def test_windows_share_what_frames_give_alone(parts, monkeypatch):
    codec = dict(type='RootRelativeLifting')
    model = estimator(**{**parts, 'codec': codec}, test_cfg=dict(batch_size=7))
    sequences = [torch.rand(n, 17, 2) for n in (1, 23, 5)]
    shared = model.lift(sequences)
    frames = []
    name = 'encode' if model.backbone.slides else 'embed_frames'
    one = getattr(model.backbone, name)
    count = lambda x, *rest: frames.append(x.shape[0] * x.shape[1]) or one(x, *rest)  # noqa: E731
    monkeypatch.setattr(model.backbone, name, count)
    model.lift(sequences[1:2])
    slid = 4 * 8 if model.backbone.slides else 0  # the edges of four batches
    assert 23 * 2 <= sum(frames) <= 2 * (23 + slid)  # 2 x 23 x 9 of windows for themselves
    alone = lambda self, rows: self.whole(torch.cat([source[rows] for source in self.sources]))  # noqa: E731
    monkeypatch.setattr(WindowFeatures, '__call__', alone)
    for one, other in zip(shared, model.lift(sequences), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
