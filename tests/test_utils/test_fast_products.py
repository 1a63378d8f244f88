"""Linear layers by another library."""

import pytest
import torch
import torch.nn.functional as F

from poselifter.utils import fast_products as module
from poselifter.utils.fast_products import FastProducts, fast_products, linear_with, std_norm


@pytest.fixture(autouse=True, params=[1, module._LARGE])
def large(request, monkeypatch):
    """Products large enough for calls of their own: all, and as in use."""
    monkeypatch.setattr(module, '_LARGE', request.param)


@pytest.mark.parametrize('intel', [True, False])
def test_where_it_is_faster(monkeypatch, intel):
    """On Intel's processors not for a window in float32."""
    monkeypatch.setattr(module, '_on_intel', lambda: intel)
    assert isinstance(fast_products(27), FastProducts) != intel
    assert isinstance(fast_products(243), FastProducts)
    assert isinstance(fast_products(27, torch.bfloat16), FastProducts)
    with torch.autocast('cpu', torch.bfloat16):
        assert isinstance(fast_products(27), FastProducts)


@pytest.mark.parametrize('intel', [True, False])
def test_attention_of_torch_on_intel(monkeypatch, intel):
    monkeypatch.setattr(module, '_on_intel', lambda: intel)
    own = []
    monkeypatch.setattr(module, '_attention', lambda *_: own.append(1))
    with torch.no_grad(), FastProducts():
        F.scaled_dot_product_attention(*heads(1, 5, 2, 4))
    assert bool(own) != intel


def test_same_products():
    layer = torch.nn.Linear(24, 40)
    for shape in [(7, 24), (2, 27, 17, 24), (24,)]:
        x = torch.randn(shape)
        with torch.no_grad():
            expected, without = layer(x), x @ layer.weight.T
            with FastProducts():
                torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(F.linear(x, layer.weight), without, rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(F.linear(x, layer.weight, bias=layer.bias), expected)


def test_gradients_and_other_kinds_as_before():
    layer, x = torch.nn.Linear(8, 8), torch.randn(5, 8, requires_grad=True)
    with FastProducts():
        layer(x).sum().backward()
        with torch.no_grad():
            assert layer.double()(x.double()).dtype == torch.float64
            with torch.autocast('cpu', torch.bfloat16):
                assert layer.float()(x).dtype == torch.bfloat16
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(5, 8))


def heads(*shape):
    """Queries, keys and values as a linear layer gives them: (N, tokens, heads, channels), seen from the heads."""
    return [torch.randn(shape).transpose(1, 2) for _ in range(3)]


def test_same_attention(monkeypatch):
    monkeypatch.setattr(module, '_on_intel', lambda: False)
    for shape in [(1, 230, 2, 64), (5, 17, 4, 8)]:  # products of a head by themselves, and all at once
        q, k, v = heads(*shape)
        with torch.no_grad():
            for options in ({}, {'scale': 0.3}, {'attn_mask': torch.rand(shape[1], shape[1]) > 0.2}):
                expected = F.scaled_dot_product_attention(q, k, v, **options)
                with FastProducts():
                    result = F.scaled_dot_product_attention(q, k, v, **options)
                torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_bfloat16(monkeypatch):
    monkeypatch.setattr(module, '_on_intel', lambda: False)
    layer, qkv = torch.nn.Linear(24, 40), heads(2, 70, 3, 8)
    x, halves = torch.randn(9, 24), [part.bfloat16() for part in qkv]
    pairs = [
        (lambda: layer(x), layer(x)),
        (lambda: linear_with(x, layer.weight, layer.bias, 'gelu'), F.gelu(layer(x))),
        (lambda: F.scaled_dot_product_attention(*halves), F.scaled_dot_product_attention(*qkv)),
    ]
    for function, exact in pairs:
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16), FastProducts():
            fast = function()
        assert fast.dtype == torch.bfloat16
        assert (fast - exact).abs().mean() < 0.015 * exact.std()
    with torch.no_grad(), FastProducts():
        assert torch.equal(x + x.bfloat16(), x + x.bfloat16().float())


def test_gelu_and_weights_that_change():
    layer, x = torch.nn.Linear(24, 40), torch.randn(9, 24)
    with torch.no_grad(), FastProducts():
        for _ in range(2):
            torch.testing.assert_close(
                linear_with(x, layer.weight, layer.bias, 'gelu'), F.gelu(x @ layer.weight.T + layer.bias)
            )
            first = layer.weight.chunk(2)[0]
            torch.testing.assert_close(F.linear(x, first), x @ first.T)
            layer.weight.mul_(2)
        layer.weight.data = torch.randn(40, 24)
        torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias)


def test_model_built_in_inference_mode():
    with torch.inference_mode(), FastProducts():
        layer = torch.nn.Linear(4, 3)
        torch.testing.assert_close(layer(torch.ones(2, 4)), (layer.weight.sum(1) + layer.bias).expand(2, 3))


def test_std_norm():
    x, weight, bias = torch.randn(3, 4, 32) + 2, torch.randn(32), torch.randn(32)
    x[0], x[1] = 5, x[1] * 1e-5  # no spread at all, and one near to epsilon
    std, mean = x.double().std(-1, keepdim=True), x.double().mean(-1, keepdim=True)
    expected = weight * (x - mean) / (std + 1e-6) + bias
    with torch.no_grad(), FastProducts():
        fast = std_norm(x, weight, bias, 1e-6)
    assert torch.equal(fast[0], bias.expand(4, 32))
    torch.testing.assert_close(fast[1], expected[1].float(), rtol=0.05, atol=0.05)  # of differences of rounded numbers
    torch.testing.assert_close(fast[2], expected[2].float(), rtol=1e-5, atol=1e-6)
