"""Reader of the exchange file, and of plain keypoint arrays."""

import numpy as np

from ...errors import InputError
from ...registry import register_reader
from ...structures.keypoint_table import split_scores
from .document import Detections, Document


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
    path, arrays = document.path, document.content
    points, scores = split_scores(arrays['keypoints'], arrays.get('keypoints_visible'), str(path))
    frames, ids, size = (arrays.get(key) for key in ('frame_indices', 'track_ids', 'img_shape'))
    persons = 1 if ids is None else len(set(map(str, ids.ravel())) - {'None', 'nan'})
    if frames is None and persons > 1:
        raise InputError(f'{path}: frame_indices is absent although track_ids has {persons} persons; add it')
    skeleton = arrays.get('skeleton', np.array(None))
    if skeleton.size != 1 or not isinstance(skeleton.item(), str | None):
        raise InputError(f'{path}: skeleton is {skeleton}, expected one name')
    return Detections(
        keypoints=points,
        scores=scores,
        frames=np.arange(len(points)) if frames is None else frames,
        track_ids=np.zeros(len(points), np.int64) if ids is None else ids,
        skeleton=skeleton.item(),
        img_shape=None if size is None else size.ravel(),
        fps=arrays.get('fps'),
        timestamps=arrays.get('timestamps'),
    )
