"""Reader of OpenPose's folders: a JSON file a frame."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import NO_NUMBERS, split_scores
from .document import Detections, Document, entries_of, frame_number, json_content, looks_normalized, one_clip


def _detect(document: Document) -> bool:
    """A folder with JSON files, or a JSON object whose people have ``pose_keypoints_2d``."""
    people = document.fields.get('people')
    one = isinstance(people, list) and all(isinstance(p, dict) and 'pose_keypoints_2d' in p for p in people[:1])
    return one or any(file.suffix == '.json' for file in document.files)


@register_reader('openpose', 'OpenPose folders', _detect)
def read_openpose(document: Document) -> Detections:
    """Reads all people of all frames, or of a single one; the frame is the number at the end of a file's name.

    A person keeps the ``person_id`` that OpenPose's tracking gives; -1 is none. Coordinates in [0, 1] and [-1, 1]
    (``--keypoint_scale`` 3 and 4) are known by their values. AlphaPose's ``sep-json`` folders are of this form too.

    Raises:
        InputError: a file lacks the list of people or has a wrong number of numbers, or the files are of several clips.
    """
    path, files = document.path, document.files or (document.path,)
    places = [frame_number(file) for file in files]
    one_clip([name for name, number in places if number is not None], 'names before the number', path)
    if len(files) > 1 and (None in [number for _, number in places]):
        unnumbered = next(file.name for file, (_, number) in zip(files, places, strict=True) if number is None)
        raise InputError(f'{path}: {unnumbered} has no number at its end, expected that of its frame; rename it')
    frames, ids, rows = [], [], []
    for (_, number), (file, content) in zip(places, _contents(document, files), strict=True):
        for index, person in enumerate(_people(content, file)):
            frames.append(number or 0)
            ids.append(person.get('person_id'))
            rows.append(_triplets(person, f'{file}, person {index}', len(rows[0]) if rows else None))
    points, scores = split_scores(np.array(rows, np.float64).reshape(len(rows), -1, 3) if rows else np.zeros((0, 1, 3)))
    normalized = looks_normalized(points, scores)
    if normalized and points.min() < -0.2:
        points = (points + 1) / 2
    return Detections(points, scores, np.array(frames, np.int64), ids, normalized=normalized)


def _contents(document: Document, files: Sequence[Path]) -> Iterator[tuple[Path, Any]]:
    """The content of one file after the other, so that never more than one lies in memory."""
    for file in files:
        if file == document.path:
            yield file, document.content
            continue
        with reading(f'{file} is no text that can be read', 'write the folder again', (OSError, UnicodeDecodeError)):
            text = file.read_text('utf-8-sig')
        yield file, json_content(text, file)


def _people(content: Any, file: Path) -> Sequence[Mapping[str, Any]]:
    if not isinstance(content, dict) or 'people' not in content:
        raise InputError(f'{file}: has no people, expected the list of persons that OpenPose writes for a frame')
    return entries_of(content['people'], f'{file}: people')


def _triplets(person: Mapping[str, Any], where: str, expected: int | None) -> np.ndarray:
    """The numbers (3 J,) of a person, float64."""
    numbers = person.get('pose_keypoints_2d')
    if not isinstance(numbers, list) or not numbers or len(numbers) % 3 or (expected and len(numbers) != expected):
        found = f'{len(numbers)} numbers' if isinstance(numbers, list) else 'no list'
        requirement = f'{expected}, as the others have' if expected else 'x, y, score for every joint'
        raise InputError(f'{where}: pose_keypoints_2d has {found}, expected {requirement}; write the folder again')
    with reading(f'{where}: pose_keypoints_2d hold something that is no number', 'write numbers', NO_NUMBERS):
        return np.array(numbers, np.float64).reshape(len(numbers))
