import pytest
import torch

from poselifter.models.necks import ConcatFusion
from poselifter.registry import NECKS


def streams(count):
    return list(torch.randn(count, 2, 3, 4, 8, generator=torch.Generator().manual_seed(0)))


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
