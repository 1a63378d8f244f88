"""PoseFormer: sizes, initialisation, what it computes, and as an encoder of sequences."""

from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part
from torch import nn

from poselifter.models import create_model
from poselifter.models.backbones import PoseFormer
from poselifter.models.layers import TransformerBlock

tiny = partial(tiny_part, 'PoseFormer', num_frames=5, num_joints=4)
clip = partial(random_clips, 2, 5, 4, 2)


def test_initialisation():
    torch.manual_seed(0)
    model = create_model('poseformer_27')
    assert not model.backbone.spatial.joint_embedding.weight.any()
    assert not model.backbone.frame_embedding.weight.any()
    for block, width in ((model.backbone.spatial.blocks[0], 32), (model.backbone.temporal_blocks[0], 544)):
        weight = block.attn.qkv.weight  # torch's default: uniform in +-1 / sqrt(width)
        assert weight.abs().max() <= width**-0.5
        assert weight.std().item() == pytest.approx((3 * width) ** -0.5, rel=0.05)
    weights = model.neck.conv.weight  # uniform in +-1 / sqrt(T), not 1 / T
    assert 0.1 < weights.abs().max() <= 27**-0.5
    assert weights.min() < 0


def test_drop_path_rises_per_frame_then_per_clip():
    net = PoseFormer(num_frames=5, joint_dims=8, depth=3, drop_path_rate=0.2)
    for blocks, axis in ((net.spatial.blocks, 'joints'), (net.temporal_blocks, 'frames')):
        assert [block.drop_path.drop_prob for block in blocks] == pytest.approx([0, 0.1, 0.2])
        assert {block.drop_path.axis for block in blocks} == {axis}
    # one token a frame: a draw over frames is a draw per clip
    torch.manual_seed(0)
    kept = net.temporal_blocks[2].drop_path(torch.ones(100, 5, 1, 3))
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert not torch.equal(kept, kept[:1].expand_as(kept))


def stack_by_hand(own_blocks, norm, h, axis):
    for own in own_blocks:
        plain = TransformerBlock(h.shape[-1], 2, axis, 2.0).double().eval()
        plain.load_state_dict(own.state_dict())
        h = plain(h)
    return nn.functional.layer_norm(h, h.shape[-1:], norm.weight, norm.bias, 1e-6)  # once, after the stack


def test_network_by_hand():
    net, x = tiny(), clip()
    h = net.spatial.input_projection(x) + net.spatial.joint_embedding.weight
    h = stack_by_hand(net.spatial.blocks, net.spatial.norm, h, 'joints')
    tokens = torch.empty(2, 5, 1, 16, dtype=torch.float64)
    for joint in range(4):
        for k in range(4):
            tokens[..., 0, joint * 4 + k] = h[:, :, joint, k]
    tokens = tokens + net.frame_embedding.weight[:, :, None]
    torch.testing.assert_close(net.embed(x), tokens)
    torch.testing.assert_close(net(x), stack_by_hand(net.temporal_blocks, net.norm, tokens, 'frames'))


def test_layers_are_the_temporal_ones():
    net = tiny()
    features, layers = net.encode(net.embed(clip()), return_layers=True)
    assert len(layers) == 2
    torch.testing.assert_close(net.norm(layers[-1]), features)


def test_places_of_dropout():
    net = tiny(drop_rate=0.2, attn_drop_rate=0.3, qk_scale=0.7)
    for block in (*net.spatial.blocks, *net.temporal_blocks):
        assert (block.attn.proj_drop.p, block.attn.attn_drop, block.mlp.drop.p) == (0.2, 0.3, 0.2)
        assert block.attn.scale == 0.7
    assert net.drop.p == 0.2


def test_as_an_encoder_of_sequences():
    # MotionBERT's table 6: all frames in, all frames out
    torch.manual_seed(0)
    model = create_model('poseformer', num_frames=9, joint_dims=8, neck=None).eval()
    x = torch.randn(2, 7, 17, 2)
    poses = model(x)
    assert poses.shape == (2, 7, 17, 3)
    tokens = nn.functional.layer_norm(
        model.backbone(x), (136,), model.heads['pose'].norm.weight, model.heads['pose'].norm.bias
    )
    joints = model.heads['pose'].linear(tokens)[:, :, 0]
    for joint in (0, 5, 16):  # joint by joint: 3 * joint + coordinate
        torch.testing.assert_close(poses[:, :, joint], joints[..., 3 * joint : 3 * joint + 3])


def test_centre_frame_is_a_weighted_mean_of_the_tokens():
    torch.manual_seed(0)
    model = create_model('poseformer', num_frames=9, joint_dims=8).eval()
    x = torch.randn(2, 9, 17, 2)
    tokens = model.backbone(x)
    mean = (tokens * model.neck.conv.weight.view(1, 9, 1, 1)).sum(1, keepdim=True) + model.neck.conv.bias
    head = model.heads['pose']
    normed = (mean - mean.mean(-1, keepdim=True)) / (mean.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(model(x), head.linear(normed).view(2, 1, 17, 3), rtol=1e-4, atol=1e-5)
    before = model(x)
    model.neck.conv.bias.data += 3  # the norm of the head takes it away
    torch.testing.assert_close(model(x), before, rtol=1e-4, atol=1e-5)
