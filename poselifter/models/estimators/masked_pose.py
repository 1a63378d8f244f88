"""P-STMO's first stage: masked pose modelling."""

from __future__ import annotations

import torch
from mmengine.model import BaseModel
from torch import nn

from ...errors import InputError
from ...registry import BACKBONES, HEADS, MODELS
from ..losses import mpjpe
from ..network import filled


@MODELS.register_module()
class MaskedPosePretrainer(BaseModel):
    """Removes frames and joints of a 2D clip and reconstructs it (P-STMO, section 3.3).

    Replaced joints take a learned point. The spatial encoder sees all frames,
    the temporal one only those that are left; the head gets its features.

    Args:
        backbone: config of the backbone; one token a frame.
        head: config of the head, e.g. ``MaskedPoseHead``.
        data_preprocessor: see mmengine.
        init_cfg: see mmengine.
    """

    def __init__(
        self, backbone: dict, head: dict, data_preprocessor: dict | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = BACKBONES.build(backbone)
        size = {name: getattr(self.backbone, name) for name in ('num_frames', 'num_joints')}
        self.head = HEADS.build(filled(head, HEADS, {**size, 'in_channels': self.backbone.embed_dims}))
        self.joint_token = nn.Parameter(torch.randn(1, 1, self.backbone.in_channels))

    def reconstruct(
        self, x: torch.Tensor, frame_mask: torch.Tensor, joint_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstructs corrupted clips.

        Args:
            x: clean clips (B, T, J, C).
            frame_mask: (T,) or (B, T) bool, True where a frame is removed; as
                many in each clip.
            joint_mask: (T, J) or (B, T, J) bool, True where a joint is replaced.

        Returns:
            (clips (B, T, J, C), order (B, T)): slot i is frame ``order[:, i]``;
            visible frames come first, each group in time order.

        Raises:
            InputError: ``frame_mask`` leaves more frames of one clip than of
                another.
        """
        h = self.backbone.embed(torch.where(joint_mask.unsqueeze(-1), self.joint_token, x))
        frame_mask = frame_mask.expand(len(x), -1)
        order = frame_mask.int().argsort(dim=1, stable=True)
        counts = (~frame_mask).sum(1)
        visible = int(counts[0])
        if (counts != visible).any():
            raise InputError(f'frame_mask leaves {counts.tolist()} frames of the clips, expected as many of each clip')
        kept = h.gather(1, order[:, :visible, None, None].expand(-1, -1, *h.shape[2:]))
        return self.head(self.backbone.encode(kept), order), order

    def forward(self, inputs: torch.Tensor, data_samples: object = None, mode: str = 'tensor') -> object:
        """See mmengine's ``BaseModel.forward``; masks are ``frame_mask`` and ``joint_mask`` of the samples."""
        output, order = self.reconstruct(inputs, data_samples.frame_mask, data_samples.joint_mask)
        if mode != 'loss':
            return output
        target = inputs.gather(1, order[..., None, None].expand_as(inputs))
        return {'loss_reconstruction': mpjpe(output, target)}
