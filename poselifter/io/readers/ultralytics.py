"""Reader of Ultralytics' YOLO results: folders of labels, and JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import NO_NUMBERS, split_scores
from .document import Detections, Document, entries_of, frame_number, looks_normalized, one_clip

_BOX = 5  # class and box before the joints of a line
_JOINTS = 17
# numbers of a line after them -> channels of a joint, and how many of the person's confidence and id follow
_LINES = {_JOINTS * channels + more: (channels, more) for channels in (2, 3) for more in range(3)}


def _detect_labels(document: Document) -> bool:
    """A folder with text files, or lines that start with a class and a box in fractions of the picture."""
    words = document.text.split('\n', 1)[0].split()
    return any(file.suffix == '.txt' for file in document.files) or (len(words) >= _BOX + 34 and words[0].isdigit())


@register_reader('yolo_labels', 'YOLO label folders', _detect_labels)
def read_labels(document: Document) -> Detections:
    """Reads the lines ``class cx cy w h``, 17 times ``x y [confidence]``, ``[confidence] [track id]`` of all files.

    The frame is the number at the end of a file's name, minus 1 where none is 0, since Ultralytics counts from 1; a
    frame without a file shows nobody. Lines that are in a file twice, as a second run appends them, count once.

    Raises:
        InputError: a line has another number of numbers or coordinates beyond 0 to 1, or there are several clips.
    """
    path, files = document.path, document.files or (document.path,)
    places = [frame_number(file) for file in files]
    one_clip([name for name, _ in places], 'names before the number', path)
    frames, rows, twice = [], [], 0
    for file, (_, number) in zip(files, places, strict=True):
        with reading(f'{file} is no text that can be read', 'write the folder again', (OSError, UnicodeDecodeError)):
            lines = [line for line in file.read_text('utf-8-sig').splitlines() if line.strip()]
        twice += len(lines) - len(set(lines))
        for line in dict.fromkeys(lines):
            frames.append(number or 0)
            rows.append(_numbers(line.split(), f'{file}: {line[:30]}...', len(rows[0]) if rows else None))
    if not rows:
        raise InputError(f'{path}: no person in any file; nothing to lift')
    table = np.array(rows)
    channels, more = _LINES[table.shape[1] - _BOX]
    points, scores = split_scores(table[:, _BOX : _BOX + _JOINTS * channels].reshape(len(rows), _JOINTS, channels))
    last = table[:, -1]
    tracked = more == 2 or (more == 1 and (last % 1 == 0).all() and (last > 1).any())
    notes = [f'{twice} lines are in a file twice and count once'] * bool(twice)
    ids = last.tolist() if tracked else None
    numbers = np.array(frames, np.int64) - (0 not in [number or 0 for _, number in places])
    return Detections(points, scores, numbers, ids, 'coco17', notes=notes, normalized=True)


def _numbers(words: Sequence[str], where: str, expected: int | None) -> np.ndarray:
    """The numbers of a line, float64; raises InputError if it is not one of a person."""
    with reading(f'{where} holds something that is no number', 'write numbers', NO_NUMBERS):
        row = np.array(words, np.float64)
    if len(row) - _BOX not in _LINES or (expected and len(row) != expected):
        known = expected or ', '.join(str(n + _BOX) for n in _LINES)
        raise InputError(f'{where} has {len(row)} numbers, expected {known} (class, box, 17 joints, confidence, id)')
    channels, _ = _LINES[len(row) - _BOX]
    points = row[_BOX : _BOX + _JOINTS * channels].reshape(_JOINTS, channels)[:, :2]
    if not ((points > -0.5) & (points < 1.5)).all():
        advice = 'divide x by the width and y by the height'
        raise InputError(f'{where} has coordinates up to {points.max():g}, expected 0 to 1; {advice}')
    return row


def _detect_json(document: Document) -> bool:
    """A list of persons, or of frames with lists of them, whose keypoints are an object with lists x and y."""
    return any('x' in person['keypoints'] for person in _first_persons(document.content))


def _first_persons(content: Any) -> list[Mapping[str, Any]]:
    """The first person of the first frame that has one, where its keypoints are an object."""
    frames = content if isinstance(content, list) else []
    frames = [frame if isinstance(frame, list) else [frame] for frame in frames]
    first = next((frame[0] for frame in frames if frame), None)
    return [first] if isinstance(first, dict) and isinstance(first.get('keypoints'), dict) else []


@register_reader('yolo_json', 'YOLO JSON', _detect_json, priority=1)
def read_json(document: Document) -> Detections:
    """Reads ``Results.to_json()`` of one picture, or a list of those of all frames.

    Raises:
        InputError: a person lacks its keypoints, or has lists of several lengths.
    """
    content, path = document.content, document.path
    frames = content if any(isinstance(frame, list) for frame in content) else [content]
    numbers, persons = [], []
    for number, frame in enumerate(frames):
        for index, person in enumerate(entries_of(frame, f'{path}, frame {number}')):
            numbers.append(number)
            persons.append((person, f'{path}, frame {number}, person {index}'))
    rows = [_joints(person, where) for person, where in persons]
    for row, (_, where) in zip(rows, persons, strict=True):
        if row.shape != rows[0].shape:
            raise InputError(f'{where}: {len(row)} joints, expected {len(rows[0])}, as the others; export it again')
    points, scores = split_scores(np.array(rows) if rows else np.zeros((0, 1, 3)))
    ids, normalized = [person.get('track_id') for person, _ in persons], looks_normalized(points, scores)
    return Detections(points, scores, np.array(numbers, np.int64), ids, normalized=normalized)


def _joints(person: Mapping[str, Any], where: str) -> np.ndarray:
    """(J, 3) x, y, score."""
    keypoints = person.get('keypoints')
    with reading(f'{where}: keypoints are not as Ultralytics writes them', 'expected lists x, y, visible'):
        columns = [keypoints['x'], keypoints['y'], keypoints.get('visible') or [1.0] * len(keypoints['x'])]
        return np.array(columns, np.float64).reshape(3, -1).T
