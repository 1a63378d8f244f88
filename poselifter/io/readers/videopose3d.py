"""Reader of VideoPose3D's files for videos in the wild: Detectron's output, and ``data_2d_custom_*.npz``."""

from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import as_numbers
from .document import Detections, Document


def _detect(document: Document) -> bool:
    """Arrays ``positions_2d``, or ``boxes`` beside ``keypoints``."""
    return document.is_arrays and ('positions_2d' in document.content or 'boxes' in document.content)


@register_reader('videopose3d', "VideoPose3D's 2D files", _detect)
def read_videopose3d(document: Document) -> Detections:
    """Reads the one person of each video; of Detectron's persons in a frame the one with the best box.

    Returns:
        The rows, a track for each video; frames in which Detectron detected nobody have none.

    Raises:
        InputError: the metadata are missing, videos are of several sizes, or an array has another shape.
    """
    arrays, path = document.content, document.path
    metadata = arrays['metadata'].item() if 'metadata' in arrays and arrays['metadata'].size == 1 else None
    if not isinstance(metadata, dict):
        raise InputError(f'{path}: has no metadata, expected the joint set and the size of the video; write it again')
    return (_custom if 'positions_2d' in arrays else _detectron)(arrays, metadata, path)


def _custom(arrays: dict[str, np.ndarray], metadata: dict[str, Any], path: Any) -> Detections:
    with reading(f'{path}: positions_2d or metadata are wrong', 'write it again'):
        clips = [(v, clip) for v, takes in arrays['positions_2d'].item().items() for t in takes.values() for clip in t]
        known = {name: (size['h'], size['w']) for name, size in metadata.get('video_metadata', {}).items()}
    videos, sizes = [str(video) for video, _ in clips], [known.get(video) for video, _ in clips]
    if not clips or (len(clips) > 1 and (None in sizes or sizes.count(sizes[0]) < len(sizes))):
        named = ', '.join(f'{video} {size}' for video, size in zip(videos, sizes, strict=True))
        clips_of = f'{len(clips)} clips ({named})'
        raise InputError(f'{path}: positions_2d hold {clips_of}, expected one, or all of one size; write a file each')
    parts = [as_numbers(points, f'{path}: {video}') for video, points in clips]
    for video, points in zip(videos, parts, strict=True):
        if points.ndim != 3 or points.shape[-1] != 2 or points.shape[1] != parts[0].shape[1]:
            raise InputError(f'{path}: {video} has shape {points.shape}, expected (T, J, 2) pixels')
    points, frames = np.concatenate(parts), np.concatenate([np.arange(len(part)) for part in parts])
    ids, notes = np.zeros(len(points), np.int64), []
    if len(clips) > 1:
        names = [f'{video} {n}' if videos.count(video) > 1 else video for n, video in enumerate(videos)]
        ids, notes = np.repeat(names, [len(part) for part in parts]), [f'each of {len(names)} videos is a track']
    skeleton, scores = metadata.get('layout_name'), np.isfinite(points).all(-1)
    return Detections(points, scores, frames, ids, skeleton, img_shape=sizes[0], notes=notes)


def _detectron(arrays: dict[str, np.ndarray], metadata: dict[str, Any], path: Any) -> Detections:
    frames, poses, several = [], [], 0
    expected = 'expected boxes (n, 5) and keypoints (n, 4, J); write it again'
    with reading(f"{path} is no output of VideoPose3D's inference", expected):
        for frame, (boxes, persons) in enumerate(zip(arrays['boxes'], arrays['keypoints'], strict=True)):
            if len(boxes[1]):  # [0] is the background
                frames.append(frame)
                several += len(boxes[1]) > 1
                poses.append(np.asarray(persons[1], np.float64)[np.asarray(boxes[1])[:, 4].argmax()])
        table = np.array(poses, np.float64).reshape(len(poses), 4, -1)
        size = int(metadata['h']), int(metadata['w'])
    points, ids = table[:, :2].swapaxes(1, 2), [0] * len(frames)
    notes = [f'{several} frames show several persons, of whom the one with the best box is read'] if several else []
    return Detections(points, table[:, 3], np.array(frames, np.int64), ids, 'coco17', img_shape=size, notes=notes)
