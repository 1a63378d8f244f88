"""Reader of AlphaPose's results: its default form, and the forms ``open`` and ``cmu``."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import register_reader
from .coco import triplets_of
from .document import Detections, Document, entries_of, missing_where_zero

# joints of a whole body with face and hands -> the first ones, which are a body
_BODY = {68: 26, 133: 23, 136: 26}
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
    1, which peaks of heat maps reach, are clipped later; of wholebody results the body is kept.

    Raises:
        InputError: an entry lacks its image or has a wrong number of numbers; it is named.
    """
    content, path = document.content, document.path
    flat = isinstance(content, dict)
    entries = entries_of(_flattened(content, path) if flat else content, str(path))
    frames = [_frame(entry.get('image_id'), f'{path}, entry {number}') for number, entry in enumerate(entries)]
    triplets = triplets_of(entries, path)
    triplets = triplets[:, : _BODY.get(triplets.shape[1])]
    ids = [_identity(entry.get('idx')) for entry in entries]
    once = len(set(zip(frames, ids, strict=True))) == len(entries)
    points, scores = triplets[..., :2], missing_where_zero(triplets[..., :2], triplets[..., 2])
    skeleton = 'openpose18' if flat else None
    return Detections(points, scores, np.array(frames, np.int64), ids if once else None, skeleton)


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


def _frame(image: Any, where: str) -> int:
    digits = re.search(r'(\d{1,18})$', Path(image).stem if isinstance(image, str) else str(image))
    if image is None or isinstance(image, (bool, float)) or not digits:
        raise InputError(f'{where}: image_id is {image!r}, expected a name that ends in the number of the frame')
    return int(digits[1])


def _identity(idx: Any) -> int | None:
    """The number of a person, which some versions nest in lists or write as a float."""
    while isinstance(idx, list) and len(idx) == 1:
        idx = idx[0]
    return int(idx) if isinstance(idx, (int, float)) and abs(idx) < 2**63 and idx == int(idx) else None
