"""The losses as modules for configs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ...errors import InputError
from ...registry import LOSSES
from ...skeletons import get_skeleton
from . import functional


class PoseLoss(nn.Module):
    """A loss function times a factor.

    Args:
        loss_weight: the factor.
    """

    name: str

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Poses (B, T, J, C) and label weights (B, T, J) -> 0-dim tensor."""
        return self.loss_weight * getattr(functional, self.name)(pred, target, weight=weight)


class JointWeightedLoss(PoseLoss):
    """A loss that weights joints.

    Args:
        joint_weights: J numbers, or the name of a vector among the skeleton's
            ``joint_weights``.
        loss_weight: the factor.
        skeleton: joint set of the target.

    Raises:
        InputError: the skeleton has no weights of that name.
    """

    def __init__(
        self, joint_weights: str | Sequence[float] = 'mixste', loss_weight: float = 1.0, skeleton: str = 'h36m17'
    ) -> None:
        super().__init__(loss_weight)
        if isinstance(joint_weights, str):
            known = get_skeleton(skeleton).joint_weights
            if joint_weights not in known:
                raise InputError(
                    f'{type(self).__name__}: the skeleton {skeleton} has no joint_weights {joint_weights!r}, expected '
                    f'one of {sorted(known)}; or give a list of numbers'
                )
            joint_weights = known[joint_weights]
        weights = torch.tensor(joint_weights, dtype=torch.get_default_dtype())
        self.register_buffer('joint_weights', weights, persistent=False)

    def forward(self, pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Poses (B, T, J, C) and label weights (B, T, J) -> 0-dim tensor."""
        if len(self.joint_weights) != pred.shape[-2]:
            raise InputError(
                f'{type(self).__name__} has {len(self.joint_weights)} joint_weights, the prediction has '
                f'{pred.shape[-2]} joints; set skeleton or joint_weights to those of the target'
            )
        function = getattr(functional, self.name)
        return self.loss_weight * function(pred, target, joint_weights=self.joint_weights, weight=weight)


@LOSSES.register_module()
class MPJPELoss(PoseLoss):
    """:func:`~poselifter.models.losses.mpjpe`; argument as :class:`PoseLoss`."""

    name = 'mpjpe'


@LOSSES.register_module()
class NMPJPELoss(PoseLoss):
    """:func:`~poselifter.models.losses.n_mpjpe`; argument as :class:`PoseLoss`."""

    name = 'n_mpjpe'


@LOSSES.register_module()
class VelocityLoss(PoseLoss):
    """:func:`~poselifter.models.losses.velocity`; argument as :class:`PoseLoss`."""

    name = 'velocity'


@LOSSES.register_module()
class WeightedMPJPELoss(JointWeightedLoss):
    """:func:`~poselifter.models.losses.weighted_mpjpe`; arguments as :class:`JointWeightedLoss`."""

    name = 'weighted_mpjpe'


@LOSSES.register_module()
class TemporalConsistencyLoss(JointWeightedLoss):
    """:func:`~poselifter.models.losses.temporal_consistency`; arguments as :class:`JointWeightedLoss`."""

    name = 'temporal_consistency'
