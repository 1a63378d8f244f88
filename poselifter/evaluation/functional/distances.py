"""Per-joint distances between two pose arrays: the terms of every metric.

Each function takes ``pred`` and ``target`` (..., J, 3), numpy or torch, and ``visible`` (..., J), and returns
``(distances, counted)``: float64 in the unit of the poses, and a bool array of the same shape that says which distances
count. A target joint whose ``visible`` is 0 has no label: it does not count and its coordinates may be anything.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...geometry import procrustes_align

_BLOCK = 1000  # poses that fit the processor's cache
Distances = tuple[np.ndarray, np.ndarray]


def joint_distances(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Distance of each joint, nothing aligned: (..., J)."""
    pred, target, counted = _check(pred, target, visible)
    return _norm(pred - target), counted


def aligned_distances(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Distance of each joint after a similarity alignment of each pose: (..., J).

    The alignment sees labelled joints only; a pose with fewer than 3 of them determines none and does not count.
    """
    pred, target, counted = _check(pred, target, visible)
    counted = counted & (counted.sum(-1, keepdims=True) >= 3)
    joints, blocks = pred.shape[-2], []
    poses = pred.reshape(-1, joints, 3), target.reshape(-1, joints, 3), counted.reshape(-1, joints).astype(np.float64)
    for start in range(0, len(poses[0]), _BLOCK):
        p, t, weights = (part[start : start + _BLOCK] for part in poses)
        difference = procrustes_align(p, t, None if weights.all() else weights)
        difference -= t
        blocks.append(_norm(difference))
    return np.concatenate([*blocks, np.empty((0, joints))]).reshape(counted.shape), counted


def scaled_distances(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Distance of each joint after the best scaling of each pose about the origin: (..., J)."""
    pred, target, counted = _check(pred, target, visible)
    weight = counted[..., None]
    dot = (pred * target * weight).sum((-2, -1), keepdims=True)
    square = (pred * pred * weight).sum((-2, -1), keepdims=True)
    scale = np.divide(dot, square, out=np.zeros_like(dot), where=square > 0)
    return _norm(scale * pred - target), counted


def velocity_distances(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Distance of first differences over time: (..., T, J, 3) -> (..., T - 1, J)."""
    return _difference_distances(pred, target, visible, order=1)


def acceleration_distances(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Distance of second differences over time: (..., T, J, 3) -> (..., T - 2, J)."""
    return _difference_distances(pred, target, visible, order=2)


def mean(measure: Callable[..., Distances], pred: Any, target: Any, visible: Any = None) -> float:
    """Mean of a measure, a function of this module, over everything that counts, in the unit of the poses.

    Raises:
        InputError: the arrays are no pair of poses, or nothing counts.
    """
    values, counted = measure(pred, target, visible)
    if not counted.any():
        raise InputError(
            f'nothing to score in poses of shape {tuple(np.shape(pred))}: '
            f'give at least one labelled joint (visible > 0), and enough frames where a metric looks over time'
        )
    return float(values[counted].mean())


def _difference_distances(pred: Any, target: Any, visible: Any, order: int) -> Distances:
    pred, target, counted = _check(pred, target, visible)
    if pred.ndim < 3:
        raise InputError(f'poses have shape {pred.shape}, expected (..., T, J, 3) for a metric over time')
    distances = _norm(np.diff(pred - target, order, axis=-3))
    frames = distances.shape[-2]
    return distances, np.logical_and.reduce([counted[..., k : k + frames, :] for k in range(order + 1)])


def _check(pred: Any, target: Any, visible: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pair in float64, unlabelled target joints zeroed, and the mask of labelled joints."""
    pred, target = as_array(pred), as_array(target)
    if pred.ndim < 2 or pred.shape[-1] != 3:
        raise InputError(f'pred has shape {pred.shape}, expected (..., J, 3)')
    if pred.shape != target.shape:
        raise InputError(f'pred has shape {pred.shape} and target {target.shape}, expected the same shape for both')
    counted = np.ones(pred.shape[:-1], bool) if visible is None else as_array(visible) > 0
    if counted.shape != pred.shape[:-1]:
        raise InputError(f'visible has shape {counted.shape}, expected {pred.shape[:-1]}: one value a joint')
    target = target if counted.all() else np.where(counted[..., None], target, 0)
    for name, poses in (('pred', pred), ('target', target)):
        if not np.isfinite(poses).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(poses).all(-1))[0])
            raise InputError(
                f'{name} has NaN or infinite coordinates at index {place} (..., joint), expected finite numbers; '
                f'a joint without a label has visible 0'
            )
    return pred, target, counted


def _norm(vectors: np.ndarray) -> np.ndarray:
    """Length of the vectors of the last axis; numpy's norm is slow where that axis is short."""
    return np.sqrt(np.einsum('...i,...i->...', vectors, vectors))


def as_array(values: Any) -> np.ndarray:
    """Numbers, numpy or torch on any device, as a float64 array."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, np.float64)
