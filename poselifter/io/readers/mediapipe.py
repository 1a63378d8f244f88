"""Reader of MediaPipe's pose landmarks in JSON; tables of them in CSV are read as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import NO_NUMBERS
from .document import Detections, Document, entries_of, looks_normalized, uneven_times

_KEYS = ('pose_landmarks', 'poseLandmarks', 'landmarks')


def _detect(document: Document) -> bool:
    """A list of frames with landmarks, which may be none, or of landmarks with x, y, visibility."""
    frames = document.content if isinstance(document.content, list) else [document.content]
    first = next((frame for frame in frames if frame), None)
    return isinstance(first, dict) and any(key in first for key in (*_KEYS, 'landmark', 'visibility'))


@register_reader('mediapipe', 'MediaPipe landmarks', _detect, priority=1)
def read_mediapipe(document: Document) -> Detections:
    """Reads the persons of each frame: one landmarker result a frame, in the order of the frames.

    MediaPipe defines no file. Taken are lists of results as its tasks give them (``pose_landmarks``, a list of persons
    of 33 ``x``, ``y``, ``visibility``), of its former API (one person, also as ``{"landmark": [...]}``), with
    ``timestamp_ms`` or without. ``z`` and the world landmarks, a guess of 3D, are not read.

    Raises:
        InputError: a person has not 33 landmarks, or one lacks x or y.
    """
    path = document.path
    frames = document.content if isinstance(document.content, list) else [document.content]
    if frames and isinstance(frames[0], dict) and 'visibility' in frames[0]:
        frames = [{'landmarks': frames}]
    numbers, rows = [], []
    for number, frame in enumerate(frames):
        for index, person in enumerate(_persons(frame, f'{path}, frame {number}')):
            numbers.append(number)
            rows.append(_landmarks(person, f'{path}, frame {number}, person {index}'))
    table = np.array(rows, np.float64).reshape(-1, 33, 3)
    points, scores, normalized = table[..., :2], table[..., 2], looks_normalized(table[..., :2], table[..., 2])
    numbers, fps, timestamps = np.array(numbers, np.int64), None, None
    stamps = [frame.get('timestamp_ms') for frame in frames if isinstance(frame, dict)]
    if len(stamps) == len(frames) > 1 and None not in stamps:
        times = _seconds(stamps, path)
        fps = (len(times) - 1) / (times[-1] - times[0])
        timestamps = None if uneven_times(times, np.arange(len(times))) is None else times[numbers]
    return Detections(
        points, scores, numbers, None, 'mediapipe33', fps=fps, normalized=normalized, timestamps=timestamps
    )  # fmt: skip


def _persons(frame: Any, where: str) -> list[list[Mapping[str, Any]]]:
    """The landmarks of each person of a frame, which may be nobody."""
    found = frame or []
    if isinstance(frame, dict):
        key = next((key for key in (*_KEYS, 'landmark') if key in frame), None)
        if key is None:
            raise InputError(f'{where}: has no pose_landmarks, expected a list of persons; export it again')
        found = [frame] if key == 'landmark' else frame[key] or []
    first = found[0] if isinstance(found, list) and found else None
    if isinstance(found, dict) or (isinstance(first, dict) and 'x' in first):
        found = [found]  # the former API's one person
    if not isinstance(found, list):
        raise InputError(f'{where}: pose_landmarks is {type(found).__name__}, expected a list of persons')
    persons = [person.get('landmark', []) if isinstance(person, dict) else person for person in found]
    return [entries_of(person, f'{where}, person {index}') for index, person in enumerate(persons)]


def _landmarks(person: Sequence[Mapping[str, Any]], where: str) -> list[list[float]]:
    """33 times x, y, visibility."""
    if len(person) != 33:
        raise InputError(f'{where}: {len(person)} landmarks, expected 33; export it again')
    with reading(f'{where}: landmarks are wrong', 'expected x, y and visibility, all numbers', (*NO_NUMBERS, KeyError)):
        return [[float(mark['x']), float(mark['y']), float(mark.get('visibility', 1))] for mark in person]


def _seconds(stamps: Sequence[Any], path: Any) -> np.ndarray:
    """Time stamps in milliseconds as seconds (T,); raises InputError if they do not grow."""
    with reading(f'{path}: timestamp_ms are no numbers', 'expected milliseconds', NO_NUMBERS):
        times = np.array([float(stamp) for stamp in stamps]) / 1000
    if not ((np.diff(times) > 0).all() and times[-1] - times[0] < 1e9):
        fault = f'{path}: timestamp_ms go from {stamps[0]} to {stamps[-1]}'
        raise InputError(f'{fault}, expected them to grow from frame to frame; mend or drop them')
    return times
