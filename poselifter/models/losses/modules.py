"""The losses as modules for configs."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ...errors import InputError
from ...registry import LOSSES
from ...skeletons import get_skeleton
from . import functional, limbs


class PoseLoss(nn.Module):
    """A loss function times a factor.

    Args:
        loss_weight: the factor.
    """

    function: Callable[..., torch.Tensor]

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.options: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name of the function, which a head reports the loss under."""
        return self.function.__name__

    def forward(self, pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Poses (B, T, J, C) and label weights (B, T, J) -> 0-dim tensor."""
        return self.loss_weight * self.function(pred, target, weight=weight, **self.options)


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
        return self.loss_weight * self.function(pred, target, joint_weights=self.joint_weights, weight=weight)


class SkeletonLoss(PoseLoss):
    """A loss that needs to know the joint set.

    Args:
        loss_weight: the factor.
        skeleton: joint set of the target.

    Raises:
        InputError: the skeleton is unknown.
    """

    def __init__(self, loss_weight: float = 1.0, skeleton: str = 'h36m17') -> None:
        super().__init__(loss_weight)
        self.options = {'skeleton': get_skeleton(skeleton).name}


@LOSSES.register_module()
class MPJPELoss(PoseLoss):
    """:func:`~poselifter.models.losses.mpjpe`; argument as :class:`PoseLoss`."""

    function = staticmethod(functional.mpjpe)


@LOSSES.register_module()
class NMPJPELoss(PoseLoss):
    """:func:`~poselifter.models.losses.n_mpjpe`; argument as :class:`PoseLoss`."""

    function = staticmethod(functional.n_mpjpe)


@LOSSES.register_module()
class VelocityLoss(PoseLoss):
    """:func:`~poselifter.models.losses.velocity`; argument as :class:`PoseLoss`."""

    function = staticmethod(functional.velocity)


@LOSSES.register_module()
class WeightedMPJPELoss(JointWeightedLoss):
    """:func:`~poselifter.models.losses.weighted_mpjpe`; arguments as :class:`JointWeightedLoss`."""

    function = staticmethod(functional.weighted_mpjpe)


@LOSSES.register_module()
class TemporalConsistencyLoss(JointWeightedLoss):
    """:func:`~poselifter.models.losses.temporal_consistency`; arguments as :class:`JointWeightedLoss`."""

    function = staticmethod(functional.temporal_consistency)


@LOSSES.register_module()
class JointL1Loss(PoseLoss):
    """:func:`~poselifter.models.losses.joint_l1`; argument as :class:`PoseLoss`."""

    function = staticmethod(functional.joint_l1)


@LOSSES.register_module()
class ReprojectionLoss(PoseLoss):
    """:func:`~poselifter.models.losses.reprojection`, whose confidence is the label weight.

    Args:
        loss_weight: the factor.
        fit_scale: see the function.
    """

    function = staticmethod(functional.reprojection)

    def __init__(self, loss_weight: float = 1.0, fit_scale: bool = False) -> None:
        super().__init__(loss_weight)
        self.options['fit_scale'] = fit_scale

    def forward(self, pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Poses (B, T, J, C), C at least 2, and confidences (B, T, J) -> 0-dim tensor."""
        return self.loss_weight * self.function(pred, target, weight, **self.options)


@LOSSES.register_module()
class MotionLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.motion`.

    Args:
        loss_weight: the factor.
        skeleton: joint set of the target.
        distances: in frames.
    """

    function = staticmethod(functional.motion)

    def __init__(
        self, loss_weight: float = 1.0, skeleton: str = 'h36m17', distances: Sequence[int] = (8, 12, 16, 24)
    ) -> None:
        super().__init__(loss_weight, skeleton)
        self.options['distances'] = tuple(distances)


@LOSSES.register_module()
class LimbLengthLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.limb_length`.

    Args:
        loss_weight: the factor.
        skeleton: joint set of the target.
        form: see the function.
    """

    function = staticmethod(limbs.limb_length)

    def __init__(self, loss_weight: float = 1.0, skeleton: str = 'h36m17', form: str = 'absolute') -> None:
        super().__init__(loss_weight, skeleton)
        self.options['form'] = form


@LOSSES.register_module()
class LimbLengthVarianceLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.limb_length_variance`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.limb_length_variance)


@LOSSES.register_module()
class BoneAngleLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.bone_angle`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.bone_angle)


@LOSSES.register_module()
class BoneAngleVelocityLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.bone_angle_velocity`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.bone_angle_velocity)


@LOSSES.register_module()
class LimbSymmetryLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.limb_symmetry`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.limb_symmetry)


@LOSSES.register_module()
class BoneVelocityLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.bone_velocity`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.bone_velocity)


@LOSSES.register_module()
class BoneLengthConsistencyLoss(SkeletonLoss):
    """:func:`~poselifter.models.losses.bone_length_consistency`; arguments as :class:`SkeletonLoss`."""

    function = staticmethod(limbs.bone_length_consistency)

    def forward(self, labelled: torch.Tensor, unlabelled: torch.Tensor) -> torch.Tensor:
        """Predictions (B, T, J, C) for clips with labels and (B', T', J, C) for others -> 0-dim tensor."""
        return self.loss_weight * self.function(labelled, unlabelled, **self.options)
