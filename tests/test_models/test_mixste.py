"""MixSTE as released, and its studied variants."""

from __future__ import annotations

import pytest
import torch

from poselifter.models import create_model


@pytest.mark.parametrize(('name', 'count'), [('mixste', 33_783_811), ('mixste_81', 33_700_867)])
def test_number_of_parameters(name, count):
    # counts of the official network with its head
    with torch.device('meta'):
        model = create_model(name)
    assert sum(p.numel() for p in model.parameters()) == count


def test_initialisation_is_torchs_default_with_zero_positions():
    backbone = create_model('mixste', num_frames=9, embed_dims=64, depth=2).backbone
    assert not backbone.joint_embedding.weight.any()
    assert not backbone.frame_embedding.weight.any()
    weight = backbone.spatial_blocks[0].attn.qkv.weight
    assert weight.abs().max() <= 1 / 8  # uniform in +-1 / sqrt(64): standard deviation 1 / (8 sqrt 3)
    assert weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)


def test_drop_path_rises_linearly_and_pairs_share_a_rate():
    backbone = create_model('mixste', num_frames=9, embed_dims=16, depth=5, drop_path_rate=0.2).backbone
    for blocks, axis in ((backbone.spatial_blocks, 'joints'), (backbone.temporal_blocks, 'frames')):
        assert [b.drop_path.drop_prob for b in blocks] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
        assert {b.drop_path.axis for b in blocks} == {axis}
