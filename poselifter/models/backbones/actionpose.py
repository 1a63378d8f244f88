"""ActionPose: DSTformer with a class token that stands for the whole clip."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ...errors import InputError
from ...registry import BACKBONES
from .dstformer import DSTformer


@BACKBONES.register_module()
class ActionPose(DSTformer):
    """DSTformer that carries one more frame, the class token (ActionPose; Liao and Zheng, pose encoder).

    The token has all J joints and stands before the first frame, so
    ``embed`` returns T + 1 frames and every layer's output has it at frame 0;
    the features have T frames. It gets the joint embedding and no temporal one:
    the frames keep the places that MotionBERT's weights were trained with, and
    all of them at T = ``num_frames``. The paper has no released code; what it
    leaves open is decided here.

    Args:
        use_class_token: without it, this is :class:`DSTformer`.
        align_layer: the layer, counted from 1, after which the token is read as
            the embedding of the clip; it runs through the later ones too.
        **dstformer: arguments of :class:`DSTformer`.

    Raises:
        InputError: there is no such layer.
    """

    def __init__(self, use_class_token: bool = True, align_layer: int = 3, **dstformer: Any) -> None:
        super().__init__(**dstformer)
        if not 1 <= align_layer <= len(self.layers):
            raise InputError(f'align_layer is {align_layer}, expected 1 to {len(self.layers)}, the depth of the model')
        self.align_layer, self.token_dims = align_layer, self.input_projection.out_features
        self.class_token = None
        if use_class_token:
            self.class_token = nn.Parameter(torch.empty(1, 1, self.num_joints, self.input_projection.out_features))
            nn.init.trunc_normal_(self.class_token, std=0.02)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """See :class:`BaseBackbone`; (B, T, J, C) to (B, T + 1, J, D), the token first."""
        h = super().embed(x)
        if self.class_token is None:
            return h
        token = self.joint_embedding(self.class_token).expand(len(h), -1, -1, -1)
        return torch.cat([self.drop(token), h], 1)

    def encode(
        self, h: torch.Tensor, valid: torch.Tensor | None = None, return_layers: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        """See :class:`BaseBackbone`; ``valid`` is (B, T), the features have T frames, the layers T + 1."""
        if self.class_token is None:
            return super().encode(h, valid, return_layers)
        if valid is not None:
            valid = F.pad(valid, (1, 0), value=True)
        found = super().encode(h, valid, return_layers)
        return (found[0][:, 1:], found[1]) if return_layers else found[:, 1:]

    def pose_token(self, layers: list[torch.Tensor]) -> torch.Tensor:
        """The token after ``align_layer``.

        Args:
            layers: outputs of all layers, from :meth:`encode`.

        Returns:
            (B, 1, J, D).

        Raises:
            InputError: the model was built without a token.
        """
        if self.class_token is None:
            raise InputError('this ActionPose has no class token to read; build it with use_class_token=True')
        return layers[self.align_layer - 1][:, :1]
