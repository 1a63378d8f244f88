"""MotionBERT's pretraining: corrupted 2D to 3D, from sources with 3D labels and without."""

from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...registry import LOSSES, MODELS
from ...skeletons import convert_keypoints, find_conversion
from ...structures import MotionDataSample
from ..parts import Tensors
from .motion_estimator import MotionEstimator


@MODELS.register_module()
class UnifiedMotionPretrainer(MotionEstimator):
    """Recovers 3D motion from corrupted 2D (MotionBERT, section 3.3).

    The pipeline corrupts: ``FittedNoise``, ``JointMask``, ``FrameMask``. A batch comes from one source
    (``SourceBatchSampler``, which also holds the curriculum): where it has ``target``, the heads' losses count; where
    it has ``target_2d`` (``TargetFrom2D``), the re-projection loss of the pose head. In an image space
    (``ImageSpaceLifting``, the paper's) predictions and pictures share x and y; in any other, set ``fit_scale`` of that
    loss.

    Args:
        loss_2d: config of the loss for clips without 3D labels.
        **estimator: see :class:`MotionEstimator`; ``heads`` has ``pose``.

    Raises:
        InputError: no head ``pose``, or no codec.
    """

    def __init__(self, loss_2d: dict | None = None, **estimator: Any) -> None:
        super().__init__(**estimator)
        if 'pose' not in self.heads:
            raise InputError(f'UnifiedMotionPretrainer lifts: heads are {list(self.heads)}, expected one named pose')
        self.loss_2d = LOSSES.build(loss_2d or {'type': 'ReprojectionLoss'})

    def loss(self, features: Tensors, data_samples: MotionDataSample, persons: int = 1) -> Tensors:
        """See :class:`MotionEstimator`; adds the loss of the labels in 2D."""
        losses = super().loss(features, data_samples, persons)
        if 'target_2d' in data_samples:
            samples = self.labels_of('pose', data_samples)
            target, weight = self._as_predicted(samples.target_2d, samples.target_2d_weight)
            losses['loss_2d'] = self.loss_2d(self.heads['pose'](self.read('pose', features)), target, weight)
        return losses

    def _as_predicted(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """2D labels in the joint set of the prediction; joints that mean another point in it do not count."""
        names = self.codec.skeleton.name, self.codec.skeleton_3d.name
        if names[0] == names[1]:
            return target, weight
        target, weight = convert_keypoints(target, *names, scores=weight)
        approximate = find_conversion(*names).approximate
        same = [name not in approximate for name in self.codec.skeleton_3d.joint_names]
        return target, weight * torch.tensor(same, device=weight.device)
