"""Measures the options of lifting, whose defaults its tables chose, and makes the numbers that lifting reads.

    python benchmarks/lifting_options.py smooth missing scores rate overlap live persons sides coverage [--film FOLDER]
    python benchmarks/lifting_options.py bodies        # writes poselifter/tracking/bodies_2d.json
    python benchmarks/lifting_options.py calibrate     # writes the numbers into the model's metafile

Each with --data ../shared/data, and --film ../shared/data/film where the film is asked for.

Motion capture (`cmu/cmu_*.npz`, `hdm05/hdm05.npz` below --data) is filmed by virtual cameras and a simulated detector;
the real film (--film) is a folder with `evaluate.py`, truth and stored keypoints. Errors in mm, of velocities in mm a
frame, of accelerations in mm a frame squared, jerk in m/s3.
"""

import argparse
import json
import os
import re
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from filmed import LOST, MM, film_tables, filmed, lose, measure, measure_film
from scipy.optimize import nnls
from scipy.signal import lfilter

from poselifter.apis import StreamingLifter, init_model, prediction, track_clips
from poselifter.apis.prediction import predict_table
from poselifter.apis.zoo import DEFAULT_MODEL, find
from poselifter.datasets.transforms.detection import DetectedJoints
from poselifter.datasets.transforms.virtual_camera import VirtualCamera
from poselifter.errors import run_program
from poselifter.skeletons import flip_keypoints, get_skeleton
from poselifter.structures import KeypointTable
from poselifter.tracking import interpolate, link_persons, match_persons, mend_sides


def show(title, head, rows):
    """Prints a table."""
    print(f'\n{title}\n| {" | ".join(head)} |\n|{"---|" * len(head)}')
    for name, values in rows:
        print(f'| {name} | {" | ".join(f"{v:.1f}" for v in values)} |', flush=True)


@contextmanager
def instead(name, function):
    """Puts a function in the place of one that lifting calls."""
    rooms = [room for room in (prediction, track_clips) if name in vars(room)]
    before = getattr(rooms[0], name)
    for room in rooms:
        setattr(room, name, function)
    yield
    for room in rooms:
        setattr(room, name, before)


def linear(values, where, times=None, degree=1):
    return interpolate(values, where, times, degree=1)


def smooth_table(model, args):
    """Filters."""
    clips, (tables, tool) = filmed(args.data / 'cmu/cmu_test.npz', every=2), film_tables(args.film)
    rows = []
    for strength in ('off', 10.0, 'light', 4.0, 'strong', 2.0):
        film = [measure_film(model, tables[kind], tool, smoothing=strength) for kind in ('full', 'heavy')]
        rows.append((strength, [*measure(model, clips, smoothing=strength), *film[0][[0, 3, 4]], *film[1][[0, 3, 4]]]))
    head = ['', 'CMU MPJPE', 'P-MPJPE', 'velocity', 'acceleration', 'jerk']
    head += [f'film {kind} {column}' for kind in ('full', 'heavy') for column in ('MPJPE', 'velocity', 'jerk')]
    show('Smoothing (`--smooth`)', head, rows)


def missing_table(model, args):
    """Joints that are not seen: left empty, put on a line between their places, filled from the other joints."""
    clips = filmed(args.data / 'cmu/cmu_test.npz', every=3, longest=60)
    fill = track_clips.fill_missing
    ways = [
        ('left empty', lambda points, scores, *_: (points, scores)),
        ('line between', lambda points, scores, rate, _: fill(points, scores, rate, 'none')),
        ('filled', fill),
    ]
    rows = []
    for what in (*LOST, 'spells', 'frames'):
        worse = [(lose(table, what, i), truth) for i, (table, truth) in enumerate(clips)]
        seen = [j for j, v in enumerate((worse[0][0].keypoints_visible > 0).any(0)) if v]
        values = []
        for _, way in ways:
            with instead('fill_missing', way):
                values += [measure(model, worse)[0], measure(model, worse, joints=seen)[0]]
        rows.append((what, values))
    names = {'spells': 'a joint for 1 s, 5 a second', 'frames': 'half of the frames'}
    show(
        'Missing joints',
        ['missing', *(f'{way}: MPJPE {of}' for way, _ in ways for of in ('all', 'joints seen'))],
        [(names.get(name, name), values) for name, values in rows],
    )


def scores_table(model, args):
    """Scores of a detector: as they are, all taken for 1, or joints below one taken for missing."""
    clips, (tables, tool) = filmed(args.data / 'cmu/cmu_test.npz', every=2), film_tables(args.film)
    ways = {'as they are': lambda scores: scores, 'all 1': lambda scores: (scores > 0).astype(np.float32)}
    for least in (0.3, 0.5, 0.7):
        ways[f'below {least} is missing'] = lambda scores, least=least: scores * (scores >= least)
    rows = []
    for name, way in ways.items():
        parts = [
            [(replace(table, keypoints_visible=way(table.keypoints_visible)), truth) for table, truth in part]
            for part in (clips, tables['full'], tables['heavy'])
        ]
        films = [measure_film(model, part, tool)[[0, 3]] for part in parts[1:]]
        rows.append((name, [*measure(model, parts[0])[[0, 2]], *films[0], *films[1]]))
    head = [f'{name}: {column}' for name in ('CMU', 'film, full', 'film, heavy') for column in ('MPJPE', 'velocity')]
    show('Scores', ['', *head], rows)


def rate_table(model, args):
    """Another frame rate than the model's."""
    clips = {
        fps: filmed(args.data / 'cmu/cmu_test.npz', every=3, longest=60, fps=fps, apart=True)
        for fps in (15, 25, 60, 120)
    }
    rows = []
    for fps, part in clips.items():
        for name, way in (('linear', linear), ('cubic', interpolate)):
            for strength in ('off', 'light'):
                with instead('interpolate', way):
                    rows.append((f'{fps} fps, {name}, smoothing {strength}', measure(model, part, smoothing=strength)))
    show('Frame rates', ['', 'MPJPE', 'P-MPJPE', 'velocity', 'acceleration', 'jerk'], rows)


def overlap_table(model, args):
    """Frames between windows of 27, with and without the mirrored clip, and CPU time a frame."""
    clips, window, mirrored, rows = filmed(args.data / 'cmu/cmu_test.npz', every=2), model.window, model.flip_test, []
    frames = sum(len(truth) for _, truth in clips)
    for model.flip_test in (True, False):
        for stride in (27, 24, 21, 18, 13, 9):
            model.window, start = replace(window, stride=stride), time.process_time()
            errors = measure(model, clips)
            spent = 1e3 * (time.process_time() - start) / frames
            rows.append((f'{stride}, mirrored too' if model.flip_test else f'{stride}', [*errors, spent]))
    model.window, model.flip_test = window, mirrored
    head = ['', 'MPJPE', 'P-MPJPE', 'velocity', 'acceleration', 'jerk', 'ms a frame']
    show('Frames between windows', head, rows)


def live_table(model, args):
    """Poses as they come, without the mirrored clip; beside whole clips."""
    clips = filmed(args.data / 'cmu/cmu_test.npz', every=3)
    rows, mirrored = [('whole clips', measure(model, clips))], model.flip_test
    model.flip_test = False
    for strength in ('off', 'light', 'strong'):

        def stream(table, strength=strength):
            lifter, poses = StreamingLifter(model, table.skeleton, table.img_shape, strength), []
            for i, (points, scores) in enumerate(zip(table.keypoints, table.keypoints_visible, strict=True)):
                result = lifter(i / table.fps, points[None], scores[None], [0])
                poses.append(poses[-1] if result is None else result.poses[0])
            return np.array(poses)

        rows.append((f'as they come, {strength}', measure(model, clips, lift=stream)))
    model.flip_test = mirrored
    show('Live (`--smooth`)', ['', 'MPJPE', 'P-MPJPE', 'velocity', 'acceleration', 'jerk'], rows)


def crowd(clips, seed):
    """Persons of one picture who cross and hide each other: the true table, and detections in random order without ids.

    Who is mostly covered by another is not detected, nor is one row in twenty.
    """
    rng = np.random.default_rng(seed)
    count, length = len(clips), min(len(truth) for _, truth in clips)
    points = np.stack([table.keypoints[:length] for table, _ in clips], 1)
    points -= points.mean((0, 2), keepdims=True)
    points *= 500 / np.ptp(points, axis=2).max(-1).mean(0)[:, None, None]
    points[..., 0] += (np.linspace(-400, 400, length)[:, None] * rng.choice([-1, 1], count) + 960)[..., None]
    points += rng.uniform(-60, 60, (count, 1, 2)) + [0, 540]
    low, high = points.min(2), points.max(2)
    common = np.minimum(high[:, :, None], high[:, None]) - np.maximum(low[:, :, None], low[:, None])
    covered = common.clip(min=0).prod(-1) / (high - low).prod(-1)[:, :, None]
    behind = np.arange(count)[:, None] > np.arange(count)
    found = ~((covered > 0.7) & behind).any(-1) & (rng.random((length, count)) > 0.05)
    visible = np.stack([table.keypoints_visible[:length] for table, _ in clips], 1)
    frames, persons = (grid.ravel() for grid in np.mgrid[:length, :count])
    known = {'skeleton': 'h36m17', 'img_shape': (1080, 1920), 'fps': 30}
    flat = points.reshape(-1, 17, 2), visible.reshape(-1, 17), frames
    rows = rng.permutation(np.flatnonzero(found.ravel()))
    detections = KeypointTable(*(array[rows] for array in flat), [None] * len(rows), **known)
    return KeypointTable(*flat, persons, **known), detections


def persons_table(_, args):
    """Crowds linked: how many true rows are found, how many have the id that their person mostly has, ids a person."""
    rows = []
    clips = [clip for clip in filmed(args.data / 'cmu/cmu_test.npz', longest=200) if len(clip[1]) >= 90]
    for count in (2, 3, 5):
        values = []
        for first in range(0, len(clips) - count + 1, count):
            truth, detections = crowd(clips[first : first + count], first)
            linked = link_persons(detections)
            ours, theirs, coverage = match_persons(linked, truth)
            ids, persons = linked.track_ids[ours], truth.track_ids[theirs]
            right = [np.unique(ids[persons == p], return_counts=True)[1].max(initial=0) for p in range(count)]
            number = np.mean([len(np.unique(ids[persons == p])) for p in range(count)])
            values.append([100 * coverage, 100 * sum(right) / len(ids), number])
        rows.append((f'{count} persons', np.mean(values, 0)))
    show('Persons linked', ['', 'coverage, %', 'rows with the main id, %', 'ids a person'], rows)


def sides_table(_, args):
    """Spells of 1 to 9 frames with exchanged sides, one in two seconds; from a detector that smooths, too."""
    order, rows = np.array(get_skeleton('h36m17').flip_indices), []
    for name, weight in (('CMU', 1.0), ('CMU, smoothed by the detector', 0.7)):
        rng, counts = np.random.default_rng(0), np.zeros(4, int)
        for table, truth in filmed(args.data / 'cmu/cmu_test.npz', longest=10**6):
            swapped = np.zeros(len(truth), bool)
            for _ in range(max(len(truth) // 60, 1)):
                start = rng.integers(max(len(truth) - 12, 1))
                swapped[start : start + rng.integers(1, 10)] = True
            if swapped.mean() > 0.4:
                continue
            points, visible = table.keypoints.copy(), table.keypoints_visible.copy()
            points[swapped], visible[swapped] = points[swapped][:, order], visible[swapped][:, order]
            points, clean = (
                lfilter([weight], [1, weight - 1], x, axis=0, zi=(1 - weight) * x[:1])[0]
                for x in (points, table.keypoints)
            )
            result = mend_sides(replace(table, keypoints=points, keypoints_visible=visible))
            bound = 0.05 * np.ptp(clean, axis=1).max(-1)
            raw, left = (np.linalg.norm(x - clean, axis=-1).max(1) > bound for x in (points, result.keypoints))
            counts += [len(truth), raw.sum(), (raw & ~left).sum(), (left & ~raw).sum()]
        rows.append((name, counts))
    show('Sides put back', ['', 'frames', 'swapped', 'mended', 'harmed'], rows)


def features(model, clips):
    """Errors (N, 17) and what they are expected from (N, 17, 4), over all frames."""
    errors, seen = [], []

    def record(disagreement, scores, _):
        parts = [np.ones_like(scores)[..., None], disagreement, 1 - scores[..., None]]
        seen.append(np.concatenate(parts, -1))
        return scores

    model.cfg.uncertainty = {'weights': []}
    with instead('expected_error', record):
        for table, truth in clips:
            poses = predict_table(model, table, ['pose']).poses
            errors.append(np.linalg.norm(poses - truth, axis=-1))
    return np.concatenate(errors), np.concatenate(seen)


def calibrate(model, args):
    """Fits the expected error on validation subjects, some of whose clips lack joints."""
    clips = filmed(args.data / 'cmu/cmu_val.npz', views=4, longest=400)
    lost = [lose(table, list(LOST)[i % len(LOST)], i) for i, (table, _) in enumerate(clips)]
    clips += [(table, truth) for table, (_, truth) in zip(lost, clips, strict=True)]
    errors, x = features(model, clips)
    weights = np.array([nnls(x[:, j], errors[:, j])[0] for j in range(17)])
    weights = (weights + weights[list(get_skeleton('cmu17').flip_indices)]) / 2
    weights[0] = 0
    ratio = errors[:, 1:] / np.einsum('tkf,kf->tk', x, weights)[:, 1:]
    quantiles = np.quantile(ratio, (0.5, 0.9))
    write_calibration(args.model, weights.round(4).tolist(), quantiles.round(3).tolist())


def write_calibration(name, weights, quantiles):
    """Writes the numbers into the model's entry of its metafile, in place of those before."""
    config = find(name).config
    path = config.with_name('metafile.yml')
    before, entry, rest = re.split(rf'(?ms)^(  - Name: {name}\n.*?)(?=^  - |\Z)', path.read_text(), maxsplit=1)
    entry = re.sub(r'(?ms)^    Uncertainty:.*?(?=^    \w|\Z)', '', entry)
    lines = '\n'.join(f'        {row},' for row in weights)
    entry += (
        '    Uncertainty:  # expected error, metres: benchmarks/lifting_options.py calibrate, CMU validation subjects\n'
        f'      weights: [\n{lines}\n      ]\n'
        f'      quantiles: {quantiles}  # 50 and 90 % of the errors are below the uncertainty times these\n'
    )
    path.write_text(before + entry + rest)


def coverage_table(model, args):
    """Share of joints within the intervals that the uncertainty gives."""
    rows = []
    calibration = model.cfg.uncertainty
    for name, path, every in (('CMU test', 'cmu/cmu_test.npz', 1), ('HDM05', 'hdm05/hdm05.npz', 3)):
        for what in ('nothing', 'legs', 'spells'):
            clips = filmed(args.data / path, every=every)
            ratios, errors, sizes = [], [], []
            for i, (table, truth) in enumerate(clips):
                result = predict_table(model, lose(table, what, i), ['pose'])
                errors.append(np.linalg.norm(result.poses - truth, axis=-1)[:, 1:])
                sizes.append(result.uncertainty[:, 1:])
            errors, sizes = np.concatenate(errors), np.concatenate(sizes)
            ratios = errors / sizes
            inside = [100 * (ratios < q).mean() for q in calibration['quantiles']]
            order = np.corrcoef(errors.ravel(), sizes.ravel())[0, 1]
            rows.append((f'{name}, missing: {what}', [*inside, errors.mean() * MM, sizes.mean() * MM, 100 * order]))
    show('Uncertainty', ['', 'in 50 % interval', 'in 90 %', 'error', 'uncertainty', 'correlation, %'], rows)


def bodies(_, args):
    """Writes mean and covariance of 2D poses."""
    rng, poses = np.random.default_rng(0), []
    camera, detector = VirtualCamera(roll=8.0, height=(0.3, 3.0)), DetectedJoints(prob=0.8)
    with np.load(args.data / 'cmu/cmu_train.npz') as z:
        arrays = {key: z[key] for key in ('poses', 'root', 'clip_start', 'clip_len', 'unit_m')}
    for start, length in zip(arrays['clip_start'], arrays['clip_len'], strict=True):
        rows = slice(start, start + length, 6)
        world = arrays['poses'][rows] * float(arrays['unit_m']) + arrays['root'][rows][:, None]
        for _ in range(2):
            sample = camera.apply({'world_keypoints': world, 'skeleton_3d': 'cmu17'}, rng)
            poses.append(detector.apply(sample, rng)['keypoints'].astype(float))
    poses = np.concatenate(poses)
    poses -= poses.mean(1, keepdims=True)
    poses /= np.sqrt((poses**2).sum(-1).mean(1))[:, None, None]
    poses = np.concatenate([poses, flip_keypoints(poses, 'h36m17')]).reshape(-1, 34)
    short = [[float(f'{v:.4g}') for v in part] for part in (poses.mean(0), np.cov(poses.T)[np.triu_indices(34)])]
    about = '2D poses of h36m17: CMU training subjects (mocap.cs.cmu.edu, NSF EIA-0196217) through virtual cameras'
    path = Path(prediction.__file__).parents[1] / 'tracking' / 'bodies_2d.json'
    path.write_text(json.dumps({'about': about, 'mean': short[0], 'covariance': short[1]}) + '\n')


JOBS = {
    'smooth': smooth_table,
    'missing': missing_table,
    'scores': scores_table,
    'rate': rate_table,
    'overlap': overlap_table,
    'live': live_table,
    'persons': persons_table,
    'sides': sides_table,
    'coverage': coverage_table,
    'calibrate': calibrate,
    'bodies': bodies,
}


def main(argv=None):
    """Runs the jobs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('jobs', nargs='+', choices=JOBS)
    parser.add_argument('--model', default=DEFAULT_MODEL)
    parser.add_argument('--data', type=Path, default=Path(os.environ.get('POSELIFTER_DATA', 'data')))
    parser.add_argument('--film', type=Path, help='folder of the film with its evaluate.py')
    args = parser.parse_args(argv)
    model = init_model(args.model)
    for job in args.jobs:
        JOBS[job](model, args)


if __name__ == '__main__':
    run_program(main)
