"""Some persons of several, and which of the true ones were found."""

import numpy as np

from ..errors import InputError
from ..structures import KeypointTable
from .link import assign, keypoint_similarity, person_size


def choose_persons(table: KeypointTable, person: int | str | None = None, largest: bool = False) -> KeypointTable:
    """The rows of some persons.

    Args:
        table: of any number of persons.
        person: an id, or several with commas; ``None`` takes all.
        largest: of these the one whose boxes, summed over the frames, cover most of the picture.

    Raises:
        InputError: nobody has such an id.
    """
    if person is not None:
        chosen = {part.strip() for part in str(person).split(',')}
        present = {str(track) for track, _ in table.tracks()}
        if unknown := sorted(chosen - present):
            listed = ', '.join(sorted(present)[:10])
            raise InputError(f'{table.source}: no person has the id {", ".join(unknown)}, expected some of {listed}')
        table = table.take(np.isin(table.track_ids.astype(str), list(chosen)))
    if largest:
        areas = person_size(table.keypoints, table.keypoints_visible > 0) ** 2
        table = table.take(max((rows for _, rows in table.tracks()), key=lambda rows: areas[rows].sum()))
    return table


def match_persons(
    found: KeypointTable, truth: KeypointTable, similarity: float = 0.5, tolerance: float = 0.1
) -> tuple[np.ndarray, np.ndarray, float]:
    """Which rows of a table are which true persons; frame by frame, at the greatest total similarity.

    Args:
        found: keypoints of a detector or tracker.
        truth: of the same joints.
        similarity: least one of a person that counts as found, see :func:`keypoint_similarity`.
        tolerance: of it, in sizes of the true person.

    Returns:
        Rows (n,) of ``found`` and of ``truth`` that belong together, and the coverage, the fraction of the rows of
        ``truth`` that are found: errors over several persons mean nothing without it.
    """
    pairs = [np.empty((0, 2), np.int64)]
    for frame in np.intersect1d(found.frame_indices, truth.frame_indices):
        ours, theirs = (np.flatnonzero(table.frame_indices == frame) for table in (found, truth))
        seen = truth.keypoints_visible[theirs] > 0
        both = (found.keypoints_visible[ours] > 0)[:, None] & seen
        sizes = person_size(truth.keypoints[theirs], seen)
        points = np.nan_to_num(found.keypoints[ours])[:, None], np.nan_to_num(truth.keypoints[theirs])
        alike = keypoint_similarity(*points, both, sizes, tolerance)
        chosen = np.stack(assign(-alike), -1)
        chosen = chosen[alike[tuple(chosen.T)] >= similarity]
        pairs.append(np.stack([ours[chosen[:, 0]], theirs[chosen[:, 1]]], -1))
    rows = np.concatenate(pairs)
    return rows[:, 0], rows[:, 1], len(rows) / len(truth.keypoints)
