"""DSTformer as released, and its studied variants."""

from __future__ import annotations

import pytest
import torch

from poselifter.models import create_model
from poselifter.models.backbones import DSTformer


@pytest.mark.parametrize(('name', 'count'), [('motionbert', 42_466_317), ('motionbert_lite', 16_001_549)])
def test_number_of_parameters(name, count):
    # counts of the released files, which hold 260 tensors each
    with torch.device('meta'):
        model = create_model(name)
    assert sum(p.numel() for p in model.parameters()) == count
    assert len(model.state_dict()) == 260


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


@pytest.mark.parametrize('fusion', ['AverageFusion', 'SumFusion', 'ConcatFusion'])
def test_fusion_is_one_line_of_the_config(fusion):
    torch.manual_seed(0)
    backbone = DSTformer(num_frames=4, embed_dims=16, rep_dims=8, depth=1, fusion={'type': fusion})
    assert {type(f).__name__ for f in backbone.fusions} == {fusion}
    assert backbone(torch.randn(2, 4, 17, 3)).shape == (2, 4, 17, 8)
