"""Sizes by which results are drawn."""

import numpy as np

from ..structures import KeypointTable

_MANY = 100_000  # rows, of which some tell the range as well as all


def limb_radius(poses: np.ndarray) -> float:
    """Radius of drawn limbs of poses (N, K, 3), metres: a fraction of the usual extent, 2 cm of who stands."""
    return max(0.0122 * float(np.nanmedian(np.linalg.norm(np.ptp(poses, axis=1), axis=-1))), 1e-3)


def usual_range(table: KeypointTable) -> np.ndarray:
    """Least and largest x and y, (2, 2), of the visible keypoints but for a few stray ones; zeros where none is."""
    some = slice(None, None, len(table.keypoints) // _MANY + 1)
    points = table.keypoints[some][table.keypoints_visible[some] > 0].astype(float)
    return np.percentile(points if len(points) else np.zeros((1, 2)), [0.5, 99.5], axis=0)
