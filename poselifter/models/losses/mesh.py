"""Losses of SMPL's parameters.

Parameters are theta (..., T, 82): 24 axis-angle vectors in radians, then 10 shape components. ``weight`` (..., T) is 0
where a frame has no label, with the meaning it has for the pose losses.

Source: MotionBERT (Zhu et al., ICCV 2023), section 3.4, as its code has it.
"""

from torch import Tensor

from ...geometry import axis_angle_to_matrix
from .functional import _labels, _mean


def smpl_pose(pred: Tensor, target: Tensor, weight: Tensor | None = None, squared: bool = False) -> Tensor:
    """Mean absolute (or squared) difference between the entries of the rotation matrices.

    The paper writes axis-angle; the code, and so the released weights, compare matrices.

    Args:
        pred: (..., T, 72 or more); what follows the 72 is not looked at.
        target: the same shape.
        weight: (..., T), see the module.
        squared: whether to square the differences (the official ``MSE``).

    Raises:
        InputError: shapes disagree.
    """
    target = _labels(pred, target, weight)
    pred, target = (axis_angle_to_matrix(x[..., :72].unflatten(-1, (24, 3))).flatten(-3) for x in (pred, target))
    return _difference(pred, target, weight, squared)


def smpl_shape(pred: Tensor, target: Tensor, weight: Tensor | None = None, squared: bool = False) -> Tensor:
    """Mean absolute (or squared) difference of the 10 shape components; arguments as :func:`smpl_pose`, all 82."""
    target = _labels(pred, target, weight)
    return _difference(pred[..., 72:], target[..., 72:], weight, squared)


def smpl_norm(pred: Tensor, target: Tensor | None = None, weight: Tensor | None = None) -> Tensor:
    """Mean length of the predicted theta as one vector of 82, which keeps it small; ``target`` is not used."""
    return _mean(pred.norm(dim=-1), weight)


def _difference(pred: Tensor, target: Tensor, weight: Tensor | None, squared: bool) -> Tensor:
    difference = pred - target
    return _mean((difference.square() if squared else difference.abs()).mean(-1), weight)


def bone_rotation(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference between the entries of rotation matrices (..., T, K, 9); weights (..., T, K)."""
    return _difference(pred, _labels(pred, target, weight), weight, False)


def body_shape(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the numbers of shapes (..., S), in units of their spread; weights (...)."""
    return _difference(pred, _labels(pred, target, weight), weight, False)
