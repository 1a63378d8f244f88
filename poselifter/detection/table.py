"""Tables of what a detector saw, and its progress."""

import sys
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from ..errors import InputError
from ..structures import KeypointTable
from .film import Frame, Frames

_EVEN = 0.05  # frames that times of a constant rate may be off, since files round them


def make_table(frames: Frames, rows: list, skeleton: str, shortest: float = 0.0) -> KeypointTable:
    """A table of rows (index and time of the frame, id, keypoints, scores).

    Times are kept where frames are not evenly apart.

    Args:
        frames: where they were seen.
        rows: as they came.
        skeleton: joint set.
        shortest: seconds; persons who are seen for less are left out, if others are there for longer.

    Raises:
        InputError: there is nobody.
    """
    if not rows:
        raise InputError(f'{frames.path}: no person was found in any picture; is one seen whole, and large enough?')
    indices, times, tracks, keypoints, scores = (np.array(column) for column in zip(*rows, strict=True))
    rate, notes = frames.fps or 30, ()
    _, codes, counts = np.unique(tracks, return_inverse=True, return_counts=True)
    least = min(shortest * rate, counts.max())
    keep = counts[codes] >= least
    if not keep.all():
        notes = (f'{(counts < least).sum()} persons who were seen for less than {shortest:g} s are left out',)
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
    return tqdm(frames, total=frames.num_frames, unit=' frames', desc='detecting', disable=not sys.stderr.isatty())
