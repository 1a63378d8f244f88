"""Reader of the exchange file, and of plain keypoint arrays."""

from typing import Any

import numpy as np

from ...errors import InputError
from .document import Detections, Document, missing_where_zero

NAME = 'exchange file'
_SHAPE = '(N, J, 2): x, y in pixels, or (N, J, 3): x, y, score'


def detect(document: Document) -> bool:
    """Arrays, one of them called ``keypoints``; an npy file counts as that."""
    return document.is_arrays and 'keypoints' in document.content


def read(document: Document) -> Detections:
    """Reads the table of DESIGN's exchange file.

    Only ``keypoints`` must be there. Without ``track_ids`` the rows are one
    person; without ``frame_indices`` too they are consecutive frames.

    Args:
        document: the arrays.

    Returns:
        The rows.

    Raises:
        InputError: an array has another shape or type than the table's.
    """
    arrays, path = document.content, document.path
    keypoints = _numbers(arrays, 'keypoints', path)
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3) or not keypoints.shape[1]:
        raise InputError(f'{path}: keypoints have shape {keypoints.shape}, expected {_SHAPE}')
    points = keypoints[..., :2]
    if 'keypoints_visible' in arrays:
        scores = _numbers(arrays, 'keypoints_visible', path)
    else:
        scores = keypoints[..., 2] if keypoints.shape[-1] == 3 else np.ones(keypoints.shape[:2], np.float32)
        scores = missing_where_zero(points, scores)
    return Detections(
        keypoints=points,
        scores=scores,
        frames=_frames(arrays, len(points), path),
        track_ids=_track_ids(arrays, len(points), path),
        skeleton=_text(arrays, 'skeleton', path),
        img_shape=_numbers(arrays, 'img_shape', path).ravel().tolist() if 'img_shape' in arrays else None,
        fps=_scalar(arrays, 'fps', path),
    )


def _numbers(arrays: dict[str, np.ndarray], key: str, path: Any) -> np.ndarray:
    array = arrays[key]
    if array.dtype.kind not in 'fiub':
        raise InputError(f'{path}: {key} has type {array.dtype}, expected numbers')
    return array


def _scalar(arrays: dict[str, np.ndarray], key: str, path: Any) -> float | None:
    if key not in arrays:
        return None
    array = _numbers(arrays, key, path)
    if array.size != 1:
        raise InputError(f'{path}: {key} has shape {array.shape}, expected one number')
    return float(array.reshape(()))


def _text(arrays: dict[str, np.ndarray], key: str, path: Any) -> str | None:
    if key not in arrays:
        return None
    array = arrays[key]
    if array.size != 1 or array.dtype.kind not in 'SU':
        raise InputError(f'{path}: {key} has type {array.dtype} and shape {array.shape}, expected one name')
    value = array.reshape(()).item()
    return value.decode(errors='replace') if isinstance(value, bytes) else value


def _frames(arrays: dict[str, np.ndarray], n: int, path: Any) -> np.ndarray:
    if 'frame_indices' not in arrays:
        ids = arrays.get('track_ids')
        if ids is not None and len(np.unique(ids)) > 1:
            raise InputError(
                f'{path}: frame_indices is absent although track_ids has {len(np.unique(ids))} persons, '
                f'expected the frame of each row; add frame_indices'
            )
        return np.arange(n)
    return _whole_numbers(arrays, 'frame_indices', path)


def _track_ids(arrays: dict[str, np.ndarray], n: int, path: Any) -> np.ndarray:
    if 'track_ids' not in arrays:
        return np.zeros(n, np.int64)
    return arrays['track_ids'] if arrays['track_ids'].dtype.kind == 'U' else _whole_numbers(arrays, 'track_ids', path)


def _whole_numbers(arrays: dict[str, np.ndarray], key: str, path: Any) -> np.ndarray:
    array = _numbers(arrays, key, path)
    if array.dtype.kind == 'f' and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        raise InputError(f'{path}: {key} has numbers that are not whole, expected integers')
    return array.astype(np.int64)
