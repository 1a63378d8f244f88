"""A captured motion in 3D, and helpers of its readers: text, numbers and forward kinematics."""

import contextlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError


@dataclass
class Joint:
    """A joint at rest.

    Attributes:
        name: its name.
        parent: index of its parent, -1 at a root.
        offset: (3,) from its parent, in the world's axes.
    """

    name: str
    parent: int
    offset: np.ndarray


@dataclass(frozen=True)
class Motion:
    """Joints, or markers, of one body over time, in the file's axes and units.

    Convention: right-handed, y up by habit, the body facing +z at rest; column vectors, so a vector fixed to joint j
    points at ``rotations[:, j] @ vector``.

    Attributes:
        names: J joint names; an end site is called ``<parent>_end``.
        parents: J parent indices, -1 at a root; ``None`` of markers, as ``offsets`` and ``rotations`` are.
        offsets: (J, 3) each joint from its parent at rest.
        positions: (T, J, 3) world positions; NaN where a marker is not seen.
        rotations: (T, J, 3, 3) world rotations.
        fps: frames per second if the file states it.
        unit_m: metres in a unit of length if the file states it.
        source: the file, for messages.
        up: axis that points up, ``'y'`` or ``'z'``; ``None`` if neither file nor format say it.
        first_frame: number of the first frame.
        notes: lines for the user on what was left out or assumed.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...] | None
    offsets: np.ndarray | None
    positions: np.ndarray
    rotations: np.ndarray | None
    fps: float | None = None
    unit_m: float | None = None
    source: str = 'motion'
    up: str | None = None
    first_frame: int = 0
    notes: tuple[str, ...] = ()

    def index(self, name: str) -> int:
        """Index of a joint; raises InputError where it is missing."""
        if name not in self.names:
            raise InputError(f'{self.source}: no joint {name!r} among {", ".join(self.names[:8])}, ..., expected one')
        return self.names.index(name)

    def position(self, name: str) -> np.ndarray:
        """(T, 3) world positions of a joint; raises InputError where it is missing."""
        return self.positions[:, self.index(name)]


def assemble(joints: Sequence[Joint], local: Sequence[tuple[np.ndarray, np.ndarray]], **stated: Any) -> Motion:
    """Runs forward kinematics.

    Args:
        joints: J of them, parents before children.
        local: (T, 3) shift and (T, 3, 3) rotation of each in its parent's frame.
        **stated: further attributes of the motion.
    """
    positions, rotations = [], []
    for joint, (shift, turn) in zip(joints, local, strict=True):
        if joint.parent >= 0:
            above = rotations[joint.parent]
            shift, turn = positions[joint.parent] + (above @ shift[..., None])[..., 0], above @ turn
        positions.append(shift)
        rotations.append(turn)
    names, parents, offsets = zip(*[(joint.name, joint.parent, joint.offset) for joint in joints], strict=True)
    return Motion(names, parents, np.stack(offsets), np.stack(positions, 1), np.stack(rotations, 1), **stated)


def read_text(path: str | os.PathLike[str], expected: str) -> str:
    """The text of a file; raises InputError where it cannot be read, or is empty and not what is ``expected``."""
    try:
        text = Path(path).read_text(encoding='utf-8-sig', errors='replace')
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}; expected {expected}') from error
    if not text.strip():
        raise InputError(f'{path} is empty, expected {expected}')
    return text


def floats(words: Sequence[str], where: str) -> np.ndarray:
    """N words as numbers (N,) float64; raises InputError that names ``where`` and the word that is no finite one."""
    values = []
    for number, word in enumerate(words, 1):
        with contextlib.suppress(ValueError):
            values.append(float(word))
        if len(values) < number or not math.isfinite(values[-1]):
            raise InputError(f'{where}: {word!r} (value {number}) is no finite number, expected numbers')
    return np.array(values)
