"""Errors of BlazePose's keypoints on the film of four calibrated cameras, which `DetectorErrors` imitates.

    python benchmarks/detector_residuals.py [--film ../shared/data/film]

The truth is the film's 3D joints as each camera sees them, twelve limb joints. Errors are in percent of the person's
size (the larger side of the box around the joints, median over time). Of each joint and view: *constant* is the mean
over time, *slow* the standard deviation of what is left, which forgets itself in *forgets* seconds (where its
correlation falls to 1/e), *fast* that of its changes from frame to frame divided by the square root of 2. All are
medians over joints and views. *Swapped* are frames whose joints lie nearer to the truth with left and right
exchanged, by a tenth of the person's size on average at least. Then errors by score.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from filmed import film_tables

from poselifter.errors import run_program

ENDS = (0.2, 0.5, 0.8, 0.95, 1.001)  # of the bins of scores, from 0


def residuals(folder: Path, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors (V, T, 12, 2) in person's sizes, scores (V, T, 12), and swapped frames (V, T)."""
    tables, tool = film_tables(folder)
    cameras = json.loads((folder / 'calibration.json').read_text())['cameras']
    with np.load(folder / 'truth.npz') as z:
        joints = [str(joint) for joint in z['joints']]
        world = z['world'][0].astype(float)[:, [joints.index(joint) for joint in tool.LIMB]]
    sides = [k ^ 1 for k in range(len(tool.LIMB))]  # left and right lie beside each other
    errors, scores, swapped = [], [], []
    for camera, (table, _) in zip(cameras, tables[kind], strict=True):
        truth, points = tool.project(camera, world), table.keypoints[:, tool.BLAZE].astype(float)
        size = np.nanmedian((np.nanmax(truth, 1) - np.nanmin(truth, 1)).max(-1))
        error, exchanged = (points - truth) / size, (points[:, sides] - truth) / size
        far = [np.linalg.norm(each, axis=-1).mean(-1) for each in (error, exchanged)]
        swapped.append(far[1] < far[0] - 0.1)
        errors.append(error)
        scores.append(table.keypoints_visible[:, tool.BLAZE])
    return np.array(errors), np.array(scores), np.array(swapped)


def memory(series: np.ndarray, fps: float) -> float:
    """Seconds until the correlation of a series (T, 2) about its mean falls to 1/e."""
    centred = series - series.mean(0)
    power = (centred**2).sum()
    for lag in range(1, len(series)):
        if (centred[lag:] * centred[:-lag]).sum() < power / np.e:
            return lag / fps
    return len(series) / fps


def main(argv: list[str] | None = None) -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--film', type=Path, default=Path('../shared/data/film'))
    args = parser.parse_args(argv)
    with np.load(args.film / 'truth.npz') as z:
        fps = float(z['fps'])
    kinds = {kind: residuals(args.film, kind) for kind in ('lite', 'full', 'heavy')}
    print('| BlazePose | constant, % | slow, % | forgets, s | fast, % | swapped, % |\n' + '| --- ' * 6 + '|')
    for kind, (errors, _, swapped) in kinds.items():
        rows = []
        for view, joint in np.ndindex(errors.shape[0], errors.shape[2]):
            series = errors[view, :, joint]
            series = series[np.isfinite(series).all(-1)]
            if len(series) > 20:
                away, changes = series - series.mean(0), np.diff(series, axis=0)
                spread = [np.sqrt((part**2).sum(-1).mean()) for part in (away, changes / np.sqrt(2))]
                rows.append((np.linalg.norm(series.mean(0)), spread[0], memory(series, fps), spread[1]))
        constant, slow, forgets, fast = np.median(rows, 0)
        parts = (f'{100 * constant:.1f}', f'{100 * slow:.1f}', f'{forgets:.2f}', f'{100 * fast:.2f}')
        print(f'| {kind} | {" | ".join(parts)} | {100 * swapped.mean():.1f} |')
    heads = ' | '.join(f'{kind}: frames, error %' for kind in kinds)
    print(f'\n| score up to | {heads} |\n' + '| --- ' * 4 + '|')
    for low, high in zip((0, *ENDS), ENDS, strict=False):
        cells = []
        for errors, scores, _ in kinds.values():
            distance = np.linalg.norm(errors, axis=-1)
            chosen = (scores >= low) & (scores < high) & np.isfinite(distance)
            cells.append(f'{chosen.mean():.2f}, {100 * np.median(distance[chosen]):.1f}' if chosen.any() else '-')
        print(f'| {min(high, 1):g} | {" | ".join(cells)} |')


if __name__ == '__main__':
    run_program(main)
