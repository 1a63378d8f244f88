"""No pretrainer's encoder may see what is hidden from it: in eval mode, only visible inputs have an influence."""

import numpy as np
import pytest
import torch
from tiny_parts import randomised

from poselifter.datasets import stack_clips
from poselifter.datasets.transforms import (
    BodyPartMask,
    Encode,
    FittedNoise,
    FlipPose,
    FrameMask,
    FrameRemoval,
    JointMask,
    JointReplacement,
    MaskMixture,
    PackPose,
    SpanMask,
    TimeWindowMask,
)
from poselifter.models.estimators import ContextPretrainer, MaskedPosePretrainer, TextMotionPretrainer
from poselifter.models.estimators.unified import UnifiedMotionPretrainer
from poselifter.skeletons import get_skeleton

FRAMES = 9
SIZE = {'num_frames': FRAMES, 'num_joints': 17, 'embed_dims': 16, 'depth': 2, 'num_heads': 2}
BACKBONES = {
    'STMO': {'feedforward_dims': 12},
    'DSTformer': {'rep_dims': 12},
    'ActionPose': {'rep_dims': 12, 'align_layer': 1},
    'MotionAGFormer': {'rep_dims': 12, 'layer_scale': 0.5, 'temporal_graph': 'similarity'},
    'MixSTE': {},
}
CODECS = {
    'plain': {'type': 'RootRelativeLifting', 'confidence': True},
    'box': {'type': 'RootRelativeLifting', 'confidence': True, 'window_box': True},
    'image': {'type': 'ImageSpaceLifting'},
}
TEXT = {'text_encoder': {'type': 'HashedTextEncoder', 'embed_dims': 8}}
JOINTS = [FrameRemoval(0.5), JointReplacement(3)]


def build(kind, network, codec, **changes):
    """A pretrainer with random weights and statistics, in eval mode."""
    torch.manual_seed(0)
    own = {'type': network, 'in_channels': 6 if codec == 'box' else 3, **SIZE, **BACKBONES[network]}
    heads = {'heads': {'pose': {'type': 'PoseHead', **({'num_joints': 17} if network == 'STMO' else {})}}}
    more = {
        UnifiedMotionPretrainer: heads,
        TextMotionPretrainer: {**heads, **TEXT},
        MaskedPosePretrainer: {'head': {'type': 'MaskedPoseHead', 'depth': 1, 'feedforward_dims': 12, 'num_heads': 2}},
        ContextPretrainer: {'top_layers': 2},
    }[kind]
    model = kind(backbone=own, codec=CODECS[codec], **more, **changes)
    return randomised(model, 0.2)


def pixels(count=2):
    """Samples as a data set gives them, all joints seen."""
    rng = np.random.default_rng(3)
    common = {'skeleton': 'h36m17', 'img_shape': (1000, 1000)}
    return [
        {
            'keypoints': rng.uniform(100, 900, (FRAMES, 17, 2)).astype(np.float32),
            'keypoints_visible': rng.uniform(0.3, 1, (FRAMES, 17)).astype(np.float32),
            'random_key': [0, 0, i, 0],
            **common,
        }
        for i in range(count)
    ]


def run_pipeline(steps, codec, samples):
    """The batch that a loader gives."""
    found = []
    for sample in samples:
        sample = {**sample, 'random_key': [*sample['random_key']]}
        for step in (Encode(CODECS[codec]), *steps, PackPose()):
            sample = step(sample)
        found.append(sample)
    return stack_clips(found)


def disturb(samples, places):
    """Samples with keypoints and scores that are quite different at places (B, T, J)."""
    changed = []
    for sample, where in zip(samples, places, strict=True):
        keypoints = np.where(where[..., None], 5000 - 3 * sample['keypoints'], sample['keypoints'])
        scores = np.where(where, 1 - 0.5 * sample['keypoints_visible'], sample['keypoints_visible'])
        scores = np.where(where & (np.arange(17) % 3 == 0), 0, scores)  # even not being there
        changed.append({**sample, 'keypoints': keypoints.astype(np.float32), 'keypoints_visible': np.float32(scores)})
    return changed


def encoded(model, batch):
    """What the encoder returns on a batch, whatever the pretrainer does around it; and the targets of a teacher."""
    outputs, inner = [], model.backbone.encode

    def encode(*args, **kwargs):
        found = inner(*args, **kwargs)
        outputs.append(found[0] if isinstance(found, tuple) else found)
        return found

    model.backbone.encode = encode
    torch.manual_seed(1)
    with torch.no_grad():
        if isinstance(model, ContextPretrainer):
            model(batch['inputs'], batch['data_samples'], mode='loss')
        elif isinstance(model, TextMotionPretrainer):
            outputs.append(model.extract_feat(batch['inputs'])['clip_token'])
        else:
            outputs += [x for x in (model(batch['inputs'], batch['data_samples']),) if torch.is_tensor(x)]
    del model.backbone.encode
    return outputs


def check(model, steps, codec, hidden, flip=False):
    """Disturbs what is hidden, then one visible joint.

    ``steps`` are the pipeline between ``Encode`` and ``PackPose``, which mirrors clips with ``flip``; ``hidden`` gives
    (B, T, J) bool of what the encoder must not see of a batch.
    """
    samples = pixels()
    before = run_pipeline(steps, codec, samples)
    places = np.asarray(hidden(before))
    assert 0 < places.mean() < 1 and not (places[0] == places[1]).all()
    order = get_skeleton('h36m17').flip_indices if flip else slice(None)
    known = encoded(model, before)
    changed = disturb(samples, places[:, :, order])
    for one, other in zip(known, encoded(model, run_pipeline(steps, codec, changed)), strict=True):
        assert torch.equal(one, other)
    for clip in range(2):
        visible = np.zeros_like(places)
        visible[clip].flat[np.flatnonzero(~places[clip])[0]] = True
        changed = disturb(samples, visible[:, :, order])
        found = encoded(model, run_pipeline(steps, codec, changed))
        assert not any(torch.allclose(one, other, rtol=1e-3) for one, other in zip(known, found, strict=True))


@pytest.mark.parametrize('codec', CODECS)
@pytest.mark.parametrize('network', ['DSTformer', 'STMO', 'MotionAGFormer', 'MixSTE'])
def test_zeros_of_the_pipeline_with_motionbert(network, codec):
    steps = [FlipPose(1), FittedNoise(), JointMask(0.2), FrameMask(0.3)]
    model = build(UnifiedMotionPretrainer, network, codec)
    check(model, steps, codec, lambda batch: (batch['inputs'] == 0).all(-1), flip=True)


@pytest.mark.parametrize('codec', CODECS)
@pytest.mark.parametrize('mask', [BodyPartMask(), TimeWindowMask((80, 160)), MaskMixture(probs=(1, 0, 0))])
def test_zeros_of_the_pipeline_with_actionpose(mask, codec):
    """Neither the features nor the class token."""
    model = build(TextMotionPretrainer, 'ActionPose', codec)
    check(model, [FittedNoise(), mask], codec, lambda batch: (batch['inputs'] == 0).all(-1))


@pytest.mark.parametrize('codec', ['plain', 'box'])
def test_removed_frames_and_replaced_joints_of_pstmo(codec):
    model = build(MaskedPosePretrainer, 'STMO', codec)
    check(model, JOINTS, codec, lambda batch: batch['data_samples'].mask)


@pytest.mark.parametrize('codec', ['plain', 'box'])
def test_shared_masks_hide_what_the_first_clip_hides(codec):
    model = build(MaskedPosePretrainer, 'STMO', codec, share_mask=True)
    samples = pixels()
    before = run_pipeline(JOINTS, codec, samples)
    first, second = before['data_samples'].mask.numpy()
    assert not (first == second).all()
    known = encoded(model, before)
    changed = encoded(model, run_pipeline(JOINTS, codec, disturb(samples, [first, first])))
    assert all(torch.equal(one, other) for one, other in zip(known, changed, strict=True))
    own = encoded(model, run_pipeline(JOINTS, codec, disturb(samples, [first, second])))
    for one, other in zip(known, own, strict=True):
        assert torch.equal(one[0], other[0]) and not torch.allclose(one[1], other[1], rtol=1e-3)


@pytest.mark.parametrize('codec', CODECS)
@pytest.mark.parametrize('filler', ['learned', 'noise'])
@pytest.mark.parametrize('network', BACKBONES)
def test_replaced_features_of_motion2vec(network, filler, codec):
    """With one mask a clip; each of several is a clip of its own to the student."""
    model = build(ContextPretrainer, network, codec, filler=filler)
    for mask in (FrameRemoval(0.6, copies=1), SpanMask(copies=1)):
        if network == 'STMO' and isinstance(mask, SpanMask):
            continue  # a frame is one token, hidden as a whole or not at all
        check(model, [mask], codec, lambda batch: batch['data_samples'].masks[:, 0])


@pytest.mark.parametrize('codec', ['plain', 'box'])
def test_each_copy_hides_its_own_places_and_the_teacher_sees_all(codec):
    model, samples = build(ContextPretrainer, 'DSTformer', codec), pixels()
    steps = [JointMask(0.4, copies=3)]
    before = run_pipeline(steps, codec, samples)
    masks, known = before['data_samples'].masks, encoded(model, before)[0]
    for copy in range(3):
        changed = run_pipeline(steps, codec, disturb(samples, masks[:, copy].numpy()))
        found = encoded(model, changed)[0]
        for row in range(6):
            same = torch.equal(found[row], known[row])
            assert same == (row % 3 == copy)
        assert not torch.allclose(model.targets(changed['inputs']), model.targets(before['inputs']), rtol=1e-3)
