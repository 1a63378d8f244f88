"""Reader of C3D, the binary files of motion capture systems."""

import math
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ..motion import Motion
from .document import Document
from .trc import UNITS

_BLOCK = 512  # bytes
_KINDS = {-1: 'S1', 1: 'i1', 2: 'i2', 4: 'f4'}  # numpy's names of the types of parameters


def _detect(document: Document) -> bool:
    """The number of the first block of parameters, 0x50, and there the number of a kind of processor."""
    first, sign = document.data[:1], document.data[1:2]
    return (
        sign == b'\x50' and 1 < first[0] < 32 and document.data[(first[0] - 1) * _BLOCK + 3 :][:1] in (b'T', b'U', b'V')
    )


@register_reader('c3d', 'C3D files', _detect, gives='motion')
def read_c3d(document: Document) -> Motion:
    """Reads the points of all frames, stored as integers or floats of Intel, MIPS or DEC machines; analog data are not.

    The axis that points up is that of the parameter ``POINT:Y_SCREEN``, where the file has it.

    Raises:
        InputError: header or parameters are damaged, the file is cut off, or has no points.

    Source: the C3D file format user guide, sections on header, parameters and data (c3d.org).
    """
    path, data = document.path, document.data
    with reading(f'{path} is no whole C3D file', 'it may be cut off; export it again', (Exception,)):
        start = (data[0] - 1) * _BLOCK
        order = {84: '<', 85: 'dec', 86: '>'}[data[start + 3]]
        count, analog, first, last = (int(_numbers(data, at, 1, 'u2', order)[0]) for at in (2, 4, 6, 8))
        scale, rate = (float(_numbers(data, at, 1, 'f4', order)[0]) for at in (12, 20))
        begin = (int(_numbers(data, 16, 1, 'u2', order)[0]) - 1) * _BLOCK
        parameters = _parameters(data, start, order)
        frames = _frames(parameters, first, last)
        kind = 'f4' if scale < 0 else 'i2'
        width = 4 * count + analog
        if not count * frames > 0 or begin < _BLOCK or not math.isfinite(scale):
            raise InputError(f'{path}: the header has {count} points and {frames} frames, expected some of both')
        table = _numbers(data, begin, frames * width, kind, order).reshape(frames, width)
    with np.errstate(invalid='ignore'):  # of damaged numbers
        points = table[:, : 4 * count].reshape(frames, count, 4).astype(np.float64)
    positions = points[..., :3] * (1 if scale < 0 else scale)
    positions[(points[..., 3] < 0) | ~np.isfinite(positions).all(-1)] = np.nan
    unit = str((parameters.get('POINT:UNITS') or ['mm'])[0]).lower()
    labels = [label for key in sorted(parameters) if key.startswith('POINT:LABELS') for label in parameters[key]]
    names = [label or f'point_{i}' for i, label in enumerate([*labels, *[''] * count][:count])]
    screen = str((parameters.get('POINT:Y_SCREEN') or [''])[0]).lower()[-1:]
    if unit not in UNITS or not 0 < rate < 1e5:
        raise InputError(
            f'{path}: POINT:UNITS is {unit[:20]!r} and the rate {rate:g}, expected mm, cm or m, and one above 0'
        )
    return Motion(
        tuple(names), None, None, positions, None, fps=rate, unit_m=UNITS[unit], source=str(path),
        up=screen if screen in ('y', 'z') else None, first_frame=first,
    )  # fmt: skip


def _numbers(data: bytes, at: int, count: int, kind: str, order: str) -> np.ndarray:
    """``count`` numbers of a kind at a place; DEC's floats have their halves swapped and count four times as much."""
    if kind == 'f4' and order == 'dec':
        halves = np.frombuffer(data, '<u2', 2 * count, at).reshape(-1, 2)[:, ::-1]
        return np.ascontiguousarray(halves).view('<f4')[:, 0] / 4
    return np.frombuffer(data, ('<' if order == 'dec' else order) + kind, count, at)


def _parameters(data: bytes, start: int, order: str) -> dict[str, list[Any]]:
    """The values of all parameters as a list, by ``'GROUP:NAME'``; text in rows, without blanks at the end."""
    groups: dict[int, str] = {}
    values: dict[tuple[int, str], list[Any]] = {}
    at = start + 4
    while data[at]:
        length, group = abs(int(_numbers(data, at, 1, 'i1', order)[0])), int(_numbers(data, at + 1, 1, 'i1', order)[0])
        name = data[at + 2 : at + 2 + length].decode('latin1').upper()
        at += 2 + length
        following = at + int(_numbers(data, at, 1, 'u2', order)[0])
        if group < 0:
            groups[-group] = name
        else:
            kind, axes = int(_numbers(data, at + 2, 1, 'i1', order)[0]), data[at + 3]
            shape = tuple(data[at + 4 : at + 4 + axes])
            flat = _numbers(data, at + 4 + axes, math.prod(shape), _KINDS[kind], order)
            if at < following < at + 4 + axes + flat.nbytes:  # a small file could make gigabytes of it
                raise ValueError(f'the parameter {name} overlaps the next')
            values[group, name] = _rows(flat, shape) if kind == -1 else flat.tolist()
        if following <= at:
            break
        at = following
    return {f'{groups.get(group, group)}:{name}': value for (group, name), value in values.items()}


def _rows(letters: np.ndarray, shape: tuple[int, ...]) -> list[str]:
    width = shape[0] if shape else 1
    text = letters.tobytes().decode('latin1')
    return [text[i : i + width].strip(' \0') for i in range(0, len(text), max(width, 1))]


def _frames(parameters: dict[str, list[Any]], first: int, last: int) -> int:
    """Number of frames; beyond 65,535 only the parameters of the group TRIAL know it."""
    fields = [parameters.get(f'TRIAL:ACTUAL_{end}_FIELD', ()) for end in ('START', 'END')]
    if all(len(field) == 2 for field in fields):
        low, high = (int(a) % 65536 + 65536 * int(b) for a, b in fields)
        if high - low > last - first:
            return high - low + 1
    return last - first + 1
