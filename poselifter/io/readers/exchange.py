"""Reader of the exchange file, and of plain keypoint arrays."""

from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import register_reader
from .document import Detections, Document, missing_where_zero

_SHAPE = '(N, J, 2): x, y in pixels, or (N, J, 3): x, y, score'


def _detect(document: Document) -> bool:
    """Arrays, one of them called ``keypoints``; an npy file counts as that."""
    return document.is_arrays and 'keypoints' in document.content


@register_reader('exchange', 'exchange file', _detect, priority=-1)
def read_exchange(document: Document) -> Detections:
    """Reads the table of DESIGN's exchange file.

    Only ``keypoints`` are required. Without ``track_ids`` the rows are one
    person; without ``frame_indices`` too they are consecutive frames.

    Raises:
        InputError: an array has another shape or type than the table's.
    """
    path, points = document.path, _array(document, 'keypoints')
    if points.ndim != 3 or points.shape[-1] not in (2, 3) or not points.shape[1]:
        raise InputError(f'{path}: keypoints have shape {points.shape}, expected {_SHAPE}')
    scores = _array(document, 'keypoints_visible')
    if scores is None:
        scores = points[..., 2] if points.shape[-1] == 3 else np.ones(points.shape[:2], np.float32)
        scores = missing_where_zero(points[..., :2], scores)
    frames, ids = _array(document, 'frame_indices', whole=True), document.content.get('track_ids')
    if ids is not None and ids.dtype.kind != 'U':
        ids = _array(document, 'track_ids', whole=True)
    if frames is None and ids is not None and len(np.unique(ids)) > 1:
        raise InputError(
            f'{path}: frame_indices is absent although track_ids has {len(np.unique(ids))} persons, '
            f'expected the frame of each row; add frame_indices'
        )
    size = _array(document, 'img_shape')
    return Detections(
        keypoints=points[..., :2],
        scores=scores,
        frames=np.arange(len(points)) if frames is None else frames,
        track_ids=np.zeros(len(points), np.int64) if ids is None else ids,
        skeleton=_single(document, 'skeleton', 'SU', 'one name'),
        img_shape=None if size is None else size.ravel().tolist(),
        fps=_single(document, 'fps', 'fiub', 'one number'),
    )


def _array(document: Document, key: str, whole: bool = False) -> np.ndarray | None:
    """Numbers of the file; ``whole``: as int64."""
    array, where = document.content.get(key), f'{document.path}: {key}'
    if array is None:
        return None
    if array.dtype.kind not in 'fiub':
        raise InputError(f'{where} has type {array.dtype}, expected numbers')
    if whole and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        raise InputError(f'{where} has numbers that are not whole, expected integers')
    return array.astype(np.int64) if whole else array


def _single(document: Document, key: str, kinds: str, expected: str) -> Any:
    array = document.content.get(key)
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in kinds:
        raise InputError(f'{document.path}: {key} has type {array.dtype} and shape {array.shape}, expected {expected}')
    value = array.reshape(()).item()
    return value.decode(errors='replace') if isinstance(value, bytes) else value
