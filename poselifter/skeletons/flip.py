"""Mirroring a pose: left becomes right."""

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..geometry.arrays import Array, as_like, namespace
from .skeleton import Skeleton, get_skeleton

_SIDES = {'left': 'right', 'clockwise': 'counterclockwise'}
_MIRRORED = {**_SIDES, **{b: a for a, b in _SIDES.items()}, 'anticlockwise': 'clockwise'}
_WORD = re.compile(rf'\b({"|".join(_MIRRORED)})\b', re.IGNORECASE)


def flip_keypoints(x: Array, skeleton: str | Skeleton | np.ndarray | Sequence[int]) -> Array:
    """Mirrors keypoints (..., J, C) whose channel 0 is centred: negates it and swaps left and right.

    Twice is the identity. Pixels have to be centred first: mirroring about the middle of an image is ``(w - 1) - x``,
    not ``-x``. Channels after the first (y, depth, score) only move with their joint.

    Args:
        x: (..., J, C) numpy array or tensor; network or camera space.
        skeleton: joint set (name or object), or its ``flip_indices`` (J,).

    Returns:
        The mirrored keypoints: same kind, shape and dtype.

    Raises:
        InputError: unknown name, or another number of joints than the set has.

    Example:
        >>> pose = np.zeros((17, 2))
        >>> pose[1] = 0.2, 0.5  # right hip
        >>> flip_keypoints(pose, 'h36m17')[4].tolist()  # now the left hip
        [-0.2, 0.5]
    """
    if isinstance(skeleton, str):
        skeleton = get_skeleton(skeleton)
    order = skeleton.flip_indices if isinstance(skeleton, Skeleton) else np.asarray(skeleton)
    if x.ndim < 2 or x.shape[-2] != len(order):
        raise InputError(f'keypoints have shape {tuple(x.shape)}, expected (..., {len(order)}, C) for the flip')
    swapped = x[..., order, :]
    return namespace(x).concatenate([-swapped[..., :1], swapped[..., 1:]], -1)


def flip_smpl_pose(pose: Array) -> Array:
    """Mirrors axis-angle poses (..., 72) or (..., 24, 3), numpy or torch: left becomes right.

    A mirror leaves the part of a turn about its normal, x, and reverses the rest. Twice is the identity.
    """
    joints = pose if pose.shape[-1] == 3 else pose.reshape((*pose.shape[:-1], 24, 3))
    return -flip_keypoints(joints, 'smpl24').reshape(pose.shape)


def flip_bone_rotations(rotations: Array) -> Array:
    """Mirrors rotations (..., 20, 3, 3) of ``bones20``, numpy or torch: left becomes right.

    Each is relative to its parent, in axes whose x points to the side. Twice is the identity.
    """
    sides = as_like([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], rotations)
    return rotations[..., get_skeleton('bones20').flip_indices, :, :] * sides


def mirror_text(text: str) -> str:
    """The description of the mirrored motion: sides and senses of turning swapped.

    Example:
        >>> mirror_text('Left turn, then wave with the right hand')
        'Right turn, then wave with the left hand'
    """

    def swap(match: re.Match) -> str:
        word = _MIRRORED[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return _WORD.sub(swap, text)
