"""Layers against torch's own and against what they promise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from poselifter.errors import InputError
from poselifter.models.layers import Attention, DropPath, Mlp, PositionEmbedding, TransformerBlock


@pytest.mark.parametrize('axis', ['joints', 'frames'])
@pytest.mark.parametrize('bias', [True, False])
def test_attention_equals_torchs_multihead_attention(axis, bias):
    # torch's layer has the same row order: queries, keys, values, each head by head
    torch.manual_seed(0)
    attention = Attention(24, 4, axis, qkv_bias=bias)
    reference = nn.MultiheadAttention(24, 4, batch_first=True)
    nn.init.normal_(attention.proj.bias)
    reference.in_proj_weight.data = attention.qkv.weight.data
    reference.in_proj_bias.data = attention.qkv.bias.data if bias else torch.zeros(72)
    reference.out_proj.load_state_dict(attention.proj.state_dict())
    x = torch.randn(2, 5, 7, 24)
    rows = x if axis == 'joints' else x.transpose(1, 2)
    expected = reference(*[rows.flatten(0, 1)] * 3, need_weights=False)[0].view(rows.shape)
    expected = expected if axis == 'joints' else expected.transpose(1, 2)
    torch.testing.assert_close(attention(x), expected, rtol=0, atol=1e-6)


def test_padded_frames_are_not_seen():
    torch.manual_seed(0)
    attention = Attention(16, 2, 'frames')
    x = torch.randn(2, 6, 3, 16)
    valid = torch.ones(2, 6, dtype=torch.bool)
    valid[0, 4:] = False
    torch.testing.assert_close(attention(x, valid)[0, :4], attention(x[:1, :4])[0])
    torch.testing.assert_close(attention(x, valid)[1], attention(x)[1])


def test_a_clip_of_padding_stays_finite():
    x = torch.randn(2, 4, 3, 16, requires_grad=True)
    out = Attention(16, 2, 'frames')(x, torch.zeros(2, 4, dtype=torch.bool))
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(('arguments', 'message'), [((30, 4), '4 heads'), ((32, 4, 'time'), "'time'")])
def test_attention_names_what_is_wrong(arguments, message):
    with pytest.raises(InputError, match=message):
        Attention(*arguments)


def test_attention_dropout_is_off_in_eval():
    attention = Attention(16, 2, 'joints', attn_drop=0.5, proj_drop=0.5)
    x = torch.randn(1, 2, 5, 16)
    assert not torch.equal(attention(x), attention(x))
    attention.eval()
    assert torch.equal(attention(x), attention(x))


@pytest.mark.parametrize(('axis', 'shared', 'drawn'), [('joints', 2, (0, 1)), ('frames', 1, (0, 2))])
def test_drop_path_draws_once_along_its_axis(axis, shared, drawn):
    torch.manual_seed(0)
    kept = DropPath(0.3, axis)(torch.ones(50, 40, 40, 3))
    assert torch.equal(kept, kept.narrow(shared, 0, 1).narrow(3, 0, 1).expand_as(kept))
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
    for dim in drawn:  # along the others it varies
        assert not torch.equal(kept, kept.narrow(dim, 0, 1).expand_as(kept))
    # 2000 draws: a standard deviation of the share is 0.0102
    assert (kept == 0).float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_drop_path_does_nothing_in_eval_or_at_rate_zero():
    x = torch.randn(2, 3, 4, 5)
    assert DropPath(0.9).eval()(x) is x
    assert DropPath(0.0)(x) is x


def test_mlp_is_linear_erf_gelu_linear():
    mlp = Mlp(6, 10, 4)
    x = torch.randn(3, 6)
    hidden = mlp.fc1(x)
    expected = mlp.fc2(hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5)))
    torch.testing.assert_close(mlp(x), expected)
    assert Mlp(6).fc1.weight.shape == (6, 6)


def test_positions_are_added_along_their_axis():
    x = torch.zeros(2, 3, 4, 5)
    for axis, length, dim in (('joints', 4, 2), ('frames', 7, 1)):
        embedding = PositionEmbedding(length, 5, axis)
        assert not embedding(x).any()
        embedding.weight.data.copy_(torch.arange(length).view(1, -1, 1))
        places = torch.arange(x.shape[dim]).view([-1 if d == dim else 1 for d in range(4)])
        assert torch.equal(embedding(x), places.expand_as(x).float())


def test_block_is_pre_norm_with_two_residuals():
    torch.manual_seed(0)
    block = TransformerBlock(16, 2, 'joints')
    x = torch.randn(1, 2, 3, 16)
    h = x + block.attn(block.norm1(x))
    torch.testing.assert_close(block(x), h + block.mlp(block.norm2(h)))
    assert block.norm1.eps == block.norm2.eps == 1e-6
