"""Reader of Acclaim motions (AMC) on an ASF skeleton."""

import os

import numpy as np

from ...errors import InputError
from .asf import AsfSkeleton, axis_matrices
from .motion import Motion
from .text import floats, read_text

_FORMAT = 'an Acclaim motion (:DEGREES, then frame numbers, each followed by a line for every bone)'


def read_amc(path: str | os.PathLike, skeleton: AsfSkeleton) -> Motion:
    """Reads an AMC file and runs its forward kinematics.

    A bone turns by C R C^-1 in its parent, where C are the bone's axes in the
    ASF and R the rotation of the AMC; its end is the parent's end plus its
    turned direction times length. Bones without a line in the AMC do not move.

    Args:
        path: the file.
        skeleton: the subject's, of :func:`~poselifter.io.mocap.read_asf`.

    Returns:
        The motion; the position of a joint is the **end** of the bone of its
        name. ``fps`` is ``None``, since an AMC does not state it.

    Raises:
        InputError: a frame is incomplete or out of order, or names a bone that
            the skeleton lacks; the frame is named.
    """
    lines = [words for line in read_text(path, _FORMAT).splitlines() if (words := line.split('#')[0].split())]
    degrees = skeleton.degrees
    while lines and lines[0][0].startswith(':'):
        keyword = lines.pop(0)[0].upper()
        degrees = {':DEGREES': True, ':RADIANS': False}.get(keyword, degrees)
    names, values = _frames(lines, skeleton, str(path))
    return _forward(skeleton, names, values, 1.0 if degrees else 180 / np.pi, str(path))


def _frames(lines: list[list[str]], skeleton: AsfSkeleton, path: str) -> tuple[list[str], np.ndarray]:
    """Bones of a frame, and (T, their dof together) values."""
    starts = [k for k, words in enumerate(lines) if len(words) == 1 and words[0].isdigit()]
    if not starts or starts[0] != 0:
        raise InputError(f'{path}: has no frame number after its header, expected {_FORMAT}')
    size = (starts[1] if len(starts) > 1 else len(lines)) - starts[0]
    names = [words[0] for words in lines[1:size]]
    for name in names:
        if skeleton.bone(name) is None or names.count(name) > 1:
            raise InputError(
                f'{path}: bone {name!r} is doubled or not in {skeleton.source}, expected the bones of its own skeleton'
            )
    layout = [(name, 1 + len(skeleton.bone(name).dof)) for name in names]
    for k, start in enumerate(starts):
        frame = lines[start + 1 : start + size]
        complete = [(words[0], len(words)) for words in frame] == layout
        end = starts[k + 1] if k + 1 < len(starts) else len(lines)
        if not complete or end - start != size:
            raise InputError(
                f'{path}, frame {lines[start][0]}: its lines differ from {skeleton.source} or from the first frame, '
                f'expected {len(layout)} bones with all their values; the file may be cut off'
            )
    words = [word for line in lines if len(line) > 1 for word in line[1:]]
    return names, floats(words, f'{path}, values').reshape(len(starts), -1)


def _forward(skeleton: AsfSkeleton, names: list[str], values: np.ndarray, scale: float, path: str) -> Motion:
    frames, bones = len(values), skeleton.bones
    positions, rotations = np.empty((frames, len(bones), 3)), np.empty((frames, len(bones), 3, 3))
    widths = np.cumsum([0, *(len(skeleton.bone(name).dof) for name in names)])
    columns = {name: values[:, a:b] for name, a, b in zip(names, widths[:-1], widths[1:], strict=True)}
    for k, bone in enumerate(bones):
        angles, shift = np.zeros((frames, 3)), np.zeros((frames, 3))
        for dof, column in zip(bone.dof, columns.get(bone.name, np.zeros((frames, len(bone.dof)))).T, strict=True):
            if dof[0] == 'r':
                angles[:, bone.order.index(dof[1])] = column * scale
            else:
                shift[:, 'xyz'.index(dof[1])] = column
        local = bone.axes @ axis_matrices(bone.order, angles) @ bone.axes.T
        if bone.parent < 0:
            positions[:, k], rotations[:, k] = skeleton.root_position + shift, local
        else:
            rotations[:, k] = rotations[:, bone.parent] @ local
            positions[:, k] = positions[:, bone.parent] + rotations[:, k] @ bone.offset
    return Motion(
        names=tuple(bone.name for bone in bones),
        parents=tuple(bone.parent for bone in bones),
        offsets=np.stack([bone.offset for bone in bones]),
        positions=positions,
        rotations=rotations,
        unit_m=skeleton.unit_m,
        source=path,
    )
