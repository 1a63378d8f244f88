"""Persons of a result for programs that know no camera: y up, every frame, as rotations of bones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...geometry.inverse_kinematics import BoneMotion, inverse_kinematics
from ...structures import Result
from .write_results import file_names

Y_UP = np.diag([1.0, -1.0, -1.0])  # from the camera's axes
_Y_UP_OF_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_MOST_FRAMES = 1_000_000


def write_each_person(path: Path, result: Result, write: Callable[[Path, Result, np.ndarray], None]) -> list[Path]:
    """Calls a function of a path, a person and their frames for each person; their ids are part of the names of files.

    The frames go from the first of all persons, so that the files share their time, to the person's last.
    """
    persons = list(result.persons())
    stem = path.name.removesuffix(path.suffix)
    paths = [path.with_name(name + path.suffix) for name in file_names(stem, [track for track, _ in persons])]
    first = result.table.frame_indices.min()
    for target, (_, person) in zip(paths, persons, strict=True):
        write(target, person, frames_in_step(person, first))
    return paths


def frames_in_step(person: Result, first: int) -> np.ndarray:
    """Every frame from the ``first`` to a person's last one.

    Raises:
        InputError: they are too many.
    """
    frames = np.arange(first, person.table.frame_indices[-1] + 1)
    if len(frames) > _MOST_FRAMES:
        raise InputError(
            f'{person.table.source}: a person spans {len(frames)} frames, expected {_MOST_FRAMES} at most; cut it up'
        )
    return frames


def places(person: Result, frames: np.ndarray) -> np.ndarray:
    """Joints (T, K, 3) in metres at some frames, y up, NaN where unknown; of the world where it is known."""
    turn, shift = y_up_of_camera(person)
    every = np.full((len(frames), *person.poses.shape[1:]), np.nan)
    points, table = person.positions() @ turn.T + shift, person.table
    if table.timestamps is not None and len(points) > 1:  # these files have a constant rate
        late = table.frame_indices / person.fps - table.timestamps
        points += late[:, None, None] * np.gradient(points, table.timestamps, axis=0)
    every[table.frame_indices - frames[0]] = points
    return every


def y_up_of_camera(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and shift (3,) from the camera's axes to y up: the world's where it is known."""
    if result.world_from_camera is None:
        return Y_UP, np.zeros(3)
    moved = _Y_UP_OF_WORLD @ result.world_from_camera[:3]
    return moved[:, :3], moved[:, 3] if result.root is not None else np.zeros(3)


def motion_of(person: Result, frames: np.ndarray) -> BoneMotion:
    """The bones at some frames; where the root is unknown, it stays a leg's length above the floor."""
    motion = inverse_kinematics(places(person, frames), person.skeleton_3d, person.fps)
    if person.root is None:
        tips = motion.armature.heads() + motion.armature.vectors
        motion.root[:] = 0, -tips[:, 1].min(), 0
    return motion


def every_person(result: Result) -> Iterator[tuple[str, np.ndarray, BoneMotion]]:
    """(track id, seconds (T,), motion) of each person; without a root they stand a metre apart."""
    first = result.table.frame_indices.min()
    for number, (track, person) in enumerate(result.persons()):
        frames = frames_in_step(person, person.table.frame_indices[0])
        motion = motion_of(person, frames)
        if result.root is None:
            motion.root[:, 0] += number
        yield track, (frames - first) / result.fps, motion
