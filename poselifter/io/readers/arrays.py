"""Readers of arrays with several persons: of rtmlib frame by frame, of PYSKL and MMAction clip by clip."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import as_numbers, check_size
from .document import Detections, Document, entries_of, seen_scores

_LARGEST_CLIPS = 200_000  # rows of a file that are read: more is a data set, not something to lift


def _detect_rtmlib(document: Document) -> bool:
    """Arrays ``keypoints`` with four axes or beside ``scores``; or a pickled list of pairs of arrays."""
    content = document.content
    if document.is_arrays:
        keypoints = content.get('keypoints')
        return keypoints is not None and (keypoints.ndim == 4 or 'scores' in content)
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, tuple | list) and len(first) == 2 and all(isinstance(a, np.ndarray) for a in first)


@register_reader('rtmlib', 'rtmlib arrays', _detect_rtmlib)
def read_rtmlib(document: Document) -> Detections:
    """Reads what ``keypoints, scores = model(frame)`` gave in all frames.

    As arrays ``keypoints`` (T, N, K, 2) and ``scores`` (T, N, K), where NaN is nobody, with ``fps`` and ``image_size``
    (width, height) or without; or a list of the pairs of all frames, of any number of persons each. The place of a
    person in a frame is no id: persons are linked from frame to frame.

    Raises:
        InputError: keypoints and scores are not of the same persons and joints.
    """
    content, path = document.content, document.path
    arrays = content if document.is_arrays else {}
    with reading(f'{path}: keypoints or scores are not as rtmlib gives them', 'expected (N, K, 2) and (N, K) a frame'):
        if document.is_arrays:
            points, scores = (arrays.get(key) for key in ('keypoints', 'scores'))
            points = points.item() if points.ndim == 0 else points
            scores = scores.item() if scores is not None and scores.ndim == 0 else scores
            pairs = [(p, np.ones(np.shape(p)[:-1]) if scores is None else scores[t]) for t, p in enumerate(points)]
            if scores is not None and len(scores) != len(points):
                raise InputError(f'{path}: {len(scores)} frames of scores, expected {len(points)}, as of keypoints')
        else:
            pairs = list(content)
        frames = [(as_numbers(p, f'{path}: keypoints'), as_numbers(s, f'{path}: scores')) for p, s in pairs]
    shapes = {(p.shape[1:], s.shape[1:]) for p, s in frames if p.size}
    odd = [p.size and (p.ndim != 3 or p.shape[2] not in (2, 3) or p.shape[:2] != s.shape) for p, s in frames]
    if any(odd) or len(shapes) > 1:
        found = ', '.join(f'{p} and {s}' for p, s in list(shapes)[:3])
        raise InputError(f'{path}: persons have keypoints and scores of shape {found}, expected (K, 2) and (K,) in all')
    kept = [(t, p, s) for t, (p, s) in enumerate(frames) if p.size]
    numbers = np.repeat([t for t, _, _ in kept], [len(p) for _, p, _ in kept]).astype(np.int64)
    points = np.concatenate([p[..., :2] for _, p, _ in kept]) if kept else np.zeros((0, 1, 2))
    scores = np.concatenate([s for _, _, s in kept]) if kept else np.zeros((0, 1))
    scores = seen_scores(points, scores)
    seen, size = (scores > 0).any(1), arrays.get('image_size')
    return Detections(
        points[seen], scores[seen], numbers[seen], None, fps=arrays.get('fps'),
        img_shape=None if size is None else size.ravel()[::-1],
    )  # fmt: skip


def _detect_pyskl(document: Document) -> bool:
    """A pickled annotation with ``keypoint``, a list of them, or an object with one under ``annotations``."""
    content = document.fields.get('annotations', document.content)
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and 'keypoint' in first


@register_reader('pyskl', 'PYSKL pickles', _detect_pyskl, priority=2)
def read_pyskl(document: Document) -> Detections:
    """Reads the persons of a clip, or of all clips of a file; each person of each clip is a track.

    Raises:
        InputError: an array has another shape than PYSKL's, or the clips have pictures of several sizes, or too many.
    """
    path, content = document.path, document.content
    if document.is_arrays:
        content = {key: value.item() if value.ndim == 0 else value for key, value in content.items()}
    content = content.get('annotations', [content]) if isinstance(content, dict) else content
    clips = [_clip(clip, f'{path}, clip {number}') for number, clip in enumerate(entries_of(content, str(path)))]
    sizes = list(dict.fromkeys(size for _, _, _, size in clips))
    rows = sum(len(points) * points.shape[1] for _, points, _, _ in clips)
    if len(sizes) > 1 or len({points.shape[2] for _, points, _, _ in clips}) > 1 or rows > _LARGEST_CLIPS:
        found = f'{len(clips)} clips, {rows} rows, pictures of {len(sizes)} sizes'
        raise InputError(f'{path} has {found}, expected up to {_LARGEST_CLIPS} rows of one; write a file for each clip')
    parts, ids = [(np.zeros((0, 1, 2)), np.zeros((0, 1)), np.zeros(0, np.int64))] * (not clips), []
    for name, points, scores, _ in clips:
        scores = seen_scores(points, scores)
        person, frames = np.nonzero((scores > 0).any(-1))
        parts.append((points[person, frames], scores[person, frames], frames))
        ids += [f'{name}:{p}' if len(clips) > 1 else p for p in person.tolist()]
    points, scores, frames = (np.concatenate(part) for part in zip(*parts, strict=True))
    notes = [f'each person of {len(clips)} clips is a track'] if len(clips) > 1 else []
    return Detections(points, scores, frames, ids, img_shape=sizes[0] if sizes else None, notes=notes)


def _clip(clip: Mapping[str, Any], where: str) -> tuple[str, np.ndarray, np.ndarray, tuple | None]:
    """Name, keypoints (M, T, V, 2), scores (M, T, V) and picture size of an annotation."""
    points = as_numbers(clip.get('keypoint'), f'{where}: keypoint').astype(np.float64)
    scores = clip.get('keypoint_score')
    if points.ndim != 4 or points.shape[-1] not in (2, 3) or (points.shape[-1] == 3 and scores is not None):
        raise InputError(f'{where}: keypoint has shape {points.shape}, expected (M, T, V, 2) pixels with scores')
    if points.shape[-1] == 3:
        raise InputError(f'{where}: keypoint has shape {points.shape}, 3D joints; expected (M, T, V, 2) pixels')
    scores = np.ones(points.shape[:3]) if scores is None else as_numbers(scores, f'{where}: keypoint_score')
    if scores.shape != points.shape[:3]:
        raise InputError(f'{where}: keypoint_score has shape {scores.shape}, expected {points.shape[:3]}')
    size = check_size(clip.get('img_shape'), where)
    return str(clip.get('frame_dir', where)), points, scores.astype(np.float64), size
