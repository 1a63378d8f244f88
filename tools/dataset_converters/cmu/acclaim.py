"""Readers of Acclaim skeletons (ASF) and motions (AMC); the CMU database has one skeleton a subject."""

import itertools
import os
import re
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from poselifter.errors import InputError
from poselifter.io.motion import Joint, Motion, assemble, floats, read_text

_ASF = 'an Acclaim skeleton (:units, :root, :bonedata, :hierarchy)'
_AMC = 'an Acclaim motion (:DEGREES, then frame numbers, each followed by a line for every bone)'
_INCH_M = 0.0254
_ROOT_DOF = ['tx', 'ty', 'tz', 'rx', 'ry', 'rz']  # of other bones the turns alone


@dataclass
class Bone(Joint):
    """One bone of an Acclaim skeleton, its offset direction times length; the root counts as a bone of length 0.

    Attributes:
        axes: (3, 3) C, the bone's axes at rest.
        order: order in which its rotations act, e.g. ``'xyz'``: x first.
        dof: degrees of freedom in a row of the AMC, e.g. ``('rx', 'rz')``.
    """

    axes: np.ndarray
    order: str
    dof: tuple[str, ...]


@dataclass(frozen=True)
class AsfSkeleton:
    """An Acclaim skeleton at rest.

    Attributes:
        bones: by name; parents before children, the root first.
        root_position: (3,) added to the root's translation.
        unit_m: metres in a unit of length (``length`` of :units is the number of units in an inch).
        degrees: whether angles are in degrees.
        source: the file, for messages.
    """

    bones: dict[str, Bone]
    root_position: np.ndarray
    unit_m: float
    degrees: bool
    source: str


def read_asf(path: str | os.PathLike) -> AsfSkeleton:
    """Reads an ASF file.

    Raises:
        InputError: a section or a bone's field is missing or malformed, or the
            hierarchy names a bone that :bonedata lacks; the place is named.
    """
    path, rest = str(path), ['0', '0', '0']
    parts = re.split(r'^\s*:(\w+)', read_text(path, _ASF), flags=re.MULTILINE)
    sections = {name.lower(): _lines(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    for name in ('units', 'root', 'bonedata', 'hierarchy'):
        if name not in sections:
            raise InputError(f'{path} has no :{name}, expected {_ASF}')
    units = {line[0].lower(): line[1:] for line in sections['units']}
    degrees = not ''.join(units.get('angle', [])).lower().startswith('rad')
    length = _numbers({'length': ['1'], **units}, 'length', 1, f'{path}, :units')[0]
    if length <= 0:
        raise InputError(f'{path}, :units: length is {length:g}, expected a positive number')
    root = {'position': rest, 'orientation': rest, 'axis': ['XYZ'], 'order': _ROOT_DOF}
    root |= {line[0].lower(): line[1:] for line in sections['root']}
    record = {'axis': root['orientation'] + root['axis'], 'direction': rest, 'length': ['0'], 'dof': root['order']}
    bones = {'root': _bone('root', -1, record, degrees, f'{path}, :root')}
    records = _bone_records(sections['bonedata'], path)
    for parent, *children in sections['hierarchy']:
        for child in children:
            if parent not in bones or child not in records or child in bones:
                reason = 'unknown, doubled or comes before its parent, expected every bone of :bonedata once'
                raise InputError(f'{path}, :hierarchy: {child!r} under {parent!r} is {reason}')
            bones[child] = _bone(child, list(bones).index(parent), records[child], degrees, f'{path}, bone {child}')
    return AsfSkeleton(bones, _numbers(root, 'position', 3, f'{path}, :root'), _INCH_M / length, degrees, path)


def _lines(text: str) -> list[list[str]]:
    """The words of each line that is neither empty nor a comment."""
    return [words for line in text.splitlines() if (words := line.split('#')[0].split())]


def _bone_records(lines: list[list[str]], path: str) -> dict[str, dict[str, list[str]]]:
    """Bone name -> field -> words."""
    records: list[dict[str, list[str]]] = [{}]
    for key, *words in lines:
        if key.lower() == 'begin':
            records.append({})
        records[-1][key.lower()] = words
    if not all(record.get('name') for record in records[1:]):
        raise InputError(f'{path}, :bonedata: a bone has no name, expected "name ..." between begin and end')
    return {record['name'][0]: record for record in records[1:]}


def _bone(name: str, parent: int, record: dict[str, list[str]], degrees: bool, where: str) -> Bone:
    """A bone from its fields; only the root may be shifted."""
    offset = _numbers(record, 'direction', 3, where) * _numbers(record, 'length', 1, where)
    angles, order = _numbers(record, 'axis', 3, where), ''.join(record['axis'][3:4]).lower() or 'xyz'
    if sorted(order) != ['x', 'y', 'z']:
        raise InputError(f'{where}: axis order {record["axis"][3]!r}, expected an order such as XYZ')
    dof, allowed = tuple(word.lower() for word in record.get('dof', ())), _ROOT_DOF[0 if name == 'root' else 3 :]
    if not set(dof) <= set(allowed):
        raise InputError(f'{where}: dof {" ".join(dof)}, expected only {", ".join(allowed)}; others are not read')
    # scipy's small letters turn about fixed axes, the first letter first, as Acclaim does: R = Rz Ry Rx for 'xyz'
    axes = Rotation.from_euler(order, angles, degrees=degrees).as_matrix()
    return Bone(name, parent, offset, axes, order, dof)


def _numbers(record: dict[str, list[str]], key: str, count: int, where: str) -> np.ndarray:
    """The first ``count`` words of a field as numbers."""
    words = record.get(key, [])[:count]
    if len(words) < count:
        raise InputError(f'{where}: {key} has {len(words)} numbers, expected {count}')
    return floats(words, f'{where} {key}')


def read_amc(path: str | os.PathLike, skeleton: AsfSkeleton) -> Motion:
    """Reads an AMC file and runs its forward kinematics.

    A bone turns by C R C^-1 in its parent, where C are the bone's axes in the ASF and R the rotation of the AMC; its
    end is the parent's end plus its turned direction times length. Bones without a line in the AMC do not move.

    Returns:
        The motion; the position of a joint is the **end** of the bone of its
        name. ``fps`` is ``None``, since an AMC does not state it.

    Raises:
        InputError: a frame is incomplete or out of order, or names a bone that the skeleton lacks; the frame is named.
    """
    lines, degrees = _lines(read_text(path, _AMC)), skeleton.degrees
    while lines and lines[0][0].startswith(':'):
        keyword = lines.pop(0)[0].upper()
        degrees = {':DEGREES': True, ':RADIANS': False}.get(keyword, degrees)
    columns, frames = _columns(lines, skeleton, str(path))
    local, still = [], np.zeros(frames)
    for bone in skeleton.bones.values():
        values = dict(zip(bone.dof, columns.get(bone.name, np.zeros((frames, len(bone.dof)))).T, strict=True))
        angles = np.stack([values.get(f'r{axis}', still) for axis in bone.order], -1)
        shift = np.stack([values.get(f't{axis}', still) for axis in 'xyz'], -1)
        turn = bone.axes @ Rotation.from_euler(bone.order, angles, degrees=degrees).as_matrix() @ bone.axes.T
        local.append((turn @ bone.offset if bone.parent >= 0 else shift + skeleton.root_position, turn))
    return assemble(list(skeleton.bones.values()), local, unit_m=skeleton.unit_m, source=str(path))


def _columns(lines: list[list[str]], skeleton: AsfSkeleton, path: str) -> tuple[dict[str, np.ndarray], int]:
    """Bone name -> (T, its dof) values; and T."""
    starts = [k for k, words in enumerate(lines) if len(words) == 1 and words[0].isdigit()]
    if starts[:1] != [0]:
        raise InputError(f'{path}: has no frame number after its header, expected {_AMC}')
    frames = list(itertools.pairwise([*starts, len(lines)]))
    names = [words[0] for words in lines[1 : frames[0][1]]]
    for name in names:
        if name not in skeleton.bones or names.count(name) > 1:
            raise InputError(f'{path}: bone {name!r} is doubled or not in {skeleton.source}, whose bones are expected')
    widths = [len(skeleton.bones[name].dof) for name in names]
    layout = [(name, 1 + width) for name, width in zip(names, widths, strict=True)]
    for start, end in frames:
        if [(words[0], len(words)) for words in lines[start + 1 : end]] != layout:
            expected = f'the {len(layout)} bones of the first frame with all their values; the file may be cut off'
            raise InputError(
                f'{path}, frame {lines[start][0]}: its lines differ from {skeleton.source}, expected {expected}'
            )
    words = [word for line in lines for word in line[1:]]
    values = floats(words, f'{path}, values').reshape(len(starts), sum(widths))
    return dict(zip(names, np.split(values, np.cumsum(widths)[:-1], 1), strict=True)), len(starts)
