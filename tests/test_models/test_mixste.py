"""MixSTE against the official network, and against what the paper says."""

from __future__ import annotations

import pytest
import torch

from poselifter.models import create_model
from poselifter.models.losses import temporal_consistency, velocity, weighted_mpjpe
from poselifter.skeletons import flip_keypoints, get_skeleton

ARGUMENTS = {
    'num_frame': 'num_frames',
    'in_chans': 'in_channels',
    'embed_dim_ratio': 'embed_dims',
}
NAMES = {
    r'^Spatial_patch_to_embedding': 'backbone.input_projection',
    r'^Spatial_pos_embed': 'backbone.joint_embedding.weight',
    r'^Temporal_pos_embed': 'backbone.frame_embedding.weight',
    r'^STEblocks': 'backbone.spatial_blocks',
    r'^TTEblocks': 'backbone.temporal_blocks',
    r'^Spatial_norm': 'backbone.spatial_norm',
    r'^Temporal_norm': 'backbone.temporal_norm',
    r'^head\.0': 'heads.pose.norm',
    r'^head\.1': 'heads.pose.linear',
}


def official(case):
    """(model with the official weights, our name of every official one)."""
    model = create_model('mixste', **{ARGUMENTS.get(k, k): v for k, v in case.meta['constructor'].items()})
    return model, case.load(model, NAMES)


@pytest.mark.parametrize('name', ['pose_small', 'pose_hrnet16', 'pose_depth1'])
def test_output_equals_official(parity, name):
    case = parity(f'mixste/{name}')
    model, _ = official(case)
    x = case.array('input')
    with torch.no_grad():
        output = model.eval()(x)
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=1e-5)


def test_mirrored_average_equals_official(parity):
    case = parity('mixste/pose_small')
    model, _ = official(case)
    x, h36m = case.array('input'), get_skeleton('h36m17')
    with torch.no_grad():
        output = (model(x) + flip_keypoints(model(flip_keypoints(x, h36m)), h36m)) / 2
    torch.testing.assert_close(output, case.array('output_flip_tta'), rtol=0, atol=1e-5)


def test_training_step_equals_official(parity):
    case = parity('mixste/train_step')
    model, ours = official(case)
    target = case.array('target')
    target[:, :, 0] = 0
    weights = torch.tensor(get_skeleton('h36m17').joint_weights['mixste'])
    output = model(case.array('input'))
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=1e-5)
    parts = {
        'weighted_mpjpe': weighted_mpjpe(output, target, weights),
        'temporal_consistency': temporal_consistency(output, joint_weights=weights),
        'velocity': velocity(output, target),
    }
    for name, value in parts.items():
        assert value.item() == pytest.approx(case.meta['losses'][name], rel=1e-5)
    loss = parts['weighted_mpjpe'] + 0.5 * parts['temporal_consistency'] + 2 * parts['velocity']
    assert loss.item() == pytest.approx(case.meta['losses']['total'], rel=1e-5)

    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-4, weight_decay=0.1)
    loss.backward(loss.detach())  # the official loop's way: the gradient is multiplied by the loss
    parameters = dict(model.named_parameters())
    for name, expected in case.arrays('grad__').items():
        gradient = parameters[ours[name]].grad.reshape(expected.shape)
        torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-4 * expected.abs().max().item(), msg=name)
    for name, expected in case.arrays('true_grad__').items():
        gradient = parameters[ours[name]].grad.reshape(expected.shape) / loss.detach()
        torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-4 * expected.abs().max().item(), msg=name)
    optimizer.step()
    for name, expected in case.arrays('after_step__').items():
        found = parameters[ours[name]].detach()
        if name.endswith('qkv.bias'):
            # softmax does not see a shift of all keys: their bias has rounding noise for a gradient, and AdamW's
            # first step is the sign of it
            (found, _, v), (expected, _, expected_v) = found.chunk(3), expected.chunk(3)
            torch.testing.assert_close(v, expected_v, rtol=0, atol=1e-5, msg=name)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5, msg=name)


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
