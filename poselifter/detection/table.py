"""Tables of what a detector saw, and its progress."""

import sys
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from ..errors import InputError
from ..structures import KeypointTable
from .film import Frame, Frames


def make_table(frames: Frames, rows: list, skeleton: str, shortest: float = 0.0) -> KeypointTable:
    """A table of rows (index of the frame, id, keypoints, scores).

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
    indices, tracks, keypoints, scores = (np.array(column) for column in zip(*rows, strict=True))
    notes = ()
    _, codes, counts = np.unique(tracks, return_inverse=True, return_counts=True)
    least = min(shortest * (frames.fps or 30), counts.max())
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
    )


def with_progress(frames: Frames) -> Iterable[Frame]:
    """The frames, with their rate and the time left on standard error where that is a terminal."""
    return tqdm(frames, total=frames.num_frames, unit=' frames', desc='detecting', disable=not sys.stderr.isatty())
