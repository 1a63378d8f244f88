"""Pose losses as functions of predicted and true poses.

Poses ``pred`` and ``target`` are (..., T, J, C) in any unit; the loss, a 0-dim tensor, has that unit (temporal
consistency and motion its square). ``weight`` (..., T, J) is 0 where a label is missing: the loss is then the weighted
mean over those present, whatever the target holds elsewhere, and 0 with zero gradient if none is. ``joint_weights``
(J,), or what broadcasts to (..., T, J), are not normalised: doubled, they double the loss. Functions that read
``target`` raise ``InputError`` where shapes disagree.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import InputError
from ...skeletons import get_skeleton


def mpjpe(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean per joint position error: the mean distance.

    With C = 2 it is the reconstruction loss of P-STMO's first stage: all frames count alike, masked or not. On
    projected points, ``mpjpe(project(pose + trajectory, camera), pixels)``, it is VideoPose3D's loss for clips without
    3D labels.
    """
    target = _labels(pred, target, weight)
    return _mean((pred - target).norm(dim=-1), weight)


def weighted_mpjpe(pred: Tensor, target: Tensor, joint_weights: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of the distances, each times the weight of its joint (MixSTE, equation 10, without the square).

    On trajectories (..., T, 1, 3) with the weights 1 / depth it is VideoPose3D's loss of the trajectory.
    """
    target = _labels(pred, target, weight)
    return _mean((pred - target).norm(dim=-1) * joint_weights, weight)


def n_mpjpe(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean distance after each predicted pose is scaled to its target by least squares (Rhodin et al. 2018).

    MotionBERT's scale term. The gradient flows through the scale, which is fitted
    to the labelled joints. A pose that is all zeros stays so.
    """
    target = _labels(pred, target, weight)
    labelled = 1 if weight is None else weight.unsqueeze(-1)
    size = (labelled * pred * pred).sum((-2, -1), keepdim=True)
    scale = (labelled * target * pred).sum((-2, -1), keepdim=True) / torch.where(size > 0, size, 1)
    return _mean((scale * pred - target).norm(dim=-1), weight)


def velocity(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean distance of the first differences in time; MPJVE as a loss (Pavllo et al. 2019).

    A difference needs the labels of both frames; 0 for a single frame.
    """
    target = _labels(pred, target, weight)
    return _mean((pred.diff(dim=-3) - target.diff(dim=-3)).norm(dim=-1), _pairs(weight))


def temporal_consistency(
    pred: Tensor, target: Tensor | None = None, joint_weights: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Mean square of the predicted first differences, each times the weight of its joint.

    The temporal consistency term of MixSTE as its code has it: the mean goes over the coordinates too, and no target
    takes part; it exists so that all losses are called alike. A difference needs both frames; 0 for a single frame.
    """
    squares = pred.diff(dim=-3).square().mean(-1)
    return _mean(squares if joint_weights is None else squares * joint_weights, _pairs(weight))


def joint_l1(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of all coordinates."""
    target = _labels(pred, target, weight)
    return _mean((pred - target).abs().mean(-1), weight)


def reprojection(pred: Tensor, target: Tensor, confidence: Tensor | None = None, fit_scale: bool = False) -> Tensor:
    """Mean distance in x and y, each times the confidence of its joint (MotionBERT, for clips without 3D labels).

    The confidence is not normalised, unlike ``weight`` elsewhere: a joint with 0
    adds nothing to the sum but counts for the mean.

    Args:
        pred: (..., T, J, C); only its first two channels count.
        target: (..., T, J, C'), likewise.
        confidence: (..., T, J); where it is 0 the target may be anything.
        fit_scale: the target is in other units, such as pixels for metres: in each frame it is divided by the scale
            that brings the prediction nearest to it (a weak perspective; both relative to the root). The gradient is
            orthogonal to each pose, which neither shrinks nor grows.
    """
    pred, target = pred[..., :2], target[..., :2]
    target = _labels(pred, target, confidence)
    difference = pred - target
    if fit_scale:  # as pred - target / scale, but its slope is that of what no scale of pred changes
        scale = _scale_between(pred, target, confidence)
        difference = (scale * pred - target) / scale.detach()
    return _mean((difference if confidence is None else difference * confidence.unsqueeze(-1)).norm(dim=-1), None)


def _scale_between(pred: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """Per-frame least-squares scale s (..., 1, 1) of s * pred ~ target, bounded below where the two disagree."""
    weight, eps = 1 if weight is None else weight.unsqueeze(-1), 1e-6
    p, t = (pred * weight).flatten(-2), (target * weight).flatten(-2)
    size = p.norm(dim=-1).clamp(min=eps)
    least = 0.3 * size * t.norm(dim=-1)  # a pose that looks elsewhere would be blown up
    scale = torch.maximum((p * t).sum(-1), least) / size.square()
    return scale.clamp(min=eps)[..., None, None]


def motion(
    pred: Tensor,
    target: Tensor,
    distances: Sequence[int] = (8, 12, 16, 24),
    skeleton: str = 'h36m17',
    weight: Tensor | None = None,
) -> Tensor:
    """Difference of the cross products of each joint's place at t with its place some frames later.

    For every frame distance: the sum over x, y, z of the absolute differences, averaged over frames and joints; then
    the sum over the distances. A distance that is not shorter than the clip adds nothing. Poses are (..., T, J, 3); the
    root is taken off here. A product needs the joint and the root in both frames.

    Args:
        distances: in frames, each at least 1.
        skeleton: joint set of the poses, for its root.

    Raises:
        InputError: shapes disagree, poses are not 3D, a distance is not positive, or the skeleton has no root.

    Source: Wang et al., "Motion guided 3D pose estimation from videos" (ECCV 2020).
    """
    target, root = _labels(pred, target, weight), get_skeleton(skeleton).root
    if pred.shape[-1] != 3 or not distances or min(distances) < 1 or root is None:
        raise InputError(
            f'motion got poses {tuple(pred.shape)}, distances {tuple(distances)} and the skeleton {skeleton}; expected '
            '(..., T, J, 3), frame distances of 1 or more and a skeleton with a root'
        )
    pred, target = (x - x[..., root : root + 1, :] for x in (pred, target))
    known = None if weight is None else weight * weight[..., root : root + 1]
    total = pred.new_zeros(())
    for step in distances:
        ours, theirs = (torch.linalg.cross(x[..., :-step, :, :], x[..., step:, :, :]) for x in (pred, target))
        both = None if known is None else known[..., :-step, :] * known[..., step:, :]
        total = total + _mean((ours - theirs).abs().sum(-1), both)
    return total


def _labels(pred: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    if pred.shape != target.shape or (weight is not None and weight.shape != pred.shape[:-1]):
        raise InputError(
            f'a loss got pred {tuple(pred.shape)}, target {tuple(target.shape)} and weight '
            f'{None if weight is None else tuple(weight.shape)}; expected (..., T, J, C) twice and (..., T, J)'
        )
    # zero times a missing label must be zero, also if the label is NaN
    return target if weight is None else target.masked_fill((weight == 0).unsqueeze(-1), 0)


def _pairs(weight: Tensor | None) -> Tensor | None:
    return None if weight is None else weight[..., 1:, :] * weight[..., :-1, :]


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return values.sum() / max(values.numel(), 1)
    total = weight.sum()
    return (weight * values).sum() / torch.where(total > 0, total, 1)
