"""Reader of the exchange file, and of plain keypoint arrays."""

import numpy as np

from ...errors import InputError
from ...light_registry import register_reader
from ...structures.keypoint_table import split_scores
from .document import Detections, Document


def _detect(document: Document) -> bool:
    """Arrays, one of them called ``keypoints``; an npy file counts as that."""
    return document.is_arrays and 'keypoints' in document.content


@register_reader('exchange', 'exchange file', _detect, priority=-1)
def read_exchange(document: Document) -> Detections:
    """Reads the table of DESIGN's exchange file.

    Only ``keypoints`` are required. Without ``track_ids`` the rows are one person, or, where a frame has several,
    persons without ids, as rows with negative ids are; without ``frame_indices`` too they are consecutive frames.

    Raises:
        InputError: an array has another shape or type than the table's.
    """
    path, arrays = document.path, document.content
    points, scores = split_scores(arrays['keypoints'], arrays.get('keypoints_visible'), str(path))
    frames, ids, size = (arrays.get(key) for key in ('frame_indices', 'track_ids', 'img_shape'))
    if frames is None and ids is not None:
        names = ids.ravel() if ids.dtype.kind == 'O' else np.unique(ids)
        persons = len(set(map(str, names)) - {'None', 'nan'})
        if persons > 1:
            raise InputError(f'{path}: frame_indices is absent although track_ids has {persons} persons; add it')
    if ids is None:
        ids = np.full(len(points), -1 if frames is not None and len(np.unique(frames)) < frames.size else 0)
    if ids.dtype.kind in 'if' and ids.ndim == 1 and (ids < 0).any():
        same = frames is None or ids.shape != frames.shape or len(np.unique([ids, frames], axis=1)[0]) < ids.size
        ids = ids.tolist() if same else ids  # -1, -2, ... within a frame are kept
    skeleton = arrays.get('skeleton', np.array(None))
    if skeleton.size != 1 or not isinstance(skeleton.item(), str | None):
        raise InputError(f'{path}: skeleton is {skeleton}, expected one name')
    return Detections(
        keypoints=points,
        scores=scores,
        frames=np.arange(len(points)) if frames is None else frames,
        track_ids=ids,
        skeleton=skeleton.item(),
        img_shape=None if size is None else size.ravel(),
        fps=arrays.get('fps'),
        timestamps=arrays.get('timestamps'),
    )
