"""The head; importing this module registers it."""

from typing import Any

import torch

from poselifter.models.heads import PoseHead
from poselifter.registry import HEADS
from poselifter.skeletons import get_skeleton
from poselifter.structures import MotionDataSample


@HEADS.register_module()
class SymmetricPoseHead(PoseHead):
    """``PoseHead`` with a loss on the difference between a bone and its mirror image.

    Args:
        skeleton: joint set of the output.
        symmetry_weight: weight of the loss.
        **kwargs: see ``PoseHead``.
    """

    def __init__(self, skeleton: str = 'h36m17', symmetry_weight: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        skeleton = get_skeleton(skeleton)
        self.bones = [bone for bone in skeleton.bones if set(bone) & set(skeleton.left)]
        self.flip_indices = skeleton.flip_indices
        self.symmetry_weight = symmetry_weight

    def loss(self, features: torch.Tensor, data_samples: MotionDataSample) -> dict[str, torch.Tensor]:
        """The losses of ``PoseHead`` and ``loss_symmetry``."""
        losses = super().loss(features, data_samples)
        pose = self(features)
        difference = self.bone_lengths(pose) - self.bone_lengths(pose[..., self.flip_indices, :])
        losses['loss_symmetry'] = self.symmetry_weight * difference.abs().mean()
        return losses

    def bone_lengths(self, pose: torch.Tensor) -> torch.Tensor:
        """(B, T, J, 3) -> (B, T, bones): lengths of the left bones."""
        parents, children = zip(*self.bones, strict=True)
        return (pose[..., children, :] - pose[..., parents, :]).norm(dim=-1)
