"""Pixels to network coordinates and back: by the picture's size, or by the person's box."""

from .arrays import Array, as_like, namespace


def normalize_screen(x: Array, width: float, height: float) -> Array:
    """Maps pixels (..., 2) so that [0, width] becomes [-1, 1], aspect ratio kept.

    Convention: both axes are divided by the width, so y of a landscape picture
    spans [-height / width, height / width]; the middle of the picture is (0, 0).

    Args:
        x: (..., 2) pixels, numpy or torch.
        width: picture's width, pixels.
        height: picture's height, pixels.

    Returns:
        (..., 2) of the same kind and dtype.

    Source: VideoPose3D, ``normalize_screen_coordinates``.

    Example:
        >>> import numpy as np
        >>> normalize_screen(np.array([[0., 0.], [500., 250.], [1000., 500.]]), 1000, 500).tolist()
        [[-1.0, -0.5], [0.0, 0.0], [1.0, 0.5]]
    """
    return x / width * 2 - as_like([1, height / width], x)


def denormalize_screen(x: Array, width: float, height: float) -> Array:
    """Maps network coordinates (..., 2) back to pixels: the inverse of :func:`normalize_screen`."""
    return (x + as_like([1, height / width], x)) * width / 2


def normalize_longer_side(x: Array, width: float, height: float) -> Array:
    """Maps pixels (..., 2) so that the longer side becomes [-1, 1] and the corner (0, 0) becomes (-1, -1).

    Unlike :func:`normalize_screen`, whose arguments it has, the shorter axis is not centred.

    Source: MotionBERT, ``make_cam``.

    Example:
        >>> import numpy as np
        >>> normalize_longer_side(np.array([1000., 500.]), 1000, 500).tolist()
        [1.0, 0.0]
    """
    return x / max(width, height) * 2 - 1


def crop_scale(keypoints: Array, visible: Array, ratio: float = 1.0) -> Array:
    """Maps the square around all visible joints to [-1, 1] and clips coordinates outside.

    One box serves all leading axes: frames, and persons who are seen together.

    Args:
        keypoints: (..., J, 2) pixels, numpy or torch.
        visible: (..., J) score; joints with score 0 do not count for the box but are mapped too.
        ratio: side of the square over the longer side of the joints' box; a larger ratio makes the person smaller.

    Returns:
        Coordinates (..., J, 2) in [-1, 1]; all zeros where fewer than 4 joints are visible or all lie in one point.

    Source: MotionBERT, ``crop_scale``.
    """
    xp = namespace(keypoints)
    valid = keypoints[visible != 0]
    if len(valid) < 4:
        return xp.zeros_like(keypoints)
    low, high = xp.amin(valid, 0), xp.amax(valid, 0)
    side = xp.amax(high - low) * ratio
    if side == 0:
        return xp.zeros_like(keypoints)
    return xp.clip((keypoints - (low + high - side) / 2) / side * 2 - 1, -1, 1)
