"""P-MPJPE of many poses against a loop over poses.

usage: python benchmarks/metrics.py [--poses 20000]
"""

from __future__ import annotations

import argparse

import numpy as np
from timing import compare

from poselifter.evaluation.functional import p_mpjpe


def loop(pred: np.ndarray, target: np.ndarray) -> float:
    """Similarity alignment pose by pose (Procrustes; Schoenemann 1966, Umeyama 1991)."""
    errors = []
    for p, g in zip(pred, target, strict=True):
        p0, g0 = p - p.mean(0), g - g.mean(0)
        u, s, vt = np.linalg.svd(p0.T @ g0)
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        scale = (s * sign).sum() / (p0**2).sum()
        errors.append(np.linalg.norm(scale * p0 @ (u * sign) @ vt - g0, axis=-1).mean())
    return float(np.mean(errors))


def main() -> None:
    """Checks that both agree, then times them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--poses', type=int, default=20_000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    target = rng.normal(size=(args.poses, 17, 3))
    pred = target + rng.normal(scale=0.1, size=target.shape)
    difference = abs(p_mpjpe(pred, target) - loop(pred, target))
    ours, plain = compare(lambda: p_mpjpe(pred, target), lambda: loop(pred, target), rounds=3)
    print(f'difference {difference:.1e}; loop / ours = {plain / ours:.1f}')


if __name__ == '__main__':
    main()
