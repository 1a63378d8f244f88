"""MotionAGFormer, which is also Motion2vec's network: sizes, initialisation, and what each option computes."""

from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part

from poselifter.errors import InputError
from poselifter.models.backbones import MotionAGFormer
from poselifter.models.backbones.motionagformer import released_edges, tree_edges
from poselifter.models.layers import Attention, GraphConv, Mlp, SymSum
from poselifter.skeletons import get_skeleton

TREE = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]


tiny = partial(tiny_part, 'MotionAGFormer', num_frames=6, num_joints=4, edges=TREE)
clip = partial(random_clips, 2, 6, 4, 3)


def test_defaults_are_the_released_ones():
    net = MotionAGFormer(num_frames=5, embed_dims=16, depth=2)
    for module in net.modules():
        if isinstance(module, Attention):
            assert (module.num_heads, module.qkv.bias, module.scale) == (8, None, None)
        if isinstance(module, Mlp):
            assert (module.fc1.out_features, type(module.act).__name__, module.act.approximate) == (64, 'GELU', 'none')
        if isinstance(module, torch.nn.LayerNorm):
            assert module.eps == 1e-5
        if isinstance(module, GraphConv) and module.axis == 'frames':
            assert (module.temporal_graph, module.neighbours) == ('similarity', 2)
    assert not hasattr(net.frame_embedding, 'weight')


def test_initialisation():
    torch.manual_seed(0)
    net = MotionAGFormer(num_frames=5, embed_dims=64, rep_dims=32, depth=1)
    assert not net.joint_embedding.weight.any()
    assert not net.fusions[0].linear.weight.any()
    assert (net.fusions[0].linear.bias == 0.5).all()
    for name, parameter in net.named_parameters():
        if 'layer_scale' in name:
            assert torch.equal(parameter, torch.full((64,), 1e-5)), name
        elif name.endswith(('U.weight', 'V.weight')):
            assert parameter.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.05), name
        elif 'norm' in name:
            assert (parameter == name.endswith('weight')).all(), name
        elif name.endswith('weight') and 'embedding' not in name and 'fusions' not in name:
            bound = parameter.shape[1] ** -0.5  # torch's default: uniform
            assert parameter.abs().max() <= bound, name
            assert parameter.std().item() == pytest.approx(bound / 3**0.5, rel=0.15), name


def test_drop_path_is_drawn_per_clip_at_one_rate():
    net = MotionAGFormer(num_frames=5, embed_dims=8, depth=3, num_heads=2, drop_path_rate=0.2)
    blocks = [block for layer in net.layers for stream in layer.streams for block in stream]
    assert len(blocks) == 12
    assert {(block.drop_path.drop_prob, block.drop_path.axis) for block in blocks} == {(0.2, 'clip')}


def block_by_hand(block, h):
    h = h + block.layer_scale_1 * block.attn(block.norm1(h))
    return h + block.layer_scale_2 * block.mlp(block.norm2(h))


@pytest.mark.parametrize('streams', [('attention', 'graph'), ('attention',), ('graph',)])
@pytest.mark.parametrize('fusion', ['AdaptiveFusion', 'SumFusion', 'AverageFusion'])
def test_streams_by_hand(streams, fusion):
    net = tiny(streams=streams, fusion={'type': fusion})
    x = clip()
    h = net.input_projection(x) + net.joint_embedding.weight
    mixers = {'attention': Attention, 'graph': GraphConv}
    for layer, fused in zip(net.layers, net.fusions, strict=True):
        parts = []
        for stream, kind in zip(layer.streams, streams, strict=True):
            assert [(type(block.attn), block.attn.axis) for block in stream] == [
                (mixers[kind], 'joints'),
                (mixers[kind], 'frames'),
            ]
            parts.append(block_by_hand(stream[1], block_by_hand(stream[0], h)))
        if len(parts) == 1:
            h = parts[0]
            assert not list(fused.parameters())
        elif fusion == 'AdaptiveFusion':
            weights = (torch.cat(parts, -1) @ fused.linear.weight.T + fused.linear.bias).softmax(-1)
            h = weights[..., :1] * parts[0] + weights[..., 1:] * parts[1]
        else:
            h = sum(parts) / (2 if fusion == 'AverageFusion' else 1)
    torch.testing.assert_close(net(x), torch.tanh(net.representation(net.norm(h))))


@pytest.mark.parametrize('positions', ['joints', 'frames', 'both', 'none'])
def test_positions_are_optional(positions):
    net = tiny(positions=positions)
    x = clip()
    h = net.input_projection(x)
    if positions in ('joints', 'both'):
        h = h + net.joint_embedding.weight
    if positions in ('frames', 'both'):
        h = h + net.frame_embedding.weight[:, :, None]
    torch.testing.assert_close(net.embed(x), h)
    count = {'joints': 4, 'frames': 6, 'both': 10, 'none': 0}[positions] * 8
    assert sum(p.numel() for name, p in net.named_parameters() if '_embedding' in name) == count


def joint_graph(**settings):
    net = MotionAGFormer(**{'num_frames': 3, 'embed_dims': 8, 'depth': 1, 'num_heads': 2, **settings})
    return net.layers[0].streams[1][0].attn.joint_graph


def test_released_edges_and_those_of_a_skeleton(parity):
    released, tree = joint_graph(), joint_graph(edges='h36m17')
    assert torch.equal(released, parity('motionagformer/functions/adjacency').array('spatial_adjacency'))
    assert torch.equal(tree, tree.T)
    assert tree.sum() == 2 * 16
    assert (tree - released).nonzero().tolist() == [[0, 4], [8, 11], [8, 14]]  # what the release lacks
    assert len(released_edges()) == 29
    assert not released.diagonal().any()


def test_edges_of_another_skeleton():
    # its own bones: the release keeps Human3.6M's for every joint order
    graph = joint_graph(edges='mpi_inf_3dhp17')
    parents = get_skeleton('mpi_inf_3dhp17').parents
    for i in range(17):
        heard = {j for j in range(17) if parents[j] == i or parents[i] == j}
        assert set(graph[i].nonzero().flatten().tolist()) == heard
    assert len(set(tree_edges('mpi_inf_3dhp17'))) == 32


def test_edges_are_entries_of_the_graph():
    graph = joint_graph(edges=TREE, num_joints=4)
    assert {(i, j) for i, j in graph.nonzero().tolist()} == set(TREE)
    edges = iter(TREE)  # every layer gets them, also from an iterator
    assert torch.equal(joint_graph(edges=TREE, num_joints=4, self_loops=True), graph + torch.eye(4))
    net = tiny(edges=edges)
    assert all(torch.equal(layer.streams[1][0].attn.joint_graph, graph.double()) for layer in net.layers)


def test_hierarchical_streams_share_the_channels():
    # what they compute is in test_official_reference.py
    net = tiny(hierarchical=True)
    assert net.fusions[0].linear.weight.shape == (2, 8)  # in the released files, and never used
    assert not any(p.requires_grad for p in net.fusions.parameters())
    assert tiny(hierarchical=True, streams=('graph',))(clip()).shape == (2, 6, 4, 6)  # one stream has all channels


def test_no_layer_scale_and_other_activations():
    net = tiny(layer_scale=None, act='symsum')
    assert not any('layer_scale' in name for name in net.state_dict())
    assert {type(m.act) for m in net.modules() if isinstance(m, Mlp)} == {SymSum}
    assert net(clip()).isfinite().all()
    assert {type(m.act).__name__ for m in tiny(act='relu').modules() if isinstance(m, Mlp)} == {'ReLU'}


@pytest.mark.parametrize(('wrong', 'message'), [
    ({'act': 'tanh'}, "act is 'tanh'"),
    ({'temporal_graph': 'knn'}, "temporal_graph is 'knn'"),
    ({'streams': ('attention', 'gcn')}, "streams is 'gcn'"),
    ({'positions': 'temporal'}, "positions is 'temporal'"),
    ({'streams': ()}, r'streams \[\] and embed_dims 8, expected one or two streams'),
    ({'hierarchical': True, 'embed_dims': 9}, 'embed_dims 9, .* multiple of 2'),
    ({'temporal_graph': 'conv', 'embed_dims': 6}, 'embed_dims 6, .* multiple of 4'),
    ({'temporal_graph': 'conv', 'embed_dims': 12, 'hierarchical': True}, 'embed_dims 12, .* multiple of 8'),
    ({'num_joints': 5}, 'has 5 joints; give the edges of its own joint set'),
    ({'num_joints': 21}, 'has 21 joints'),
    ({'edges': 'humaneva15'}, 'has 17 joints'),
    ({'edges': [(0, 17)]}, r'edges of the joints \[0, 17\] and has 17 joints'),
])  # fmt: skip
def test_wrong_options_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        MotionAGFormer(**{'num_frames': 3, 'embed_dims': 8, 'depth': 1, 'num_heads': 2, **wrong})
