"""Rotations in four writings: matrix, 6D, axis-angle, quaternion; numpy and torch, differentiable.

Convention: matrices turn column vectors (``R @ v``); quaternions are (w, x, y, z), unit length, q and -q the same
rotation; axis-angle is the axis times the angle in radians, right-handed; 6D holds the first two columns of the matrix,
written row by row (``R[:, :2].reshape(6)``), the reading of SPIN, MotionBERT and smplx's users, not the two columns one
after the other.
"""

from .arrays import Array, as_like, cross, namespace

_SMALL = 1e-4  # squared half angle under which the next term of the series is lost in float64's rounding


def rotation_6d_to_matrix(x: Array, eps: float = 1e-6) -> Array:
    """6D (..., 6) to rotation matrices (..., 3, 3) by Gram-Schmidt.

    Args:
        x: (..., 6), any numbers; read as (3, 2), its columns are the two vectors.
        eps: lengths are held above it.

    Returns:
        (..., 3, 3).

    Source: Zhou et al., "On the continuity of rotation representations" (CVPR
    2019), with the eps of MotionBERT's ``rot6d_to_rotmat``.

    Example:
        >>> import numpy as np
        >>> rotation_6d_to_matrix(np.array([1., 0., 0., 1., 0., 0.])).tolist()  # columns (1, 0, 0) and (0, 1, 0)
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    pair = x.reshape((*x.shape[:-1], 3, 2))
    first = _unit(pair[..., 0], eps)
    second = pair[..., 1] - (first * pair[..., 1]).sum(-1)[..., None] * first
    second = _unit(second, eps)
    return namespace(x).stack([first, second, cross(first, second)], -1)


def matrix_to_rotation_6d(matrix: Array) -> Array:
    """Rotation matrices (..., 3, 3) to 6D (..., 6): the first two columns, row by row."""
    return matrix[..., :2].reshape((*matrix.shape[:-2], 6))


def axis_angle_to_quaternion(x: Array) -> Array:
    """Axis-angle (..., 3) radians to quaternions (..., 4) (w, x, y, z); smooth at 0."""
    xp = namespace(x)
    square = (x * x).sum(-1)[..., None] / 4
    small = square < _SMALL
    half = xp.where(small, xp.ones_like(square), square) ** 0.5
    sinc = xp.where(small, 1 - square / 6 + square**2 / 120, xp.sin(half) / half)
    cos = xp.where(small, 1 - square / 2 + square**2 / 24 - square**3 / 720, xp.cos(half))
    return xp.concatenate([cos, sinc * x / 2], -1)


def quaternion_to_axis_angle(quaternion: Array) -> Array:
    """Unit quaternions (..., 4) (w, x, y, z) to axis-angle (..., 3), angles in [0, pi]; smooth at 0."""
    xp = namespace(quaternion)
    quaternion = xp.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, vector = quaternion[..., :1], quaternion[..., 1:]
    square = (vector * vector).sum(-1)[..., None]
    small = square < _SMALL**2
    sin = xp.where(small, xp.ones_like(square), square) ** 0.5
    tangent2 = square / xp.where(small, w, xp.ones_like(w)) ** 2
    scale = xp.where(small, 2 / xp.where(small, w, xp.ones_like(w)) * (1 - tangent2 / 3), 2 * xp.arctan2(sin, w) / sin)
    return scale * vector


def quaternion_to_matrix(quaternion: Array) -> Array:
    """Unit quaternions (..., 4) (w, x, y, z) to rotation matrices (..., 3, 3).

    Example:
        >>> import numpy as np
        >>> quaternion_to_matrix(np.array([0., 0., 0., 1.])).tolist()  # half a turn about z, as w stands first
        [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    xp = namespace(quaternion)
    w, x, y, z = (quaternion[..., i] for i in range(4))
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return xp.stack([xp.stack(row, -1) for row in rows], -2)


def matrix_to_quaternion(matrix: Array) -> Array:
    """Rotation matrices (..., 3, 3) to quaternions (..., 4) (w, x, y, z), w >= 0.

    Divides by the largest of the four parts, so that half turns are as exact as small ones.
    """
    xp = namespace(matrix)
    m = [[matrix[..., i, j] for j in range(3)] for i in range(3)]
    xx, yy, zz = m[0][0], m[1][1], m[2][2]
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    xy, xz, yz = m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]
    products = [  # 4 q_i q_j
        [1 + xx + yy + zz, wx, wy, wz],
        [wx, 1 + xx - yy - zz, xy, xz],
        [wy, xy, 1 - xx + yy - zz, yz],
        [wz, xz, yz, 1 - xx - yy + zz],
    ]
    table = xp.stack([xp.stack(row, -1) for row in products], -2)
    squares = xp.stack([products[i][i] for i in range(4)], -1)
    chosen = as_like(xp.eye(4), matrix)[xp.argmax(squares, -1)]
    row = (table * chosen[..., None]).sum(-2)
    quaternion = row / (2 * (squares * chosen).sum(-1) ** 0.5)[..., None]
    return xp.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def axis_angle_to_matrix(x: Array) -> Array:
    """Axis-angle (..., 3) radians to rotation matrices (..., 3, 3) (Rodrigues); smooth at 0.

    Example:
        >>> import numpy as np
        >>> turn = axis_angle_to_matrix(np.array([0., 0., np.pi / 2]))  # a quarter turn about z takes x to y
        >>> (turn @ np.array([1., 0., 0.])).round(6).tolist()
        [0.0, 1.0, 0.0]
    """
    return quaternion_to_matrix(axis_angle_to_quaternion(x))


def matrix_to_axis_angle(matrix: Array) -> Array:
    """Rotation matrices (..., 3, 3) to axis-angle (..., 3), angles in [0, pi]; stable near 0 and pi."""
    return quaternion_to_axis_angle(matrix_to_quaternion(matrix))


def quaternion_conjugate(quaternion: Array) -> Array:
    """The opposite rotation of unit quaternions (..., 4)."""
    return quaternion * as_like([1, -1, -1, -1], quaternion)


def quaternion_rotate(quaternion: Array, vectors: Array) -> Array:
    """Turns vectors (..., 3) by unit quaternions (..., 4) (w, x, y, z), broadcast.

    Source: VideoPose3D, ``qrot``.
    """
    w, axis = quaternion[..., :1], quaternion[..., 1:]
    once = cross(axis, vectors)
    return vectors + 2 * (w * once + cross(axis, once))


def _unit(x: Array, eps: float) -> Array:
    xp = namespace(x)
    return x / xp.clip((x * x).sum(-1), eps * eps, None)[..., None] ** 0.5
