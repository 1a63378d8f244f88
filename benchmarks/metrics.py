"""Evaluation of many poses (P1, P2, P3 and velocity, by action) against a loop over poses.

usage: OMP_NUM_THREADS=1 python benchmarks/metrics.py [--poses 500000] [--loop-poses 10000]
"""

import argparse
import time

import numpy as np
from timing import compare

from poselifter.evaluation.functional import p_mpjpe
from poselifter.evaluation.metrics import PoseMetric

METRICS = {'mpjpe': 'MPJPE', 'p_mpjpe': 'P-MPJPE', 'n_mpjpe': 'N-MPJPE', 'mpjve': 'MPJVE'}
FRAMES = 2500  # of a sequence, about as long as Human3.6M's


def evaluate(pred: np.ndarray, target: np.ndarray) -> list[float]:
    """All sequences through :class:`PoseMetric`, as the test loop sends them."""
    metric = PoseMetric(metrics=list(METRICS), group_by=['action_name'])
    for i in range(0, len(pred), FRAMES):
        p, g = pred[i : i + FRAMES], target[i : i + FRAMES]
        sample = {'pred_keypoints_3d': p, 'lifting_target': g, 'lifting_target_visible': np.ones(g.shape[:2])}
        metric.process(None, [{**sample, 'action_name': str(i // FRAMES % 15)}])
    figures = metric.report(metric.results)[0]
    return [figures[f'all_frames/{label}'] for label in METRICS.values()]


def loop(pred: np.ndarray, target: np.ndarray) -> list[float]:
    """The same pose by pose (similarity alignment: Schoenemann 1966, Umeyama 1991)."""
    errors, velocities = [], []
    for i, (p, g) in enumerate(zip(pred, target, strict=True)):
        p0, g0 = p - p.mean(0), g - g.mean(0)
        u, s, vt = np.linalg.svd(p0.T @ g0)
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        aligned = (s * sign).sum() / (p0**2).sum() * p0 @ (u * sign) @ vt
        poses = (p, g), (aligned, g0), ((p * g).sum() / (p * p).sum() * p, g)
        errors.append([np.linalg.norm(a - b, axis=-1).mean() for a, b in poses])
        if i % FRAMES:
            step = (p - pred[i - 1]) - (g - target[i - 1])
            velocities.append(np.linalg.norm(step, axis=-1).mean())
    return [*(1000 * np.mean(errors, 0)), 1000 * np.mean(velocities)]


def aligned_loop(pred: np.ndarray, target: np.ndarray) -> float:
    """P-MPJPE pose by pose."""
    errors = []
    for p, g in zip(pred, target, strict=True):
        p0, g0 = p - p.mean(0), g - g.mean(0)
        u, s, vt = np.linalg.svd(p0.T @ g0)
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        errors.append(np.linalg.norm((s * sign).sum() / (p0**2).sum() * p0 @ (u * sign) @ vt - g0, axis=-1).mean())
    return float(np.mean(errors))


def main() -> None:
    """Checks that both agree, times them on the same poses, then times ours on all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--poses', type=int, default=500_000)
    parser.add_argument('--loop-poses', type=int, default=10_000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    target = rng.normal(size=(args.poses, 17, 3))
    pred = target + rng.normal(scale=0.1, size=target.shape)
    target[:, 0] = pred[:, 0] = 0
    few = pred[: args.loop_poses], target[: args.loop_poses]
    difference = np.abs(np.subtract(evaluate(*few), loop(*few))).max()
    ours, plain = compare(lambda: evaluate(*few), lambda: loop(*few), rounds=3)
    print(f'{len(few[0])} poses: difference {difference:.1e} mm; loop / ours = {plain / ours:.1f}')
    difference = abs(p_mpjpe(*few) - aligned_loop(*few))
    ours, plain = compare(lambda: p_mpjpe(*few), lambda: aligned_loop(*few), rounds=3)
    print(f'P-MPJPE alone: difference {difference:.1e}; loop / ours = {plain / ours:.1f}')
    wall, cpu = time.perf_counter(), time.process_time()
    evaluate(pred, target)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f'{args.poses} poses: {wall:.1f} s, {cpu:.1f} s of processor time')


if __name__ == '__main__':
    main()
