"""Reader of Acclaim skeletons (ASF), as the CMU database gives one a subject."""

import os
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from .motion import euler_matrices
from .text import floats, read_text

_FORMAT = 'an Acclaim skeleton (:units, :root, :bonedata, :hierarchy)'
_INCH_M = 0.0254


@dataclass(frozen=True)
class Bone:
    """One bone of an Acclaim skeleton; the root counts as a bone of length 0.

    Attributes:
        name: its name.
        parent: index of its parent, -1 at the root.
        offset: (3,) direction times length, at rest, in the world's axes.
        axes: (3, 3) C, the bone's own axes at rest.
        order: order in which its rotations act, e.g. ``'xyz'``: x first.
        dof: what a row of the AMC holds for it, e.g. ``('rx', 'rz')``.
    """

    name: str
    parent: int
    offset: np.ndarray
    axes: np.ndarray
    order: str
    dof: tuple[str, ...]


@dataclass(frozen=True)
class AsfSkeleton:
    """An Acclaim skeleton at rest.

    Attributes:
        bones: parents before children; the root first.
        root_position: (3,) added to the root's translation.
        unit_m: metres in a unit of length (``length`` of :units is the number
            of file units in an inch).
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


def axis_matrices(order: str, angles: np.ndarray) -> np.ndarray:
    """Acclaim's rotation: the first axis of ``order`` acts first, about fixed axes.

    Args:
        order: e.g. ``'xyz'``, giving R = Rz Ry Rx.
        angles: (..., 3) degrees, in that order.

    Returns:
        (..., 3, 3).
    """
    return euler_matrices(order[::-1], angles[..., ::-1])


def read_asf(path: str | os.PathLike) -> AsfSkeleton:
    """Reads an ASF file.

    Args:
        path: the file.

    Returns:
        The skeleton.

    Raises:
        InputError: a section or a bone's field is missing or malformed, or the
            hierarchy names a bone that :bonedata lacks; the place is named.
    """
    sections = _sections(read_text(path, _FORMAT), str(path))
    units = {line[0].lower(): line[1] for line in sections['units'] if len(line) > 1}
    degrees = not units.get('angle', 'deg').lower().startswith('rad')
    length = floats([units.get('length', '1')], f'{path}, :units length')[0]
    if length <= 0:
        raise InputError(f'{path}, :units: length is {length:g}, expected a positive number')
    scale = 1.0 if degrees else 180 / np.pi
    records = _bone_records(sections['bonedata'], str(path))
    root = {line[0].lower(): line[1:] for line in sections['root']}
    place = f'{path}, :root'
    order = _axis_order((root.get('axis') or ['XYZ'])[0], place)
    turn = _vector(root.get('orientation', ['0'] * 3), f'{place} orientation') * scale
    dof = tuple(word.lower() for word in root.get('order', ['TX', 'TY', 'TZ', 'RX', 'RY', 'RZ']))
    if not set(dof) <= {'tx', 'ty', 'tz', 'rx', 'ry', 'rz'}:
        raise InputError(f'{place}: order {" ".join(dof)}, expected only TX, TY, TZ, RX, RY, RZ')
    bones = [Bone('root', -1, np.zeros(3), axis_matrices(order, turn), order, dof)]
    for name, parent in _hierarchy(sections['hierarchy'], set(records), str(path)):
        parent_index = next(k for k, bone in enumerate(bones) if bone.name == parent)
        bones.append(_bone(name, parent_index, records[name], scale, f'{path}, bone {name}'))
    position = _vector(root.get('position', ['0'] * 3), f'{place} position')
    return AsfSkeleton(tuple(bones), position, _INCH_M / length, degrees, str(path))


def _sections(text: str, path: str) -> dict[str, list[list[str]]]:
    """Section name -> its lines as words; lines of :documentation are not kept."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split('#')[0].split()
        if words and words[0].startswith(':'):
            lines = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            lines.append(words)
    missing = [name for name in ('units', 'root', 'bonedata', 'hierarchy') if name not in sections]
    if missing:
        raise InputError(f'{path} has no :{missing[0]}, expected {_FORMAT}')
    return sections


def _bone_records(lines: list[list[str]], path: str) -> dict[str, dict[str, list[str]]]:
    """Bone name -> field -> words; the further lines of `limits` are left out."""
    records: dict[str, dict[str, list[str]]] = {}
    record: dict[str, list[str]] = {}
    for line in lines:
        key = line[0].lower()
        if key == 'begin':
            record = {}
        elif key == 'end':
            if not record.get('name'):
                raise InputError(f'{path}, :bonedata: a bone has no name, expected "name ..." between begin and end')
            records[record['name'][0]] = record
        elif not key.startswith('('):
            record[key] = line[1:]
    return records


def _bone(name: str, parent: int, record: dict[str, list[str]], scale: float, where: str) -> Bone:
    for key in ('direction', 'length', 'axis'):
        if not record.get(key):
            raise InputError(f'{where}: has no {key}, expected name, direction, length, axis')
    axis = record['axis']
    order = _axis_order(axis[3] if len(axis) > 3 else 'XYZ', where)
    dof = tuple(word.lower() for word in record.get('dof', ()))
    if not set(dof) <= {'rx', 'ry', 'rz'}:
        raise InputError(f'{where}: dof {" ".join(dof)}, expected only rx, ry, rz; bones that stretch are not read')
    offset = _vector(record['direction'], f'{where} direction') * floats(record['length'][:1], f'{where} length')[0]
    turn = _vector(axis[:3], f'{where} axis') * scale
    return Bone(name, parent, offset, axis_matrices(order, turn), order, dof)


def _hierarchy(lines: list[list[str]], known: set[str], path: str) -> list[tuple[str, str]]:
    """(bone, parent) with parents first."""
    placed, pairs = {'root'}, []
    for line in lines:
        if line[0].lower() in ('begin', 'end'):
            continue
        parent, *children = line
        for child in children:
            if parent not in placed or child not in known or child in placed:
                raise InputError(
                    f'{path}, :hierarchy: {child!r} under {parent!r} is unknown, doubled or comes before its parent, '
                    f'expected every bone of :bonedata once'
                )
            placed.add(child)
            pairs.append((child, parent))
    return pairs


def _axis_order(word: str, where: str) -> str:
    if sorted(word.lower()) != ['x', 'y', 'z']:
        raise InputError(f'{where}: axis order {word!r}, expected an order such as XYZ')
    return word.lower()


def _vector(words: list[str], where: str) -> np.ndarray:
    if len(words) != 3:
        raise InputError(f'{where}: {len(words)} numbers, expected 3')
    return floats(words, where)
