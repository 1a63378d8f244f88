"""What is drawn: one person's keypoints and poses, checked."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..skeletons import Skeleton, get_skeleton


@dataclass(frozen=True)
class Clip:
    """One person over T frames.

    Attributes:
        keypoints_2d: (T, J, 2) pixels; finite, 0 where missing.
        visible: (T, J) score 0..1, 0 where missing.
        keypoints_3d: (T, K, 3) metres, y up, see :func:`to_y_up`.
        truth_3d: the same of the ground truth, or ``None``.
        skeleton_2d, skeleton_3d: the joint sets of J and K joints.
        img_shape: (height, width) in pixels, or ``None``.
    """

    keypoints_2d: np.ndarray
    visible: np.ndarray
    keypoints_3d: np.ndarray
    truth_3d: np.ndarray | None
    skeleton_2d: Skeleton
    skeleton_3d: Skeleton
    img_shape: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.keypoints_3d)


def to_y_up(points: np.ndarray) -> np.ndarray:
    """Turns camera axes into viewer axes; the same function turns them back.

    Convention: camera x right, y down, z forward; viewer x right, y up, z
    towards the viewer. (x, y, z) becomes (x, -y, -z).

    Args:
        points: (..., 3).

    Returns:
        (..., 3), a new array.
    """
    return points * np.array([1, -1, -1], points.dtype)


def limb_radius(poses: np.ndarray) -> float:
    """How thick limbs are drawn, metres: a share of the body's usual extent, 2 cm for a standing person.

    Args:
        poses: (T, K, 3) metres.
    """
    return max(0.0122 * float(np.median(np.linalg.norm(np.ptp(poses, axis=1), axis=-1))), 1e-3)


def check_array(name: str, array: np.ndarray, shape: tuple[int | None, ...], letters: str) -> np.ndarray:
    """The array as float64, if its shape is right and all its numbers are finite.

    Args:
        name: the argument's name, for the message.
        array: what was given.
        shape: expected lengths, ``None`` where any length but 0 will do.
        letters: the expected shape in words, for the message.

    Raises:
        InputError: wrong shape, empty, or NaN.
    """
    try:
        array = np.asarray(array, np.float64)
    except (TypeError, ValueError):
        raise InputError(f'{name} is no array of numbers; give an array of shape {letters}') from None
    fits = array.ndim == len(shape) and all(
        n == (want or max(n, 1)) for n, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        expected = ', '.join('1 or more' if n is None else str(n) for n in shape)
        raise InputError(
            f'{name} has shape {array.shape}, expected {letters} = ({expected}); check that it belongs to the rest'
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise InputError(
            f'{name} has {len(bad)} values that are NaN or infinite, the first in row {bad[0][0]}; remove or fill them'
        )
    return array


def check_keypoints(
    keypoints_2d: np.ndarray, visible: np.ndarray | None, t: int, skeleton: Skeleton
) -> tuple[np.ndarray, np.ndarray]:
    """Checks 2D keypoints against ``t`` frames of a joint set.

    Args:
        keypoints_2d: (T, J, 2) pixels; NaN only where ``visible`` is 0.
        visible: (T, J) score 0..1; ``None`` means all are visible.
        t: T.
        skeleton: joint set of J joints.

    Returns:
        keypoints (T, J, 2), 0 where not visible, and scores (T, J).

    Raises:
        InputError: wrong shape, empty, or NaN.
    """
    j = skeleton.num_joints
    scores = np.ones((t, j)) if visible is None else check_array('visible', visible, (t, j), '(T, J)').clip(0, 1)
    points = np.asarray(keypoints_2d)
    if points.shape[:2] == scores.shape and points.dtype.kind == 'f':
        points = np.where(scores[..., None] > 0, points, 0)
    return check_array('keypoints_2d', points, (t, j, 2), f'(T, {skeleton.name} joints, 2)'), scores


def check_clip(
    keypoints_2d: np.ndarray,
    keypoints_3d: np.ndarray,
    skeleton_2d: str,
    skeleton_3d: str,
    img_shape: tuple[int, int] | None,
    visible: np.ndarray | None,
    truth_3d: np.ndarray | None,
) -> Clip:
    """Checks what is to be drawn and turns the poses upright.

    Args:
        keypoints_2d: (T, J, 2) pixels; NaN only where ``visible`` is 0.
        keypoints_3d: (T, K, 3) metres, camera axes, root-relative.
        skeleton_2d, skeleton_3d: names of the joint sets.
        img_shape: (height, width) in pixels, or ``None``.
        visible: (T, J) score 0..1; ``None`` means all are visible.
        truth_3d: (T, K, 3), or ``None``.

    Raises:
        InputError: empty, NaN, shapes that do not belong together, unknown skeleton.
    """
    flat, solid = get_skeleton(skeleton_2d), get_skeleton(skeleton_3d)
    poses = check_array('keypoints_3d', keypoints_3d, (None, solid.num_joints, 3), f'(T, {solid.name} joints, 3)')
    points, scores = check_keypoints(keypoints_2d, visible, len(poses), flat)
    if truth_3d is not None:
        truth_3d = to_y_up(check_array('truth_3d', truth_3d, poses.shape, '(T, K, 3)'))
    if img_shape is not None and not (len(img_shape) == 2 and min(img_shape) > 0):
        raise InputError(f'img_shape is {tuple(img_shape)}, expected (height, width) in pixels, both above 0')
    return Clip(points, scores, to_y_up(poses), truth_3d, flat, solid, img_shape)
