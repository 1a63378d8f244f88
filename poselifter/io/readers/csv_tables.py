"""Reader of CSV tables: a row for each person and frame, or for each joint of one; SLEAP's and MediaPipe's are such."""

import csv
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import as_numbers
from .document import Detections, Document, looks_normalized, seen_scores, texts_of, uneven_times
from .joint_sets import SKELETONS_BY_COUNT

_SCORE = 'score|visibility|visible|confidence|conf|likelihood|probability|prob'
# a column of a joint: nose_x, nose.score, x_12, v33; letters for scores stand behind a separator or before a number
_COLUMN = re.compile(
    rf'(?P<joint>.+?)[ _.:-]+(?P<axis>[xyzvcps]|{_SCORE}|presence)|(?P<letter>[xyzvcps])[ _]?(?P<number>\d+)', re.I
)
_WORDS = {  # names of other columns
    'frame': r'(frame|image)[ _]?(idx|index|id|number|no|num|)|index|',
    'track': r'(track|person|object|instance|individual)([ _]?(id|name|idx))?|id|idx',
    'time': r'(time|timestamp|seconds|t)([ _]?(ms|s|sec))?',
    'joint': r'(joint|landmark|keypoint|body_?part|part|marker)([ _]?(id|idx|index|name))?|name',
    'score': _SCORE,
}
_EXPECTED = 'expected columns <joint>_x, <joint>_y, <joint>_score, or joint, x, y, score'


def _delimiter(document: Document) -> str:
    line = document.text.split('\n', 1)[0]
    return max(',;\t', key=line.count)


def cells_of(document: Document) -> list[list[str]]:
    """The rows of a CSV without blank ones; raises InputError where one has another length than the first."""
    lines = csv.reader(document.text.splitlines(), delimiter=_delimiter(document))
    with reading(f'{document.path} is no CSV', 'write it again', (csv.Error,)):
        rows = [[cell.strip() for cell in row] for row in lines if any(row)]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            problem = f'row {number} has {len(row)} cells, expected {len(rows[0])}, as the first has'
            raise InputError(f'{document.path}: {problem}; it may be cut off')
    return rows


def numbers_of(cells: Sequence[Sequence[str]], columns: Sequence[int | None], where: Any) -> np.ndarray:
    """(rows, columns) float64 of cells, NaN where one is empty; 1 for a column ``None``."""
    with reading(f'{where} holds something that is no number', 'expected numbers or nothing', (ValueError,)):
        table = [[1.0 if c is None else float(row[c] or 'nan') for c in columns] for row in cells]
    return np.array(table, np.float64).reshape(len(cells), len(columns))


def frames_of(index: Sequence[Any], path: Any) -> np.ndarray:
    """Frames (N,) int64: numbers, or those at the end of the names of pictures; raises InputError if there are none."""
    words = texts_of(index)
    try:
        return as_numbers(np.array(words, np.float64), f'{path}: frames', whole=True)
    except InputError:
        raise
    except ValueError:
        digits = [re.search(r'(\d{1,15})(\.[A-Za-z]+)?$', word) for word in words]
    if None in digits:
        found = words[digits.index(None)][:40]
        raise InputError(f'{path}: a row is called {found!r}, expected the number of its frame') from None
    return np.array([int(match[1]) for match in digits], np.int64)


def _detect(document: Document) -> bool:
    """Columns named after joints and axes, or more than 20 of numbers alone."""
    cells = [cell.strip() for cell in document.text.split('\n', 1)[0].split(_delimiter(document))]
    bare = len(cells) > 20 and all(re.fullmatch(r'[-+.\deE]*', cell) for cell in cells)
    named = sum(_COLUMN.fullmatch(_split_axis(cell)) is not None for cell in cells) >= 4
    return bare or named or {'x', 'y'} <= {cell.lower() for cell in cells}


def _split_axis(name: str) -> str:
    """``noseX`` as ``nose_X``."""
    return re.sub(r'(?<=[a-z0-9])(?=[XYZ]$)', '_', name)


@register_reader('csv', 'CSV tables', _detect, priority=-1)
def read_csv(document: Document) -> Detections:
    """Reads a table with a row for each person and frame, or for each of their joints.

    Columns of joints are ``<joint>_x``, ``<joint>_y`` and, or not, ``<joint>_score`` (``nose.x``, ``nose visibility``
    or ``x0``, ``y0``, ``v0`` too); or there is a column of the joints' names or numbers beside ``x``, ``y``, ``score``.
    ``frame``, ``track`` and ``time`` (seconds, or ``time_ms``) may be there; z is not read. A table of numbers alone
    has x, y or x, y, score for every joint.

    Raises:
        InputError: there are no columns of joints, a cell is no number, or a row has another length.
    """
    path, rows = document.path, cells_of(document)
    header, body = [name.lower() for name in rows[0]], rows[1:]
    if all(re.fullmatch(r'[-+.\de]*', cell) for cell in header):
        return _bare(numbers_of(rows, range(len(header)), path), path)
    other = {kind: next((c for c, n in enumerate(header) if re.fullmatch(w, n)), None) for kind, w in _WORDS.items()}
    frames, fps, times = np.arange(len(body)), None, None
    if other['time'] is not None:
        times = numbers_of(body, [other['time']], f'{path}: {rows[0][other["time"]]}')[:, 0]
        times = times / (1000 if header[other['time']].endswith('ms') else 1)
        frames, fps = _of_times(times, path)
    if other['frame'] is not None:
        frames = frames_of([row[other['frame']] for row in body], path)
    times = times if times is None else uneven_times(times, frames)
    ids = None if other['track'] is None else [row[other['track']] for row in body]
    columns: dict[str, dict[str, int]] = {}
    for c, name in enumerate(rows[0]):
        match = _COLUMN.fullmatch(_split_axis(name))
        if match and c not in [other[kind] for kind in ('frame', 'track', 'time')]:
            axis = (match['axis'] or match['letter']).lower()
            kind = axis if axis in ('x', 'y', 'z', 'presence') else 'score'
            columns.setdefault(match['joint'] or match['number'], {}).setdefault(kind, c)
    columns = {joint: axes for joint, axes in columns.items() if {'x', 'y'} <= axes.keys()}
    if columns:
        used = [axes.get(kind) for axes in columns.values() for kind in ('x', 'y', 'score')]
        table = numbers_of(body, used, path).reshape(len(body), len(columns), 3)
        return _detections(table, frames, ids, list(columns), fps, times)
    if other['joint'] is None or not {'x', 'y'} <= set(header):
        raise InputError(f'{path}: has the columns {", ".join(rows[0][:6])[:80]}, ..., {_EXPECTED}')
    numbers = numbers_of(body, [header.index('x'), header.index('y'), other['score']], path)
    names = list(dict.fromkeys(row[other['joint']] for row in body))
    keys = list(zip(frames.tolist(), ids or [None] * len(body), strict=True))
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    if len(places) * len(names) > 50 * len(body):
        several = f'{len(places)} frames of persons and {len(names)} joints'
        raise InputError(f'{path}: {len(body)} rows for {several}, expected most joints of each; write it again')
    column = {name: c for c, name in enumerate(names)}
    table = np.full((len(places), len(names), 3), np.nan)
    table[[places[key] for key in keys], [column[row[other['joint']]] for row in body]] = numbers
    rows = np.unique([places[key] for key in keys], return_index=True)[1]
    frames, times = frames[rows], times if times is None else times[rows]
    return _detections(table, frames, ids and [i for _, i in places], names, fps, times)


def _of_times(times: np.ndarray, path: Any) -> tuple[np.ndarray, float | None]:
    """Frames (N,) of times (N,) in seconds, and the rate: that of most steps; frames without a row are left out."""
    if not np.isfinite(times).all():
        raise InputError(f'{path}: a row has no time, expected one in each; fill it in, or remove the column')
    moments, frames = np.unique(times, return_inverse=True)
    steps = np.diff(moments)
    if not len(steps) or not 1e-4 < np.median(steps) < 1:
        return frames, None
    usual = steps[steps < 1.5 * np.median(steps)].mean()  # times may be rounded
    numbers = np.r_[0, np.cumsum(np.round(steps / usual).clip(1))].astype(np.int64)
    return numbers[frames], float(np.round(numbers[-1] / (moments[-1] - moments[0]), 3))


def _bare(table: np.ndarray, path: Any) -> Detections:
    """A table without a header: consecutive frames of one person."""
    width = table.shape[1]
    shapes = [(j, c) for j in SKELETONS_BY_COUNT for c in (2, 3) if j * c == width] + [(33, 4)] * (width == 132)
    if len(shapes) != 1:
        raise InputError(f'{path}: has {width} columns without names, {_EXPECTED}; add a row of names')
    joints, channels = shapes[0]
    table = table.reshape(len(table), joints, channels)
    scores = table[..., -1:] if channels > 2 else np.ones((*table.shape[:2], 1))
    table = np.concatenate([table[..., :2], scores], -1)
    return _detections(table, np.arange(len(table)), None, list(map(str, range(joints))), None)


def _detections(
    table: np.ndarray,
    frames: np.ndarray,
    ids: list[str] | None,
    names: list[str],
    fps: float | None,
    times: np.ndarray | None = None,
) -> Detections:
    """Detections of (N, J, 3) x, y, score; joints whose names are numbers, in any words, are put in their order."""
    numbers = [re.fullmatch(r'\D{0,12}(\d{1,4})', name) for name in names]
    if None not in numbers and len({match[1] for match in numbers}) == len(names):
        table, names = table[:, np.argsort([int(match[1]) for match in numbers])], None
    points, scores = table[..., :2], seen_scores(table[..., :2], table[..., 2])
    rows = (scores > 0).any(1)
    if ids is None and len(np.unique(frames)) == len(frames):
        ids = [0] * len(frames)
    kept = ids and [i for i, row in zip(ids, rows, strict=True) if row]
    normalized = looks_normalized(points, scores)
    return Detections(
        points[rows],
        scores[rows],
        frames[rows],
        kept,
        joint_names=names,
        fps=fps,
        timestamps=times if times is None else times[rows],
        normalized=normalized,
    )
