"""Reader of MMPose's prediction files: of the demos, of the inferencer, of one image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import NO_NUMBERS, split_scores
from .document import Detections, Document, entries_of, integers_of


def _detect(document: Document) -> bool:
    """A dict with ``meta_info`` or ``instance_info``, or a list of frames or of instances."""
    marks = {'meta_info', 'instance_info'} & document.fields.keys()
    return bool(marks or {'instances', 'keypoint_scores'} & document.first_entry.keys())


@register_reader('mmpose', 'MMPose results', _detect, priority=1)
def read_mmpose(document: Document) -> Detections:
    """Reads the instances of all frames.

    Frames count from 1 in the demos' files and from 0 in the inferencer's
    (MMPose 1.3.2, ``demo/*_demo.py`` and ``MMPoseInferencer``).

    Returns:
        The rows; frames count from 0.

    Raises:
        InputError: the list of instances, the frame or a keypoint is missing
            or malformed; frame and instance are named.
    """
    content, path = document.content, document.path
    meta: Mapping[str, Any] = {}
    is_demo = isinstance(content, dict)
    if is_demo:
        if 'instance_info' not in content:
            raise InputError(f'{path}: has no instance_info, expected the list of frames; save the predictions again')
        meta = content.get('meta_info') or {}
        content = content['instance_info']
    frames = entries_of(content, f'{path}: instance_info' if is_demo else str(path))
    if frames and 'instances' not in frames[0]:
        frames = [{'frame_id': int(is_demo), 'instances': frames}]  # the result of one image
    numbers, instances = [], []
    for number, frame in zip(integers_of(frames, 'frame_id', str(path)), frames, strict=True):
        persons = entries_of(frame.get('instances'), f'{path}, frame {number}: instances')
        numbers += [number - int(is_demo)] * len(persons)
        instances += [(person, f'{path}, frame {number}, instance {i}') for i, person in enumerate(persons)]
    points, scores = split_scores(_arrays(instances))
    ids = [person.get('track_id') for person, _ in instances]
    given = {key: meta[key] for key in ('fps', 'img_shape') if isinstance(meta, dict) and key in meta}  # of ours
    return Detections(points, scores, np.array(numbers, np.int64), ids, **_joints(meta, path), **given)


def _arrays(instances: Sequence[tuple[Mapping[str, Any], str]]) -> np.ndarray:
    """(N, J, 3) keypoints and scores."""
    points, scores = [], []
    for person, where in instances:
        with reading(f'{where}: keypoints are no table of numbers', 'expected [x, y] a joint', NO_NUMBERS):
            points.append(np.array(person.get('keypoints'), np.float64))
            scores.append(np.array(person.get('keypoint_scores'), np.float64))
        shape = points[-1].shape
        if scores[-1].ndim != 1 or shape != (len(scores[-1]), 2) or shape != points[0].shape:
            raise InputError(
                f'{where}: {scores[-1].size} keypoint_scores for keypoints of shape {shape}, expected one a joint and '
                f'(J, 2), 2D pixels, of as many joints as the others'
            )
    return np.dstack([points, scores]) if points else np.zeros((0, 1, 3))


def _joints(meta: Mapping[str, Any], path: Any) -> dict[str, Any]:
    names = meta.get('keypoint_id2name') if isinstance(meta, dict) else None
    if not names:
        return {}
    with reading(f'{path}: meta_info.keypoint_id2name is no object', 'expected "0": name, "1": ...'):
        return {'joint_names': [names[str(i)] for i in range(len(names))]}
