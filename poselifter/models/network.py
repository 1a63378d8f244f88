"""Mixin of estimators and plain models: backbone, optional neck, named heads."""

from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .parts import BaseBackbone, BaseHead, BaseNeck, Tensors, build_part


class Network:
    """Mixin: backbone, optional neck, named heads.

    A neck may return several features by name, and a head then names the one that it reads by its argument ``feature``.
    Sizes that a neck or a head ``wants`` and its config leaves out are the backbone's; ``num_joints`` of a head is J'
    of what it reads.
    """

    backbone: BaseBackbone
    neck: BaseNeck | None
    heads: nn.ModuleDict
    #: Of the encoder in prediction, where another than that of the weights is faster.
    encoder_dtype: torch.dtype | None = None

    def build_network(
        self, backbone: dict[str, Any], neck: dict[str, Any] | None, heads: dict[str, dict[str, Any]]
    ) -> None:
        """Builds backbone, neck and heads.

        Raises:
            InputError: a head reads a feature or poses that nothing gives.
        """
        self.backbone = part = build_part(backbone, BaseBackbone)
        sizes = {'embed_dims': part.embed_dims, 'num_frames': part.num_frames, 'num_joints': part.num_joints}
        self.neck = build_part(neck, BaseNeck, sizes) if neck else None
        sizes['num_joints'] = part.num_tokens
        sizes['in_channels'] = self.neck.embed_dims if neck else part.embed_dims
        self.heads = nn.ModuleDict({name: build_part(cfg, BaseHead, sizes) for name, cfg in heads.items()})
        known = self.output_frames(part.num_frames)
        for name, head in self.heads.items():
            if head.reads == 'poses' and 'pose' not in heads:
                raise InputError(f'the head {name!r} reads the poses of a head pose, found the heads {list(heads)}')
            if head.reads != 'poses' and head.feature not in known:
                raise InputError(f'the head {name!r} reads {head.feature!r}, expected a feature of {list(known)}')

    def features(self, x: Tensor, valid: Tensor | None = None) -> Tensors:
        """Features by name; without a neck that names them only ``features``.

        Args:
            x: network-space keypoints (B, T, J, C).
            valid: (B, T) bool, False for padded frames.

        Returns:
            (B, T', J', D) each.
        """
        return self.named(self.encoded(x, valid))

    def encoded(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """The backbone's features (B, T', J', D) of clips, see :meth:`features`."""
        given = () if valid is None else (valid,)
        if self.encoder_dtype is None:
            return self.backbone(x, *given)
        return self.encode(self.backbone.embed(x), *given)

    def encode(self, h: Tensor, *valid: Tensor) -> Tensor:
        """The backbone's features of its tokens; what gave the tokens, and what reads these, keeps its precision."""
        if self.encoder_dtype is None:
            return self.backbone.encode(h, *valid)
        with torch.autocast(h.device.type, self.encoder_dtype):
            return self.backbone.encode(h, *valid).to(h.dtype)

    def named(self, features: Tensor) -> Tensors:
        """The backbone's features (B, T', J', D) through the neck, by name."""
        return _named(features if self.neck is None else self.neck(features))

    def output_frames(self, num_frames: int) -> Tensors:
        """Indices of the input frames that the T' frames of each feature stand for, (T',) int64 each."""
        frames = self.backbone.output_frames(num_frames)
        return _named(frames if self.neck is None else self.neck.output_frames(frames))

    def feature_of(self, name: str) -> str:
        """Name of the feature that a head reads, directly or through the pose head."""
        return self.heads['pose' if self.heads[name].reads == 'poses' else name].feature

    def read(self, name: str, features: Tensors, persons: int = 1) -> Tensor:
        """Input of a head, see :class:`BaseHead`; ``persons`` is M where clips are of several."""
        head = self.heads[name]
        if head.reads == 'poses':
            return self.heads['pose'](features[self.feature_of(name)])
        feature = features[head.feature]
        return feature.unflatten(0, (-1, persons)) if head.reads == 'clip' else feature

    def outputs(self, features: Tensors, persons: int = 1, present: Tensor | None = None) -> dict[str, Any]:
        """Outputs of the heads by name; ``present`` (N, M) is for those that read clips."""
        return {
            name: head(self.read(name, features, persons), *([present] if head.reads == 'clip' else []))
            for name, head in self.heads.items()
        }


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {'features': value}
