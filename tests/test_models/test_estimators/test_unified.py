"""MotionBERT's pretraining: what counts in a batch with 3D labels, and in one without."""

import numpy as np
import pytest
import torch
from tiny_parts import randomised

from poselifter.datasets.transforms import Encode, FlipPose, JointMask, PackPose, TargetFrom2D
from poselifter.errors import InputError
from poselifter.models.estimators import UnifiedMotionPretrainer
from poselifter.skeletons import get_skeleton
from poselifter.structures import MotionDataSample

FRAMES = 9
IMAGE = {'type': 'ImageSpaceLifting'}
METRES = {'type': 'RootRelativeLifting', 'skeleton_3d': 'cmu17', 'confidence': True, 'window_box': True}
NARROW = {'num_frames': FRAMES, 'num_joints': 17, 'embed_dims': 16, 'depth': 1, 'num_heads': 2}
LOSSES = [{'type': 'MPJPELoss'}, {'type': 'VelocityLoss', 'loss_weight': 20.0}]
HEAD = {'type': 'PoseHead', 'num_joints': 17}
BACKBONES = {
    'DSTformer': ({**NARROW, 'rep_dims': 12}, None, {'type': 'PoseHead'}),
    'MotionAGFormer': ({**NARROW, 'rep_dims': 12}, None, {'type': 'PoseHead'}),
    'MixSTE': (NARROW, None, {'type': 'PoseHead'}),
    'TemporalConvNet': ({'embed_dims': 8, 'filter_widths': [3, 3]}, None, HEAD),
    'PoseFormer': (
        {'num_frames': FRAMES, 'joint_dims': 4, 'depth': 1, 'num_heads': 2},
        {'type': 'WeightedFrameMean'},
        {**HEAD, 'norm': 'layer'},
    ),
    'STMO': (
        {**NARROW, 'feedforward_dims': 12},
        {'type': 'ManyToOneAggregator', 'feedforward_dims': 12, 'num_heads': 2, 'strides': [3, 3]},
        {**HEAD, 'feature': 'single'},
    ),
}


def tiny(kind='DSTformer', codec=IMAGE, fit_scale=False):
    """A tiny pretrainer with random weights, in eval mode."""
    torch.manual_seed(0)
    backbone, neck, head = BACKBONES[kind]
    model = UnifiedMotionPretrainer(
        backbone={'type': kind, 'in_channels': 6 if codec.get('window_box') else 3, **backbone},
        neck=neck,
        heads={'pose': {**head, 'losses': LOSSES}},
        codec=codec,
        loss_2d={'type': 'ReprojectionLoss', 'fit_scale': fit_scale},
    )
    return randomised(model, 0.2)


def batch(labels):
    """(inputs, samples) of three clips with labels in 3D or in 2D."""
    g = torch.Generator().manual_seed(1)
    inputs = torch.randn(3, FRAMES, 17, 3, generator=g)
    inputs[..., 2] = torch.rand(3, FRAMES, 17, generator=g)
    samples, size = MotionDataSample(), (3, FRAMES, 17)
    if labels == '3d':
        samples.set_data({'target': torch.randn(*size, 3, generator=g), 'target_weight': torch.ones(size)})
    else:
        weight = torch.rand(size, generator=g)
        samples.set_data({'target_2d': torch.randn(*size, 2, generator=g), 'target_2d_weight': weight})
    return inputs, samples


def test_labels_in_3d_count_in_the_heads_losses_only():
    model, (inputs, samples) = tiny(), batch('3d')
    losses = model(inputs, samples, mode='loss')
    error = (model(inputs)['pose'] - samples.target).detach().numpy()
    assert set(losses) == {'loss_mpjpe', 'loss_velocity'}
    assert losses['loss_mpjpe'].item() == pytest.approx(np.sqrt((error**2).sum(-1)).mean(), rel=1e-5)
    speed = np.sqrt((np.diff(error, axis=1) ** 2).sum(-1)).mean()
    assert losses['loss_velocity'].item() == pytest.approx(20 * speed, rel=1e-5)


def test_labels_in_2d_count_in_the_reprojection_only():
    model, (inputs, samples) = tiny(), batch('2d')
    losses = model(inputs, samples, mode='loss')
    assert list(losses) == ['loss_2d']
    error = (model(inputs)['pose'][..., :2] - samples.target_2d).detach().numpy()
    expected = (np.sqrt((error**2).sum(-1)) * samples.target_2d_weight.numpy()).mean()
    assert losses['loss_2d'].item() == pytest.approx(expected, rel=1e-5)


def test_other_units_and_joint_sets_by_hand():
    """Pixels against metres: each frame has its own scale; joints that mean another point do not count."""
    model, (inputs, samples) = tiny(codec=METRES, fit_scale=True), batch('2d')
    loss = model(inputs, samples, mode='loss')['loss_2d']
    pose, target = model(inputs)['pose'][..., :2].detach().numpy(), samples.target_2d.numpy()
    names = get_skeleton('h36m17').joint_names
    same = np.array([name not in ('spine', 'thorax', 'nose', 'head_top') for name in names])
    weight = samples.target_2d_weight.numpy() * same
    total = 0.0
    for p, t, w in zip(*(x.reshape(-1, *x.shape[2:]) for x in (pose, target, weight)), strict=True):
        p, t = p * w[:, None], t * w[:, None]
        scale = max((p * t).sum(), 0.3 * np.linalg.norm(p) * np.linalg.norm(t)) / (p * p).sum()
        total += np.linalg.norm(p - t / scale, axis=-1).sum()
    assert loss.item() == pytest.approx(total / weight.size, rel=1e-4)
    rough = samples.clone()
    rough.target_2d[..., ~torch.from_numpy(same), :] += 5
    assert model(inputs, rough, mode='loss')['loss_2d'].item() == pytest.approx(loss.item(), rel=1e-6)


def pixels(labels_seed):
    """A sample as a data set gives it; its 3D label depends on the seed, its 2D does not."""
    rng = np.random.default_rng(5)
    visible = (rng.random((FRAMES, 17)) > 0.2).astype(np.float32)
    visible[2, 0] = 0  # a frame without a root
    sample = {'keypoints': rng.uniform(100, 900, (FRAMES, 17, 2)), 'keypoints_visible': visible * 0.7}
    label = np.random.default_rng(labels_seed).normal(size=(FRAMES, 17, 3)).astype(np.float32)
    shown = (np.random.default_rng(labels_seed + 1).random((FRAMES, 17)) > 0.5).astype(np.float32)
    sample |= {'lifting_target': label, 'lifting_target_visible': shown, 'img_shape': (900, 1000)}
    return {**sample, 'skeleton': 'h36m17', 'skeleton_3d': 'cmu17', 'random_key': [0, 0, 3, 0]}


def packed(sample, *steps):
    for step in (Encode(METRES), FlipPose(), *steps, JointMask(0.3), PackPose()):
        sample = step(sample)
    return sample


def test_a_label_in_3d_cannot_matter_where_2d_is_the_label():
    one, other = (packed(pixels(seed), TargetFrom2D()) for seed in (1, 2))
    assert set(one['data_samples'].keys()) == {'target_2d', 'target_2d_weight'}
    assert torch.equal(one['inputs'], other['inputs'])
    for key in ('target_2d', 'target_2d_weight'):
        assert torch.equal(one['data_samples'].get(key), other['data_samples'].get(key))
    assert not torch.equal(packed(pixels(1))['data_samples'].target, packed(pixels(2))['data_samples'].target)
    assert not any(torch.is_tensor(v) for v in one['data_samples'].metainfo.values())


def test_the_label_is_what_was_seen_before_the_mask():
    encoded = FlipPose()(Encode(METRES)(pixels(1)))['inputs']
    found = packed(pixels(1), TargetFrom2D())
    labels, hidden = found['data_samples'], (found['inputs'] == 0).all(-1).numpy() & (encoded[..., 2] > 0)
    assert hidden.mean() > 0.15
    expected = encoded[..., :2] - encoded[:, :1, :2]
    np.testing.assert_allclose(labels.target_2d.numpy(), expected, atol=1e-7)
    root_seen = encoded[:, :1, 2] > 0
    np.testing.assert_array_equal(labels.target_2d_weight.numpy(), encoded[..., 2] * root_seen)
    assert not labels.target_2d_weight[2].any() and (labels.target_2d_weight.numpy()[hidden & root_seen] == 0.7).all()


def test_in_the_image_space_both_labels_have_the_same_x_and_y():
    """The paper's space: of true 2D, the label without 3D is that with 3D less its depth."""
    clip = pixels(1)
    camera = {'focal': [1145.0, 1143.0], 'centre': [512.0, 450.0]}
    pose = clip['lifting_target'] * 0.5 + np.float32([0, 0, 4])
    clip |= {'lifting_target': pose, 'camera_param': camera, 'skeleton_3d': 'h36m17'}
    encoded = Encode({**IMAGE, 'gt_2d': True})(clip)
    labelled, filmed = encoded['target'], TargetFrom2D()(encoded)
    np.testing.assert_allclose(filmed['target_2d'], labelled[..., :2], atol=2e-6)
    assert 'target' not in filmed and np.ptp(labelled[..., :2]) > 0.2
    assert (filmed['target_2d_weight'] == 1).all()


def test_2d_that_cannot_be_a_label_is_named():
    clip = {'inputs': np.zeros((FRAMES, 17, 2), np.float32), 'skeleton': 'h36m17'}
    with pytest.raises(InputError, match='got 2 channels of h36m17'):
        TargetFrom2D()(clip)
    with pytest.raises(InputError, match=r'3 channels of coco17, expected .* a root'):
        TargetFrom2D()({'inputs': np.zeros((FRAMES, 17, 3), np.float32), 'skeleton': 'coco17'})
    with pytest.raises(InputError, match=r"heads are .*'class'"):
        UnifiedMotionPretrainer(
            backbone={'type': 'DSTformer', **NARROW}, heads={'class': {'type': 'ActionHead', 'num_classes': 2}}
        )


@pytest.mark.parametrize('kind', BACKBONES)
def test_other_networks_learn_from_both(kind):
    """Table 6 of the paper; many-to-one networks read the labels of the frames that they return."""
    model = tiny(kind).train()
    kept = {'PoseFormer': [4], 'STMO': [4], 'TemporalConvNet': [4]}.get(kind, list(range(FRAMES)))
    for labels, name in (('3d', 'loss_mpjpe'), ('2d', 'loss_2d')):
        inputs, samples = batch(labels)
        model.zero_grad()
        losses = model(inputs, samples, mode='loss')
        sum(losses.values()).backward()
        assert losses[name] > 0
        assert any(p.grad is not None and p.grad.any() for p in model.backbone.parameters())
        only = samples.clone()
        key = 'target' if labels == '3d' else 'target_2d'
        others = [t for t in range(FRAMES) if t not in kept]
        only.get(key)[:, others] = 9
        first = model.eval()(inputs, samples, mode='loss')[name]
        assert torch.equal(first, model(inputs, only, mode='loss')[name])
        only.get(key)[:, kept] = 9
        assert not torch.equal(first, model(inputs, only, mode='loss')[name])
        model.train()
