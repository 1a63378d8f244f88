"""Readers of tables: DeepLabCut's CSV and HDF5, SLEAP's, and CSV with a column for each number."""

import csv
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...registry import register_reader
from ...utils.safe_pickle import load_pickle
from .document import Detections, Document
from .joint_sets import SKELETONS_BY_COUNT

_SCORES = 'score|visibility|visible|confidence|conf|likelihood|probability|prob|v|c|p|s'
_COLUMN = re.compile(rf'(?P<joint>.+?)[ _.:-]+(?P<axis>x|y|z|{_SCORES}|presence)|(?P<axis_>[xyzvcps])[ _]?(?P<number>\d+)')
_FRAME = re.compile(r'(frame|image)[ _]?(idx|index|id|number|no|num|)|index|')
_TRACK = re.compile(r'(track|person|object|instance|individual)([ _]?(id|name|idx))?|id|idx')
_TIME = re.compile(r'(time|timestamp|seconds|t)(?P<milli>[ _]?ms)?([ _]?(s|sec))?')
_JOINT = re.compile(r'(joint|landmark|keypoint|body_?part|part|marker)([ _]?(id|idx|index|name))?|name')


def _delimiter(document: Document) -> str:
    line = document.text.split('\n', 1)[0]
    return max(',;\t', key=line.count)


def _cells(document: Document) -> list[list[str]]:
    """The rows of a CSV, blank ones left out; those whose length is another one are named in the InputError."""
    lines = csv.reader(document.text.splitlines(), delimiter=_delimiter(document))
    with reading(f'{document.path} is no CSV', 'write it again', (csv.Error,)):
        rows = [[cell.strip() for cell in row] for row in lines if any(row)]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            problem = f'row {number} has {len(row)} cells, expected {len(rows[0])}, as the first has'
            raise InputError(f'{document.path}: {problem}; it may be cut off')
    return rows


def _numbers(cells: Sequence[Sequence[str]], columns: Sequence[int], where: str) -> np.ndarray:
    """(rows, columns) float64 of cells; NaN where one is empty."""
    with reading(f'{where} holds something that is no number', 'expected numbers or nothing', (ValueError,)):
        table = np.array([[float(row[c] or 'nan') for c in columns] for row in cells], np.float64)
    return table.reshape(len(cells), len(columns))


def _seen(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores (N, J), 0 where a place is not given: NaN, or (0, 0)."""
    given = np.isfinite(points).all(-1) & ~(points == 0).all(-1)
    return np.where(given, np.nan_to_num(scores), 0)


def _detect_dlc(document: Document) -> bool:
    """A CSV that starts with ``scorer``, or pandas' arrays of a table with columns of several levels."""
    return document.text.startswith('scorer') or (document.is_arrays and any('df_with_missing' in k for k in document.content))


@register_reader('deeplabcut', 'DeepLabCut files', _detect_dlc)
def read_deeplabcut(document: Document) -> Detections:
    """Reads all individuals; a frame in which one is not seen has no row of it.

    The joints are found by their names, in any order. Frames are numbered by the first column, or by the end of the
    picture's name there. Of HDF5 both of pandas' layouts are read, without pandas.

    Raises:
        InputError: rows of the header are missing, a cell is no number, or the frames are not numbered.
    """
    path = document.path
    columns, index, values = (_dlc_arrays if document.is_arrays else _dlc_csv)(document)
    persons = list(dict.fromkeys(person for person, _, _ in columns))
    joints = list(dict.fromkeys(joint for _, joint, _ in columns))
    table = np.full((len(persons), len(joints), 3, len(values)), np.nan)
    table[:, :, 2] = 1
    axes = ('x', 'y', 'likelihood')
    for (person, joint, axis), column in zip(columns, values.T, strict=True):
        if axis not in axes:
            raise InputError(f'{path}: coords has {axis!r}, expected x, y, likelihood; 3D files are not read')
        table[persons.index(person), joints.index(joint), axes.index(axis)] = column
    points, scores = table[:, :, :2].transpose(0, 3, 1, 2), table[:, :, 2].transpose(0, 2, 1)
    scores = _seen(points, scores)
    person, row = np.nonzero((scores > 0).any(-1))
    frames = np.array(_frames(index, path), np.int64)[row]
    ids = [persons[p] or 0 for p in person]
    return Detections(points[person, row], scores[person, row], frames, ids, joint_names=joints)


def _dlc_csv(document: Document) -> tuple[list[tuple[str, str, str]], list[str], np.ndarray]:
    """(individual, joint, axis) of each column, the index of each row, and the numbers (rows, columns)."""
    path, rows = document.path, _cells(document)
    header = {row[0]: row for row in rows[:4]}
    missing = [name for name in ('bodyparts', 'coords') if name not in header]
    if missing:
        raise InputError(f'{path}: the header lacks the row {missing[0]}, expected scorer, bodyparts, coords; export it again')
    first = next((c for c, cell in enumerate(header['coords']) if c and cell), len(rows[0]))  # up to three name the picture
    people = header.get('individuals', [''] * len(rows[0]))
    columns = [(people[c], header['bodyparts'][c], header['coords'][c]) for c in range(first, len(rows[0]))]
    body = rows[3 + ('individuals' in header) :]
    return columns, [row[first - 1] for row in body], _numbers(body, range(first, len(rows[0])), f'{path}')


def _dlc_arrays(document: Document) -> tuple[list[tuple[str, str, str]], list[Any], np.ndarray]:
    """As :func:`_dlc_csv`, of what pandas writes to HDF5, ``fixed`` or ``table``."""
    path, arrays = document.path, document.content
    with reading(f'{path} is no table as DeepLabCut writes it', 'write it again, or as CSV'):
        group = next(key for key in arrays if key.startswith('df_with_missing')).split('/')[0].split('@')[0]
        if f'{group}/table' in arrays:
            table = arrays[f'{group}/table']
            [(_, columns)] = load_pickle(arrays[f'{group}@non_index_axes'].item())
            values, index = table['values_block_0'], table['index']
        else:
            values, index = arrays[f'{group}/block0_values'], arrays[f'{group}/axis1']
            levels = []
            while f'{group}/axis0_level{len(levels)}' in arrays:
                names, codes = arrays[f'{group}/axis0_level{len(levels)}'], arrays[f'{group}/axis0_label{len(levels)}']
                levels.append([names[code] for code in codes])
            columns = list(zip(*levels, strict=True))
        columns = [tuple(n.decode() if isinstance(n, bytes) else str(n) for n in column)[1:] for column in columns]
        columns = [('', *column) if len(column) == 2 else column for column in columns]
        values = np.asarray(values, np.float64).reshape(len(index), len(columns))
    if any(len(column) != 3 for column in columns):
        raise InputError(f'{path}: columns have {len(columns[0]) + 1} levels, expected scorer, bodyparts, coords')
    return columns, index.tolist(), values


def _frames(index: Sequence[Any], path: Any) -> list[int]:
    """Numbers of frames: numbers themselves, or those at the end of the names of pictures."""
    words = [name.decode() if isinstance(name, bytes) else str(name) for name in index]
    digits = [re.search(r'(\d{1,15})(\.0)?(\.[A-Za-z]+)?$', word) for word in words]
    if None in digits:
        raise InputError(f'{path}: a row is called {words[digits.index(None)][:40]!r}, expected the number of its frame')
    return [int(match[1]) for match in digits]


def _detect_sleap(document: Document) -> bool:
    """Arrays ``tracks`` with four axes."""
    return document.is_arrays and 'tracks' in document.content and document.content['tracks'].ndim == 4


@register_reader('sleap', 'SLEAP analysis files', _detect_sleap)
def read_sleap(document: Document) -> Detections:
    """Reads all tracks of an analysis HDF5: ``tracks`` (tracks, 2, nodes, frames), ``point_scores``, ``node_names``.

    Raises:
        InputError: names of nodes are missing, or arrays have other shapes.
    """
    path, arrays = document.path, document.content
    if 'node_names' not in arrays:
        raise InputError(f'{path}: has tracks without node_names, expected the names of the joints; export it again')
    with reading(f'{path}: arrays are not as SLEAP writes them', 'expected tracks (tracks, 2, nodes, frames)'):
        points = np.asarray(arrays['tracks'], np.float64).transpose(0, 3, 2, 1)
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in arrays['node_names'].ravel().tolist()]
        scores = np.ones(points.shape[:3])
        if 'point_scores' in arrays:
            scores = np.asarray(arrays['point_scores'], np.float64).transpose(0, 2, 1)
        tracks = [n.decode() if isinstance(n, bytes) else str(n) for n in arrays.get('track_names', np.zeros(0)).ravel().tolist()]
    if points.shape[2:] != (len(names), 2) or scores.shape != points.shape[:3] or len(tracks) not in (0, len(points)):
        shapes = f'tracks {arrays["tracks"].shape}, point_scores {scores.shape}, {len(names)} names, {len(tracks)} tracks'
        raise InputError(f'{path}: has {shapes}, expected (tracks, 2, nodes, frames) and scores without the 2')
    scores = _seen(points, scores)
    track, frame = np.nonzero((scores > 0).any(-1))
    ids = [tracks[t] if tracks else t for t in track.tolist()]
    return Detections(points[track, frame], scores[track, frame], frame, ids, joint_names=names)


def _detect_csv(document: Document) -> bool:
    """Several columns, whose names are of joints and axes, or a first row of numbers."""
    cells = document.text.split('\n', 1)[0].split(_delimiter(document))
    if len(cells) > 20 and all(re.fullmatch(r'\s*[-+.\deE]*\s*', cell) for cell in cells):
        return True
    words = {cell.strip().lower() for cell in cells}
    return {'x', 'y'} <= words or sum(_COLUMN.fullmatch(word) is not None for word in words) >= 4


@register_reader('csv', 'CSV tables', _detect_csv, priority=-1)
def read_csv(document: Document) -> Detections:
    """Reads a table with a row for each person and frame, or for each of their joints.

    Columns of joints are ``<joint>_x``, ``<joint>_y`` and, or not, ``<joint>_score`` (``.x``, ``visibility``, ... too; SLEAP's
    are of that kind), or ``x0``, ``y0``, ``v0``; or there is a column of the joints' names or numbers beside ``x``, ``y``,
    ``score``. ``frame``, ``track`` and ``time`` (seconds) may be there. A table of numbers alone has x, y or x, y, score for
    every joint.

    Raises:
        InputError: there are no columns of joints, or a cell is no number.
    """
    path, rows = document.path, _cells(document)
    header = [re.sub(r'(?<=[a-z0-9])(?=[XYZ]$)', '_', cell).lower() for cell in rows[0]]
    if all(re.fullmatch(r'[-+.\de]*', cell) for cell in header):
        return _bare(_numbers(rows, range(len(header)), str(path)), str(path))
    find = lambda kind: next((c for c, name in enumerate(header) if kind.fullmatch(name)), None)  # noqa: E731
    frame, track, time = (find(kind) for kind in (_FRAME, _TRACK, _TIME))
    body = rows[1:]
    frames, fps = np.arange(len(body)), None
    if time is not None:
        seconds = _numbers(body, [time], f'{path}: {header[time]}')[:, 0]
        times, frames = np.unique(seconds, return_inverse=True)
        steps = np.diff(times) / (1000 if _TIME.fullmatch(header[time])['milli'] else 1)
        fps = float(np.round(1 / np.median(steps), 3)) if len(steps) and (steps > 0).all() else None
    if frame is not None:
        frames = np.array(_frames([row[frame] for row in body], path), np.int64)
    ids = None if track is None else [row[track] for row in body]
    columns: dict[str, dict[str, int]] = {}
    for c, name in enumerate(header):
        match = _COLUMN.fullmatch(name)
        if match and c not in (frame, track, time):
            axis = match['axis'] or match['axis_']
            joint = match['joint'] or match['number']
            columns.setdefault(joint, {}).setdefault(axis if axis in 'xyz' else 'presence' if axis == 'presence' else 'score', c)
    columns = {joint: axes for joint, axes in columns.items() if {'x', 'y'} <= axes.keys()}
    if not columns:
        return _long(body, header, frames, ids, fps, str(path))
    wanted = [axes.get(axis, -1) for axes in columns.values() for axis in ('x', 'y', 'score')]
    table = _numbers([[*row, '1'] for row in body], wanted, str(path)).reshape(len(body), -1, 3)
    return _detections(table, frames, ids, list(columns), fps)


def _long(body: list, header: list[str], frames: np.ndarray, ids: list | None, fps: float | None, path: str) -> Detections:
    """A table with a row for each joint."""
    joint = next((c for c, name in enumerate(header) if _JOINT.fullmatch(name)), None)
    if joint is None or not {'x', 'y'} <= set(header):
        raise InputError(f'{path}: has the columns {", ".join(header[:6])}, ..., expected <joint>_x, <joint>_y, <joint>_score')
    score = next((c for c, name in enumerate(header) if re.fullmatch(_SCORES, name)), -1)
    numbers = _numbers([[*row, '1'] for row in body], [header.index('x'), header.index('y'), score], path)
    names, columns = np.unique([row[joint] for row in body], return_inverse=True)
    keys = list(zip(frames.tolist(), ids or [None] * len(body), strict=True))
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    table = np.full((len(places), len(names), 3), np.nan)
    table[[places[key] for key in keys], columns] = numbers
    names = names.tolist()
    if all(name.isdigit() for name in names):
        table, names = table[:, np.argsort([int(name) for name in names])], sorted(names, key=int)
    return _detections(table, np.array([f for f, _ in places]), [i for _, i in places] if ids else None, names, fps)


def _detections(table: np.ndarray, frames: np.ndarray, ids: Any, names: list[str], fps: float | None) -> Detections:
    """Detections of (N, J, 3) x, y, score, and names of joints, which may be numbers in any words."""
    points, scores = table[..., :2], _seen(table[..., :2], table[..., 2])
    numbers = [re.sub(r'\D', '', name) for name in names]
    bare = all(re.fullmatch(r'\D{0,12}\d+', name) for name in names) and len(set(numbers)) == len(numbers)
    rows = (scores > 0).any(1)
    if ids is None and len(np.unique(frames)) == len(frames):
        ids = [0] * len(frames)
    kept = None if ids is None else [i for i, row in zip(ids, rows, strict=True) if row]
    normalized = rows.any() and np.median(np.abs(points[scores > 0])) <= 1.5
    return Detections(
        points[rows], scores[rows], frames[rows], kept, joint_names=None if bare else names, fps=fps, normalized=bool(normalized)
    )


def _bare(table: np.ndarray, path: str) -> Detections:
    """A table without a header: frames of one person."""
    width = table.shape[1]
    shapes = [(j, c) for j in SKELETONS_BY_COUNT for c in (2, 3) if j * c == width] + [(33, 4)] * (width == 132)
    if len(shapes) != 1:
        raise InputError(f'{path}: has {width} columns without names, expected a header <joint>_x, <joint>_y, <joint>_score')
    joints, channels = shapes[0]
    table = table.reshape(len(table), joints, channels)
    scores = table[..., -1:] if channels > 2 else np.ones((*table.shape[:2], 1))
    table = np.concatenate([table[..., :2], scores], -1)
    return _detections(table, np.arange(len(table)), None, [str(j) for j in range(joints)], None)
