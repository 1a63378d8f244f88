"""Persons of a result for programs that know no camera: y up, every frame, as rotations of bones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...geometry.inverse_kinematics import BoneMotion, inverse_kinematics
from ...structures import Result
from ...utils import release_memory
from ...utils.files import atomic_writes
from .write_results import file_names

Y_UP = np.diag([1.0, -1.0, -1.0])  # from the camera's axes
_Y_UP_OF_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_MOST_FRAMES = 1_000_000


def write_each_person(
    path: Path, result: Result, write: Callable[[Path, Result, np.ndarray], None], numbered: bool = False
) -> list[Path]:
    """Calls a function of a path, a person and their frames for each person; their ids are part of the names of files.

    The frames are the person's, first to last. So that the files can be put in step, the name says how many frames
    after the first of all they begin (``film_3_from90.bvh``), unless they are ``numbered`` in the file.
    """
    table, stem = result.table, path.name.removesuffix(path.suffix)
    starts = [
        (str(track), table.frame_indices[rows.start] - table.frame_indices.min()) for track, rows in table.tracks()
    ]
    ids = [track if numbered or not start else f'{track}_from{start}' for track, start in starts]
    paths = [path.with_name(name + path.suffix) for name in file_names(stem, ids)]
    with atomic_writes(paths) as temporary:  # all files or none, for who goes on later
        for target, (_, person) in zip(temporary, result.persons(), strict=True):
            write(target, person, every_frame(person))
            release_memory()
    return paths


def every_frame(person: Result) -> np.ndarray:
    """Every frame from a person's first to the last one.

    Raises:
        InputError: they are too many.
    """
    first, last = person.table.frame_indices[[0, -1]]
    frames = np.arange(first, last + 1)
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
        frames = every_frame(person)
        motion = motion_of(person, frames)
        if result.root is None:
            motion.root[:, 0] += number
        yield track, (frames - first) / result.fps, motion
        del motion  # before the next is computed
