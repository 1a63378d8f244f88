"""P-STMO's first stage: masked pose modelling."""

from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...registry import MODELS
from ...structures import MotionDataSample
from ..backbones import STMO
from ..parts import BaseHead, Tensors, build_part
from .pretrainer import Pretrainer


@MODELS.register_module()
class MaskedPosePretrainer(Pretrainer):
    """Removes frames and joints of a 2D clip and reconstructs it (P-STMO, section 3.2).

    Replaced joints take a learned point. The spatial encoder sees all frames, as released, the temporal one only those
    that are left; the head gets its features. No 3D label is read.

    Args:
        backbone: config of the backbone; one token a frame.
        head: config of the head, e.g. ``MaskedPoseHead``.
        visible_only: the spatial encoder, whose batch norm averages over frames, sees no removed frame either, as the
            paper says.
        share_mask: the whole batch has the masks of its first clip, as in the released program.
        **pretrainer: see :class:`Pretrainer`.

    Raises:
        InputError: the features have a token for each joint, whose frames cannot be removed; or ``visible_only`` meets
            another backbone than STMO with temporal layers.
    """

    def __init__(
        self, backbone: dict, head: dict, visible_only: bool = False, share_mask: bool = False, **pretrainer: Any
    ) -> None:
        super().__init__(backbone, **pretrainer)
        if self.backbone.num_tokens != 1:
            raise InputError(
                f'MaskedPosePretrainer removes frames, which must be one token each; {type(self.backbone).__name__} '
                f'has {self.backbone.num_tokens} tokens a frame'
            )
        sizes = {'num_frames': self.backbone.num_frames, 'num_joints': self.backbone.num_joints}
        self.head = build_part(head, BaseHead, {**sizes, 'in_channels': self.backbone.embed_dims})
        self.joint_token = nn.Parameter(torch.randn(1, 1, self.backbone.in_channels))
        if visible_only and not (isinstance(self.backbone, STMO) and len(self.backbone.temporal_blocks)):
            raise InputError(
                f'MaskedPosePretrainer: visible_only needs the temporal layers of STMO, found '
                f'{type(self.backbone).__name__}; leave it out'
            )
        self.visible_only, self.share_mask = visible_only, share_mask

    def split(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """A mask (B, T, J) as removed frames (B, T), whose joints are all masked, and replaced joints (B, T, J)."""
        mask = mask[:1].expand_as(mask) if self.share_mask else mask
        removed = mask.all(-1)
        return removed, mask & ~removed.unsqueeze(-1)

    def reconstruct(self, x: Tensor, frame_mask: Tensor, joint_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstructs corrupted clips.

        Args:
            x: clean clips (B, T, J, C), see :meth:`describe`.
            frame_mask: (T,) or (B, T) bool, True where a frame is removed; as many in each clip.
            joint_mask: (T, J) or (B, T, J) bool, True where a joint is replaced.

        Returns:
            (clips (B, T, J, C'), order (B, T)): slot i is frame ``order[:, i]``;
            visible frames come first, each group in time order.

        Raises:
            InputError: ``frame_mask`` leaves more frames of one clip than of another.
        """
        features, order = self.encode(x, frame_mask, joint_mask)
        return self.head(features, order), order

    def encode(self, x: Tensor, frame_mask: Tensor, joint_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, V, 1, D) of the V visible frames, and the order; as of :meth:`reconstruct`."""
        x = torch.where(joint_mask.unsqueeze(-1), self.joint_token, x)
        frame_mask = frame_mask.expand(len(x), -1)
        order = frame_mask.int().argsort(dim=1, stable=True)
        counts = (~frame_mask).sum(1)
        visible = int(counts[0])
        if (counts != visible).any():
            raise InputError(f'frame_mask leaves {counts.tolist()} frames of the clips, expected as many of each clip')
        kept = order[:, :visible]
        if self.visible_only:
            return self.backbone.encode(self.backbone.embed(_frames(x, kept), kept)), order
        return self.backbone.encode(_frames(self.backbone.embed(x), kept)), order

    def forward(
        self, inputs: Tensor, data_samples: MotionDataSample | None = None, mode: str = 'tensor'
    ) -> Tensor | Tensors:
        """See mmengine's ``BaseModel.forward``.

        Args:
            inputs: clean clips (B, T, J, C).
            data_samples: one stacked sample with ``mask`` (B, T, J) bool, True where hidden.
            mode: ``'loss'``: the mean distance in x and y between clip and reconstruction, over all joints that the
                clip has, hidden or not; else the reconstruction (B, T, J, C') in time order.
        """
        removed, replaced = self.split(data_samples.mask)
        x = self.describe(inputs, removed.unsqueeze(-1) | replaced)
        features, order = self.encode(x, removed, replaced)
        samples = MotionDataSample(frame_order=order)
        if mode != 'loss':
            return self.head.predict(features, samples)['pred_keypoints']
        present = (inputs != 0).any(-1) if inputs.shape[-1] < 3 else inputs[..., 2] > 0
        samples.set_data({'target_2d': x, 'target_2d_weight': present.to(x.dtype)})
        return self.head.loss(features, samples)


def _frames(x: Tensor, frames: Tensor) -> Tensor:
    """Frames (B, V) of clips (B, T, J, C)."""
    return x.gather(1, frames[..., None, None].expand(-1, -1, *x.shape[2:]))
