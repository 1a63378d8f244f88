"""Reader of AlphaPose's results: its default form, and the forms ``open`` and ``cmu``."""

import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...light_registry import register_reader
from ...structures.keypoint_table import split_scores, whole_number
from .coco import triplets_of
from .document import Detections, Document, entries_of, one_clip

_FORMS = {'people': 'pose_keypoints_2d', 'bodies': 'joints'}


def _detect(document: Document) -> bool:
    """A list whose first entry names its image or has an ``idx``, or a dict by image with AlphaPose's version."""
    image, entry = next(iter(document.fields.values()), None), document.first_entry
    if isinstance(image, dict):
        return str(image.get('version')).startswith('AlphaPose')
    return isinstance(entry.get('keypoints'), list) and (isinstance(entry.get('image_id'), str) or 'idx' in entry)


@register_reader('alphapose', 'AlphaPose results', _detect)
def read_alphapose(document: Document) -> Detections:
    """Reads all persons of all images; the frame is the number at the end of an image's name.

    Ids count only where no image has one twice: without tracking AlphaPose writes the same for everybody. Scores above
    1, which peaks of heat maps reach, are clipped later; of 68 joints, a face and hands among them, the body is kept.

    Raises:
        InputError: an entry lacks its image or has a wrong number of numbers, or the images are of several clips.
    """
    content, path = document.content, document.path
    flat = isinstance(content, dict)
    entries = entries_of(_flattened(content, path) if flat else content, str(path))
    places = [_place(entry.get('image_id'), f'{path}, entry {number}') for number, entry in enumerate(entries)]
    names, frames = zip(*places, strict=True) if places else ((), ())
    one_clip(names, 'names', path)
    triplets, notes = triplets_of(entries, path), []
    if triplets.shape[1] == 68:
        triplets, notes = triplets[:, :26], ['of 68 joints the first 26, the body, are read']
    ids = [entry.get('idx') for entry in entries]
    if len(set(zip(frames, map(str, ids), strict=True))) < len(entries):
        notes += ['idx is the same for several persons of an image, and left out'] * any(i is not None for i in ids)
        ids = None
    points, scores = split_scores(triplets)
    skeleton = 'openpose18' if flat else None
    return Detections(points, scores, np.array(frames, np.int64), ids, skeleton, notes=notes)


def _flattened(content: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """The entries of the forms ``open`` and ``cmu``, a dict by image, as those of the other form."""
    entries = []
    for image, frame in content.items():
        form = next((name for name in _FORMS if isinstance(frame, dict) and name in frame), None)
        if form is None:
            raise InputError(f'{path}, {image}: has no people and no bodies, expected one of them; write it again')
        persons = entries_of(frame[form], f'{path}, {image}: {form}')
        entries += [{'image_id': image, 'keypoints': person.get(_FORMS[form])} for person in persons]
    return entries


def _place(image: Any, where: str) -> tuple[str, int]:
    """The name of an image up to the number at its end, and that number."""
    name = image if isinstance(image, str) else str(whole_number(image))
    digits = re.search(r'(\d{1,18})$', name.removesuffix(Path(name).suffix))
    if not digits:
        raise InputError(f'{where}: image_id is {reprlib.repr(image)}, expected a name that ends in its frame number')
    return name[: digits.start()], int(digits[1])
