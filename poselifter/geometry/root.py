"""The place of a person in front of a camera, of the pose and where it is seen; smooth paths over time."""

import numpy as np

_PASSES = 6  # of reweighting; the weights settle in three or four
_ROBUST = 2.0  # a joint that is off by so many usual distances keeps half of its weight
_ASTRAY = 0.2  # metres; a joint so far off the ray is pulled half as much
_BLUR = 0.05  # seconds over which shifts are averaged
_NEAR = 0.05  # metres; nothing is seen from nearer


def fit_root(
    poses: np.ndarray,
    rays: np.ndarray,
    weights: np.ndarray,
    fps: float,
    cutoff: float | None = 3.0,
    steps: np.ndarray | None = None,
    step_weights: np.ndarray | None = None,
) -> np.ndarray:
    """The path of a root by least squares between known poses and where they are seen.

    A joint at ``p`` from the root ``r`` is seen in the direction (u, v, 1), so ``p + r`` lies on that ray::

        (p_x + r_x) - u (p_z + r_z) = 0,    (p_y + r_y) - v (p_z + r_z) = 0

    two linear equations a joint, in metres; joints far off the ray lose weight (Cauchy). All frames are one system with
    a penalty on acceleration: a frame without joints is filled, and depth, which a picture tells worst, is smoothed
    most. Steps, from a foot that stands, enter as further equations.

    Args:
        poses: (T, K, 3) root-relative, metres, camera axes (x right, y down, z forward), in consecutive frames.
        rays: (T, K, 2) pixels without distortion, minus the principal point, divided by the focal length.
        weights: (T, K) trust in a joint; 0 where it is missing.
        fps: frames a second.
        cutoff: frequency (Hz) above which motion across the picture is smoothed away; ``None`` does not smooth.
        steps: (T - 1, 3) expected ``r[t + 1] - r[t]``.
        step_weights: (T - 1,) trust in each, see :func:`smooth_path`.

    Returns:
        (T, 3) metres, camera axes. Frames without two joints follow their neighbours.

    Example:
        A pole of one metre that fills a quarter of the focal length is four metres away:

        >>> pole = np.array([[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> fit_root(pole, np.array([[[0.0, 0.0], [0.0, 0.25]]]), np.ones((1, 2)), fps=30).round(6)[0, 2].item()
        4.0
    """
    present = weights > 0
    poses, rays = (np.where(present[..., None], array, 0).astype(np.float64) for array in (poses, rays))
    root, trust = np.zeros((len(poses), 3)), np.asarray(weights, np.float64)
    for _ in range(_PASSES):
        right = rays * poses[..., 2:] - poses[..., :2]  # of the rows (1, 0, -u) and (0, 1, -v)
        information = np.zeros((len(poses), 3, 3))
        information[:, 0, 0] = information[:, 1, 1] = trust.sum(1)
        information[:, 2, :2] = information[:, :2, 2] = -(trust[..., None] * rays).sum(1)
        information[:, 2, 2] = (trust * (rays**2).sum(-1)).sum(1)
        values = np.c_[(trust[..., None] * right).sum(1), -(trust[..., None] * rays * right).sum((1, 2))]
        root = smooth_path(information, values, fps, cutoff, steps, step_weights)
        root[:, 2] = np.maximum(root[:, 2], _NEAR)
        off = np.linalg.norm(root[:, None, :2] - rays * root[:, None, 2:] - right, axis=-1)
        usual = max(float(np.median(off[present])) if present.any() else 0.0, 1e-6)
        trust = weights / (1 + (off / (_ROBUST * usual)) ** 2)
    return root


def pull_to_rays(
    poses: np.ndarray, root: np.ndarray, rays: np.ndarray, weights: np.ndarray, fps: float, origin: int = 0
) -> np.ndarray:
    """Poses whose joints are moved across the picture, half of the way to where they are seen; depths stay.

    Shifts are averaged over time, so that noise of keypoints does not come in, and one that is far off is not followed.

    Args:
        poses: (T, K, 3) root-relative; the others likewise as in :func:`fit_root`.
        root: (T, 3) what :func:`fit_root` returned.
        origin: index of the root joint.

    Returns:
        (T, K, 3) relative to the root joint, which is at ``root`` no more; bones have other lengths.
    """
    from scipy.ndimage import gaussian_filter1d

    points = poses + root[:, None]
    shift = rays * points[..., 2:] - points[..., :2]
    trust = np.minimum(weights, 1) / (1 + (np.linalg.norm(shift, axis=-1) / _ASTRAY) ** 2)
    blurred = gaussian_filter1d(trust[..., None] * shift, _BLUR * fps, axis=0)
    total = gaussian_filter1d((weights > 0).astype(float), _BLUR * fps, axis=0)
    points[..., :2] += 0.5 * blurred / np.maximum(total, 0.2)[..., None]
    return points - points[:, [origin]]


def smooth_path(
    information: np.ndarray,
    values: np.ndarray,
    fps: float,
    cutoff: float | None,
    steps: np.ndarray | None = None,
    step_weights: np.ndarray | None = None,
) -> np.ndarray:
    """The path r (T, 3) that solves ``information[t] r[t] = values[t]`` with little acceleration.

    It is the least of ``sum r' I r - 2 r' v + c |acceleration|^2``: of even information a zero-phase filter of fourth
    order in which ``cutoff`` is halved. One banded system for all frames.

    Args:
        information: (T, 3, 3) symmetric, positive semidefinite; zero where nothing is known.
        values: (T, 3).
        fps: frames a second.
        cutoff: Hz, of a path with the usual (median) trace of information / 2; ``None`` does not smooth.
        steps: (T - 1, 3) expected ``r[t + 1] - r[t]``.
        step_weights: (T - 1,) trust in each, in units of that trace / 2.

    Returns:
        (T, 3).

    Source: P. Eilers, "A perfect smoother", Anal. Chem. 2003 (the penalty).
    """
    count = len(values)
    traces = np.trace(information, axis1=1, axis2=2)
    scale = float(np.median(traces[traces > 0])) / 2 if (traces > 0).any() else 1.0
    bands = np.zeros((9, 3 * count))  # lower form: row k holds the entries k below the diagonal
    for k in range(3):
        for below in range(3 - k):
            bands[below, k::3] = information[:, k + below, k]
    bands[0] += 1e-12 * scale
    values = np.array(values, np.float64)
    weights = np.full(max(count - 1, 0), 1e-9 * scale)  # joins what is not known to its neighbour
    if steps is not None:
        weights += scale * step_weights
        values[1:] += (scale * step_weights)[:, None] * steps
        values[:-1] -= (scale * step_weights)[:, None] * steps
    _penalize(bands, [-1, 1], weights)
    if cutoff is not None:
        _penalize(bands, [1, -2, 1], np.full(max(count - 2, 0), scale * (fps / (2 * np.pi * cutoff)) ** 4))
    from scipy.linalg import solveh_banded

    return solveh_banded(bands, values.reshape(-1), lower=True).reshape(count, 3)


def _penalize(bands: np.ndarray, stencil: list[int], weights: np.ndarray) -> None:
    """Adds ``weights[t] (sum_i stencil[i] r[t + i])^2`` of each axis to a banded matrix in lower form."""
    for i, first in enumerate(stencil):
        for j, second in enumerate(stencil[: i + 1]):
            bands[3 * (i - j), 3 * j : 3 * (j + len(weights))] += first * second * np.repeat(weights, 3)
