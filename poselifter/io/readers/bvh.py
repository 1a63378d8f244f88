"""Reader of BVH animation files."""

import os
import re
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...light_registry import register_reader
from ..motion import Joint, Motion, assemble, floats, read_text
from .document import Document

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
class _Joint(Joint):
    channels: list[str]  # 'tx', 'rz', ...


def read_bvh(path: str | os.PathLike[str]) -> Motion:
    """Reads a BVH file and runs its forward kinematics.

    A joint's local rotation is the product of its rotation channels in the
    order in which they are listed, R = R(c1) R(c2) R(c3), in degrees; position
    channels replace the joint's OFFSET. A BVH declares no units: ``unit_m`` is ``None``.

    Raises:
        InputError: the hierarchy is malformed, the frame time is missing, or
            rows are missing, too many or of a wrong length; line or row is named.
    """
    text = read_text(path, _FORMAT)
    parts = re.split(r'^\s*MOTION\b', text, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)
    head = re.match(r'\s*HIERARCHY\b', parts[0], re.IGNORECASE)
    if head is None or len(parts) != 2:
        raise InputError(f'{path} has no {"HIERARCHY" if head is None else "MOTION"}, expected {_FORMAT}')
    joints = _parse_hierarchy(parts[0][head.end() :].strip(), str(path))
    widths = [len(joint.channels) for joint in joints]
    from scipy.spatial.transform import Rotation

    values, seconds = _parse_motion(parts[1], sum(widths), str(path))
    columns = np.split(values, np.cumsum(widths)[:-1], 1)
    local = []
    for joint, values in zip(joints, columns, strict=True):
        shifts, turns = np.tile(joint.offset, (len(values), 1)), np.tile(np.eye(3), (len(values), 1, 1))
        for (kind, axis), column in zip(joint.channels, values.T, strict=True):
            if kind == 't':
                shifts[:, 'xyz'.index(axis)] = column
            else:
                turns = turns @ Rotation.from_euler(axis, column[:, None], degrees=True).as_matrix()
        local.append((shifts, turns))
    return assemble(joints, local, fps=1 / seconds, source=str(path), up='y')


@register_reader('bvh', 'BVH files', lambda document: document.text[:9].upper() == 'HIERARCHY', gives='motion')
def read_bvh_document(document: Document) -> Motion:
    """See :func:`read_bvh`."""
    return read_bvh(document.path)


def _parse_hierarchy(text: str, path: str) -> list[_Joint]:
    joints: list[_Joint] = []
    opened: list[int] = []  # joints whose braces are not closed yet
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            line = text[at:].splitlines()[0]
            raise InputError(f'{path}, hierarchy: {line[:60]!r} is unknown, expected JOINT, OFFSET, CHANNELS, ...')
        at = token.end()
        joint = joints[opened[-1]] if opened else None
        if token['name'] or (token['end'] and joint):
            name = token['name'] or f'{joint.name}_end'
            joints.append(_Joint(name, opened[-1] if opened else -1, np.zeros(3), []))
            opened.append(len(joints) - 1)
        elif joint is None and token['brace'] != '{':
            raise InputError(f'{path}, hierarchy: {token[0].strip()!r} stands outside a joint, expected ROOT')
        elif token['brace'] == '}':
            opened.pop()
        elif token['offset']:
            joint.offset = floats(token['offset'].split(), f'{path}, OFFSET of {joint.name}')
        elif token['count']:
            names = token['channels'].lower().split()
            joint.channels = [('t' if name.endswith('position') else 'r') + name[0] for name in names]
            if len(names) != int(token['count']):
                known = f'{len(names)} known names, expected {token["count"]}'
                raise InputError(f'{path}, CHANNELS of {joint.name}: {known}')
    if opened or not joints:
        problem = f'joint {joints[opened[-1]].name!r} is not closed' if opened else 'there is no ROOT'
        raise InputError(f'{path}, hierarchy: {problem}, expected a closed tree of joints; the file may be cut off')
    return joints


def _parse_motion(text: str, channels: int, path: str) -> tuple[np.ndarray, float]:
    """(T, channels) values and the seconds of a frame."""
    header = {}
    for key in ('Frames', 'Frame Time'):
        match = re.search(rf'^[ \t]*{key}[ \t]*:?[ \t]*(\S+)[ \t]*$', text, re.IGNORECASE | re.MULTILINE)
        header[key] = floats([match[1]], f'{path}, "{key}:"')[0] if match else 0
        if header[key] <= 0:
            raise InputError(f'{path}: MOTION has no "{key}:" above 0, expected a number and the seconds of a frame')
        text = text[: match.start()] + text[match.end() :]
    rows = [row for line in text.splitlines() if (row := line.split())]
    if len(rows) != header['Frames']:
        expected = f'{header["Frames"]:g} as "Frames:" says; the file may be cut off'
        raise InputError(f'{path}: {len(rows)} rows of values, expected {expected}')
    for number, row in enumerate(rows):
        if len(row) != channels:
            raise InputError(f'{path}, row {number + 1}: {len(row)} values, expected {channels}, one a channel')
    values = floats([word for row in rows for word in row], f'{path}, rows of values')
    return values.reshape(len(rows), channels), header['Frame Time']
