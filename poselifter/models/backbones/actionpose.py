"""ActionPose: DSTformer with a class token that stands for the whole clip."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import InputError
from ...registry import BACKBONES
from ..parts import Encoded
from .dstformer import DSTformer


@BACKBONES.register_module()
class ActionPose(DSTformer):
    """DSTformer that carries one more frame, the class token (ActionPose; Liao and Zheng, pose encoder).

    The token has all J joints and stands before the first frame, so ``embed`` returns T + 1 frames and every layer's
    output has it at frame 0; the features have T frames. It gets the joint embedding and no temporal one:
    the frames keep the places that MotionBERT's weights were trained with, and all of them at T = ``num_frames``. The
    paper has no released code; what it leaves open is decided here.

    Args:
        use_class_token: without it, this is :class:`DSTformer`.
        align_layer: the layer, counted from 1, after which the token is read as
            the embedding of the clip; it runs through the later ones too.
        **dstformer: arguments of :class:`DSTformer`.

    Raises:
        InputError: the encoder has no such layer.
    """

    per_joint = ('joint_embedding.weight', 'class_token')
    pretraining_options = {'rep_dims': None, 'use_class_token': False}

    def __init__(self, use_class_token: bool = True, align_layer: int = 3, **dstformer: Any) -> None:
        super().__init__(**dstformer)
        if not 1 <= align_layer <= len(self.layers):
            raise InputError(f'align_layer is {align_layer}, expected 1 to {len(self.layers)}, the depth of the model')
        self.align_layer = align_layer
        self.class_token = None
        if use_class_token:
            self.token_dims = self.input_projection.out_features
            self.class_token = nn.Parameter(torch.empty(1, 1, self.num_joints, self.token_dims))
            nn.init.trunc_normal_(self.class_token, std=0.02)

    def embed(self, x: Tensor) -> Tensor:
        """See :class:`BaseBackbone`; (B, T, J, C) to (B, T + 1, J, D), the token first."""
        h = super().embed(x)
        if self.class_token is None:
            return h
        token = self.joint_embedding(self.class_token).expand(h.shape[0], -1, -1, -1)  # len() would fix it in exports
        return torch.cat([self.drop(token), h], 1)

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; ``valid`` is (B, T), the features have T frames, the layers T + 1."""
        first = 0 if self.class_token is None else 1
        valid = None if valid is None else F.pad(valid, (first, 0), value=True)
        features, layers = super().encode(h, valid, return_layers=True)
        return (features[:, first:], layers) if return_layers else features[:, first:]

    def clip_token(self, features: Tensor, layers: Sequence[Tensor], valid: Tensor | None = None) -> Tensor:
        """See :class:`BaseBackbone`; the class token after ``align_layer``, where it is used."""
        if self.class_token is None:
            return super().clip_token(features, layers, valid)
        return layers[self.align_layer - 1][:, :1]
