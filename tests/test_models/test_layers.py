import pytest
import torch
from torch import nn

from poselifter.errors import InputError
from poselifter.models.layers import (
    Attention,
    DropPath,
    MultiScaleTemporalConv,
    StdNorm,
    SymSum,
    TransformerBlock,
)


class Times(nn.Module):
    """A block that multiplies by a number and remembers what ``valid`` it got."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x, valid=None):
        self.valid = valid
        return self.factor * x


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


@pytest.mark.parametrize('axis', ['joints', 'frames'])
def test_attention_learns_in_bfloat16_as_in_float32(axis):
    torch.manual_seed(0)
    attention, x = Attention(16, 2, axis), torch.randn(2, 9, 5, 16, requires_grad=True)
    valid, results = torch.arange(9) < torch.tensor([[7], [9]]), []
    for half in (False, True):
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            out = attention(x, valid)
        results.append([out, *torch.autograd.grad((out * x.detach()).sum(), [x, *attention.parameters()])])
    for one, other in zip(*results, strict=True):
        assert (one - other).abs().mean() < 0.02 * one.std() + 1e-4


@pytest.mark.parametrize(
    ('axis', 'shared', 'drawn'), [('joints', (2,), (0, 1)), ('frames', (1,), (0, 2)), ('clip', (1, 2), (0,))]
)
def test_drop_path_draws_once_along_its_axis(axis, shared, drawn):
    torch.manual_seed(0)
    kept = DropPath(0.3, axis)(torch.ones(2000, 2, 2, 3) if axis == 'clip' else torch.ones(50, 40, 40, 3))
    first = kept
    for dim in (*shared, 3):
        first = first.narrow(dim, 0, 1)
    assert torch.equal(kept, first.expand_as(kept))
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
    for dim in drawn:  # along the others it varies
        assert not torch.equal(kept, kept.narrow(dim, 0, 1).expand_as(kept))
    # 2000 draws or what is more independent: a standard deviation of the share is at most 0.0102
    assert (kept == 0).float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_drop_path_does_nothing_in_eval_or_at_rate_zero():
    x = torch.randn(2, 3, 4, 5)
    assert DropPath(0.9).eval()(x) is x
    assert DropPath(0.0)(x) is x


def test_block_without_perceptron_is_attention_alone():
    block = TransformerBlock(16, 2, 'frames', mlp_ratio=0, layer_scale=0.5)
    x = torch.randn(1, 4, 3, 16)
    torch.testing.assert_close(block(x), x + 0.5 * block.attn(block.norm1(x)))
    assert not any(name.startswith(('mlp', 'norm2', 'layer_scale_2')) for name in block.state_dict())


def test_parts_of_a_block_can_be_swapped():
    block = TransformerBlock(
        16, hidden_dims=10, norm_layer=StdNorm, norm_eps=0.1, act_layer=nn.ReLU, mixer=Times(2.0), drop_rate=0.3
    )
    x, valid = torch.randn(1, 4, 3, 16), torch.ones(1, 4, dtype=torch.bool)
    assert block.mlp.fc1.weight.shape == (10, 16)
    assert block.mlp.drop.p == 0.3
    block.eval()
    h = x + 2 * block.norm1(x)
    torch.testing.assert_close(block(x, valid), h + block.mlp.fc2(block.mlp.fc1(block.norm2(h)).relu()))
    assert block.attn.valid is valid
    assert {type(block.norm1), type(block.norm2)} == {StdNorm}
    assert block.norm2.eps == 0.1


def test_branches_of_a_block_are_dropped_apart():
    # the branches add 1 and 2, each scaled by 1 / 0.5 where it is kept
    torch.manual_seed(0)
    block = TransformerBlock(4, mixer=Times(0.0), drop_path=0.5, drop_path_axis='clip')
    block.attn.forward = lambda x, valid: torch.ones_like(x)
    block.mlp.forward = lambda x: 2 * torch.ones_like(x)
    gains = block(torch.zeros(200, 2, 3, 4))
    assert torch.equal(gains, gains[:, :1, :1, :1].expand_as(gains))
    values, counts = gains[:, 0, 0, 0].unique(return_counts=True)
    assert values.tolist() == [0, 2, 4, 6]
    assert counts.min() > 25  # 50 expected; six standard deviations below


def test_std_norm_equals_official(parity):
    case = parity('pstmo/functions').functions('layer_norm')
    norm = StdNorm(32)
    norm.load_state_dict({'weight': case['a_2'], 'bias': case['b_2']})
    torch.testing.assert_close(norm(case['x']), case['out'], rtol=0, atol=1e-6)
    assert (norm(case['x']) - case['out_if_torch_layer_norm']).abs().max() > 0.01


def test_std_norm_adds_epsilon_to_the_deviation():
    # (-3, -1, 1, 3) has the unbiased deviation sqrt(20 / 3)
    x = torch.tensor([-3.0, -1.0, 1.0, 3.0])
    torch.testing.assert_close(StdNorm(4, eps=0.5)(x), x / ((20 / 3) ** 0.5 + 0.5))
    flat = torch.ones(2, 4, requires_grad=True)
    StdNorm(4)(flat).sum().backward()
    assert not StdNorm(4)(flat).any()
    assert flat.grad.isfinite().all()


def test_sym_sum_moves_negative_parts_by_half_of_the_frames():
    x = torch.tensor([1.0, -2.0, 3.0, -4.0]).view(1, 4, 1, 1)
    assert SymSum()(x).flatten().tolist() == [1.0, -4.0, 3.0, -2.0]
    x = torch.randn(2, 6, 3, 4)
    torch.testing.assert_close(SymSum()(x).sum(1), x.sum(1))  # nothing gets lost


def multi_scale_conv():
    torch.manual_seed(0)
    layer = MultiScaleTemporalConv(8)
    for norm in (m for m in layer.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return layer.double().eval()


def test_padding_is_beyond_the_clip_for_multi_scale_conv():
    layer = multi_scale_conv()
    x, valid = torch.randn(2, 7, 3, 8, dtype=torch.float64), torch.ones(2, 7, dtype=torch.bool)
    valid[0, 4:] = False
    torch.testing.assert_close(layer(x, valid)[0, :4], layer(x[:1, :4])[0])
    torch.testing.assert_close(layer(x, valid)[1], layer(x)[1])
