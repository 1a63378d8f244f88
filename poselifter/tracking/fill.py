"""Places for joints that a detector missed, from their neighbours in time and from the joints that it saw."""

import json
from functools import cache
from pathlib import Path

import numpy as np

HELD = 0.25  # seconds after which a joint's last place says less than the rest of the body
SCORE = 0.6  # of a filled joint next to a seen one
GUESS = 0.3  # of one that was not seen for long
NOISE = 1e-3  # variance of a detection, of a body whose joints lie 1 from their middle (root mean square)
FEWEST = 4  # joints of a frame from which others are expected


def fill_missing(points: np.ndarray, scores: np.ndarray, rate: float, skeleton: str) -> tuple[np.ndarray, np.ndarray]:
    """Fills joints of score 0.

    Near frames in which a joint was seen it is put on the line between them; far from such frames, or where there are
    none, to where bodies have it whose other joints lie as these do (:func:`expected_joints`).

    Args:
        points: (T, J, 2) pixels of one person at a constant rate.
        scores: (T, J); 0 is missing.
        rate: frames a second.
        skeleton: joint set; of others than ``h36m17`` joints that are never seen stay missing.

    Returns:
        Points and scores; filled joints have low ones, from ``SCORE`` next to a seen frame down to ``GUESS``.
    """
    seen = scores > 0
    if seen.all() or not seen.any():
        return points, scores
    points, scores = points.copy(), scores.copy()
    frames = np.arange(len(points))
    expected = expected_joints(points, seen) if skeleton == 'h36m17' else np.full_like(points, np.nan)
    for j in np.flatnonzero(~seen.all(0)):
        known, missing = frames[seen[:, j]], frames[~seen[:, j]]
        filled, away = _line(expected[:, j], np.flatnonzero(np.isfinite(expected[:, j, 0])), missing), np.inf
        if len(known):
            held = _line(points[:, j], known, missing)
            after = np.searchsorted(known, missing)
            nearest = [np.abs(missing - known[side.clip(0, len(known) - 1)]) for side in (after - 1, after)]
            away = np.minimum(*nearest) / rate
            weight = np.exp(-((away / HELD) ** 2))[:, None]
            filled = np.where(np.isfinite(filled), weight * held + (1 - weight) * filled, held)
        ok = np.isfinite(filled).all(-1)
        points[missing[ok], j] = filled[ok]
        scores[missing, j] = np.where(ok, GUESS + (SCORE - GUESS) * np.exp(-((away / HELD) ** 2)), 0)
    return points, scores


def _line(points: np.ndarray, known: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Points (T, 2) at frames, on lines between known frames; NaN if there are none."""
    if not len(known):
        return np.full((len(frames), 2), np.nan)
    return np.stack([np.interp(frames, known, points[known, axis]) for axis in range(2)], -1)


def expected_joints(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Expected places of joints that were not seen, given those that were, by generalised least squares.

    A frame's points are ``shift + scale * (mean + z)`` with z normal; shift and scale are estimated from the joints
    seen, then z of the others follows from z of these.

    Args:
        points: (T, 17, 2) pixels of ``h36m17``.
        seen: (T, 17) bool.

    Returns:
        (T, 17, 2): points seen as they are, others expected; NaN in frames with too few.
    """
    mean, covariance = bodies_2d()
    filled = np.where(seen[..., None], points, np.nan).reshape(len(points), -1)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    order = np.argsort(which, kind='stable')
    groups = np.split(order, np.cumsum(np.bincount(which, minlength=len(patterns)))[:-1])
    for pattern, rows in zip(patterns, groups, strict=True):
        if pattern.all() or pattern.sum() < FEWEST:
            continue
        known = pattern.repeat(2)
        trend = np.stack([np.tile([1.0, 0], len(pattern)), np.tile([0, 1.0], len(pattern)), mean], 1)
        spread = covariance[np.ix_(known, known)] + NOISE * np.eye(known.sum())
        weighted = np.linalg.solve(spread, trend[known])
        values = filled[np.ix_(rows, known)].T
        fit = np.linalg.solve(trend[known].T @ weighted, weighted.T @ values)
        rest = np.linalg.solve(spread, values - trend[known] @ fit)
        filled[np.ix_(rows, ~known)] = (trend[~known] @ fit + covariance[np.ix_(~known, known)] @ rest).T
    return filled.reshape(points.shape).astype(points.dtype)


@cache
def bodies_2d() -> tuple[np.ndarray, np.ndarray]:
    """Mean (34,) and covariance (34, 34) of 2D poses; made by ``benchmarks/lifting_options.py bodies``."""
    path = Path(__file__).with_name('bodies_2d.json')
    data = json.loads(path.read_text(encoding='utf-8'))
    covariance = np.zeros((34, 34))
    covariance[np.triu_indices(34)] = data['covariance']
    return np.array(data['mean']), covariance + np.triu(covariance, 1).T
