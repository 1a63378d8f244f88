"""Persons over time, from detections that have no ids."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..structures import KeypointTable

_FORBIDDEN = 1e6


@dataclass
class _Person:
    """State of one person's track so far.

    Attributes:
        keypoints: (J, 2) pixels where each joint was last seen, moved with the person.
        seen: (J,) whether a joint was ever seen.
        frame: last frame with a detection.
        velocity: (2,) pixels a frame, smoothed.
    """

    keypoints: np.ndarray
    seen: np.ndarray
    frame: int
    velocity: np.ndarray

    def predict(self, frame: int) -> np.ndarray:
        return self.keypoints + self.velocity * (frame - self.frame)

    def update(self, keypoints: np.ndarray, seen: np.ndarray, frame: int) -> None:
        both = seen & self.seen
        step = (keypoints[both] - self.keypoints[both]).mean(0)
        self.velocity = (self.velocity + step / (frame - self.frame)) / 2
        self.keypoints = np.where(seen[:, None], keypoints, self.keypoints + step)
        self.seen = seen | self.seen
        self.frame = frame


def link_persons(table: KeypointTable, max_distance: float = 0.5, max_gap: int = 15) -> KeypointTable:
    """Gives every person one id over time, where the file gave none.

    Frame by frame the detections are assigned to the persons known so far (Hungarian method), by the mean distance of
    the joints seen in both, divided by the person's size (diagonal of the box around its joints); a person is expected
    to move on as it moved before. Rows that have an id (strings, or integers from 0) are left as they are; rows without
    id and without any joint are nobody and left out.

    Args:
        table: rows with negative integers as ``track_ids`` are to be linked.
        max_distance: largest distance of one person, in sizes of the person.
        max_gap: frames that a person may be away and keep its id.

    Returns:
        A table whose ids are 0, 1, ... in order of appearance (after the
        largest id that the file gave); ``table`` itself if all rows have ids.
    """
    ids = table.track_ids
    if ids.dtype.kind != 'i' or (ids >= 0).all():
        return table
    table = table.take((ids >= 0) | (table.keypoints_visible > 0).any(1))  # without nobody
    ids = table.track_ids
    loose = np.flatnonzero(ids < 0)
    loose = loose[np.lexsort((-ids[loose], table.frame_indices[loose]))]  # by frame, then as in the file
    frames = table.frame_indices[loose]
    linked, first_id = ids.copy(), max(int(ids.max()) + 1, 0)
    persons: dict[int, _Person] = {}
    count = 0
    for rows in np.split(loose, np.flatnonzero(np.diff(frames)) + 1):
        frame = int(table.frame_indices[rows[0]])
        persons = {key: p for key, p in persons.items() if frame - p.frame <= max_gap + 1}
        keypoints = np.nan_to_num(table.keypoints[rows].astype(np.float64), posinf=0, neginf=0)
        seen = table.keypoints_visible[rows] > 0
        matches = _match(list(persons.values()), keypoints, seen, frame, max_distance)
        keys = list(persons)
        for detection, row in enumerate(rows):
            if detection in matches:
                key = keys[matches[detection]]
                persons[key].update(keypoints[detection], seen[detection], frame)
            else:
                key, count = count, count + 1
                persons[key] = _Person(keypoints[detection], seen[detection], frame, np.zeros(2))
            linked[row] = first_id + key
    return replace(table, track_ids=linked)


def _match(
    persons: list[_Person], keypoints: np.ndarray, seen: np.ndarray, frame: int, max_distance: float
) -> dict[int, int]:
    """Detection -> person, at the least total distance."""
    if not persons:
        return {}
    expected = np.stack([p.predict(frame) for p in persons])  # (P, J, 2)
    known = np.stack([p.seen for p in persons])
    both = seen[:, None] & known[None]  # (D, P, J)
    distance = np.linalg.norm(keypoints[:, None] - expected[None], axis=-1)
    size = np.maximum(_size(keypoints, seen)[:, None], _size(expected, known)[None])
    cost = (distance * both).sum(-1) / both.sum(-1).clip(min=1) / size
    cost = np.where(both.any(-1) & (cost <= max_distance), cost, _FORBIDDEN)
    rows, columns = linear_sum_assignment(cost)
    return {int(d): int(p) for d, p in zip(rows, columns, strict=True) if cost[d, p] < _FORBIDDEN}


def _size(keypoints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(P, J, 2) -> (P,) pixels, the diagonal of the box around the joints that are seen, at least 1."""
    low = np.where(seen[..., None], keypoints, np.inf).min(-2)
    high = np.where(seen[..., None], keypoints, -np.inf).max(-2)
    return np.linalg.norm(np.maximum(high - low, 0), axis=-1).clip(min=1)
