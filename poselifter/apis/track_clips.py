"""Tracks of a table as clips at the frame rate of a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry.arrays import Array, as_like
from ..skeletons import convert_keypoints
from ..structures import KeypointTable
from ..tracking import fill_missing, interpolate

MAX_GAP = 1.0  # seconds without the person after which the rest counts as a new clip


@dataclass(frozen=True)
class Clip:
    """A segment of a person without a long gap, at a constant frame rate.

    Attributes:
        rows: of the table.
        sample: ``keypoints`` (T, J, 2), ``keypoints_visible``, ``skeleton`` and ``img_shape``.
        where: (n,) place of each row on the time axis of the sample, in its frames.
        rate: its frames a second.
    """

    rows: slice
    sample: dict[str, Any]
    where: np.ndarray
    rate: float


def track_clips(codec: Any, table: KeypointTable, fill: bool = False) -> Iterator[Clip]:
    """Each segment of a person without a long gap, with the joints and at the frame rate of a codec.

    Args:
        codec: of a model; its frame rate may be ``None``, any.
        table: N rows of keypoints.
        fill: fill missing joints in.

    Raises:
        InputError: the joint set is unknown or cannot be converted, or see :meth:`KeypointTable.check_pixels`.
    """
    table.check_pixels()
    skeleton, target = table.skeleton or codec.skeleton.name, codec.skeleton.name
    given = table.fps or codec.fps or 30.0
    rate = codec.fps or given
    for _, track in table.tracks():
        points, visible = convert_keypoints(table.keypoints[track], skeleton, target, table.keypoints_visible[track])
        metadata = {'skeleton': target, 'img_shape': table.img_shape or _guess_img_shape(points, visible)}
        if table.timestamps is None:
            where = table.frame_indices[track] * (rate / given)
        else:
            where = table.timestamps[track] * rate
        cuts = np.flatnonzero(np.diff(where) > MAX_GAP * rate) + 1
        for start, stop in zip([0, *cuts], [*cuts, len(where)], strict=True):
            part, places = slice(start, stop), where[start:stop] - where[start]
            new, scores = _on_grid(points[part], visible[part], places, rate / given)
            if fill:
                new, scores = fill_missing(new, scores, rate, target)
            rows = slice(track.start + int(start), track.start + int(stop))
            yield Clip(rows, {'keypoints': new, 'keypoints_visible': scores, **metadata}, places, rate)


def _on_grid(
    points: np.ndarray, visible: np.ndarray, where: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rows at places ``where`` on a time axis to its frames 0, 1, ...; ``spacing`` is that of rows without a gap.

    A frame that is a row is that row; between two rows without a gap joints that both see are interpolated; the rest
    has score 0.
    """
    grid = np.arange(int(np.ceil(where[-1] - 1e-6)) + 1)
    lower = np.searchsorted(where, grid + 1e-6, 'right') - 1
    upper = (lower + 1).clip(max=len(where) - 1)
    at = (np.abs(grid - where[lower]) < 1e-3) | (grid > where[-1])
    apart = where[upper] - where[lower]
    between = ~at & (apart < 1.5 * spacing)
    shape = len(grid), points.shape[1]
    new, scores = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    new[at], scores[at] = points[lower[at]], visible[lower[at]]
    if between.any():
        lower, upper, places = lower[between], upper[between], grid[between]
        both = (visible[lower] > 0) & (visible[upper] > 0)
        part = ((places - where[lower]) / (where[upper] - where[lower]))[:, None]
        scores[between] = both * ((1 - part) * visible[lower] + part * visible[upper])
        for j in np.flatnonzero(both.any(0)):
            seen = visible[:, j] > 0
            new[between, j] = interpolate(points[seen, j], places, where[seen])
    return new, scores


def at_rate(inputs: Array, fps: float | None, rate: float | None) -> Array:
    """A tensor of encoded inputs (T, J, C) at another frame rate, linearly; a joint of 0 in all channels is missing.

    Without one of the rates, or of several persons (M, T, J, C), they stay as they are.
    """
    if not fps or not rate or fps == rate or inputs.ndim != 3:
        return inputs
    values, where = inputs.cpu().numpy(), np.arange(int((len(inputs) - 1) * rate / fps) + 1) * fps / rate
    present = (values != 0).any(-1, keepdims=True).astype(np.float32)
    present = interpolate(present, where, degree=1) > 0.999
    return as_like(interpolate(values, where, degree=1) * present, inputs)


def _guess_img_shape(keypoints: np.ndarray, visible: np.ndarray) -> tuple[int, int]:
    """A picture in whose middle the keypoints lie."""
    points = keypoints[visible > 0]
    if not len(points):
        return 1000, 1000
    width, height = np.ceil((points.min(0) + points.max(0)).clip(min=2))
    return int(height), int(width)
