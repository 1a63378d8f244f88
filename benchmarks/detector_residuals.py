"""Errors of BlazePose's keypoints on the film of four calibrated cameras, and those that `DetectorErrors` simulates.

    python benchmarks/detector_residuals.py [--data ../shared/data]

The truth is the film's 3D joints as each camera sees them, twelve limb joints, every second frame: 30 a second. The
simulated ones are of CMU's test subjects on bodies of all builds, in clips as long as the film, with the scores of
BlazePose. Errors are in percent of the person's size (the larger side of the box around the joints, median over time).
Of each joint and view: *constant* is the mean over time, *slow* the standard deviation of what is left, which forgets
itself in *forgets* seconds (where its correlation falls to 1/e), *fast* that of its changes from frame to frame divided
by the square root of 2. All are medians over joints and views. *Swapped* are frames whose joints lie nearer to the
truth with left and right exchanged: at most 0.6 times as far, on average. Then errors by score.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from filmed import film_tables

from poselifter.datasets import CMUSkeletonDataset
from poselifter.datasets.transforms.detector_errors import DetectorErrors
from poselifter.errors import run_program

FPS = 30
LIMBS = [1, 4, 2, 5, 3, 6, 14, 11, 15, 12, 16, 13]  # of body23
ENDS = (0.2, 0.5, 0.8, 0.95, 1.001)  # of the bins of scores, from 0


def compared(truth: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors (T, J, 2) of points in person's sizes, and frames (T) that are swapped; left lies beside right."""
    size = np.nanmedian((np.nanmax(truth, 1) - np.nanmin(truth, 1)).max(-1))
    sides = [k ^ 1 for k in range(truth.shape[1])]
    error, exchanged = (points - truth) / size, (points[:, sides] - truth) / size
    far = [np.linalg.norm(each, axis=-1).mean(-1) for each in (error, exchanged)]
    return error, far[1] < 0.6 * far[0]


def of_film(folder: Path, kind: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Errors (T, 12, 2), scores (T, 12) and swapped frames (T) of each camera."""
    tables, tool = film_tables(folder)
    cameras = json.loads((folder / 'calibration.json').read_text())['cameras']
    with np.load(folder / 'truth.npz') as z:
        joints, step = [str(joint) for joint in z['joints']], round(float(z['fps']) / FPS)
        world = z['world'][0, ::step].astype(float)[:, [joints.index(joint) for joint in tool.LIMB]]
    views = []
    for camera, (table, _) in zip(cameras, tables[kind], strict=True):
        error, swapped = compared(tool.project(camera, world), table.keypoints[::step, tool.BLAZE].astype(float))
        views.append((error, table.keypoints_visible[::step, tool.BLAZE], swapped))
    return views


def simulated(data: Path, strength: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The same of clips whose joints are all in the picture."""
    steps = [{'type': 'BodyDetections', 'detectors': ('mediapipe33',), 'skeleton': 'body23'}]
    steps += [{'type': 'WideCamera', 'pitch': (-15, 45), 'roll': 30, 'distance': (1.5, 15), 'focal': (0.5, 4)}]
    window = {'length': 50, 'stride': 15, 'tail': 'drop'}
    known = {'data_root': str(data / 'cmu'), 'ann_file': 'cmu_test.npz', 'own_body': 0.0, 'window': window}
    plain, detected = (
        CMUSkeletonDataset(**known, test_mode=True, pipeline=pipeline)
        for pipeline in (steps, [*steps, {'type': 'DetectorErrors', 'strength': (strength, strength), 'outside': 0}])
    )
    views = []
    for number in range(len(plain)):
        truth, sample = plain[number], detected[number]
        if truth['keypoints_visible'][:, LIMBS].all():
            error, swapped = compared(truth['keypoints'][:, LIMBS], sample['keypoints'][:, LIMBS])
            scores = sample['keypoints_visible'][:, LIMBS]
            error[scores == 0] = np.nan
            views.append((error, scores, swapped))
    return views


def memory(series: np.ndarray, fps: float) -> float:
    """Seconds until the correlation of a series (T, 2) about its mean falls to 1/e."""
    centred = series - series.mean(0)
    power = (centred**2).sum()
    for lag in range(1, len(series)):
        if (centred[lag:] * centred[:-lag]).sum() < power / np.e:
            return lag / fps
    return len(series) / fps


def parts_of(series: np.ndarray) -> tuple[float, float, float, float]:
    """Size of the constant part of errors (T, 2), of the slow one, how long it lasts, and of the fast one."""
    away, changes = series - series.mean(0), np.diff(series, axis=0)
    slow, fast = (np.sqrt((part**2).sum(-1).mean()) for part in (away, changes / np.sqrt(2)))
    return np.linalg.norm(series.mean(0)), slow, memory(series, FPS), fast


def main(argv: list[str] | None = None) -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    args = parser.parse_args(argv)
    DetectorErrors.styles = (1, 0)  # those of BlazePose alone
    kinds = {kind: of_film(args.data / 'film', kind) for kind in ('lite', 'full', 'heavy')}
    kinds |= {f'simulated, strength {strength}': simulated(args.data, strength) for strength in (1.4, 1, 0.6)}
    print('| BlazePose | constant, % | slow, % | forgets, s | fast, % | swapped, % |\n' + '| --- ' * 6 + '|')
    for kind, views in kinds.items():
        series = [errors[np.isfinite(errors).all(-1)] for view in views for errors in view[0].swapaxes(0, 1)]
        constant, slow, forgets, fast = np.median([parts_of(each) for each in series if len(each) > 20], 0)
        parts = (f'{100 * constant:.1f}', f'{100 * slow:.1f}', f'{forgets:.2f}', f'{100 * fast:.2f}')
        swapped = np.concatenate([view[2] for view in views]).mean()
        print(f'| {kind} | {" | ".join(parts)} | {100 * swapped:.1f} |')
    heads = ' | '.join(f'{kind}: frames, error %' for kind in kinds)
    print(f'\n| score up to | {heads} |\n' + '| --- ' * (1 + len(kinds)) + '|')
    for low, high in zip((0, *ENDS), ENDS, strict=False):
        cells = []
        for views in kinds.values():
            errors, scores = (np.concatenate([view[i] for view in views]) for i in (0, 1))
            distance = np.linalg.norm(errors, axis=-1)
            chosen = (scores >= low) & (scores < high) & np.isfinite(distance)
            cells.append(f'{chosen.mean():.2f}, {100 * np.median(distance[chosen]):.1f}' if chosen.any() else '-')
        print(f'| {min(high, 1):g} | {" | ".join(cells)} |')


if __name__ == '__main__':
    run_program(main)
