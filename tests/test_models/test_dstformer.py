from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part
from torch import nn

from poselifter.errors import InputError
from poselifter.models import create_model
from poselifter.models.backbones import DSTformer
from poselifter.models.layers import TransformerBlock

tiny = partial(tiny_part, 'DSTformer', num_frames=5, num_joints=4)
clip = partial(random_clips, 2, 5, 4, 3)


def test_initialisation_as_released():
    model = create_model('motionbert', num_frames=9, embed_dims=64, rep_dims=64, depth=2)
    for name, parameter in model.named_parameters():
        if 'fusions' in name:
            assert (parameter == (0.5 if name.endswith('bias') else 0)).all(), name
        elif name.endswith('bias'):
            assert not parameter.any(), name
        elif 'norm' in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.25), name
            assert abs(parameter.mean().item()) < 0.005, name


def test_drop_path_is_drawn_per_frame_in_both_kinds_of_blocks():
    backbone = DSTformer(num_frames=9, embed_dims=16, rep_dims=16, depth=3, drop_path_rate=0.2)
    for layer, rate in zip(backbone.layers, (0, 0.1, 0.2), strict=True):
        for stream in layer.streams:
            for block in stream:
                assert block.drop_path.drop_prob == pytest.approx(rate)
                assert block.drop_path.axis == 'joints'


def test_places_of_dropout():
    net = DSTformer(num_frames=5, embed_dims=8, depth=1, num_heads=2, drop_rate=0.2, attn_drop_rate=0.3)
    assert net.drop.p == 0.2
    blocks = [block for stream in net.layers[0].streams for block in stream]
    assert len(blocks) == 4
    for block in blocks:
        assert (block.attn.proj_drop.p, block.attn.attn_drop, block.mlp.drop.p) == (0.2, 0.3, 0.2)
    net.layers[0].eval()
    x = torch.randn(1, 5, 17, 3)
    assert not torch.equal(net(x), net(x))  # by the dropout after the embeddings


def stream_by_hand(stream, word, h):
    """A stream of plain transformer blocks with the weights of a network's."""
    assert len(stream) == len(word)
    for own, kind in zip(stream, word, strict=True):
        axis = 'joints' if kind in 'Ss' else 'frames'
        plain = TransformerBlock(8, 2, axis, 2.0 if kind.isupper() else 0).double().eval()
        plain.load_state_dict(own.state_dict())
        h = plain(h)
    return h


@pytest.mark.parametrize(('streams', 'fusion'), [
    (('ST',), None),  # the architecture study (a)
    (('TS',), None),  # (b)
    (('S', 'T'), 'AdaptiveFusion'),  # (c)
    (('sT',), None),  # (d)
    (('ST', 'TS'), 'AverageFusion'),  # (e)
    (('ST', 'TS'), 'AdaptiveFusion'),  # (f)
    (('ST', 'TS', 'st'), 'SumFusion'),
])  # fmt: skip
def test_streams_by_hand(streams, fusion):
    net = tiny(streams=streams, **({'fusion': {'type': fusion}} if fusion else {}))
    x = clip()
    h = net.input_projection(x) + net.joint_embedding.weight + net.frame_embedding.weight[:, :, None]
    torch.testing.assert_close(net.embed(x), h)
    for layer, fused in zip(net.layers, net.fusions, strict=True):
        parts = [stream_by_hand(s, word, h) for s, word in zip(layer.streams, streams, strict=True)]
        if fusion == 'AdaptiveFusion':
            weights = (torch.cat(parts, -1) @ fused.linear.weight.T + fused.linear.bias).softmax(-1)
            h = sum(weights[..., i : i + 1] * part for i, part in enumerate(parts))
        else:
            h = sum(parts) / (len(parts) if fusion == 'AverageFusion' else 1)
    expected = torch.tanh(net.representation(nn.functional.layer_norm(h, (8,), net.norm.weight, net.norm.bias, 1e-6)))
    torch.testing.assert_close(net(x), expected)


def test_a_single_stream_has_nothing_to_fuse():
    assert not list(tiny(streams=('ST',)).fusions.parameters())
    assert [fusion.linear.weight.shape for fusion in tiny(streams=('S', 'T', 'ST')).fusions] == [(3, 24)] * 2


def test_without_representation_it_ends_at_the_norm():
    whole, short = tiny(), tiny(rep_dims=None)
    assert (whole.embed_dims, short.embed_dims) == (6, 8)
    short.load_state_dict({k: v for k, v in whole.state_dict().items() if 'representation' not in k})
    _, layers = whole.encode(whole.embed(clip()), return_layers=True)
    torch.testing.assert_close(short(clip()), whole.norm(layers[-1]))


@pytest.mark.parametrize('positions', ['joints', 'frames', 'both', 'none'])
def test_positions_are_optional(positions):
    net = tiny(positions=positions)
    names = {name for name in net.state_dict() if 'embedding' in name}
    kinds = {'both': ('joints', 'frames'), 'none': ()}.get(positions, (positions,))
    assert names == {f'{kind[:-1]}_embedding.weight' for kind in kinds}
    # without the positions of an axis, the network treats its tokens alike
    x, joints, frames = clip(), [2, 0, 3, 1], [4, 2, 0, 1, 3]
    assert torch.allclose(net(x[:, :, joints]), net(x)[:, :, joints]) == ('joints' not in kinds)
    assert torch.allclose(net(x[:, frames]), net(x)[:, frames]) == ('frames' not in kinds)


@pytest.mark.parametrize(('wrong', 'message'), [
    ({'streams': ('ST', 'TX')}, r"streams \['ST', 'TX'\]"),
    ({'streams': ()}, r'streams \[\]'),
    ({'streams': ('',)}, r"streams \[''\]"),
    ({'positions': 'all'}, "positions is 'all'"),
])  # fmt: skip
def test_unknown_names_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        DSTformer(embed_dims=8, depth=1, num_heads=2, **wrong)
