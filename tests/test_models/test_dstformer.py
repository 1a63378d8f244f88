"""DSTformer against the official network."""

from __future__ import annotations

import pytest
import torch

from poselifter.models import create_model
from poselifter.models.backbones import DSTformer
from poselifter.models.losses import mpjpe, n_mpjpe, velocity
from poselifter.skeletons import flip_keypoints, get_skeleton

ARGUMENTS = {'dim_feat': 'embed_dims', 'dim_rep': 'rep_dims', 'maxlen': 'num_frames'}
NAMES = {
    r'^joints_embed': 'backbone.input_projection',
    r'^pos_embed': 'backbone.joint_embedding.weight',
    r'^temp_embed': 'backbone.frame_embedding.weight',
    r'^blocks_st\.(\d+)': r'backbone.layers.\1.spatial_first',
    r'^blocks_ts\.(\d+)': r'backbone.layers.\1.temporal_first',
    r'_first\.(\w+)_s\b': r'_first.spatial.\1',
    r'_first\.(\w+)_t\b': r'_first.temporal.\1',
    r'^ts_attn\.(\d+)': r'backbone.fusions.\1.linear',
    r'^norm': 'backbone.norm',
    r'^pre_logits\.fc': 'backbone.representation',
    r'^head': 'heads.pose.linear',
}


def official(case):
    """(model with the official weights, our name of every official one)."""
    model = create_model('motionbert', **{ARGUMENTS.get(k, k): v for k, v in case.meta['constructor'].items()})
    return model, case.load(model, NAMES)


@pytest.mark.parametrize('name', ['dstformer_pose', 'dstformer_shorter_clip'])
def test_output_equals_official(parity, name):
    case = parity(f'motionbert/{name}')
    model, _ = official(case)
    with torch.no_grad():
        output = model.eval()(case.array('input'))
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=5e-6)


@pytest.mark.parametrize(('name', 'array'), [('dstformer_pose', 'rep'), ('dstformer_rep', 'output')])
def test_representation_equals_official(parity, name, array):
    case = parity(f'motionbert/{name}')
    model, _ = official(case)
    with torch.no_grad():
        output = model.backbone(case.array('input'))
    torch.testing.assert_close(output, case.array(array), rtol=0, atol=5e-6)


def test_mirrored_average_equals_official(parity):
    case = parity('motionbert/dstformer_pose')
    model, _ = official(case)
    x, h36m = case.array('input'), get_skeleton('h36m17')
    with torch.no_grad():
        output = (model(x) + flip_keypoints(model(flip_keypoints(x, h36m)), h36m)) / 2
    torch.testing.assert_close(output, case.array('output_flip_tta'), rtol=0, atol=5e-6)


def test_training_step_equals_official(parity):
    case = parity('motionbert/dstformer_train_step')
    model, ours = official(case)
    target = case.array('target')
    target = target - target[:, :, :1]
    output = model(case.array('input'))
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=5e-6)
    parts = {
        'loss_3d_pos': mpjpe(output, target),
        'loss_3d_scale': n_mpjpe(output, target),
        'loss_3d_velocity': velocity(output, target),
    }
    for name, value in parts.items():
        assert value.item() == pytest.approx(case.meta['losses'][name], rel=1e-5)
    loss = parts['loss_3d_pos'] + 0.5 * parts['loss_3d_scale'] + 20 * parts['loss_3d_velocity']
    assert loss.item() == pytest.approx(case.meta['loss_total'], rel=1e-5)

    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)
    loss.backward()
    parameters = dict(model.named_parameters())
    norm = torch.stack([p.grad.norm() for p in parameters.values()]).norm()
    assert norm.item() == pytest.approx(case.meta['grad_norm_total'], rel=1e-4)
    for name, expected in case.arrays('grad__').items():
        gradient = parameters[ours[name]].grad.reshape(expected.shape)
        torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-4 * expected.abs().max().item(), msg=name)
    optimizer.step()
    for name, expected in case.arrays('after_step__').items():
        torch.testing.assert_close(parameters[ours[name]].detach(), expected, rtol=0, atol=1e-5, msg=name)


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
        for stream in (layer.spatial_first, layer.temporal_first):
            for block in stream.values():
                assert block.drop_path.drop_prob == pytest.approx(rate)
                assert block.drop_path.axis == 'joints'


@pytest.mark.parametrize('fusion', ['AverageFusion', 'SumFusion', 'ConcatFusion'])
def test_fusion_is_one_line_of_the_config(fusion):
    torch.manual_seed(0)
    backbone = DSTformer(num_frames=4, embed_dims=16, rep_dims=8, depth=1, fusion={'type': fusion})
    assert {type(f).__name__ for f in backbone.fusions} == {fusion}
    assert backbone(torch.randn(2, 4, 17, 3)).shape == (2, 4, 17, 8)
