"""Reader of DeepLabCut's tables, CSV and HDF5, of one or more individuals."""

from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...utils.safe_pickle import load_pickle
from .csv_tables import cells_of, frames_of, numbers_of
from .document import Detections, Document, seen_scores, texts_of

_KEY = 'df_with_missing'
_AXES = ('x', 'y', 'likelihood')
_Columns = list[tuple[str, str, str]]


def _detect(document: Document) -> bool:
    """A CSV that starts with ``scorer``, or pandas' table of DeepLabCut's name in HDF5."""
    arrays = document.content if document.is_arrays else ()
    return document.text.startswith('scorer') or any(key.startswith(_KEY) for key in arrays)


@register_reader('deeplabcut', 'DeepLabCut files', _detect)
def read_deeplabcut(document: Document) -> Detections:
    """Reads all individuals; a frame in which one is not seen has no row of it.

    The joints are found by their names, in any order. Frames are numbered by the first column, or by the end of the
    picture's name there. Of HDF5 both of pandas' layouts (``fixed``, ``table``) are read, without pandas.

    Raises:
        InputError: rows of the header are missing, a cell is no number, or the frames are not numbered.
    """
    path = document.path
    columns, index, values = (_of_arrays if document.is_arrays else _of_csv)(document)
    persons = list(dict.fromkeys(person for person, _, _ in columns))
    joints = list(dict.fromkeys(joint for _, joint, _ in columns))
    if len(persons) * len(joints) > 20 * len(columns):
        several = f'{len(persons)} individuals and {len(joints)} joints'
        raise InputError(f'{path}: {len(columns)} columns for {several}, expected most joints of each; export it again')
    table = np.full((len(persons), len(values), len(joints), 3), np.nan)
    table[..., 2] = 1
    for (person, joint, axis), column in zip(columns, values.T, strict=True):
        if axis not in _AXES:
            raise InputError(f'{path}: coords has {axis[:20]!r}, expected x, y and likelihood, of 2D')
        table[persons.index(person), :, joints.index(joint), _AXES.index(axis)] = column
    points, scores = table[..., :2], seen_scores(table[..., :2], table[..., 2])
    person, row = np.nonzero((scores > 0).any(-1))
    ids = [persons[p] or 0 for p in person]
    return Detections(points[person, row], scores[person, row], frames_of(index, path)[row], ids, joint_names=joints)


def _of_csv(document: Document) -> tuple[_Columns, list[str], np.ndarray]:
    """(individual, joint, axis) of each column, the name of each row, and the numbers (rows, columns)."""
    path, rows = document.path, cells_of(document)
    header = {row[0]: row for row in rows[:4]}
    missing = [name for name in ('bodyparts', 'coords') if name not in header]
    if missing:
        raise InputError(
            f'{path}: the header has no row {missing[0]}, expected scorer, bodyparts, coords; export again'
        )
    width, coords = len(rows[0]), header['coords']
    first = next((c for c in range(1, width) if coords[c]), width)  # up to three columns name the picture
    people = header.get('individuals', [''] * width)
    columns = [(people[c], header['bodyparts'][c], coords[c]) for c in range(first, width)]
    body = rows[4 if 'individuals' in header else 3 :]
    return columns, [row[first - 1] for row in body], numbers_of(body, range(first, width), path)


def _of_arrays(document: Document) -> tuple[_Columns, list[Any], np.ndarray]:
    """As :func:`_of_csv`, of what pandas writes to HDF5."""
    path, arrays = document.path, document.content
    with reading(f'{path} is no table as DeepLabCut writes it', 'write it again, or as CSV'):
        if f'{_KEY}/table' in arrays:
            table = arrays[f'{_KEY}/table']
            [(_, columns)] = load_pickle(arrays[f'{_KEY}@non_index_axes'].item())
            values, index = table['values_block_0'], table['index']
        else:
            values, index = arrays[f'{_KEY}/block0_values'], arrays[f'{_KEY}/axis1']
            levels = [i for i in range(4) if f'{_KEY}/axis0_level{i}' in arrays]
            names = [arrays[f'{_KEY}/axis0_level{i}'][arrays[f'{_KEY}/axis0_label{i}']] for i in levels]
            columns = zip(*names, strict=True)
        columns = [texts_of(list(column))[1:] for column in columns]  # without the scorer
        if {len(column) for column in columns} not in ({2}, {3}):
            raise InputError(f'{path}: columns are not of scorer, bodyparts and coords; write it again, or as CSV')
        columns = [('', *column) if len(column) == 2 else tuple(column) for column in columns]
        return columns, index.tolist(), np.asarray(values, np.float64).reshape(len(index), len(columns))
