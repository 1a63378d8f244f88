"""Trackers of the package ``trackers`` (Apache-2.0), which follow boxes; where the user has it."""

from dataclasses import replace

import numpy as np

from ..errors import InputError, check_choice
from ..structures import KeypointTable

#: Its classes by name; those that look at pictures are left out.
TRACKERS = {'sort': 'SORTTracker', 'bytetrack': 'ByteTrackTracker', 'ocsort': 'OCSORTTracker', 'cbiou': 'CBIoUTracker'}


def track_boxes(table: KeypointTable, name: str) -> KeypointTable:
    """Gives every person one id over time by a tracker of boxes, as :func:`~poselifter.tracking.link_persons` does.

    Args:
        table: rows with negative integers as ``track_ids`` are to be linked; a table with other ids stays as it is.
        name: of :data:`TRACKERS`.

    Returns:
        The rows that the tracker follows; a note says how many it does not.

    Raises:
        InputError: there is no such tracker, or ``trackers`` is not installed.
    """
    check_choice('the tracker', name, TRACKERS)
    try:
        import supervision
        import trackers
    except ImportError as error:
        problem = f'{name} needs the package trackers, which cannot be imported ({error})'
        raise InputError(f'{problem}; run: pip install trackers') from error
    if table.track_ids.dtype.kind != 'i' or (table.track_ids >= 0).any():
        return table
    tracker = getattr(trackers, TRACKERS[name])(frame_rate=table.fps or 30.0)
    seen = table.keypoints_visible > 0
    places = np.where(seen[..., None], table.keypoints, np.nan)
    ids = np.full(len(seen), -1)
    filled = seen.any(1)
    for frame in range(table.frame_indices.min(), table.frame_indices.max() + 1):
        rows = np.flatnonzero((table.frame_indices == frame) & filled)
        boxes = np.concatenate([np.nanmin(places[rows], 1), np.nanmax(places[rows], 1)], 1).reshape(-1, 4)
        scores = table.keypoints_visible[rows].sum(1) / seen[rows].sum(1)
        detections = supervision.Detections(boxes.astype(np.float32), confidence=scores, data={'row': rows})
        followed = tracker.update(detections)
        if len(followed):
            ids[followed.data['row']] = followed.tracker_id
    if not (ids >= 0).any():
        raise InputError(f'{table.source}: {name} follows nobody; leave --tracker out')
    kept = ids >= 0
    note = f'{name} does not follow {(~kept).sum()} of {len(ids)} rows, which are left out'
    notes = table.notes if kept.all() else (*table.notes, note)
    return replace(table.take(kept), track_ids=ids[kept], notes=notes)
