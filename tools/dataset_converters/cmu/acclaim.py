"""Readers of Acclaim skeletons (ASF) and motions (AMC); the CMU database has one skeleton a subject."""

import itertools
import os
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from poselifter.errors import InputError

from .motion import Joint, Motion, assemble, floats, local_motion, read_text

_ASF = 'an Acclaim skeleton (:units, :root, :bonedata, :hierarchy)'
_AMC = 'an Acclaim motion (:DEGREES, then frame numbers, each followed by a line for every bone)'
_INCH_M = 0.0254
_ROOT_DOF = ('tx', 'ty', 'tz', 'rx', 'ry', 'rz')  # of other bones the turns alone


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
        bones: parents before children; the root first.
        root_position: (3,) added to the root's translation.
        unit_m: metres in a unit of length (``length`` of :units is the number of units in an inch).
        degrees: whether angles are in degrees.
        source: the file, for messages.
    """

    bones: tuple[Bone, ...]
    root_position: np.ndarray
    unit_m: float
    degrees: bool
    source: str

    def bone(self, name: str) -> Bone | None:
        """The bone of that name, or ``None``."""
        return next((bone for bone in self.bones if bone.name == name), None)


def read_asf(path: str | os.PathLike) -> AsfSkeleton:
    """Reads an ASF file.

    Raises:
        InputError: a section or a bone's field is missing or malformed, or the
            hierarchy names a bone that :bonedata lacks; the place is named.
    """
    path = str(path)
    sections = _sections(read_text(path, _ASF), path)
    units = {line[0].lower(): line[1] for line in sections['units'] if len(line) > 1}
    degrees = not units.get('angle', 'deg').lower().startswith('rad')
    length = floats([units.get('length', '1')], f'{path}, :units length')[0]
    if length <= 0:
        raise InputError(f'{path}, :units: length is {length:g}, expected a positive number')
    records = _bone_records(sections['bonedata'], path)
    root = {line[0].lower(): line[1:] for line in sections['root']}
    place, rest = f'{path}, :root', ['0', '0', '0']
    axis = root.get('orientation', rest) + (root.get('axis') or ['XYZ'])
    record = {'axis': axis, 'direction': rest, 'length': ['0'], 'dof': root.get('order', _ROOT_DOF)}
    bones = [_bone('root', -1, record, degrees, place, _ROOT_DOF)]
    for name, parent in _hierarchy(sections['hierarchy'], set(records), path):
        parent_index = next(k for k, bone in enumerate(bones) if bone.name == parent)
        bones.append(_bone(name, parent_index, records[name], degrees, f'{path}, bone {name}', _ROOT_DOF[3:]))
    position = _vector(root.get('position', rest), f'{place} position')
    return AsfSkeleton(tuple(bones), position, _INCH_M / length, degrees, path)


def _sections(text: str, path: str) -> dict[str, list[list[str]]]:
    """Section name -> its lines as words; lines of :documentation are not kept."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for words in _lines(text):
        if words[0].startswith(':'):
            lines = sections.setdefault(words[0][1:].lower(), [])
        else:
            lines.append(words)
    missing = [name for name in ('units', 'root', 'bonedata', 'hierarchy') if name not in sections]
    if missing:
        raise InputError(f'{path} has no :{missing[0]}, expected {_ASF}')
    return sections


def _lines(text: str) -> list[list[str]]:
    """The words of each line that is neither empty nor a comment."""
    return [words for line in text.splitlines() if (words := line.split('#')[0].split())]


def _bone_records(lines: list[list[str]], path: str) -> dict[str, dict[str, list[str]]]:
    """Bone name -> field -> words; the further lines of `limits` are left out."""
    records: dict[str, dict[str, list[str]]] = {}
    record: dict[str, list[str]] = {}
    for key, *words in lines:
        if key.lower() == 'begin':
            record = {}
        elif key.lower() == 'end':
            if not record.get('name'):
                raise InputError(f'{path}, :bonedata: a bone has no name, expected "name ..." between begin and end')
            records[record['name'][0]] = record
        elif not key.startswith('('):
            record[key.lower()] = words
    return records


def _bone(
    name: str, parent: int, record: dict[str, list[str]], degrees: bool, where: str, allowed: tuple[str, ...]
) -> Bone:
    """A bone from its fields; ``allowed``: degrees of freedom that it may have."""
    for key in ('direction', 'length', 'axis'):
        if not record.get(key):
            raise InputError(f'{where}: has no {key}, expected name, direction, length, axis')
    axis = record['axis']
    order = axis[3].lower() if len(axis) > 3 else 'xyz'
    if sorted(order) != ['x', 'y', 'z']:
        raise InputError(f'{where}: axis order {axis[3]!r}, expected an order such as XYZ')
    dof = tuple(word.lower() for word in record.get('dof', ()))
    if not set(dof) <= set(allowed):
        raise InputError(f'{where}: dof {" ".join(dof)}, expected only {", ".join(allowed)}; others are not read')
    offset = _vector(record['direction'], f'{where} direction') * floats(record['length'][:1], f'{where} length')[0]
    # scipy's small letters turn about fixed axes, the first letter first, as Acclaim does: R = Rz Ry Rx for 'xyz'
    axes = Rotation.from_euler(order, _vector(axis[:3], f'{where} axis'), degrees=degrees).as_matrix()
    return Bone(name, parent, offset, axes, order, dof)


def _hierarchy(lines: list[list[str]], known: set[str], path: str) -> list[tuple[str, str]]:
    """(bone, parent) with parents first."""
    placed, pairs = {'root'}, []
    for parent, *children in lines:
        for child in children if parent.lower() not in ('begin', 'end') else ():
            if parent not in placed or child not in known or child in placed:
                raise InputError(
                    f'{path}, :hierarchy: {child!r} under {parent!r} is unknown, doubled or comes before its parent, '
                    f'expected every bone of :bonedata once'
                )
            placed.add(child)
            pairs.append((child, parent))
    return pairs


def _vector(words: list[str], where: str) -> np.ndarray:
    if len(words) != 3:
        raise InputError(f'{where}: {len(words)} numbers, expected 3')
    return floats(words, where)


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
    columns = _columns(lines, skeleton, str(path))
    local = []
    for bone in skeleton.bones:
        values = columns[bone.name] if bone.name in columns else np.zeros((len(columns['']), len(bone.dof)))
        # the axis that acts last comes first in the product
        order = sorted(range(len(bone.dof)), key=lambda k: -bone.order.index(bone.dof[k][1]))
        channels, values = [bone.dof[k] for k in order], values[:, order]
        if not degrees:
            values = np.where([channel[0] == 'r' for channel in channels], np.rad2deg(values), values)
        shift, turn = local_motion(channels, values, np.zeros(3))
        turn = bone.axes @ turn @ bone.axes.T
        local.append((turn @ bone.offset if bone.parent >= 0 else shift + skeleton.root_position, turn))
    return assemble(skeleton.bones, local, unit_m=skeleton.unit_m, source=str(path))


def _columns(lines: list[list[str]], skeleton: AsfSkeleton, path: str) -> dict[str, np.ndarray]:
    """Bone name -> (T, its dof) values; the name ``''`` has none, (T, 0)."""
    starts = [k for k, words in enumerate(lines) if len(words) == 1 and words[0].isdigit()]
    if not starts or starts[0] != 0:
        raise InputError(f'{path}: has no frame number after its header, expected {_AMC}')
    frames = list(itertools.pairwise([*starts, len(lines)]))
    names = [words[0] for words in lines[1 : frames[0][1]]]
    for name in names:
        if skeleton.bone(name) is None or names.count(name) > 1:
            raise InputError(
                f'{path}: bone {name!r} is doubled or not in {skeleton.source}, expected the bones of its skeleton'
            )
    widths = [len(skeleton.bone(name).dof) for name in names]
    layout = [(name, 1 + width) for name, width in zip(names, widths, strict=True)]
    for start, end in frames:
        if [(words[0], len(words)) for words in lines[start + 1 : end]] != layout:
            raise InputError(
                f'{path}, frame {lines[start][0]}: its lines differ from {skeleton.source} or from the first frame, '
                f'expected {len(layout)} bones with all their values; the file may be cut off'
            )
    words = [word for line in lines if len(line) > 1 for word in line[1:]]
    values = floats(words, f'{path}, values').reshape(len(starts), sum(widths))
    return dict(zip([*names, ''], np.split(values, np.cumsum(widths), 1), strict=True))
