from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part

from poselifter.models import create_model
from poselifter.models.backbones import MixSTE

tiny = partial(tiny_part, 'MixSTE', num_frames=5, num_joints=4, depth=3)
clip = partial(random_clips, 2, 5, 4, 8)


def test_initialisation_is_torchs_default_with_zero_positions():
    backbone = create_model('mixste', num_frames=9, embed_dims=64, depth=2).backbone
    assert not backbone.joint_embedding.weight.any()
    assert not backbone.frame_embedding.weight.any()
    weight = backbone.spatial_blocks[0].attn.qkv.weight
    assert weight.abs().max() <= 1 / 8  # uniform in +-1 / sqrt(64): standard deviation 1 / (8 sqrt 3)
    assert weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)


def test_drop_path_rises_linearly_and_pairs_share_a_rate():
    backbone = create_model('mixste', num_frames=9, embed_dims=16, depth=5, drop_path_rate=0.2).backbone
    for blocks, axis in ((backbone.spatial_blocks, 'joints'), (backbone.temporal_blocks, 'frames')):
        assert [b.drop_path.drop_prob for b in blocks] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
        assert {b.drop_path.axis for b in blocks} == {axis}
    assert MixSTE(num_frames=3, embed_dims=8, depth=2).spatial_blocks[1].drop_path.drop_prob == pytest.approx(0.1)


@pytest.mark.parametrize('alternate', [True, False])
@pytest.mark.parametrize('separate', [True, False])
def test_order_of_blocks_norms_and_positions(alternate, separate):
    net = tiny(alternate=alternate, separate_joints=separate)
    x = torch.randn(2, 5, 4, 2, dtype=torch.float64)
    h = x @ net.input_projection.weight.T + net.input_projection.bias + net.joint_embedding.weight
    order = 'STSTST' if alternate else 'SSSTTT'
    spatial, temporal = iter(net.spatial_blocks), iter(net.temporal_blocks)
    for place, kind in enumerate(order):
        if kind == 'S':
            h = net.spatial_norm(next(spatial)(h))
            continue
        tokens = h if separate else h.reshape(2, 5, 1, 32)
        if 'T' not in order[:place]:
            tokens = tokens + net.frame_embedding.weight[:, :, None]
        h = net.temporal_norm(next(temporal)(tokens)).reshape(2, 5, 4, 8)
    torch.testing.assert_close(net(x), h)
    assert net.spatial_norm.eps == net.temporal_norm.eps == 1e-6


def test_layers_are_pairs_after_their_norms():
    net = tiny()
    features, layers = net.encode(clip(), return_layers=True)
    assert torch.equal(layers[-1], features)
    torch.testing.assert_close(layers[1], net.temporal_norm(net.temporal_blocks[1](spatially(net, layers[0], 1))))


def spatially(net, h, i):
    return net.spatial_norm(net.spatial_blocks[i](h))


def test_dropout_follows_both_positions():
    net = MixSTE(num_frames=5, num_joints=4, embed_dims=8, depth=1, num_heads=2, drop_rate=0.2, attn_drop_rate=0.3)
    assert net.drop.p == 0.2
    for block in (*net.spatial_blocks, *net.temporal_blocks):
        assert (block.attn.proj_drop.p, block.attn.attn_drop, block.mlp.drop.p) == (0.2, 0.3, 0.2)
    calls = []
    net.drop.register_forward_hook(lambda *_: calls.append(1))
    net(torch.randn(1, 5, 4, 2))
    assert len(calls) == 2
