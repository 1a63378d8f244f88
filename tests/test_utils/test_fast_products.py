"""Linear layers by another library."""

import torch
import torch.nn.functional as F

from poselifter.utils.fast_products import FastProducts


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
