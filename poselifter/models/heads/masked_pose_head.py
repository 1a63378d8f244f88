"""P-STMO's decoder of masked clips."""

from typing import Any

import torch
from torch import Tensor, nn

from ...registry import HEADS
from ...structures import MotionDataSample
from ..backbones.stmo import std_norm_blocks
from ..layers import PositionEmbedding, StdNorm
from ..losses import mpjpe
from ..parts import BaseHead, Tensors
from .pose_head import PoseHead


@HEADS.register_module()
class MaskedPoseHead(BaseHead):
    """Reconstructs the 2D clip from the features of its visible frames (P-STMO, section 3.2).

    A norm and a linear map to half the width, a learned vector for each removed frame, positions, a transformer, a pose
    head. Samples bring ``frame_order`` (B, T), the frame of each slot, those of the features first.

    Args:
        in_channels: D of the features.
        num_frames: T.
        num_joints: J.
        out_channels: channels of a joint.
        depth: layers of the decoder.
        feedforward_dims: hidden channels of the encoder's layers; the decoder's have half.
        num_heads: heads of every attention.
        drop_rate: every dropout.
        **base: see :class:`BaseHead`.
    """

    wants = ('in_channels', 'num_frames', 'num_joints')
    label = 'target_2d'
    predicts = ('pred_keypoints',)
    needs = ('frame_order',)

    def __init__(
        self,
        in_channels: int,
        num_frames: int,
        num_joints: int = 17,
        out_channels: int = 2,
        depth: int = 3,
        feedforward_dims: int = 512,
        num_heads: int = 8,
        drop_rate: float = 0.1,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        dim = in_channels // 2
        self.norm = StdNorm(in_channels)
        self.projection = nn.Linear(in_channels, dim, bias=False)
        self.mask_token = nn.Parameter(torch.randn(1, 1, dim))
        self.frame_embedding = PositionEmbedding(num_frames, dim, 'frames', normal=True)
        self.blocks = std_norm_blocks(depth, dim, num_heads, feedforward_dims // 2, drop_rate)
        self.unused_norm = StdNorm(dim).requires_grad_(False)
        self.pose = PoseHead(dim, out_channels, num_joints, norm='batch')

    def forward(self, features: Tensor, order: Tensor) -> Tensor:
        """Decodes.

        Args:
            features: (B, V, 1, D) of the visible frames.
            order: (B, T) ``frame_order``.

        Returns:
            (B, T, J, out_channels), frames in that order.
        """
        h = self.projection(self.norm(features))
        removed = order.shape[1] - h.shape[1]
        h = torch.cat([h, self.mask_token.unsqueeze(2).expand(len(h), removed, -1, -1)], 1)
        h = h + self.frame_embedding.weight[0][order].unsqueeze(2)
        for block in self.blocks:
            h = block(h)
        return self.pose(h)

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """The reconstruction (B, T, J, out_channels) in time order."""
        order = data_samples.frame_order
        output = self(features, order)
        return {'pred_keypoints': output.gather(1, order.argsort(1)[..., None, None].expand_as(output))}

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Mean distance from ``target_2d`` (B, T, J, C), its first channels, with ``target_2d_weight`` (B, T, J)."""
        [output] = self.predict(features, data_samples).values()
        target = data_samples.target_2d[..., : output.shape[-1]]
        return {'loss_reconstruction': mpjpe(output, target, data_samples.target_2d_weight)}
