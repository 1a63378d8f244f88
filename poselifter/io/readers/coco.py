"""Readers of COCO keypoint results and COCO keypoint annotations."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import NO_NUMBERS, split_scores
from .document import Detections, Document, entries_of, integers_of, one_clip


def _detect(document: Document) -> bool:
    """A list whose first entry has a flat ``keypoints`` list and an image, or annotations with images."""
    keypoints = document.first_entry.get('keypoints')
    flat = isinstance(keypoints, list) and not any(isinstance(value, list) for value in keypoints)
    return flat or 'annotations' in document.fields


@register_reader('coco', 'COCO keypoints', _detect, priority=-1)
def read_coco(document: Document) -> Detections:
    """Reads results (a list) or annotations (a dict).

    The frame is ``frame_id`` of the image where all images have one, else the image id, both minus the smallest one of
    the file; where the names of the images are in another order than their ids, it is the place of the name.

    Returns:
        The rows; scores of annotations are their visibility flags (0, 1, 2).

    Raises:
        InputError: an entry lacks its image id or has a wrong number of numbers, and is named; or the images are of
            several clips.
    """
    content, path = document.content, document.path
    metadata, frame_of, notes = {}, {}, []
    if isinstance(content, dict):
        images = entries_of(content.get('images', []), f'{path}: images')
        frame_of, notes = _frames(images, path)
        metadata, every = _metadata(content, images, path), entries_of(content['annotations'], f'{path}: annotations')
        content = [e for e in every if 'keypoints' in e and not e.get('iscrowd')]
        if len(content) < len(every):
            notes.append(f'{len(every) - len(content)} annotations without keypoints, or of crowds, are left out')
    entries = entries_of(content, str(path))
    numbers = integers_of(entries, 'image_id', str(path))
    if unknown := set(numbers.tolist()) - frame_of.keys() if frame_of else None:
        raise InputError(f'{path}: annotations are of image {min(unknown)}, which is not in images; add it')
    frames = np.array([frame_of[i] for i in numbers.tolist()]) if frame_of else numbers - min(numbers, default=0)
    points, scores = split_scores(triplets_of(entries, path))
    return Detections(points, scores, frames, [_identity(entry) for entry in entries], notes=notes, **metadata)


def triplets_of(entries: Sequence[Mapping[str, Any]], path: Any) -> np.ndarray:
    """(N, J, 3) of ``keypoints`` in flat lists; an entry of another length is named in the InputError."""
    lengths = [len(e['keypoints']) if isinstance(e.get('keypoints'), list) else None for e in entries]
    whole = Counter(n for n in lengths if n and n % 3 == 0)
    expected = whole.most_common(1)[0][0] if whole else None
    for number, length in enumerate(lengths):
        if length is None:
            raise InputError(f'{path}, entry {number}: has no list of keypoints, expected x, y, score for every joint')
        if length != expected:
            requirement = f'{expected}, as the other entries have' if expected else 'a multiple of 3'
            raise InputError(
                f'{path}, entry {number}: keypoints has {length} numbers, expected {requirement} '
                f'(x, y, score for every joint); write that entry again'
            )
    with reading(f'{path}: keypoints hold something that is no number', 'write numbers', NO_NUMBERS):
        return np.array([e['keypoints'] for e in entries], np.float64).reshape(len(entries), -1, 3)


def _metadata(content: Mapping[str, Any], images: Sequence[Mapping[str, Any]], path: Any) -> dict[str, Any]:
    """Image size and joint names, which only annotations have."""
    sizes = [(image.get('height'), image.get('width')) for image in images]
    one_clip(sizes, 'sizes', path)
    categories = entries_of(content.get('categories', []), f'{path}: categories')
    names = [category['keypoints'] for category in categories if isinstance(category.get('keypoints'), list)]
    size = sizes[0] if sizes and None not in sizes[0] else None
    return {'img_shape': size, 'joint_names': next(filter(None, names), None)}


def _frames(images: Sequence[Mapping[str, Any]], path: Any) -> tuple[dict[int, int], list[str]]:
    """The frame of each image by its id, and what to tell of it."""
    names = [str(image.get('file_name', '')) for image in images]
    one_clip([image.get('video_id') for image in images], 'values of video_id', path)
    one_clip([Path(name).parent for name in names], 'folders', path)
    ids = integers_of(images, 'id', f'{path}: images')
    if images and all('frame_id' in image for image in images):
        frames, notes = integers_of(images, 'frame_id', f'{path}: images'), []
    else:
        frames, notes = ids, []
        order = np.argsort([re.sub(r'\d+', lambda digits: digits[0].zfill(20), name) for name in names], kind='stable')
        if len(set(names)) == len(names) and (np.diff(ids[order]) < 0).any():
            frames, notes = np.argsort(order), ['image ids are in another order than file_name, whose order is taken']
    return dict(zip(ids.tolist(), (frames - min(frames, default=0)).tolist(), strict=True)), notes


def _identity(entry: Mapping[str, Any]) -> Any:
    """The id of a person over time, as trackers, CocoVID or CVAT write it."""
    places = [place for place in (entry, entry.get('attributes')) if isinstance(place, dict)]
    ids = [place.get(key) for place in places for key in ('track_id', 'instance_id')]
    return next((i for i in ids if i is not None), None)
