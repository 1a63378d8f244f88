"""Keypoints of any number of persons as one table: the exchange file in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError

_ROWS = ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids')


@dataclass
class KeypointTable:
    """2D keypoints; a row is one person in one frame.

    Rows are sorted by track, then frame, when the table is made.

    Attributes:
        keypoints: (N, J, 2) float32 pixels; NaN or any number where ``keypoints_visible`` is 0.
        keypoints_visible: (N, J) float32 in [0, 1]; 0 means absent.
        frame_indices: (N,) int64.
        track_ids: (N,) strings or integers.
        skeleton: name of the joint set; ``None`` if the source does not say.
        img_shape: (height, width) in pixels; ``None`` if unknown.
        fps: frames per second; ``None`` if unknown.
        source: origin of the keypoints, for messages.

    Raises:
        InputError: shapes disagree, a visible joint is not finite, a person has
            two rows in one frame, or ``img_shape`` or ``fps`` is no size or rate.
    """

    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    frame_indices: np.ndarray
    track_ids: np.ndarray
    skeleton: str | None = None
    img_shape: tuple[int, int] | None = None
    fps: float | None = None
    source: str = 'keypoints'

    def __post_init__(self) -> None:
        if self.keypoints.ndim != 3 or self.keypoints.shape[-1] != 2:
            raise InputError(f'{self.source}: keypoints have shape {self.keypoints.shape}, expected (N, J, 2)')
        n = len(self.keypoints)
        if n == 0:
            raise InputError(f'{self.source}: no person in any frame; nothing to lift')
        for name, shape in zip(_ROWS[1:], (self.keypoints.shape[:2], (n,), (n,)), strict=True):
            if getattr(self, name).shape != shape:
                raise InputError(f'{self.source}: {name} has shape {getattr(self, name).shape}, expected {shape}')
        self.keypoints = np.asarray(self.keypoints, np.float32)
        self.keypoints_visible = np.nan_to_num(np.asarray(self.keypoints_visible, np.float32)).clip(0, 1)
        self.frame_indices = np.asarray(self.frame_indices, np.int64)
        self._check_finite()
        self._check_metadata()
        _, codes = np.unique(self.track_ids, return_inverse=True)
        order = np.lexsort((self.frame_indices, codes))
        for name in _ROWS:
            setattr(self, name, getattr(self, name)[order])
        codes = codes[order]
        twice = (np.diff(codes) == 0) & (np.diff(self.frame_indices) == 0)
        if twice.any():
            row = twice.argmax()
            raise InputError(
                f'{self.source}: person {self.track_ids[row]} has two rows in frame {self.frame_indices[row]}; '
                f'give each person an id of its own in track_ids'
            )

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
            **known: ``skeleton``, ``img_shape``, ``fps`` and ``source``.

        Raises:
            InputError: see the class.
        """
        keypoints = np.asarray(keypoints)
        if keypoints.ndim != 3:
            raise InputError(f'keypoints have shape {keypoints.shape}, expected (T, J, 2)')
        visible = np.ones(keypoints.shape[:2]) if keypoints_visible is None else np.asarray(keypoints_visible)
        frames = np.arange(len(keypoints)) if frame_indices is None else np.asarray(frame_indices)
        return cls(keypoints, visible, frames, np.full(len(keypoints), track_id), **known)

    def _check_finite(self) -> None:
        bad = ~np.isfinite(self.keypoints).all(-1) & (self.keypoints_visible > 0)
        if bad.any():
            row, joint = np.argwhere(bad)[0]
            raise InputError(
                f'{self.source}: NaN or infinite coordinates at row {row}, joint {joint} although keypoints_visible '
                f'is {self.keypoints_visible[row, joint]:g}; set keypoints_visible to 0 for absent joints'
            )

    def _check_metadata(self) -> None:
        if self.fps is not None:
            if not 0 < self.fps < np.inf:
                raise InputError(f'{self.source}: fps is {self.fps}, expected a positive number of frames a second')
            self.fps = float(self.fps)
        if self.img_shape is not None:
            size = np.asarray(self.img_shape)
            if size.shape != (2,) or size.dtype.kind not in 'fiu' or not (np.isfinite(size) & (size >= 1)).all():
                raise InputError(f'{self.source}: img_shape is {self.img_shape}, expected (height, width) in pixels')
            self.img_shape = int(size[0]), int(size[1])

    def tracks(self) -> Iterator[tuple[str, slice]]:
        """(track id, rows) of each person, in the order of the table."""
        starts = np.flatnonzero(np.r_[True, self.track_ids[1:] != self.track_ids[:-1]])
        for start, stop in zip(starts, [*starts[1:], len(self.track_ids)], strict=True):
            yield self.track_ids[start], slice(int(start), int(stop))

    def take(self, rows: slice | np.ndarray) -> 'KeypointTable':
        """A table of some of the rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _ROWS})

    def longest_track(self) -> slice:
        """Rows of the person with the most frames."""
        return max((rows for _, rows in self.tracks()), key=lambda rows: rows.stop - rows.start)
