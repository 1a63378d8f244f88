"""Readers of COCO keypoint results and COCO keypoint annotations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import register_reader
from .document import Detections, Document, entries_of, integers_of, missing_where_zero


def _detect(document: Document) -> bool:
    """A list whose first entry has a flat ``keypoints`` list and an image, or annotations with images."""
    keypoints = document.first_entry.get('keypoints')
    flat = isinstance(keypoints, list) and not any(isinstance(value, list) for value in keypoints)
    return flat or 'annotations' in document.fields


@register_reader('coco', 'COCO keypoints', _detect, priority=-1)
def read_coco(document: Document) -> Detections:
    """Reads results (a list) or annotations (a dict).

    The frame is the image id minus the smallest one of the file. Persons have
    ids only where every annotation has a ``track_id``.

    Returns:
        The rows; scores of annotations are their visibility flags (0, 1, 2).

    Raises:
        InputError: an entry lacks its image id or has a wrong number of numbers; it is named.
    """
    content, path = document.content, document.path
    metadata = {}
    if isinstance(content, dict):
        metadata, content = _metadata(content, path), content['annotations']
        content = [e for e in entries_of(content, f'{path}: annotations') if 'keypoints' in e and not e.get('iscrowd')]
    entries = entries_of(content, str(path))
    frames = integers_of(entries, 'image_id', str(path))
    triplets = triplets_of(entries, path)
    points, scores = triplets[..., :2], missing_where_zero(triplets[..., :2], triplets[..., 2])
    frames = frames - metadata.pop('first_frame', min(frames, default=0))
    return Detections(points, scores, frames, [entry.get('track_id') for entry in entries], **metadata)


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
    try:
        return np.array([e['keypoints'] for e in entries], np.float64).reshape(len(entries), -1, 3)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f'{path}: keypoints hold something that is no number ({error}), expected numbers') from error


def _metadata(content: Mapping[str, Any], path: Any) -> dict[str, Any]:
    """Image size, numbering and joint names, which only annotations have."""
    metadata: dict[str, Any] = {}
    images = entries_of(content.get('images', []), f'{path}: images')
    sizes = {(image.get('height'), image.get('width')) for image in images}
    if len(sizes) > 1:
        raise InputError(
            f'{path}: images have {len(sizes)} different sizes, expected the frames of one clip; keep one clip a file'
        )
    if sizes and None not in (size := sizes.pop()):
        metadata['img_shape'] = size
    if images:
        metadata['first_frame'] = integers_of(images, 'id', f'{path}: images').min()
    for category in entries_of(content.get('categories', []), f'{path}: categories'):
        if category.get('keypoints'):
            metadata['joint_names'] = category['keypoints']
            break
    return metadata
