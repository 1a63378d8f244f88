"""Bodies that other methods recovered: their result files as poses and shapes of SMPL."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..geometry import matrix_to_axis_angle, rotation_6d_to_matrix
from ..utils.arrays import load_arrays
from ..utils.safe_pickle import load_pickle

SUFFIXES = ('.npz', '.pkl', '.pk')
_POSE, _SHAPE = ('pose', 'pred_thetas', 'pred_pose'), ('betas', 'pred_betas', 'pred_shape')
_EXPECTED = (
    'pose (N, 72) and betas (N, 10) as SPIN saves them, by person as VIBE and MAED do, or lists pred_thetas and '
    'pred_betas as of HybrIK'
)


@dataclass(frozen=True)
class SMPLEstimates:
    """Bodies of one person, numpy.

    Attributes:
        poses: (N, 72) axis-angle, radians, in the camera's axes.
        betas: (N, 10).
        frames: (N,) of the video, rising; ``None`` where the file does not say.
    """

    poses: np.ndarray
    betas: np.ndarray
    frames: np.ndarray | None

    def at(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """``initial_pose`` (T, 72) and ``initial_shape`` (T, 10) of frames (T,), each that of the nearest known one."""
        known = np.arange(len(self.poses)) if self.frames is None else self.frames
        rows = np.rint(np.interp(frames, known, np.arange(len(known)))).astype(int)
        return {'initial_pose': self.poses[rows], 'initial_shape': self.betas[rows]}


def read_smpl_estimates(path: str | os.PathLike[str], person: Any = None) -> SMPLEstimates:
    """Reads the result file of another method; nothing in it is executed.

    The layouts are known from memory of the programs, not from their files:
    SPIN's ``eval.py`` saves an npz with ``pose`` (N, 72), axis-angle, ``betas`` (N, 10), ``camera`` and
    ``pred_joints``; VIBE, and MAED and others after it, a pickle or a joblib file of dicts by person with ``pose``,
    ``betas`` and ``frame_ids`` (N,); HybrIK a pickle of lists, an entry a frame, ``pred_thetas`` (216,), rotation
    matrices, and ``pred_betas``. So a pose may be 72 numbers a frame, 24 matrices, or 24 times 6D, under any of these
    names. A joint's NaN, which SPIN's conversion writes for no turn, is no turn.

    Args:
        path: the file.
        person: which one of the file; needed where it has several.

    Returns:
        The estimates; frames without one are left out.

    Raises:
        InputError: the file is missing, damaged, or of none of these layouts.
    """
    path = Path(path)
    content = load_arrays(path) if path.suffix == '.npz' else load_pickle(path, encoding='latin1', joblib=True)
    if isinstance(content, Mapping) and not _find(content, _POSE):
        people = {str(key): value for key, value in content.items() if isinstance(value, Mapping)}
        if person is None and len(people) > 1:
            raise InputError(f'{path} holds the people {list(people)}; name one of them, person=...')
        content = people.get(str(person)) if person is not None else next(iter(people.values()), content)
    keys = [_find(content, names) for names in (_POSE, _SHAPE)] if isinstance(content, Mapping) else [None]
    if None in keys:
        held = list(content) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f'{path}: {"" if person is None else f"person {person}: "}found {held}, expected {_EXPECTED}')
    pose, betas = (_rows(content[key], path, key) for key in keys)
    frames = content.get('frame_ids')
    frames = None if frames is None else np.asarray(frames).astype(np.int64).ravel()
    width = pose.shape[1]
    good = width in (72, 144, 216) and betas.shape[1] >= 10 and len(pose) == len(betas) > 0
    if not good or (frames is not None and (len(frames) != len(pose) or (np.diff(frames) <= 0).any())):
        shapes = f'{keys[0]} {pose.shape} and {keys[1]} {betas.shape}'
        frames = '' if frames is None else f' and {len(frames)} frame_ids'
        raise InputError(f'{path} has {shapes}{frames}, expected rising frame_ids and {_EXPECTED}')
    joints = pose.reshape(len(pose), 24, width // 24)
    if width > 72:
        joints = rotation_6d_to_matrix(joints) if width == 144 else joints.reshape(-1, 24, 3, 3)
        joints = matrix_to_axis_angle(joints)
    joints = np.where(np.isnan(joints).any(-1, keepdims=True), 0, joints)
    return SMPLEstimates(joints.reshape(-1, 72).astype(np.float32), betas[:, :10].astype(np.float32), frames)


def _find(content: Mapping, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in content), None)


def _rows(value: Any, path: Path, key: str) -> np.ndarray:
    with reading(f'{path}: {key} is no array of numbers', f'expected {_EXPECTED}'):
        array = np.asarray(value, np.float64)
        return array.reshape(len(array), -1)
