from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tiny_parts import random_clips, tiny_part
from torch import nn

from poselifter.errors import InputError
from poselifter.models.backbones import STMO
from poselifter.models.estimators import MaskedPosePretrainer
from poselifter.models.layers import Attention, StdNorm

tiny = partial(tiny_part, 'STMO', num_frames=5, num_joints=4)
clip = partial(random_clips, 2, 5, 4, 2)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize('frames', [9, 27, 81, 243, 351])
def test_number_of_parameters_of_the_first_stage(frames):
    # of the official networks of 3 and 4 layers: two tables of positions, 256 and 128 wide, grow with the frames
    with torch.device('meta'):
        for depth, expected in ((3, 2_562_724 + 384 * frames), (4, 3_222_308 + 384 * frames)):
            backbone = {'type': 'STMO', 'num_frames': frames, 'depth': depth}
            head = {'type': 'MaskedPoseHead', 'depth': depth - 1}
            assert count(MaskedPosePretrainer(backbone, head)) == expected


@pytest.mark.parametrize('frames', [9, 243])
def test_initialisation(frames):
    torch.manual_seed(0)
    backbone = STMO(num_frames=frames)
    positions = backbone.frame_embedding.weight
    assert positions.std().item() == pytest.approx(1, rel=0.05)
    assert abs(positions.mean().item()) < 0.1
    weight = backbone.temporal_blocks[0].attn.qkv.weight  # torch's default: uniform in +-1 / sqrt(256)
    assert weight.abs().max() <= 1 / 16
    assert weight.std().item() == pytest.approx(1 / 16 / 3**0.5, rel=0.05)
    assert not torch.equal(weight, backbone.temporal_blocks[1].attn.qkv.weight)
    for norm in (m for m in backbone.modules() if isinstance(m, (StdNorm, nn.BatchNorm1d))):
        assert (norm.weight == 1).all()
        assert not norm.bias.any()


def test_places_of_dropout_and_activations():
    net = STMO(num_frames=5, embed_dims=8, depth=2, num_heads=2, drop_rate=0.3)
    rates = [m.p for m in net.modules() if isinstance(m, nn.Dropout)]
    assert rates == [0.3] * (3 + 2 * 2)  # after each layer of the perceptron; two a temporal layer
    assert {m.attn_drop for m in net.modules() if isinstance(m, Attention)} == {0.3}
    assert {m.negative_slope for m in net.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}
    assert {type(block.mlp.act) for block in net.temporal_blocks} == {nn.ReLU}
    defaults = STMO(num_frames=5)
    assert {m.p for m in defaults.modules() if isinstance(m, nn.Dropout)} == {0.1}


@pytest.mark.parametrize('depth', [1, 2, 3])
def test_residual_blocks_of_the_perceptron(depth):
    with torch.device('meta'):
        spatial = STMO(spatial_depth=depth).spatial
    # each adds two layers of 512 channels with a norm: 2.3, 2.8 and 3.3 M parameters in the paper's table 4
    assert count(spatial) == 677_632 + (depth - 1) * 2 * (512 * 512 + 512 + 2 * 512)
    net = tiny(spatial_depth=depth)
    assert net(clip()).shape == (2, 5, 1, 8)


def test_linear_spatial_encoder():
    net, x = tiny(spatial='linear'), clip()
    weight, bias = net.spatial[1].weight, net.spatial[1].bias
    assert count(net.spatial) == 8 * 8 + 8
    torch.testing.assert_close(net.spatial(x)[:, :, 0], F.linear(x.reshape(2, 5, 8), weight, bias))


def test_transformer_over_joints():
    net, x = tiny(spatial='transformer', spatial_depth=2, embed_dims=32), clip()
    assert len(net.spatial.blocks) == 2
    assert {block.attn.axis for block in net.spatial.blocks} == {'joints'}
    features = net.spatial(x)
    assert features.shape == (2, 5, 1, 32)
    torch.testing.assert_close(net.spatial(x[:, 3:4]), features[:, 3:4])  # each frame by itself
    moved = x.clone()
    moved[:, :, 0] += 1
    assert ((net.spatial(moved) - features).abs() > 1e-6).all()


@pytest.mark.parametrize('spatial', ['mlp', 'linear', 'transformer'])
def test_without_a_temporal_encoder_frames_stay_apart(spatial):
    net, x = tiny(depth=0, spatial=spatial), clip()
    torch.testing.assert_close(net(x), net.spatial(x))
    torch.testing.assert_close(net(x[:, [3, 1]]), net(x)[:, [3, 1]])
    assert not any('embedding' in name and 'spatial' not in name for name in net.state_dict())
    assert net.encode(net.embed(x), return_layers=True)[1] == []


def test_any_frames_of_a_clip_may_be_encoded():
    # the order of tokens does not matter after the positions: P-STMO's first stage leaves frames out
    net, x = tiny(), clip()
    h = net.embed(x)
    torch.testing.assert_close(net.encode(h[:, [4, 0, 2]]), net.encode(h[:, [0, 2, 4]])[:, [2, 0, 1]])


def test_transformer_over_joints_has_the_size_of_table_4():
    """7.2 M parameters and 1218 MFLOPs at 81 frames, a multiply-add being two."""
    sizes = {'num_frames': 81, 'embed_dims': 544, 'depth': 3, 'feedforward_dims': 1088, 'spatial_depth': 3}
    with torch.device('meta'):
        net = STMO(spatial='transformer', **sizes)
    assert count(net) + 544 * 51 + 51 + 2 * 544 == pytest.approx(7.2e6, abs=0.05e6)  # with a head
    blocks = [*net.spatial.blocks, *net.temporal_blocks]
    layers = [(m, 17 if block in net.spatial.blocks else 1) for block in blocks for m in block.modules()]
    weights = sum(m.weight.numel() * tokens for m, tokens in layers if isinstance(m, nn.Linear))
    assert 2 * 81 * weights == pytest.approx(1218e6, abs=0.5e6)
    with pytest.raises(InputError, match='embed_dims is 256, expected 17 times the channels of a joint, such as 544'):
        STMO(spatial='transformer')


def test_unknown_encoders_are_named():
    with pytest.raises(InputError, match="spatial is 'conv', expected one of"):
        STMO(spatial='conv')
