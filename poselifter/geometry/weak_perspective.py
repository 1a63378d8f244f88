"""The orthographic camera with a scale: depth within the body is ignored."""

from .arrays import Array, namespace


def project_weak_perspective(points: Array, scale: Array | float = 1.0, translation: Array | float = 0.0) -> Array:
    """Draws points (..., J, 3) without perspective: x, y times a scale, plus a shift.

    Args:
        points: (..., J, 3) camera frame, numpy or torch.
        scale: (...,) pixels per unit of the points; one number for all is fine.
        translation: (..., 2) pixels; one number for all is fine.

    Returns:
        (..., J, 2) pixels. With the defaults this is the plain orthographic projection.
    """
    scale = scale if isinstance(scale, (int, float)) else scale[..., None, None]
    translation = translation if isinstance(translation, (int, float)) else translation[..., None, :]
    return points[..., :2] * scale + translation


def fit_weak_perspective(points: Array, pixels: Array, weights: Array | None = None) -> tuple[Array, Array]:
    """Scale and shift that draw points closest to pixels, in the least-squares sense.

    Args:
        points: (..., J, 3) camera frame, numpy or torch.
        pixels: (..., J, 2).
        weights: (..., J) for each joint, e.g. its score; all alike if ``None``.
            Coordinates of joints with weight 0 must be finite.

    Returns:
        scale (...,) and translation (..., 2) for :func:`project_weak_perspective`;
        scale 0 where the points coincide in x and y.
    """
    xp = namespace(points)
    weights = xp.ones_like(points[..., 0]) if weights is None else weights
    weights = weights[..., None] / xp.clip(weights.sum(-1), 1e-12, None)[..., None, None]
    flat = points[..., :2]
    middle, aim = (flat * weights).sum(-2), (pixels * weights).sum(-2)
    spread = flat - middle[..., None, :]
    size = (weights * spread * spread).sum((-2, -1))
    fit = (weights * spread * (pixels - aim[..., None, :])).sum((-2, -1))
    scale = xp.where(size > 0, fit / xp.where(size > 0, size, xp.ones_like(size)), xp.zeros_like(size))
    return scale, aim - scale[..., None] * middle
