"""Persons over time: from detections without ids, and from tracks that jump between persons."""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from ..skeletons import get_skeleton
from ..structures import KeypointTable

TOLERANCE = 0.12  # of a joint's place, in sizes of the person: similarity falls to exp(-1/2) there
SPEED = 1.5  # by which it grows, in sizes a second: a person runs at 5
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
        step = np.median(keypoints[both] - self.keypoints[both], 0)
        self.velocity = (self.velocity + step / (frame - self.frame)) / 2
        self.keypoints = np.where(seen[:, None], keypoints, self.keypoints + step)
        self.seen = seen | self.seen
        self.frame = frame


def link_persons(table: KeypointTable, similarity: float = 0.05, max_gap: float = 0.5) -> KeypointTable:
    """Gives every person one id over time, where the file gave none.

    Frame by frame the detections are assigned to the persons known so far (Hungarian method), by
    :func:`keypoint_similarity` to where a person is expected to have moved on to. Rows that have an id (strings, or
    integers from 0) are left as they are; rows without id and without any joint are nobody and left out.

    Args:
        table: rows with negative integers as ``track_ids`` are to be linked.
        similarity: least one of the same person.
        max_gap: seconds that a person may be away and keep its id.

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
    frames, rate = table.frame_indices[loose], table.fps or 30.0
    linked, first_id = ids.copy(), max(int(ids.max()) + 1, 0)
    linker = PersonLinker(table.skeleton, table.keypoints.shape[1], rate, similarity, max_gap)
    for rows in np.split(loose, np.flatnonzero(np.diff(frames)) + 1):
        seen = table.keypoints_visible[rows] > 0
        linked[rows] = first_id + linker(table.keypoints[rows], seen, int(table.frame_indices[rows[0]]))
    return replace(table, track_ids=linked)


class PersonLinker:
    """Ids of the persons in one picture after the other, see :func:`link_persons`.

    Args:
        skeleton: joint set, or ``None``.
        num_joints: J.
        rate: frames a second.
        similarity, max_gap: see :func:`link_persons`.
    """

    def __init__(
        self, skeleton: str | None, num_joints: int, rate: float, similarity: float = 0.05, max_gap: float = 0.5
    ) -> None:
        self.joints: np.ndarray = _joint_tolerance(skeleton, num_joints)
        self.rate: float = rate
        self.similarity: float = similarity
        self.max_gap: float = max_gap
        self.persons: dict[int, _Person] = {}
        self.count: int = 0

    def __call__(self, keypoints: np.ndarray, seen: np.ndarray, frame: float) -> np.ndarray:
        """Ids (D,) of detections (D, J, 2) whose joints (D, J) are ``seen``, in a frame later than those before."""
        longest = self.max_gap * self.rate + 1
        self.persons = {key: p for key, p in self.persons.items() if frame - p.frame <= longest}
        keypoints = np.nan_to_num(keypoints.astype(np.float64), posinf=0, neginf=0)
        known = list(self.persons)
        persons = list(self.persons.values())
        matches = _match(persons, keypoints, seen, frame, self.similarity, self.joints, self.rate)
        ids = []
        for number in range(len(keypoints)):
            if number in matches:
                ids.append(known[matches[number]])
                self.persons[ids[-1]].update(keypoints[number], seen[number], frame)
            else:
                ids.append(self.count)
                self.count += 1
                self.persons[ids[-1]] = _Person(keypoints[number], seen[number], frame, np.zeros(2))
        return np.array(ids, np.int64)


def keypoint_similarity(
    one: np.ndarray, other: np.ndarray, seen: np.ndarray, size: np.ndarray, tolerance: np.ndarray | float
) -> np.ndarray:
    """Object keypoint similarity, in [0, 1]: the mean over joints of ``exp(-d^2 / (2 (size tolerance)^2))``.

    Args:
        one, other: (..., J, 2) pixels.
        seen: (..., J) joints that count; without one the similarity is 0.
        size: (...) of the person, pixels.
        tolerance: (J,) or (..., J), in sizes.

    Source: COCO's OKS.
    """
    ratio = np.linalg.norm(one - other, axis=-1) / (size[..., None] * tolerance)
    return (np.exp(-(ratio**2) / 2) * seen).sum(-1) / seen.sum(-1).clip(min=1)


def _match(
    persons: list[_Person],
    keypoints: np.ndarray,
    seen: np.ndarray,
    frame: int,
    least: float,
    joints: np.ndarray,
    rate: float,
) -> dict[int, int]:
    """Detection -> person, at the greatest total similarity."""
    if not persons:
        return {}
    expected = np.stack([p.predict(frame) for p in persons])  # (P, J, 2)
    known = np.stack([p.seen for p in persons])
    both = seen[:, None] & known[None]  # (D, P, J)
    away = np.array([frame - p.frame for p in persons])[:, None] / rate
    size = np.maximum(person_size(keypoints, seen)[:, None], person_size(expected, known)[None])
    tolerance = joints * (TOLERANCE + SPEED * away)  # (P, J)
    cost = 1 - keypoint_similarity(keypoints[:, None], expected[None], both, size, tolerance)
    cost = np.where(cost <= 1 - least, cost, _FORBIDDEN)
    return {int(d): int(p) for d, p in zip(*assign(cost), strict=True) if cost[d, p] < _FORBIDDEN}


def assign(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a matrix (P, Q) that belong together at the least total cost, min(P, Q) of each."""
    if 1 in cost.shape and cost.size:  # as often, and scipy takes long to import
        return tuple(np.array([index]) for index in np.unravel_index(cost.argmin(), cost.shape))
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(cost)


def _joint_tolerance(skeleton: str | None, num_joints: int) -> np.ndarray:
    """(J,) how far each joint may be off in comparison to the others, of mean 1."""
    sigmas = get_skeleton(skeleton).sigmas if skeleton else None
    if sigmas is None or len(sigmas) != num_joints:
        return np.ones(num_joints)
    return np.array(sigmas) / np.mean(sigmas)


def person_size(keypoints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(P, J, 2) -> (P,) pixels, the diagonal of the box around the joints that are seen, at least 1."""
    low = np.where(seen[..., None], keypoints, np.inf).min(-2)
    high = np.where(seen[..., None], keypoints, -np.inf).max(-2)
    return np.linalg.norm(np.maximum(high - low, 0), axis=-1).clip(min=1)


def cut_jumps(table: KeypointTable, max_gap: float = 0.5) -> KeypointTable:
    """Cuts tracks where they jump from one person to another, and joins the pieces that belong together.

    A track jumps where most of its joints move faster than anybody runs and further than a body's width. Pieces are
    joined where one begins, at most ``max_gap`` seconds after another ended, as near to its end as a person can be
    (Hungarian method); so tracks that exchange persons are put right. A piece at the head keeps its id; others, where
    the id is taken, get new ones.

    Returns:
        The table with other ids and a note for each track, or ``table`` itself.
    """
    pieces, notes = {}, []
    for track, rows in table.tracks():
        parts = _pieces(table, rows)
        if len(parts) > 3 + np.ptp(table.seconds()[rows]):
            notes.append(f'track {track} jumps {len(parts) - 1} times: it moves as nobody does, and is left as it is')
            parts = [rows]
        pieces[track.item()] = parts
    if all(len(parts) == 1 for parts in pieces.values()):
        return replace(table, notes=(*table.notes, *notes)) if notes else table
    flat = [(track, number, part) for track, parts in pieces.items() for number, part in enumerate(parts)]
    flat.sort(key=lambda piece: table.frame_indices[piece[2].start])
    follows = _followers(table, [part for _, _, part in flat], [number > 0 for _, number, _ in flat], max_gap)
    names: list[int | str] = []
    ids = np.empty(len(table.track_ids), object)
    for i, (track, number, part) in enumerate(flat):
        name = names[follows[i]] if i in follows else track
        if i not in follows and number:
            name = _new_id(track, {*pieces, *names})
        if number and not (i in follows and flat[follows[i]][:2] == (track, number - 1)):
            frame = table.frame_indices[part.start]
            notes.append(f'track {track} jumps at frame {frame}, to another person: it is cut and goes on as {name}')
        names.append(name)
        ids[part] = name
    return replace(table, track_ids=np.array(ids.tolist()), notes=(*table.notes, *notes))


def _new_id(track: int | str, taken: set[int | str]) -> int | str:
    if not isinstance(track, str):
        return max(taken) + 1
    return next(name for number in count(2) if (name := f'{track}_{number}') not in taken)


def _pieces(table: KeypointTable, rows: slice) -> list[slice]:
    """Rows of a track between its jumps."""
    points, seen = np.nan_to_num(table.keypoints[rows]), table.keypoints_visible[rows] > 0
    filled = np.flatnonzero(seen.any(1))
    points, seen, times = points[filled], seen[filled], table.seconds()[rows][filled]
    both = seen[1:] & seen[:-1]
    moved = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    moved = np.ma.median(np.ma.array(moved, mask=~both), axis=1).filled(0)
    sizes = person_size(points, seen)
    far = moved > np.minimum(sizes[1:], sizes[:-1]) * (0.35 + 6 * np.diff(times))
    cuts = rows.start + filled[1:][far & (both.sum(1) > 2)]
    return [slice(int(a), int(b)) for a, b in zip([rows.start, *cuts], [*cuts, rows.stop], strict=True)]


def _followers(table: KeypointTable, pieces: list[slice], cut: list[bool], max_gap: float) -> dict[int, int]:
    """Piece -> the one that it goes on from, of those that begin with a ``cut``."""
    times, joints = table.seconds(), _joint_tolerance(table.skeleton, table.keypoints.shape[1])
    first, last = np.array([p.start for p in pieces]), np.array([p.stop - 1 for p in pieces])
    gap = times[first][:, None] - times[last]
    points, seen = np.nan_to_num(table.keypoints), table.keypoints_visible > 0
    size = np.maximum(person_size(points[first], seen[first])[:, None], person_size(points[last], seen[last]))
    tolerance = joints * (TOLERANCE + SPEED * gap.clip(0, max_gap))[..., None]
    both = seen[first][:, None] & seen[last]
    cost = 1 - keypoint_similarity(points[first][:, None], points[last], both, size, tolerance)
    possible = (gap > 0) & (gap <= max_gap) & (cost < 0.95) & np.array(cut)[:, None]
    cost = np.where(possible, cost, _FORBIDDEN)
    return {int(i): int(j) for i, j in zip(*assign(cost), strict=True) if cost[i, j] < _FORBIDDEN}
