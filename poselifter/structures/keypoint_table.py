"""Keypoints of any number of persons as one table: the exchange file in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError, reading

_ROWS = ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids')
NO_NUMBERS = (TypeError, ValueError, OverflowError)  # errors of what is no array of numbers
_LONGEST = 100_000  # pixels of a picture's side, and of a joint's distance from its corner


@dataclass
class KeypointTable:
    """2D keypoints; a row is one person in one frame.

    Rows are sorted by track, then frame, when the table is made.

    Attributes:
        keypoints: (N, J, 2) float32 pixels; NaN or any number where ``keypoints_visible`` is 0.
        keypoints_visible: (N, J) float32 in [0, 1]; 0 means absent.
        frame_indices: (N,) int64.
        track_ids: (N,) strings or integers; given as a list, rows may have None, NaN or a negative number, which means
            none: they get -1, -2, ... within their frame.
        skeleton: name of the joint set; ``None`` if the source does not say.
        img_shape: (height, width) in pixels, channels may follow; ``None`` if unknown.
        fps: frames per second; ``None`` if unknown.
        source: origin of the keypoints, for messages.
        notes: lines for the user on what was left out, guessed or changed.
        timestamps: (N,) float64 seconds of each row, rising with its frame; ``None`` means frame / fps. Without
            ``fps`` they give it.

    Raises:
        InputError: shapes disagree, an array holds no numbers, a visible joint is not finite, a person has
            two rows in one frame, ``timestamps`` do not rise, or ``img_shape`` or ``fps`` is no size or rate.
    """

    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    frame_indices: np.ndarray
    track_ids: np.ndarray
    skeleton: str | None = None
    img_shape: tuple[int, int] | None = None
    fps: float | None = None
    source: str = 'keypoints'
    notes: tuple[str, ...] = ()
    timestamps: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.keypoints = as_numbers(self.keypoints, f'{self.source}: keypoints')
        if self.keypoints.ndim != 3 or self.keypoints.shape[-1] != 2:
            raise InputError(f'{self.source}: keypoints have shape {self.keypoints.shape}, expected (N, J, 2)')
        n = len(self.keypoints)
        if n == 0:
            raise InputError(f'{self.source}: no person in any frame; nothing to lift')
        scores = as_numbers(self.keypoints_visible, f'{self.source}: keypoints_visible')
        if below := int((~(scores >= 0)).sum()):
            self.notes += (f'{below} of {scores.size} scores are negative or NaN and count as 0, missing',)
        if (most := np.nanmax(scores, initial=0)) > 2:  # flags are 0, 1, 2; heat maps reach a little more than 1
            self.notes += (f'scores reach {most:g}; all above 1 count as 1',)
        with np.errstate(over='ignore'):
            scores = np.nan_to_num(scores).astype(np.float32, copy=False)  # a copy
        self.keypoints_visible = scores.clip(0, 1, out=scores)
        self.frame_indices = as_numbers(self.frame_indices, f'{self.source}: frame_indices', whole=True)
        ids = self.track_ids
        kind = ids.dtype.kind if isinstance(ids, np.ndarray) else None
        if kind != 'U' and not (kind == 'i' and (ids < 2**62).all()):
            self.track_ids = np.asarray(ids, object).ravel()
        for name, shape in zip(_ROWS[1:], (self.keypoints.shape[:2], (n,), (n,)), strict=True):
            if getattr(self, name).shape != shape:
                raise InputError(f'{self.source}: {name} has shape {getattr(self, name).shape}, expected {shape}')
        if self.track_ids.dtype == object:
            self._set_ids([_identity(i) for i in self.track_ids])
        with np.errstate(over='ignore'):  # infinite coordinates are refused
            self.keypoints = self.keypoints.astype(np.float32, copy=False)
        self._check_finite()
        self.img_shape, self.fps = check_size(self.img_shape, self.source), check_rate(self.fps, self.source)
        if self.timestamps is not None:
            self.timestamps = as_numbers(self.timestamps, f'{self.source}: timestamps').astype(np.float64)
            if self.timestamps.shape != (n,):
                raise InputError(f'{self.source}: timestamps have shape {self.timestamps.shape}, expected {(n,)}')
        _, codes = np.unique(self.track_ids, return_inverse=True)
        order = np.lexsort((self.frame_indices, codes))
        if (np.diff(order) != 1).any():  # of an hour a copy takes much room
            for name in self._row_names():
                setattr(self, name, getattr(self, name)[order])
        same = np.diff(codes[order]) == 0
        twice = same & (np.diff(self.frame_indices) == 0)
        if twice.any():
            row = twice.argmax()
            raise InputError(
                f'{self.source}: person {self.track_ids[row]} has two rows in frame {self.frame_indices[row]}; '
                f'give each person an id of its own in track_ids'
            )
        if self.timestamps is not None:
            self._check_times(same)

    def _row_names(self) -> tuple[str, ...]:
        return _ROWS if self.timestamps is None else (*_ROWS, 'timestamps')

    def _check_times(self, same: np.ndarray) -> None:
        """Checks that times rise from row to row of the same person, and takes the rate from them."""
        steps = np.diff(self.timestamps)[same] / np.diff(self.frame_indices)[same]
        if not np.isfinite(self.timestamps).all() or (steps <= 0).any():
            raise InputError(f'{self.source}: timestamps do not rise with frame_indices; give seconds of each row')
        if self.fps is None and len(steps):
            self.fps = check_rate(1 / np.median(steps), f'{self.source}: timestamps in seconds')

    @classmethod
    def of_person(
        cls,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        frame_indices: np.ndarray | None = None,
        track_id: int | str = 0,
        **known: Any,
    ) -> 'KeypointTable':
        """A table of one person.

        Args:
            keypoints: (T, J, 2) pixels.
            keypoints_visible: (T, J) scores in [0, 1]; by default all joints are present.
            frame_indices: (T,); consecutive frames by default.
            track_id: of the person.
            **known: ``skeleton``, ``img_shape``, ``fps``, ``source`` and ``timestamps``.

        Raises:
            InputError: see the class.
        """
        keypoints = as_numbers(keypoints, 'keypoints')
        visible = np.ones(keypoints.shape[:2]) if keypoints_visible is None else keypoints_visible
        frames = np.arange(len(keypoints)) if frame_indices is None else frame_indices
        return cls(keypoints, visible, frames, np.full(len(keypoints), track_id), **known)

    def _set_ids(self, ids: list[int | str | None]) -> None:
        """Takes ids as integers, or as words where one is a word or too large; rows without one are left to link."""
        without, words = [i is None for i in ids], any(isinstance(i, str) or (i or 0) >= 2**62 for i in ids)
        if any(without) and not all(without):
            fate = 'all are left out, and persons' if words else 'these'
            self.notes += (f'{sum(without)} of {len(ids)} rows have no track id: {fate} are linked by their places',)
        if any(without) and (words or all(without)):
            ids, words = [None] * len(ids), False
        order = np.argsort(self.frame_indices, kind='stable')
        frames = self.frame_indices[order]
        rank = np.empty(len(frames), np.int64)
        rank[order] = np.arange(len(frames)) - np.searchsorted(frames, frames)
        ids = [-1 - r if i is None else i for i, r in zip(ids, rank, strict=True)]
        self.track_ids = np.array(list(map(str, ids)) if words else ids)

    def _check_finite(self) -> None:
        bad = ~np.isfinite(self.keypoints).all(-1) & (self.keypoints_visible > 0)
        if bad.any():
            row, joint = np.argwhere(bad)[0]
            where = f'{self.source}: NaN or infinite coordinates at row {row}, joint {joint}'
            raise InputError(f'{where}, which is visible; set keypoints_visible to 0 for absent joints')

    def check_pixels(self) -> None:
        """Checks that somebody is seen, in pixels of the picture; what is not would be lifted to nonsense.

        Raises:
            InputError: no joint is visible, or coordinates are divided by the picture's size, have no bound, or lie
                outside of the picture.
        """
        seen, size = self.keypoints[self.keypoints_visible > 0], self.img_shape
        most = max(seen.max(initial=0), -seen.min(initial=0))
        if not len(seen):
            problem = 'no joint of any person is visible: scores are 0, negative or NaN, or keypoints (0, 0); give some'
        elif len(seen) > 2 and most <= 1.5:
            problem = f'all lie within {most:.2g} of 0, expected pixels; multiply x by the width and y by the height'
        elif most > _LONGEST:
            problem = f'coordinates reach {most:.3g}, expected pixels up to {_LONGEST}; give absent joints the score 0'
        elif size and (outside := ((seen < 0) | (seen > size[::-1])).any(-1).mean()) > 0.5:
            problem = (
                f'{outside:.0%} of the joints lie outside of the picture, {size[1]} x {size[0]}; give its true size'
            )
        else:
            return
        raise InputError(f'{self.source}: {problem}')

    def tracks(self) -> Iterator[tuple[str, slice]]:
        """(track id, rows) of each person, in the order of the table."""
        starts = np.flatnonzero(np.r_[True, self.track_ids[1:] != self.track_ids[:-1]])
        for start, stop in zip(starts, [*starts[1:], len(self.track_ids)], strict=True):
            yield self.track_ids[start], slice(int(start), int(stop))

    def take(self, rows: slice | np.ndarray) -> 'KeypointTable':
        """A table of some of the rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self._row_names()})

    def seconds(self, rate: float | None = None) -> np.ndarray:
        """Times (N,) of the rows; ``rate`` is that of a table that knows none, by default 30."""
        return self.frame_indices / (self.fps or rate or 30.0) if self.timestamps is None else self.timestamps

    def longest_track(self) -> slice:
        """Rows of the person with the most frames."""
        return max((rows for _, rows in self.tracks()), key=lambda rows: rows.stop - rows.start)


def check_size(size: Any, source: str) -> tuple[int, int] | None:
    """The size (height, width) of a picture, after which channels may follow; raises InputError if it is none."""
    if size is None:
        return None
    given = as_numbers(size, f'{source}: img_shape').astype(np.float64)
    if given.shape not in ((2,), (3,)) or not ((given[:2] >= 1) & (given[:2] <= _LONGEST)).all():
        raise InputError(f'{source}: img_shape is {size}, expected (height, width) in pixels, 1 to {_LONGEST}')
    return int(given[0]), int(given[1])


def check_rate(fps: Any, source: str) -> float | None:
    """A frame rate as a number; raises InputError if it is none, or one that no camera has."""
    if fps is None:
        return None
    try:
        rate = float(np.asarray(fps).item())  # of a complex number a TypeError
    except NO_NUMBERS:
        rate = np.nan
    if not 1 <= rate <= 10_000:
        raise InputError(f'{source}: fps is {fps}, expected a positive number of frames a second, from 1 to 10,000')
    return rate


def split_scores(keypoints: Any, scores: Any = None, source: str = 'keypoints') -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, J, 2) and scores (N, J) of an array (N, J, 2 or 3) and perhaps scores beside it.

    Where there are none beside it, (0, 0) is no place but a missing joint, as COCO and OpenPose write one.

    Raises:
        InputError: the array has another shape, or holds no numbers.
    """
    array = as_numbers(keypoints, f'{source}: keypoints')
    if array.ndim != 3 or array.shape[-1] not in (2, 3) or not array.shape[1]:
        raise InputError(f'{source}: keypoints have shape {array.shape}, expected (N, J, 2), or (N, J, 3) with scores')
    if scores is None:
        scores = array[..., 2] if array.shape[-1] == 3 else np.ones(array.shape[:2], np.float32)
        scores = np.where((array[..., :2] == 0).all(-1), 0, scores)
    return array[..., :2], scores


def as_numbers(values: Any, name: str, whole: bool = False) -> np.ndarray:
    """An array of numbers, or of ``whole`` ones as int64; raises InputError with its name if it is none."""
    with reading(f'{name} are no table of numbers', 'expected an array', NO_NUMBERS):  # rows of several lengths
        array = np.atleast_1d(values)
    if array.dtype.kind not in 'fiub':
        raise InputError(f'{name} has type {array.dtype}, expected numbers')
    if not whole:
        return array
    bad = ~(np.abs(array.astype(np.float64)) < 2**53)
    bad[~bad] = array.astype(np.float64)[~bad] % 1 != 0
    if bad.any():
        raise InputError(f'{name} has {array[bad][0]}, which is not whole or too large, expected numbers of frames')
    return array.astype(np.int64)


def whole_number(value: Any) -> int | None:
    """The integer that a value is, whole floats among them; ``None`` of anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(value, float) and value % 1 != 0):
        return None
    return int(value)


def _identity(value: Any) -> int | str | None:
    """The id of a person, which some files nest in lists; ``None`` where there is none."""
    while isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    number = whole_number(value)
    if number is not None:
        return number if number >= 0 else None
    return value or None if isinstance(value, str) else None
