"""Keypoints of any number of persons as one table: the exchange file in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass
class KeypointTable:
    """2D keypoints; a row is one person in one frame.

    Rows are sorted by track, then frame, when the table is made.

    Attributes:
        keypoints: (N, J, 2) float32 pixels; NaN or any number where
            ``keypoints_visible`` is 0.
        keypoints_visible: (N, J) float32 in [0, 1]; 0 means not there.
        frame_indices: (N,) int64.
        track_ids: (N,) strings or integers.
        skeleton: name of the joint set; ``None`` if the source does not say.
        img_shape: (height, width) in pixels; ``None`` if unknown.
        fps: frames per second; ``None`` if unknown.
        source: what the keypoints came from, for messages.

    Raises:
        InputError: shapes disagree, a visible joint is not finite, or a
            person has two rows in one frame.
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
        n = len(self.keypoints)
        if self.keypoints.ndim != 3 or self.keypoints.shape[-1] != 2:
            raise InputError(f'{self.source}: keypoints have shape {self.keypoints.shape}, expected (N, J, 2)')
        if n == 0:
            raise InputError(f'{self.source}: no person in any frame; nothing to lift')
        for name, shape in (
            ('keypoints_visible', self.keypoints.shape[:2]),
            ('frame_indices', (n,)),
            ('track_ids', (n,)),
        ):
            if getattr(self, name).shape != shape:
                raise InputError(f'{self.source}: {name} has shape {getattr(self, name).shape}, expected {shape}')
        self.keypoints = np.asarray(self.keypoints, np.float32)
        self.keypoints_visible = np.nan_to_num(np.asarray(self.keypoints_visible, np.float32)).clip(0, 1)
        self.frame_indices = np.asarray(self.frame_indices, np.int64)
        self._check_finite()
        _, codes = np.unique(self.track_ids, return_inverse=True)
        order = np.lexsort((self.frame_indices, codes))
        for name in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
            setattr(self, name, getattr(self, name)[order])
        codes = codes[order]
        twice = (np.diff(codes) == 0) & (np.diff(self.frame_indices) == 0)
        if twice.any():
            row = int(np.flatnonzero(twice)[0])
            raise InputError(
                f'{self.source}: person {self.track_ids[row]} has two rows in frame {self.frame_indices[row]}; '
                f'give each person an id of its own in track_ids'
            )

    def _check_finite(self) -> None:
        bad = ~np.isfinite(self.keypoints).all(-1) & (self.keypoints_visible > 0)
        if bad.any():
            row, joint = np.argwhere(bad)[0]
            raise InputError(
                f'{self.source}: NaN or infinite coordinates at row {row}, joint {joint} although its '
                f'keypoints_visible is {self.keypoints_visible[row, joint]:g}; set keypoints_visible to 0 '
                f'for joints that are not there'
            )

    def tracks(self) -> Iterator[tuple[str, slice]]:
        """Persons in the order of the table.

        Yields:
            (track id, rows of that person).
        """
        starts = np.flatnonzero(np.r_[True, self.track_ids[1:] != self.track_ids[:-1]])
        for start, stop in zip(starts, [*starts[1:], len(self.track_ids)], strict=True):
            yield self.track_ids[start], slice(int(start), int(stop))
