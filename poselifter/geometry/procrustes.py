"""Similarity alignment of poses (Procrustes), all poses of a batch at once.

Convention: ``aligned = scale * source @ rotation.T + translation``; the
rotation is proper, so a mirrored pose is never turned into its mirror image.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .arrays import Array, as_like, namespace


def procrustes(source: Array, target: Array, weights: Array | None = None) -> tuple[Array, Array, Array]:
    """The similarity that brings each source pose closest to its target, in the least-squares sense.

    Args:
        source: (..., J, D), numpy or torch; torch is differentiable.
        target: (..., J, D) of the same kind.
        weights: (..., J) weight of each joint, 0 leaves it out (its
            coordinates must still be finite); all alike if ``None``.

    Returns:
        scale (...,), rotation (..., D, D), translation (..., D). Where the source is a single point (up to rounding)
        the scale is 1; where the pose does not determine the rotation (points on a line) one of the best is given, and
        no gradient flows through what is undetermined.

    Source: Umeyama, "Least-squares estimation of transformation parameters
    between two point patterns" (PAMI 1991), equations 34 to 43.
    """
    xp = namespace(source)
    weights = xp.ones_like(source[..., 0]) if weights is None else weights
    weights = weights[..., None] / xp.clip(weights.sum(-1), 1e-12, None)[..., None, None]
    source_mean, target_mean = (source * weights).sum(-2), (target * weights).sum(-2)
    a, b = source - source_mean[..., None, :], target - target_mean[..., None, :]
    covariance = xp.swapaxes(b * weights, -1, -2) @ a
    rotation = nearest_rotation(covariance)
    size = (weights * a * a).sum((-2, -1))
    rounding = 4 * xp.finfo(source.dtype).eps
    single = size <= rounding**2 * (weights * source * source).sum((-2, -1))
    scale = (rotation * covariance).sum((-2, -1)) / xp.where(single, xp.ones_like(size), size)
    scale = xp.where(single, xp.ones_like(scale), scale)
    turned = (rotation @ source_mean[..., None])[..., 0]
    return scale, rotation, target_mean - scale[..., None] * turned


def procrustes_align(source: Array, target: Array, weights: Array | None = None) -> Array:
    """The source poses (..., J, D) after :func:`procrustes`, in the frame and unit of the target.

    Example:
        >>> import numpy as np
        >>> pose = np.eye(3)
        >>> bool(np.allclose(procrustes_align(5 * pose[:, [1, 2, 0]] - 2, pose), pose))
        True
    """
    scale, rotation, translation = procrustes(source, target, weights)
    turned = source @ namespace(source).swapaxes(rotation, -1, -2)
    return scale[..., None, None] * turned + translation[..., None, :]


def nearest_rotation(matrix: Array) -> Array:
    """The rotation R (determinant 1) with the largest trace of ``R.T @ matrix``, for (..., D, D)."""
    return _NearestRotation.apply(matrix) if torch.is_tensor(matrix) else _solve(matrix)[0]


def _solve(matrix: Array) -> tuple[Array, Array, Array]:
    """The rotation, the signed singular values and the right singular vectors (as rows)."""
    xp = namespace(matrix)
    u, s, vh = xp.linalg.svd(matrix)
    mirror = xp.where(xp.linalg.det(u) * xp.linalg.det(vh) < 0, -1.0, 1.0)
    signs = xp.ones_like(s)
    signs[..., -1] = as_like(mirror, s)
    return (u * signs[..., None, :]) @ vh, s * signs, vh


class _NearestRotation(torch.autograd.Function):
    """The derivative in closed form: autograd's, through the SVD, is NaN where two singular values are equal.

    With matrix = R P, P symmetric with eigenvalues s in the basis V: R.T dR = W is skew and W P + P W = R.T dM - dM.T
    R, so in that basis W_ij = (R.T dM - dM.T R)_ij / (s_i + s_j).
    """

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor) -> torch.Tensor:
        rotation, values, vh = _solve(matrix)
        ctx.save_for_backward(rotation, values, vh)
        return rotation

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        rotation, values, vh = ctx.saved_tensors
        sums = values[..., :, None] + values[..., None, :]
        determined = sums > 64 * torch.finfo(values.dtype).eps * values[..., :1, None]
        inner = vh @ rotation.mT @ grad @ vh.mT
        inner = torch.where(determined, inner / torch.where(determined, sums, torch.ones_like(sums)), 0)
        outer = vh.mT @ inner @ vh
        return rotation @ (outer - outer.mT)
