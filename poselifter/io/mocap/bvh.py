"""Reader of BVH animation files."""

import os
import re
from dataclasses import dataclass, field

import numpy as np

from ...errors import InputError
from .motion import Motion, euler_matrices
from .text import floats, read_text

_FORMAT = 'a BVH file (HIERARCHY, MOTION)'
_NUMBER = r'[-+]?[\d.]+(?:e[-+]?\d+)?'
_TOKEN = re.compile(
    rf"""\s*(?:
        (?:ROOT|JOINT)\s+(?P<name>[^\n{{]*[^\s{{])  |  (?P<end>End\s+Site)[^\n{{]*  |  (?P<brace>[{{}}])
        | OFFSET\s+(?P<offset>{_NUMBER}\s+{_NUMBER}\s+{_NUMBER})
        | CHANNELS\s+(?P<count>\d+)(?P<channels>(?:\s+[XYZ](?:position|rotation))*)
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass
class _Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[np.ndarray] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)  # of each joint: 'xposition', 'zrotation', ...


def read_bvh(path: str | os.PathLike) -> Motion:
    """Reads a BVH file and runs its forward kinematics.

    A joint's local rotation is the product of its rotation channels in the
    order in which they are listed, R = R(c1) R(c2) R(c3), in degrees; position
    channels replace the joint's OFFSET. Units are not declared in a BVH.

    Args:
        path: the file.

    Returns:
        The motion; ``unit_m`` is ``None``.

    Raises:
        InputError: the hierarchy is malformed, the frame time is missing, or
            rows are missing, too many or of a wrong length; line or row is named.
    """
    text = read_text(path, _FORMAT)
    parts = re.split(r'^\s*MOTION\b', text, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)
    head = re.match(r'\s*HIERARCHY\b', parts[0], re.IGNORECASE)
    if head is None or len(parts) != 2:
        raise InputError(f'{path} has no {"HIERARCHY" if head is None else "MOTION"}, expected {_FORMAT}')
    tree = _parse_hierarchy(parts[0][head.end() :], str(path))
    values, seconds = _parse_motion(parts[1], sum(map(len, tree.channels)), str(path))
    positions, rotations = _forward(tree, values)
    return Motion(
        names=tuple(tree.names),
        parents=tuple(tree.parents),
        offsets=np.stack(tree.offsets),
        positions=positions,
        rotations=rotations,
        fps=1 / seconds,
        source=str(path),
    )


def _parse_hierarchy(text: str, path: str) -> _Hierarchy:
    tree, at = _Hierarchy(), 0
    open_joints: list[int] = []
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            line = text[at:].strip().splitlines()[0]
            raise InputError(
                f'{path}, hierarchy: {line[:60]!r} is not understood, expected JOINT, OFFSET, CHANNELS, ...'
            )
        at = token.end()
        if token['name'] or token['end']:
            parent = open_joints[-1] if open_joints else -1
            tree.names.append(token['name'] or f'{tree.names[parent]}_end')
            tree.parents.append(parent)
            tree.offsets.append(np.zeros(3))
            tree.channels.append([])
            open_joints.append(len(tree.names) - 1)
        elif token['brace'] == '}' and open_joints:
            open_joints.pop()
        elif token['brace'] != '{':
            _set_joint(tree, open_joints, token, path)
    if open_joints or not tree.names:
        found = f'joint {tree.names[open_joints[-1]]!r} is not closed' if open_joints else 'there is no ROOT'
        raise InputError(f'{path}, hierarchy: {found}, expected a closed tree of joints; the file may be cut off')
    return tree


def _set_joint(tree: _Hierarchy, open_joints: list[int], token: re.Match, path: str) -> None:
    """Takes an OFFSET or CHANNELS line, or refuses a closing brace without a joint."""
    if not open_joints:
        raise InputError(f'{path}, hierarchy: {token[0].strip()!r} stands outside a joint, expected ROOT')
    joint = open_joints[-1]
    if token['offset']:
        tree.offsets[joint] = floats(token['offset'].split(), f'{path}, OFFSET of {tree.names[joint]}')
        return
    channels = token['channels'].lower().split()
    if len(channels) != int(token['count']):
        raise InputError(
            f'{path}, CHANNELS of {tree.names[joint]}: {len(channels)} known names, expected {token["count"]}'
        )
    tree.channels[joint] = channels


def _parse_motion(text: str, channels: int, path: str) -> tuple[np.ndarray, float]:
    """(T, channels) values and the seconds of a frame."""
    header = {}
    for key in ('Frames', 'Frame Time'):
        found = re.search(rf'^[ \t]*{key}[ \t]*:?[ \t]*(\S+)[ \t]*$', text, re.IGNORECASE | re.MULTILINE)
        header[key] = floats([found[1]], f'{path}, "{key}:"')[0] if found else 0
        if header[key] <= 0:
            raise InputError(
                f'{path}: MOTION has no "{key}:" above 0, expected "Frames: number" and "Frame Time: seconds"'
            )
        text = text[: found.start()] + text[found.end() :]
    rows = [row for line in text.splitlines() if (row := line.split())]
    if len(rows) != header['Frames']:
        raise InputError(
            f'{path}: {len(rows)} rows of values, expected {header["Frames"]:g} as "Frames:" says; it may be cut off'
        )
    for number, row in enumerate(rows):
        if len(row) != channels:
            raise InputError(f'{path}, row {number + 1}: {len(row)} values, expected {channels}, one a channel')
    values = floats([word for row in rows for word in row], f'{path}, rows of values')
    return values.reshape(len(rows), channels), header['Frame Time']


def _forward(tree: _Hierarchy, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, J, 3) positions and (T, J, 3, 3) rotations in the world."""
    frames, joints = len(values), len(tree.names)
    positions, rotations = np.empty((frames, joints, 3)), np.empty((frames, joints, 3, 3))
    column = 0
    for joint, (parent, channels) in enumerate(zip(tree.parents, tree.channels, strict=True)):
        own = values[:, column : column + len(channels)]
        column += len(channels)
        turns = [k for k, name in enumerate(channels) if name.endswith('rotation')]
        local = euler_matrices([channels[k][0] for k in turns], own[:, turns])
        offset = np.tile(tree.offsets[joint], (frames, 1))
        for k in set(range(len(channels))) - set(turns):
            offset[:, 'xyz'.index(channels[k][0])] = own[:, k]
        if parent < 0:
            positions[:, joint], rotations[:, joint] = offset, local
        else:
            positions[:, joint] = positions[:, parent] + (rotations[:, parent] @ offset[..., None])[..., 0]
            rotations[:, joint] = rotations[:, parent] @ local
    return positions, rotations
