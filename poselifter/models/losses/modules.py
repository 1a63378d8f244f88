"""The losses as modules for configs: one class over all functions."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...registry import LOSSES
from ...skeletons import get_skeleton
from . import functional, limbs, mesh


class PoseLoss(nn.Module):
    """A loss function times a factor; :func:`module_of` makes the registered ones.

    Args:
        loss_weight: the factor.
        **options: arguments of the function, of those that the class lists.

    Attributes:
        function: (pred, target, weight=...) -> 0-dim tensor.
        options: its further arguments that a config may set.
        weight_argument: what it calls the label weights.
        compares: ``'poses'`` (B, T, J, C) with label weights (B, T, J); ``'theta'``, the parameters of SMPL
            (B, T, 82), with label weights (B, T); ``'rotations'`` (B, T, K, 9) or ``'shape'`` (B, S) of a body.

    Raises:
        InputError: an option or the skeleton is unknown.
    """

    function: Callable[..., Tensor]
    options: tuple[str, ...] = ()
    weight_argument: str = 'weight'
    compares: Literal['poses', 'theta', 'rotations', 'shape'] = 'poses'

    def __init__(self, loss_weight: float = 1.0, **options: Any) -> None:
        super().__init__()
        unknown = sorted(options.keys() - set(self.options))
        if unknown:
            known = ', '.join(['loss_weight', *self.options])
            raise InputError(f'{type(self).__name__} got the argument {unknown[0]!r}, expected some of {known}')
        if 'skeleton' in options:
            get_skeleton(options['skeleton'])
        self.loss_weight, self.arguments = loss_weight, options

    @property
    def name(self) -> str:
        """The name of the function, which a head reports the loss under."""
        return self.function.__name__

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Predictions, labels and label weights, shaped as ``compares`` says -> 0-dim tensor."""
        return self.loss_weight * self.function(pred, target, **{self.weight_argument: weight}, **self.arguments)


class JointWeightedLoss(PoseLoss):
    """A loss that weights joints.

    Args:
        joint_weights: J numbers, or the name of a vector among the skeleton's ``joint_weights``.
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

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Poses (B, T, J, C) and label weights (B, T, J) -> 0-dim tensor."""
        if len(self.joint_weights) != pred.shape[-2]:
            raise InputError(
                f'{type(self).__name__} has {len(self.joint_weights)} joint_weights, the prediction has '
                f'{pred.shape[-2]} joints; set skeleton or joint_weights to those of the target'
            )
        return self.loss_weight * self.function(pred, target, joint_weights=self.joint_weights, weight=weight)


def module_of(
    name: str, function: Callable[..., Tensor], *options: str, base: type[PoseLoss] = PoseLoss, **declared: Any
) -> type[PoseLoss]:
    """Registers a loss function as a module of :data:`~poselifter.registry.LOSSES`.

    Args:
        name: what configs call it.
        function: see :class:`PoseLoss`.
        *options: see :class:`PoseLoss`.
        base: the class to derive from.
        **declared: other attributes of :class:`PoseLoss`.

    Returns:
        The class.

    Example:
        A plugin's loss, ``{'type': 'DepthLoss', 'loss_weight': 0.5}`` in a config::

            def depth(pred, target, weight=None): ...

            DepthLoss = module_of('DepthLoss', depth)
    """
    attributes = {'function': staticmethod(function), 'options': options, '__module__': __name__, **declared}
    attributes['__doc__'] = f':func:`~poselifter.models.losses.{function.__name__}` as :class:`{base.__name__}`.'
    return LOSSES.register_module(module=type(name, (base,), attributes))


MPJPELoss = module_of('MPJPELoss', functional.mpjpe)
NMPJPELoss = module_of('NMPJPELoss', functional.n_mpjpe)
VelocityLoss = module_of('VelocityLoss', functional.velocity)
WeightedMPJPELoss = module_of('WeightedMPJPELoss', functional.weighted_mpjpe, base=JointWeightedLoss)
TemporalConsistencyLoss = module_of('TemporalConsistencyLoss', functional.temporal_consistency, base=JointWeightedLoss)
JointL1Loss = module_of('JointL1Loss', functional.joint_l1)
ReprojectionLoss = module_of('ReprojectionLoss', functional.reprojection, 'fit_scale', weight_argument='confidence')
MotionLoss = module_of('MotionLoss', functional.motion, 'skeleton', 'distances')
LimbLengthLoss = module_of('LimbLengthLoss', limbs.limb_length, 'skeleton', 'form')
LimbLengthVarianceLoss = module_of('LimbLengthVarianceLoss', limbs.limb_length_variance, 'skeleton')
BoneAngleLoss = module_of('BoneAngleLoss', limbs.bone_angle, 'skeleton')
BoneAngleVelocityLoss = module_of('BoneAngleVelocityLoss', limbs.bone_angle_velocity, 'skeleton')
LimbSymmetryLoss = module_of('LimbSymmetryLoss', limbs.limb_symmetry, 'skeleton')
BoneVelocityLoss = module_of('BoneVelocityLoss', limbs.bone_velocity, 'skeleton')
BoneRotationLoss = module_of('BoneRotationLoss', mesh.bone_rotation, compares='rotations')
BodyShapeLoss = module_of('BodyShapeLoss', mesh.body_shape, compares='shape')
SMPLPoseLoss = module_of('SMPLPoseLoss', mesh.smpl_pose, 'squared', compares='theta')
SMPLShapeLoss = module_of('SMPLShapeLoss', mesh.smpl_shape, 'squared', compares='theta')
SMPLNormLoss = module_of('SMPLNormLoss', mesh.smpl_norm, compares='theta')
