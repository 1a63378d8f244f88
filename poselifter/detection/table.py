"""Tables of what a detector saw, and its progress."""

import sys
from array import array
from collections.abc import Iterable

import numpy as np

from ..errors import InputError
from ..structures import KeypointTable
from .film import Frame, Frames

_EVEN = 0.05  # frames that times of a constant rate may be off, since files round them


class Rows:
    """Persons in frames as they come, packed: an hour of four persons takes 200 MB."""

    def __init__(self) -> None:
        self.indices, self.times, self.tracks = array('q'), array('d'), array('q')
        self.keypoints, self.scores = array('f'), array('f')

    def add(self, frame: Frame, track: int, keypoints: np.ndarray, scores: np.ndarray) -> None:
        """Adds keypoints (J, 2) and scores (J,) of a person; J is always the same."""
        self.indices.append(frame.index)
        self.times.append(frame.time)
        self.tracks.append(track)
        for column, values in ((self.keypoints, keypoints), (self.scores, scores)):
            column.frombytes(np.asarray(values, np.float32).tobytes())

    def columns(self) -> list[np.ndarray]:
        """Indices, times and ids (N,), keypoints (N, J, 2) and scores (N, J)."""
        scores = np.frombuffer(self.scores, np.float32).reshape(len(self.indices), -1)
        keypoints = np.frombuffer(self.keypoints, np.float32).reshape(*scores.shape, 2)
        return [*(np.array(column) for column in (self.indices, self.times, self.tracks)), keypoints, scores]


def make_table(frames: Frames, rows: Rows, skeleton: str, shortest: float = 0.0) -> KeypointTable:
    """A table of rows, with times where the frames are not evenly apart.

    Args:
        frames: where they were seen.
        rows: all of them.
        skeleton: joint set.
        shortest: seconds; persons who are seen for less are left out, if others are there for longer.

    Raises:
        InputError: there is nobody.
    """
    if not rows.indices:
        raise InputError(f'{frames.path}: no person was found in any picture; is one seen whole, and large enough?')
    indices, times, tracks, keypoints, scores = rows.columns()
    rate, notes = frames.fps or 30, ()
    _, codes, counts = np.unique(tracks, return_inverse=True, return_counts=True)
    least = min(shortest * rate, counts.max())
    keep = counts[codes] >= least
    if keep.all():
        keep = slice(None)
    else:
        notes = (f'seen for less than {shortest:g} s, and left out: {(counts < least).sum()} of {len(counts)} persons',)
    return KeypointTable(
        keypoints[keep],
        scores[keep],
        indices[keep],
        tracks[keep],
        skeleton=skeleton,
        img_shape=frames.img_shape,
        fps=frames.fps,
        source=str(frames.path),
        notes=notes,
        timestamps=times[keep] if np.abs(times * rate - indices).max() > _EVEN else None,
    )


def with_progress(frames: Frames) -> Iterable[Frame]:
    """The frames, with their rate and the time left on standard error where that is a terminal."""
    from tqdm import tqdm

    return tqdm(frames, total=frames.num_frames, unit=' frames', desc='detecting', disable=not sys.stderr.isatty())
