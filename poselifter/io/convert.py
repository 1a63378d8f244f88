"""Conversion of files: 2D keypoints or 3D motion of any reader to any writer's format."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError, check_choice
from ..skeletons import Skeleton, convert_keypoints, get_skeleton
from ..structures import KeypointTable, Result
from ..structures.keypoint_table import check_rate
from .motion import Motion
from .readers import notes_on, read_keypoints
from .readers.document import find_reader, open_document
from .readers.joint_sets import skeleton_of_file
from .writers import check_formats, check_target, list_formats, read_result

_CAMERA = {'y': np.diag([1.0, -1, -1]), 'z': np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])}  # from axes with y or z up
_TALL = (0.3, 3.5)  # metres that a person spans
_FARTHEST = 1e5  # metres from the origin
_UNITS = {'centimetres': 0.01, 'metres': 1.0, 'millimetres': 0.001}  # in the order in which they are tried


def convert_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    joints: str | None = None,
    skeleton: str | None = None,
    img_shape: Sequence[int] | None = None,
    fps: float | None = None,
    unit: float | None = None,
    up: str | None = None,
) -> list[str]:
    """Converts a file to the format that the ending of another says.

    Args:
        source: 2D keypoints, a 3D motion, or what ``poselifter lift`` wrote; any file that a reader knows.
        target: the file to write.
        joints: joint set that 3D is converted to; by default the joints are the file's.
        skeleton: joint set of 2D keypoints, where the file does not say.
        img_shape: (height, width) of their picture, where the file does not say.
        fps: frame rate, where the file does not say.
        unit: metres in a unit of length of a 3D file, where it does not say.
        up: axis that points up in a 3D file, ``'y'`` or ``'z'``, where it does not say.

    Returns:
        Lines for the user on what was recognised and assumed, then the files.

    Raises:
        InputError: the file cannot be read, or not be written in that format.
    """
    check_target(target, [source])
    document = open_document(source)
    if document.is_arrays and 'keypoints_3d' in document.content:
        result = read_result(source)
        notes = [f'{source} (of poselifter): {len(result.poses)} poses of {result.skeleton_3d}']
    elif (reader := find_reader(document, 'keypoints', 'motion')).gives == 'keypoints':
        result = Result(read_keypoints(source, skeleton, img_shape, fps))
        notes = notes_on(result.table)
    else:
        result, notes = motion_result(reader(document), unit, up, fps)
    if joints and result.poses is not None:
        result = _with_joints(result, joints)
    return [*notes, *map(str, _write(Path(target), result))]


def _write(path: Path, result: Result) -> list[Path]:
    given = result.given() or ['keypoints']
    formats = list_formats(given)
    fitting = [name for name, writer in formats.items() if path.name.endswith(writer.suffix)]
    name = max(fitting, key=lambda name: len(formats[name].suffix), default=None)
    if name is None:
        endings = ', '.join(writer.suffix for writer in formats.values())
        raise InputError(f'{path}: {" and ".join(given)} cannot be written so, expected the ending {endings}')
    check_formats([name], given)
    return formats[name](path, result) or [path]  # a file for each person, where the format holds one


def _with_joints(result: Result, joints: str) -> Result:
    target = get_skeleton(joints)
    positions = convert_keypoints(result.positions(), result.skeleton_3d, target.name)
    root, others = _root(positions, target), {'truth': None, 'uncertainty': None}
    return replace(result, poses=positions - root[:, None], root=root, skeleton_3d=target.name, **others)


def _root(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(N, 3) root of positions (N, K, 3): zeros where the joint set has none, or it is not always seen."""
    if skeleton.root is None or not np.isfinite(positions[:, skeleton.root]).all():
        return np.zeros((len(positions), 3))
    return positions[:, skeleton.root]


def motion_result(
    motion: Motion, unit: float | None = None, up: str | None = None, fps: float | None = None
) -> tuple[Result, list[str]]:
    """A motion as a result of one person, and lines for the user; see :func:`convert_file` for the arguments.

    The poses are in metres and camera axes (x right, y down, z forward). The joints are those of the file; where their
    names are those of a joint set that we know, in any order, it is that one.

    Raises:
        InputError: unit or rate are neither given nor in the file, or nothing is seen.
    """
    notes, source = list(motion.notes), motion.source
    points = np.asarray(motion.positions, np.float64)
    if not np.isfinite(points).any():
        raise InputError(f'{source}: no marker is seen in any frame, expected some; nothing to convert')
    if up or motion.up is None:
        notes.append(f'{up or "z"} is taken as the axis that points up{"" if up else " (--up y where y does)"}')
    up = up or motion.up or 'z'
    check_choice(f'{source}: the axis that points up', up, _CAMERA)
    unit = motion.unit_m or unit or _guess_unit(points, notes, source)
    fps = check_rate(motion.fps or fps, source)
    if fps is None:
        raise InputError(f'{source} has no frame rate, expected one; give it, --fps')
    points = points * unit @ _CAMERA[up].T
    if (far := np.abs(points[np.isfinite(points)]).max()) > _FARTHEST:
        raise InputError(
            f'{source}: positions reach {far:.3g} m, expected up to {_FARTHEST:g}; mend the file or --unit'
        )
    title = f'{len(motion.names)} joints of {Path(source).name}'
    skeleton, order = skeleton_of_file(title, motion.names, motion.parents)
    points = points if order is None else points[:, order]
    root = _root(points, skeleton)
    table = KeypointTable.of_person(
        np.zeros((len(points), 0, 2)), frame_indices=motion.first_frame + np.arange(len(points)), fps=fps, source=source
    )
    line = f'{source}: {len(motion.names)} joints ({skeleton.name}), {len(points)} frames, {fps:g} a second, {up} up'
    return Result(table, (points - root[:, None]).astype(np.float32), skeleton.name, root), [line, *notes]


def _guess_unit(points: np.ndarray, notes: list[str], source: str) -> float:
    """Metres in a unit of length, such that the person is as tall as one is."""
    seen = np.isfinite(points)
    highest, lowest = (np.where(seen, sign * points, -np.inf).max(1) * sign for sign in (1, -1))
    span = np.median((highest - lowest)[seen.any((1, 2))].max(-1))
    for name, unit in _UNITS.items():
        if _TALL[0] < span * unit < _TALL[1]:
            notes.append(f'units of length are taken as {name}, in which the joints span {span * unit:.2f} m')
            return unit
    raise InputError(f'{source}: joints span {span:.3g} units of length, too few or many for a person; give it, --unit')
