"""Similarity alignment of poses (Procrustes), all poses of a batch at once.

Convention: ``aligned = scale * source @ rotation.T + translation``; the
rotation is proper, so a mirrored pose is never turned into its mirror image.
"""

import numpy as np

from .arrays import Array, as_like, namespace

_ROUND = np.arange(5) % 3
_STEPS, _SINGULAR = 8, 0.02  # of Newton's method; smallest product of the sums of two singular values it is used for


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
    equal = weights is None
    weights = xp.ones_like(source[..., 0]) if equal else weights
    weights = (weights / xp.clip(weights.sum(-1), 1e-12, None)[..., None])[..., None, :]
    source_mean, target_mean = weights @ source, weights @ target  # products: numpy is slow to sum over a middle axis
    a, b = source - source_mean, target - target_mean
    weighted = a / a.shape[-2] if equal else a * xp.swapaxes(weights, -1, -2)
    size = _dot(a, weighted)
    rounding = 16 * xp.finfo(source.dtype).eps
    single = size <= rounding**2 * (size + _dot(source_mean, source_mean))
    covariance = xp.swapaxes(b, -1, -2) @ weighted
    covariance = xp.where(single[..., None, None], xp.zeros_like(covariance), covariance)
    rotation = nearest_rotation(covariance)
    scale = _dot(rotation, covariance) / xp.where(single, xp.ones_like(size), size)
    scale = xp.where(single, xp.ones_like(scale), scale)
    turned = source_mean @ xp.swapaxes(rotation, -1, -2)
    return scale, rotation, (target_mean - scale[..., None, None] * turned)[..., 0, :]


def procrustes_align(source: Array, target: Array, weights: Array | None = None) -> Array:
    """The source poses (..., J, D) after :func:`procrustes`, in the frame and unit of the target.

    Example:
        >>> import numpy as np
        >>> pose = np.eye(3)
        >>> bool(np.allclose(procrustes_align(5 * pose[:, [1, 2, 0]] - 2, pose), pose))
        True
    """
    scale, rotation, translation = procrustes(source, target, weights)
    turned = source @ (scale[..., None, None] * namespace(source).swapaxes(rotation, -1, -2))
    turned += translation[..., None, :]
    return turned


def _dot(a: Array, b: Array) -> Array:
    """Sum of products over the last two axes."""
    if namespace(a) is np:
        return np.einsum('...ij,...ij->...', a, b)
    return (a * b).flatten(-2).sum(-1)


def nearest_rotation(matrix: Array) -> Array:
    """The rotation R (determinant 1) with the largest trace of ``R.T @ matrix``, for (..., D, D)."""
    if namespace(matrix) is not np:
        from .procrustes_gradient import NearestRotation

        return NearestRotation.apply(matrix)
    return _closed_form(matrix) if matrix.shape[-2:] == (3, 3) and matrix.size else singular_rotation(matrix)[0]


def _closed_form(matrix: np.ndarray) -> np.ndarray:
    """:func:`nearest_rotation` of (..., 3, 3) as a polynomial of the matrix; decomposed where that would lose digits.

    The sum of the singular values, the last with the sign of the determinant, is the largest root of a quartic, to
    which Newton's steps fall from above. Near a double root the rotation is nearly undetermined.

    Source: Markley, "Attitude determination using vector observations: a fast optimal matrix algorithm" (Journal of the
    Astronautical Sciences 1993).
    """
    length = np.sqrt(np.einsum('...ij,...ij->...', matrix, matrix, dtype=np.float64))
    unit = matrix / np.where(length > 0, length, 1)[..., None, None]
    m = np.ascontiguousarray(np.moveaxis(unit, (-2, -1), (0, 1)))  # (3, 3, ...): no short axis is last
    twice = m[_ROUND][:, _ROUND]  # the next and the next but one row and column are slices of it
    cofactors = twice[1:4, 1:4] * twice[2:, 2:] - twice[1:4, 2:] * twice[2:, 1:4]
    determinant = np.einsum('j...,j...->...', m[0], cofactors[0])
    constant = 4 * np.einsum('ij...,ij...->...', cofactors, cofactors)
    root = np.sqrt(1 + np.sqrt(constant + 8 * 3**0.5 * np.maximum(determinant, 0)))  # the root is at most 3**0.5
    for _ in range(_STEPS):
        rest = root * root - 1
        slope = 4 * root * rest - 8 * determinant
        step = (rest * rest - 8 * root * determinant - constant) / np.where(slope > _SINGULAR, slope, 1)
        root -= step
    half = (root * root - 1) / 2
    scale = half * root - determinant
    sure = (scale > _SINGULAR) & (np.abs(step) < 1e-14)
    m = ((half + 1) * m + root * cofactors) / (scale := np.where(sure, scale, 1))
    cube = unit @ np.swapaxes(unit, -1, -2) @ (unit / scale[..., None, None])
    turn = (np.moveaxis(m, (0, 1), (-2, -1)) - cube).astype(as_like(0, matrix).dtype, copy=False)
    if not sure.all():
        turn[~sure] = singular_rotation(matrix[~sure])[0]
    return turn


def singular_rotation(matrix: Array) -> tuple[Array, Array, Array]:
    """The rotation, the signed singular values and the right singular vectors (as rows)."""
    xp = namespace(matrix)
    u, s, vh = xp.linalg.svd(matrix)
    mirror = xp.where(xp.linalg.det(u) * xp.linalg.det(vh) < 0, -1.0, 1.0)
    signs = xp.ones_like(s)
    signs[..., -1] = as_like(mirror, s)
    return (u * signs[..., None, :]) @ vh, s * signs, vh
