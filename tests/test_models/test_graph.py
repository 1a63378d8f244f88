import pytest
import torch
from torch import nn

from poselifter.models.backbones.motionagformer import released_edges
from poselifter.models.layers import GraphConv
from poselifter.models.layers.graph import NodeNorm, normalized


@pytest.fixture
def case(parity):
    """The official adjacencies of integer features."""
    return parity('motionagformer/functions/adjacency')


def identity_conv(features, **settings):
    """V the identity and U zero, in eval mode."""
    conv = GraphConv(features.shape[-1], 'frames', features.shape[1], **settings).eval()
    for linear, weight in ((conv.V, torch.eye(features.shape[-1])), (conv.U, torch.zeros(()))):
        linear.weight.data.copy_(weight.expand_as(linear.weight))
        linear.bias.data.zero_()
    return conv


def test_similarity_graph_equals_official(case):
    features = case.array('features')
    conv = identity_conv(features, neighbours=case.meta['neighbour_num'])
    graph = conv.frame_graph(features.transpose(1, 2))
    assert torch.equal(graph, case.array('knn_adjacency'))
    assert graph.sum(-1).max() > 2  # ties add edges
    assert torch.equal(normalized(graph), case.array('knn_normalised'))
    torch.testing.assert_close(conv(features), case.array('gcn_identity_output'), rtol=0, atol=1e-6)


@pytest.mark.parametrize('reach', [1, 2, 3])
def test_chain_equals_official(case, reach):
    conv = GraphConv(5, 'frames', 9, temporal_graph='chain', reach=reach)
    graph = conv.frame_graph(case.array('features').transpose(1, 2))
    assert torch.equal(graph, case.array(f'chain{reach}_adjacency'))
    torch.testing.assert_close(normalized(graph), case.array(f'chain{reach}_normalised'), rtol=0, atol=1e-7)


def test_the_paper_s_chain_is_below_the_diagonal():
    """Frame t hears from t - 1 and itself; the released option hears from t + 1."""
    z = torch.randn(1, 1, 4, 5)
    past = GraphConv(5, 'frames', 9, temporal_graph='past').frame_graph(z)
    expected = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
    assert torch.equal(past, expected)
    assert torch.equal(GraphConv(5, 'frames', 9, temporal_graph='chain').frame_graph(z), expected.T)


def test_joint_graph_equals_official(case):
    conv = GraphConv(5, 'joints', 17, released_edges())
    assert torch.equal(conv.joint_graph, case.array('spatial_adjacency'))
    torch.testing.assert_close(normalized(conv.joint_graph), case.array('spatial_normalised'), rtol=0, atol=1e-7)


def test_no_gradient_flows_through_the_similarity_graph():
    torch.manual_seed(0)
    conv = GraphConv(4, 'frames', 6, neighbours=2).double().eval()
    x = torch.randn(1, 6, 1, 4, dtype=torch.float64, requires_grad=True)
    graph = conv.frame_graph(x.transpose(1, 2))
    assert not graph.requires_grad
    grad = torch.autograd.grad(conv(x)[0, 0].sum(), x)[0]
    heard = graph[0, 0, 0].bool()
    heard[0] = True  # its own frame comes in by U
    assert torch.equal(grad[0, :, 0].any(-1), heard)


@pytest.mark.parametrize('graph', ['similarity', 'chain', 'past'])
@pytest.mark.parametrize('frames', [2, 4])
def test_graph_of_frames_leaves_padding_out(graph, frames):
    conv = GraphConv(4, 'frames', 9, temporal_graph=graph, neighbours=3, reach=2)
    z, valid = torch.randn(1, 2, 6, 4), torch.arange(6)[None] < frames
    padded = conv.frame_graph(z, valid).expand(1, 2, 6, 6)
    short = conv.frame_graph(z[:, :, :frames]).expand(1, 2, frames, frames)
    assert torch.equal(padded[..., :frames, :frames], short)
    assert not padded[..., frames:].any()


def test_half_precision_does_not_move_edges():
    torch.manual_seed(0)
    conv = GraphConv(8, 'frames', 40, neighbours=2)
    z = torch.randn(1, 3, 40, 8)
    with torch.autocast('cpu', torch.bfloat16):
        found = conv.frame_graph(z)
    assert torch.equal(found, conv.frame_graph(z))


def test_initialisation():
    torch.manual_seed(0)
    conv = GraphConv(128, 'joints', 17)
    for linear in (conv.U, conv.V):  # normal of sqrt(2 / D); biases stay torch's: uniform in 1 / sqrt(D)
        assert linear.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.02)
        assert linear.weight.abs().max() > 3 * (2 / 128) ** 0.5
        assert 0.05 < linear.bias.abs().max() <= 128**-0.5
    assert (conv.norm.weight == 1).all()
    assert not conv.norm.bias.any()
    assert 'joint_graph' not in conv.state_dict()


def test_fewer_nodes_use_the_first_norms():
    torch.manual_seed(0)
    norm, x = NodeNorm(5), torch.randn(20, 3, 8)
    nn.init.normal_(norm.weight)
    norm(x)
    assert norm.running_mean[:3].all()
    assert not norm.running_mean[3:].any()
    assert torch.equal(norm.running_var[3:], torch.ones(2))
    norm.eval()
    whole = norm(torch.cat([x, x], 1)[:, :5])
    torch.testing.assert_close(norm(x), whole[:, :3])
