"""Tiny parts with random weights everywhere, clips for them, and what an output depends on."""

import torch
from mmengine.config import Config
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import poselifter.models  # noqa: F401  (registers all)
from poselifter.apis import init_model
from poselifter.registry import MODELS

SMALL = {'embed_dims': 8, 'depth': 2, 'num_heads': 2}
# of registered backbones, beside num_frames, num_joints and in_channels; SMALL of those that are not here
BACKBONES = {
    'ActionPose': {**SMALL, 'rep_dims': 6, 'align_layer': 1},
    'DSTformer': {**SMALL, 'rep_dims': 6},
    'MixSTE': SMALL,
    'MotionAGFormer': {**SMALL, 'rep_dims': 6, 'layer_scale': 0.5},
    'PoseFormer': {'joint_dims': 4, 'depth': 2, 'num_heads': 2},
    'STMO': {**SMALL, 'feedforward_dims': 12},
    'TemporalConvNet': {'embed_dims': 6, 'filter_widths': [3, 3, 3]},
}
NECKS = {
    'STMO': {'type': 'ManyToOneAggregator', 'strides': [3, 3], 'feedforward_dims': 12, 'num_heads': 2},
    'PoseFormer': {'type': 'WeightedFrameMean'},
}
CODEC = {'type': 'RootRelativeLifting', 'confidence': True, 'skeleton_3d': 'cmu17', 'fps': 30}
CODECS = {'MixSTE': {**CODEC, 'window_box': True}, 'DSTformer': {'type': 'ImageSpaceLifting', 'fps': 25}}


def randomised(module: nn.Module, scale: float = 0.3) -> nn.Module:
    """The module with random weights and statistics everywhere, so that nothing is at a special value; in eval mode."""
    for parameter in module.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=scale)
    for norm in (m for m in module.modules() if isinstance(m, _BatchNorm)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return module.eval()


def tiny_part(kind: str, **changes) -> nn.Module:
    """A registered part in float64; for equal sizes always the same weights."""
    torch.manual_seed(0)
    return randomised(MODELS.build({'type': kind, **BACKBONES.get(kind, {}), **changes})).double()


def random_clips(*shape: int, seed: int = 1) -> torch.Tensor:
    """Random numbers (B, T, J, C) in float64."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def tiny_lifter(kind, **test_cfg):
    """A tiny model of a backbone that lifts 9 frames, with random weights."""
    torch.manual_seed(0)
    codec, single = CODECS.get(kind, CODEC), kind in ('STMO', 'PoseFormer', 'TemporalConvNet')
    backbone = {'type': kind, **BACKBONES.get(kind, SMALL), 'num_joints': 17}
    backbone |= {'in_channels': 6 if 'window_box' in codec else 3, 'num_frames': 9}
    backbone |= {'depth': 1} if 'depth' in backbone else {'filter_widths': [3, 3]}
    head = {'type': 'PoseHead', 'feature': 'single' if kind == 'STMO' else 'features'}
    head |= {'num_joints': 17} if single else {}
    model = {'type': 'MotionEstimator', 'backbone': backbone, 'neck': NECKS.get(kind), 'heads': {'pose': head}}
    test_cfg = {'batch_size': 4, 'window': {'stride': 1 if single else 4}, **test_cfg}
    return randomised(init_model(Config({'model': {**model, 'codec': codec, 'test_cfg': test_cfg}})))
