"""Fusions against their formulas."""

import pytest
import torch

from poselifter.models.necks import AdaptiveFusion, AverageFusion, ConcatFusion, SumFusion
from poselifter.registry import NECKS


def streams(count):
    return list(torch.randn(count, 2, 3, 4, 8, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize('count', [2, 3])
def test_adaptive_fusion_starts_as_average(count):
    s = streams(count)
    torch.testing.assert_close(AdaptiveFusion(8, count)(s), AverageFusion(8, count)(s))


def test_adaptive_fusion_weights_streams_per_token():
    # only channel 0 of stream 0 speaks for stream 0: its weight is a logistic function of it
    fusion = AdaptiveFusion(8)
    fusion.linear.weight.data[0, 0] = 2.0
    a, b = streams(2)
    share = torch.sigmoid(2 * a[..., :1])
    torch.testing.assert_close(fusion([a, b]), share * a + (1 - share) * b)


def test_fixed_fusions():
    a, b, c = streams(3)
    torch.testing.assert_close(SumFusion(8, 3)([a, b, c]), a + b + c)
    torch.testing.assert_close(AverageFusion(8, 3)([a, b, c]), (a + b + c) / 3)


def test_concat_fusion_maps_back_to_the_width():
    fusion = ConcatFusion(8)
    fusion.linear.weight.data.copy_(torch.cat([torch.eye(8), 2 * torch.eye(8)], 1))
    fusion.linear.bias.data.fill_(1.0)
    a, b = streams(2)
    torch.testing.assert_close(fusion([a, b]), a + 2 * b + 1)


@pytest.mark.parametrize('name', ['AdaptiveFusion', 'AverageFusion', 'ConcatFusion', 'SumFusion'])
def test_fusions_are_built_alike_and_leave_streams_alone(name):
    fusion = NECKS.build({'type': name, 'embed_dims': 8, 'num_streams': 2})
    s = streams(2)
    before = [x.clone() for x in s]
    assert fusion(s).shape == (2, 3, 4, 8)
    assert all(torch.equal(x, y) for x, y in zip(s, before, strict=True))
