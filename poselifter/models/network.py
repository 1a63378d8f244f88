"""Backbone, neck and heads, as the estimator and the plain models both have them."""

import inspect
from typing import Any

import torch
from torch import nn

from ..errors import InputError
from ..registry import BACKBONES, HEADS, NECKS


class Network:
    """What a backbone, perhaps a neck, and heads do together; a mixin for modules.

    A neck may return several features by name, and a head then names the one
    that it reads by its attribute ``feature``. What the config of a neck or a
    head leaves out of ``in_channels``, ``embed_dims``, ``num_frames`` and
    ``num_joints`` (a head's: J' of what it reads) is the backbone's.
    """

    backbone: nn.Module
    neck: nn.Module | None
    heads: nn.ModuleDict

    def build_network(self, backbone: dict, neck: dict | None, heads: dict[str, dict]) -> None:
        """Builds the three.

        Raises:
            InputError: a head reads a feature that is not there.
        """
        self.backbone = BACKBONES.build(backbone)
        names = ('embed_dims', 'num_frames', 'num_joints')
        size = {name: getattr(self.backbone, name) for name in names if hasattr(self.backbone, name)}
        self.neck = NECKS.build(filled(neck, NECKS, size)) if neck else None
        if hasattr(self.backbone, 'num_tokens'):
            size['num_joints'] = self.backbone.num_tokens
        if 'embed_dims' in size:
            size['in_channels'] = getattr(self.neck, 'embed_dims', size['embed_dims'])
        self.heads = nn.ModuleDict({name: HEADS.build(filled(cfg, HEADS, size)) for name, cfg in heads.items()})
        known = self.output_frames(self.backbone.num_frames)
        for name, head in self.heads.items():
            if feature_of(head) not in known:
                raise InputError(f'the head {name!r} reads {feature_of(head)!r}, expected a feature of {list(known)}')

    def features(self, x: torch.Tensor, valid: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Features by name; without a neck that names them there is one, ``features``.

        Args:
            x: network-space keypoints (B, T, J, C).
            valid: (B, T) bool, False for padded frames.

        Returns:
            (B, T', J', D) each.
        """
        return self.named(self.backbone(x) if valid is None else self.backbone(x, valid))

    def named(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """The backbone's features (B, T', J', D) through the neck, by name."""
        return _named(features if self.neck is None else self.neck(features))

    def output_frames(self, num_frames: int) -> dict[str, torch.Tensor]:
        """Which input frames the T' frames of each feature stand for, (T',) int64 each."""
        backbone = self.backbone
        every = not hasattr(backbone, 'output_frames')
        frames = torch.arange(num_frames) if every else backbone.output_frames(num_frames)
        return _named(frames if not hasattr(self.neck, 'output_frames') else self.neck.output_frames(frames))

    def read(self, name: str, features: dict[str, torch.Tensor], persons: int = 1) -> torch.Tensor:
        """What a head reads: (B, T', J', D), or (N, M, T', J', D) for a head that pools over M persons."""
        head = self.heads[name]
        feature = features[feature_of(head)]
        return feature.unflatten(0, (-1, persons)) if getattr(head, 'per_person', False) else feature


def feature_of(head: nn.Module) -> str:
    """The name of the feature that a head reads."""
    return getattr(head, 'feature', 'features')


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {'features': value}


def filled(cfg: dict, registry: Any, size: dict[str, int]) -> dict:
    """A config with the arguments of ``size`` that its class takes and that it leaves out."""
    cls = registry.get(cfg['type']) if isinstance(cfg['type'], str) else cfg['type']
    known = inspect.signature(cls).parameters if cls else {}
    wanted = {name: value for name, value in size.items() if name in known and name not in cfg}
    if 'num_joints' in wanted and known['num_joints'].default is None:
        del wanted['num_joints']  # every joint is a token
    return {**cfg, **wanted}
