from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part

from poselifter.models import create_model
from poselifter.models.backbones import PoseFormer

tiny = partial(tiny_part, 'PoseFormer', num_frames=5, num_joints=4)
clip = partial(random_clips, 2, 5, 4, 2)


def test_initialisation():
    torch.manual_seed(0)
    model = create_model('poseformer_27')
    assert not model.backbone.spatial.joint_embedding.weight.any()
    assert not model.backbone.frame_embedding.weight.any()
    for block, width in ((model.backbone.spatial.blocks[0], 32), (model.backbone.temporal_blocks[0], 544)):
        weight = block.attn.qkv.weight  # torch's default: uniform in +-1 / sqrt(width)
        assert weight.abs().max() <= width**-0.5
        assert weight.std().item() == pytest.approx((3 * width) ** -0.5, rel=0.05)
    weights = model.neck.conv.weight  # uniform in +-1 / sqrt(T), not 1 / T
    assert 0.1 < weights.abs().max() <= 27**-0.5
    assert weights.min() < 0


def test_drop_path_rises_per_frame_then_per_clip():
    net = PoseFormer(num_frames=5, joint_dims=8, depth=3, drop_path_rate=0.2)
    for blocks, axis in ((net.spatial.blocks, 'joints'), (net.temporal_blocks, 'frames')):
        assert [block.drop_path.drop_prob for block in blocks] == pytest.approx([0, 0.1, 0.2])
        assert {block.drop_path.axis for block in blocks} == {axis}
    # one token a frame: a draw over frames is a draw per clip
    torch.manual_seed(0)
    kept = net.temporal_blocks[2].drop_path(torch.ones(100, 5, 1, 3))
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert not torch.equal(kept, kept[:1].expand_as(kept))


def test_layers_are_the_temporal_ones():
    net = tiny()
    features, layers = net.encode(net.embed(clip()), return_layers=True)
    assert len(layers) == 2
    torch.testing.assert_close(net.norm(layers[-1]), features)
