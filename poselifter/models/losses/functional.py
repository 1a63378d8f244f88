"""Pose losses as functions of predicted and true poses.

Poses are (..., T, J, C) in any unit; the loss has that unit (temporal
consistency its square). ``weight`` (..., T, J) is 0 where there is no label: the
loss is then the weighted mean over what is there, whatever the target holds
elsewhere, and 0 with zero gradient if nothing is there.
"""

from __future__ import annotations

import torch

from ...errors import InputError


def mpjpe(pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean per joint position error: the mean distance.

    Args:
        pred: (..., T, J, C).
        target: (..., T, J, C).
        weight: (..., T, J), see the module.

    Returns:
        0-dim tensor.

    Raises:
        InputError: shapes disagree.
    """
    target = _labels(pred, target, weight)
    return _mean((pred - target).norm(dim=-1), weight)


def weighted_mpjpe(
    pred: torch.Tensor, target: torch.Tensor, joint_weights: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean of the distances, each times the weight of its joint (MixSTE, equation 10, without the square).

    ``joint_weights`` are not normalised: doubled, they double the loss.

    Args:
        pred: (..., T, J, C).
        target: (..., T, J, C).
        joint_weights: (J,), or what broadcasts to (..., T, J).
        weight: (..., T, J), see the module.

    Returns:
        0-dim tensor.

    Raises:
        InputError: shapes disagree.
    """
    target = _labels(pred, target, weight)
    return _mean((pred - target).norm(dim=-1) * joint_weights, weight)


def n_mpjpe(pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean distance after each predicted pose is scaled to its target by least squares (Rhodin et al. 2018).

    The gradient flows through the scale. A pose that is all zeros stays so.

    Args:
        pred: (..., T, J, C).
        target: (..., T, J, C).
        weight: (..., T, J), see the module; the scale is fitted to what is there.

    Returns:
        0-dim tensor.

    Raises:
        InputError: shapes disagree.
    """
    target = _labels(pred, target, weight)
    share = 1 if weight is None else weight.unsqueeze(-1)
    size = (share * pred * pred).sum((-2, -1), keepdim=True)
    scale = (share * target * pred).sum((-2, -1), keepdim=True) / torch.where(size > 0, size, 1)
    return _mean((scale * pred - target).norm(dim=-1), weight)


def velocity(pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean distance of the first differences in time; MPJVE as a loss (Pavllo et al. 2019).

    Args:
        pred: (..., T, J, C).
        target: (..., T, J, C).
        weight: (..., T, J), see the module; a difference needs both frames.

    Returns:
        0-dim tensor; 0 for a single frame.

    Raises:
        InputError: shapes disagree.
    """
    target = _labels(pred, target, weight)
    return _mean((pred.diff(dim=-3) - target.diff(dim=-3)).norm(dim=-1), _pairs(weight))


def temporal_consistency(
    pred: torch.Tensor,
    target: torch.Tensor | None = None,
    joint_weights: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean square of the predicted first differences, each times the weight of its joint.

    The temporal consistency term of MixSTE as its code has it: the mean goes
    over the coordinates too, and no target takes part.

    Args:
        pred: (..., T, J, C).
        target: not used; there so that all losses are called alike.
        joint_weights: (J,), or what broadcasts to (..., T - 1, J); not
            normalised; ``None`` means 1.
        weight: (..., T, J), see the module; a difference needs both frames.

    Returns:
        0-dim tensor; 0 for a single frame.
    """
    squares = pred.diff(dim=-3).square().mean(-1)
    return _mean(squares if joint_weights is None else squares * joint_weights, _pairs(weight))


def _labels(pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    if pred.shape != target.shape or (weight is not None and weight.shape != pred.shape[:-1]):
        raise InputError(
            f'a loss got pred {tuple(pred.shape)}, target {tuple(target.shape)} and weight '
            f'{None if weight is None else tuple(weight.shape)}; expected (..., T, J, C) twice and (..., T, J)'
        )
    # zero times a missing label must be zero, also if the label is NaN
    return target if weight is None else target.masked_fill((weight == 0).unsqueeze(-1), 0)


def _pairs(weight: torch.Tensor | None) -> torch.Tensor | None:
    return None if weight is None else weight[..., 1:, :] * weight[..., :-1, :]


def _mean(values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    if weight is None:
        return values.sum() / max(values.numel(), 1)
    total = weight.sum()
    return (weight * values).sum() / torch.where(total > 0, total, 1)
