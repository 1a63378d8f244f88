"""Reader of VideoPose3D's files for videos in the wild: Detectron's output, and ``data_2d_custom_*.npz``."""

from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import register_reader
from .document import Detections, Document


def _detect(document: Document) -> bool:
    """Arrays ``positions_2d``, or ``boxes`` beside ``keypoints``."""
    return document.is_arrays and ('positions_2d' in document.content or 'boxes' in document.content)


@register_reader('videopose3d', "VideoPose3D's 2D files", _detect)
def read_videopose3d(document: Document) -> Detections:
    """Reads the one person of a video; of Detectron's persons in a frame the one with the best box.

    Returns:
        The rows; frames in which Detectron detected nobody have none.

    Raises:
        InputError: the metadata are missing, the file holds several videos, or an array has another shape.
    """
    arrays, path = document.content, document.path
    metadata = arrays['metadata'].item() if 'metadata' in arrays and arrays['metadata'].size == 1 else None
    if not isinstance(metadata, dict):
        raise InputError(f'{path}: has no metadata, expected the joint set and the size of the video; write it again')
    return (_custom if 'positions_2d' in arrays else _detectron)(arrays, metadata, path)


def _custom(arrays: dict[str, np.ndarray], metadata: dict[str, Any], path: Any) -> Detections:
    try:
        clips = [(v, clip) for v, takes in arrays['positions_2d'].item().items() for t in takes.values() for clip in t]
        sizes = {name: (size['h'], size['w']) for name, size in metadata.get('video_metadata', {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f'{path}: positions_2d or metadata are wrong ({error!r}); write it again') from error
    if len(clips) != 1:
        raise InputError(f'{path}: positions_2d hold {len(clips)} clips, expected one; give a file of one video')
    [(video, points)] = clips
    points = np.asarray(points)
    if points.ndim != 3 or points.shape[-1] != 2 or points.dtype.kind not in 'fiu':
        raise InputError(f'{path}: {video} has shape {points.shape}, expected (T, J, 2) pixels')
    frames, scores = np.arange(len(points)), np.isfinite(points).all(-1).astype(np.float32)
    skeleton, size = metadata.get('layout_name'), sizes.get(video)
    return Detections(points, scores, frames, [0] * len(points), skeleton, img_shape=size)


def _detectron(arrays: dict[str, np.ndarray], metadata: dict[str, Any], path: Any) -> Detections:
    frames, poses = [], []
    try:
        for frame, (boxes, persons) in enumerate(zip(arrays['boxes'], arrays['keypoints'], strict=True)):
            if len(boxes[1]):  # [0] is the background
                frames.append(frame)
                poses.append(np.asarray(persons[1], np.float64)[np.asarray(boxes[1])[:, 4].argmax()])
        table = np.array(poses, np.float64).reshape(len(poses), 4, -1)
        size = int(metadata['h']), int(metadata['w'])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no output of VideoPose3D's inference ({error!r}), expected boxes (n, 5) and keypoints (n, 4, J)"
        ) from error
    points, ids = table[:, :2].swapaxes(1, 2), [0] * len(frames)
    return Detections(points, table[:, 3], np.array(frames, np.int64), ids, 'coco17', img_shape=size)
