from types import SimpleNamespace

import numpy as np
import pytest
import torch
from inspection.embedding import embed_dataset
from inspection.weights import cut_clips, fusion_weights, layer_number, layers_with, record_weights
from matplotlib.text import Text
from torch import nn

from poselifter.errors import InputError
from poselifter.models.backbones import STMO, ActionPose, DSTformer, MixSTE, MotionAGFormer, PoseFormer
from poselifter.models.estimators import MotionEstimator
from poselifter.models.layers import Attention
from poselifter.models.necks import AdaptiveFusion
from poselifter.structures import MotionDataSample
from poselifter.visualization.text_motion import save_similarity, save_text_pairs

SIZE = {'num_frames': 6, 'num_heads': 2}
STREAMS = {**SIZE, 'embed_dims': 8, 'rep_dims': 8, 'depth': 2}
NETWORKS = {
    'dstformer': lambda: DSTformer(in_channels=3, **STREAMS),
    'actionpose': lambda: ActionPose(in_channels=3, align_layer=2, **STREAMS),
    'motionagformer': lambda: MotionAGFormer(**STREAMS),
    'mixste': lambda: MixSTE(in_channels=3, embed_dims=8, depth=2, **SIZE),
    'poseformer': lambda: PoseFormer(in_channels=3, joint_dims=4, depth=2, **SIZE),
    'stmo': lambda: STMO(in_channels=3, embed_dims=8, depth=2, feedforward_dims=8, **SIZE),
    'stmo_joints': lambda: STMO(
        in_channels=3, embed_dims=34, depth=2, feedforward_dims=8, spatial='transformer', spatial_depth=2, **SIZE
    ),
}


def model(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    for fusion in (m for m in network.modules() if isinstance(m, AdaptiveFusion)):
        nn.init.normal_(fusion.linear.weight)
    parts = nn.ModuleDict({'backbone': network})
    return SimpleNamespace(backbone=network, codec=None, parameters=parts.parameters)


def inputs(*shape):
    return torch.randn(*shape, 17, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('name', NETWORKS)
def test_every_attention_of_every_network_is_found_in_its_layer(name):
    it = model(name)
    parts = layers_with(it.backbone, Attention)
    numbers = [layer_number(it.backbone, part) for part in parts]
    assert numbers == sorted(numbers) and set(numbers) == {1, 2}
    assert numbers.count(1) == {'dstformer': 4, 'actionpose': 4, 'stmo': 1}.get(name, 2)
    found, token = record_weights(it, parts, inputs(1, 6)), int(name == 'actionpose')
    joints = 17 if name in ('dstformer', 'actionpose', 'motionagformer', 'mixste') else 1
    for part, weights in found.items():
        spatial = parts[part].axis == 'joints'
        heads, frames = parts[part].num_heads, 6 + token
        assert weights.shape == ((1, frames, heads, 17, 17) if spatial else (1, joints, heads, frames, frames))
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert found.keys() == parts.keys()
    assert not any(module._forward_pre_hooks for module in it.backbone.modules())


def test_layers_and_axes_can_be_chosen():
    network = model('mixste').backbone
    assert list(layers_with(network, Attention, [2], axis='frames')) == ['temporal_blocks.1.attn']
    with pytest.raises(InputError, match=r'--layer names \[3\], but MixSTE has Attention in layers 1, 2'):
        layers_with(network, Attention, [1, 3])
    with pytest.raises(InputError, match='MixSTE has no AdaptiveFusion; choose a config'):
        layers_with(network, AdaptiveFusion)
    with pytest.raises(InputError, match='STMO has no Attention over joints'):
        layers_with(model('stmo').backbone, Attention, axis='joints')


@pytest.mark.parametrize('name', ['dstformer', 'actionpose', 'motionagformer'])
def test_fusion_weights_of_a_sequence_make_the_layers_output(name):
    it = model(name)
    [part] = layers_with(it.backbone, AdaptiveFusion, [2]).values()
    sequence, seen = inputs(6), {}
    part.register_forward_hook(lambda _, args, output: seen.update(streams=args[0], output=output))
    weights = torch.from_numpy(fusion_weights(it, part, sequence))[..., None]
    assert weights.shape == (6, 17, 1)
    (a, b), output = ([s[0, -6:] for s in seen['streams']], seen['output'][0, -6:])
    torch.testing.assert_close(weights * a + (1 - weights) * b, output)


def test_windows_of_a_long_sequence_are_merged():
    it = model('dstformer')
    [part] = layers_with(it.backbone, AdaptiveFusion, [1]).values()
    sequence = inputs(12)
    found = fusion_weights(it, part, sequence, batch_size=1)
    for half in (slice(6), slice(6, 12)):
        assert abs(found[half] - fusion_weights(it, part, sequence[half])).max() < 1e-6
    assert fusion_weights(it, part, inputs(2, 13)).shape == (13, 17)  # the first of two persons
    clips, _ = cut_clips(inputs(4), it)
    assert clips.shape == (1, 6, 17, 3)


def test_embeddings_are_of_windows_that_leave_frames_out_as_the_model_does():
    torch.manual_seed(0)
    backbone = {'type': 'STMO', 'embed_dims': 8, 'depth': 1, 'feedforward_dims': 8, 'num_frames': 9, 'num_heads': 2}
    neck = {'type': 'ManyToOneAggregator', 'feedforward_dims': 8, 'num_heads': 2}
    parts = {'neck': neck, 'heads': {'pose': {'type': 'PoseHead', 'feature': 'single'}}}
    window = {'stride': 1, 'dilation': 2}
    it = MotionEstimator(backbone, codec={'type': 'RootRelativeLifting'}, test_cfg={'window': window}, **parts).eval()
    clip = inputs(18)[..., :2]
    rows = embed_dataset(it, [{'inputs': clip, 'data_samples': MotionDataSample()}], pooled=True)
    expected = it.backbone(clip[None, ::2]).mean((0, 1, 2))
    torch.testing.assert_close(torch.from_numpy(rows['0'][0]), expected, atol=1e-5, rtol=1e-4)


def test_a_fusion_that_never_runs_is_named():
    torch.manual_seed(0)
    network = MotionAGFormer(**STREAMS, hierarchical=True)
    it = SimpleNamespace(backbone=network, codec=None, parameters=network.parameters)
    [part] = layers_with(network, AdaptiveFusion, [1]).values()
    with pytest.raises(InputError, match='no part in what the network computes'):
        fusion_weights(it, part, inputs(6))


@pytest.mark.parametrize('text', ['costs $5 and $6', '$$', r'$\frac{$'])
def test_texts_with_dollars_are_no_formulas(tmp_path, monkeypatch, text):
    """Titles, names of clips and captions are drawn letter by letter."""
    drawn = []
    monkeypatch.setattr(Text, 'draw', lambda self, renderer: drawn.append((self.get_text(), self.get_parse_math())))
    strip = np.zeros((50, 200, 3), np.uint8)
    save_text_pairs(tmp_path / 'pairs.png', [(text, strip, {text: 0.5})], text)
    save_similarity(tmp_path / 'curves.png', strip, np.array([0.0, 1, 2, 0, 3]), {text: np.zeros(3)}, text)
    shown = [math for words, math in drawn if words.replace('\n', ' ') == text]
    assert len(shown) >= 5 and not any(shown)
