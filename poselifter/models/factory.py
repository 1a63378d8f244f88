"""Published sizes by name, as plain modules without codec, data or losses."""

from __future__ import annotations

import inspect
import os
import pickle
from difflib import get_close_matches
from fnmatch import fnmatch
from typing import Any

import torch
from torch import nn

from ..errors import InputError
from ..registry import BACKBONES, HEADS

_SIZES: dict[str, dict[str, dict[str, Any]]] = {
    'mixste': {'backbone': {'type': 'MixSTE'}, 'head': {'norm': True}},
    'mixste_81': {'backbone': {'type': 'MixSTE', 'num_frames': 81}, 'head': {'norm': True}},
    'motionbert': {'backbone': {'type': 'DSTformer'}, 'head': {'init_std': 0.02}},
    'motionbert_lite': {
        'backbone': {'type': 'DSTformer', 'embed_dims': 256, 'mlp_ratio': 4.0},
        'head': {'init_std': 0.02},
    },
}


class Lifter(nn.Module):
    """Backbone and pose head; parameters are named as in ``MotionEstimator``.

    Args:
        backbone: config of the backbone.
        head: arguments of the :class:`~poselifter.models.heads.PoseHead`.
    """

    def __init__(self, backbone: dict, head: dict) -> None:
        super().__init__()
        self.backbone = BACKBONES.build(backbone)
        pose = HEADS.build({'type': 'PoseHead', 'in_channels': self.backbone.embed_dims, **head})
        self.heads = nn.ModuleDict({'pose': pose})

    def forward(self, x: torch.Tensor, valid: torch.Tensor | None = None) -> torch.Tensor:
        """Network-space keypoints (B, T, J, C) to poses (B, T, J, 3); ``valid`` (B, T) is False for padded frames."""
        return self.heads['pose'](self.backbone(x, valid))


def list_models(pattern: str = '*') -> list[str]:
    """Names that :func:`create_model` knows, sorted.

    Args:
        pattern: shell wildcard, e.g. ``'motionbert*'``.
    """
    return sorted(name for name in _SIZES if fnmatch(name, pattern))


def create_model(name: str, pretrained: str | os.PathLike | None = None, **overrides: Any) -> Lifter:
    """Builds a model of a published size.

    Args:
        name: one of :func:`list_models`.
        pretrained: a checkpoint that this toolbox wrote; read without
            executing anything from it. ``None`` means fresh weights.
        **overrides: arguments of the backbone that shall differ.

    Returns:
        The model: (B, T, J, C) -> (B, T, J, 3).

    Raises:
        InputError: an unknown name or argument, or a file that cannot be read
            or holds another model.

    Example:
        >>> model = create_model('mixste', num_frames=9, embed_dims=16, depth=1)
        >>> model(torch.zeros(1, 9, 17, 2)).shape
        torch.Size([1, 9, 17, 3])
    """
    if name not in _SIZES:
        near = get_close_matches(name, _SIZES, n=3) or list_models()
        raise InputError(f'unknown model {name!r}; did you mean {" or ".join(near)}?')
    size = _SIZES[name]
    backbone = size['backbone']
    known = inspect.signature(BACKBONES.get(backbone['type'])).parameters
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise InputError(f'create_model({name!r}): unknown arguments {unknown}, expected some of {list(known)}')
    model = Lifter({**backbone, **overrides}, size['head'])
    if pretrained is not None:
        _load(model, pretrained)
    return model


def _load(model: nn.Module, path: str | os.PathLike) -> None:
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
        state = checkpoint.get('state_dict', checkpoint)
    except (OSError, RuntimeError, EOFError, ValueError, AttributeError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split('\n')[0] or type(error).__name__
        raise InputError(f'{path} cannot be read as a checkpoint ({reason}); give a file this toolbox wrote') from error
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = ' '.join(str(error).split())[:300]
        raise InputError(f'{path} holds another model than the one asked for: {reason}') from error
