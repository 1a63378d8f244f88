"""Tiny parts with random weights everywhere, clips for them, and what an output depends on."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import poselifter.models  # noqa: F401  (registers all)
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
