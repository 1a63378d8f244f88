"""Rotation matrices to three angles, continuous over time."""

import numpy as np

_LOCKED = 1e-6  # cosine of the middle angle below which only the sum of the others is known


def matrix_to_euler(matrices: np.ndarray, order: str) -> np.ndarray:
    """Angles of three turns about axes that go along, straight from the matrices.

    Of the two triples of angles of a rotation the one nearer to the frame before is taken, without jumps of a whole
    turn. With the middle angle at +-90 degrees the last one stays as it was in the frame before.

    Args:
        matrices: (T, ..., 3, 3), over time; ``R = R_a @ R_b @ R_c``.
        order: the axes a, b, c, all different, such as ``'ZXY'``.

    Returns:
        (T, ..., 3) radians, in the order of the axes.

    Example:
        >>> turn = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])  # a quarter turn about z
        >>> np.degrees(matrix_to_euler(turn, 'ZXY')).round(6).tolist()
        [[90.0, 0.0, 0.0]]
    """
    i, j, k = ('XYZ'.index(axis) for axis in order)
    sign = 1 if (j - i) % 3 == 1 else -1
    cosines = np.hypot(matrices[..., i, j], matrices[..., i, i])
    middle = np.arctan2(sign * matrices[..., i, k], cosines)
    last = np.arctan2(-sign * matrices[..., i, j], matrices[..., i, i])
    rows = np.arange(len(matrices)).reshape(-1, *[1] * (last.ndim - 1))
    known = np.maximum.accumulate(np.where(cosines > _LOCKED, rows, -1), 0)
    last = np.where(known < 0, 0, np.take_along_axis(last, np.maximum(known, 0), 0))
    cosine, sine = np.cos(last), np.sin(last) * sign  # the column of axis b after the last turn is taken back
    turned = matrices[..., :, j] * cosine[..., None] + matrices[..., :, i] * sine[..., None]
    first = np.arctan2(sign * turned[..., k], turned[..., j])
    one = np.stack([first, middle, last], -1)
    other = np.stack([first + np.pi, np.pi - middle, last + np.pi], -1)
    stay, change = (np.square(_wrapped(triple[1:] - one[:-1])).sum(-1) for triple in (one, other))
    changed = np.cumsum(np.concatenate([np.zeros_like(middle[:1], bool), change < stay]), 0) % 2 == 1
    return np.unwrap(_wrapped(np.where(changed[..., None], other, one)), axis=0)


def _wrapped(angles: np.ndarray) -> np.ndarray:
    """Angles between -pi and pi."""
    return (angles + np.pi) % (2 * np.pi) - np.pi
