import pytest
import torch
from torch import nn

from poselifter.models.layers import Attention
from poselifter.models.necks import AdaptiveFusion


def clips():
    return torch.randn(2, 5, 4, 24, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('scale', [None, 0.3])
@pytest.mark.parametrize('axis', ['joints', 'frames'])
def test_attention_weights_times_values_are_the_output(axis, scale, bias):
    torch.manual_seed(0)
    attention, x = Attention(24, 3, axis, qkv_bias=bias, scale=scale), clips()
    weights = attention.weights(x)
    assert weights.shape == ((2, 5, 3, 4, 4) if axis == 'joints' else (2, 4, 3, 5, 5))
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    values = attention.qkv(x)[..., 48:].unflatten(-1, (3, 8))
    mix = 'bthij,btjhc->btihc' if axis == 'joints' else 'bjhts,bsjhc->btjhc'
    mixed = torch.einsum(mix, weights, values).flatten(-2)
    torch.testing.assert_close(attention.proj(mixed), attention(x), rtol=0, atol=1e-6)


def test_no_frame_looks_at_a_padded_one_and_dropout_does_not_count():
    torch.manual_seed(0)
    attention, x = Attention(24, 3, 'frames', attn_drop=0.5), clips()
    valid = torch.ones(2, 5, dtype=torch.bool)
    valid[0, 3:] = False
    weights = attention.train().weights(x, valid)
    assert (weights[0, ..., 3:] == 0).all() and (weights[1] > 0).all()
    torch.testing.assert_close(weights[0, ..., :3, :3], attention.weights(x[:1, :3])[0])
    assert torch.equal(weights, attention.eval().weights(x, valid))


@pytest.mark.parametrize('count', [2, 3])
def test_fusion_weights_times_streams_are_the_output(count):
    torch.manual_seed(0)
    fusion = AdaptiveFusion(24, count)
    nn.init.normal_(fusion.linear.weight)
    streams = torch.stack([clips() + i for i in range(count)])
    weights = fusion.weights(list(streams))
    assert weights.shape == (2, 5, 4, count) and (weights > 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5, 4))
    torch.testing.assert_close(torch.einsum('btjs,sbtjd->btjd', weights, streams), fusion(list(streams)))
