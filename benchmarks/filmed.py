"""What the benchmarks of lifting measure on: motion capture before virtual cameras, and the real film; their errors."""

import argparse
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from poselifter.apis import init_model
from poselifter.apis.prediction import predict_table
from poselifter.datasets.transforms.detection import DetectedJoints, KeypointNoise
from poselifter.datasets.transforms.virtual_camera import VirtualCamera
from poselifter.evaluation.functional import p_mpjpe
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable
from poselifter.tracking import interpolate

MM = 1000


def filmed(path, views=1, seed=0, longest=90, fps=30, detector=None, every=1, camera=None, surface=True, apart=False):
    """(table, truth (T, 17, 3) relative to the pelvis) of each clip and view; joints are those a detector marks.

    With ``apart`` each step of a clip has draws of its own, so that clips are seen by the same cameras whatever the
    rate and the detector; else all follow each other.
    """
    rng = np.random.default_rng(seed)
    steps = [camera or VirtualCamera(), DetectedJoints(prob=int(surface)), detector or KeypointNoise()]
    with np.load(path) as z:
        arrays = {key: z[key] for key in ('poses', 'root', 'clip_start', 'clip_len', 'unit_m')}
    clips = []
    for number, (start, length) in enumerate(list(zip(arrays['clip_start'], arrays['clip_len'], strict=True))[::every]):
        rows = slice(start, start + min(length, longest))
        world = arrays['poses'][rows] * float(arrays['unit_m']) + arrays['root'][rows][:, None]
        world = interpolate(world, np.arange((len(world) - 1) * fps // 30 + 1) * 30 / fps)
        for view in range(views):
            sample = {'world_keypoints': world, 'skeleton_3d': 'cmu17'}
            for k, step in enumerate(steps):
                sample = step.apply(sample, np.random.default_rng([seed, number, view, k]) if apart else rng)
            known = {key: sample[key] for key in ('img_shape', 'skeleton')}
            table = KeypointTable.of_person(sample['keypoints'], sample['keypoints_visible'], fps=fps, **known)
            target = sample['lifting_target']
            clips.append((table, target - target[:, :1]))
    return clips


def measure(model, clips, joints=slice(None), lift=None, **options):
    """MPJPE, P-MPJPE, error of velocities, of accelerations, and jerk, over all frames; ``lift`` is another way to."""
    sums, counts = np.zeros(5), np.zeros(5)
    for table, truth in clips:
        poses = lift(table) if lift else predict_table(model, table, ['pose'], **options).poses
        poses = poses[:, : truth.shape[1]]  # body23 begins with the joints of cmu17
        errors = [np.linalg.norm(np.diff(poses - truth, n, axis=0)[:, joints], axis=-1) * MM for n in range(3)]
        jerk = np.linalg.norm(np.diff(poses, 3, axis=0), axis=-1) * table.fps**3
        aligned = p_mpjpe(poses[:, joints], truth[:, joints]) * MM
        for i, value in enumerate((errors[0].mean(), aligned, errors[1].mean(), errors[2].mean(), jerk.mean())):
            if len(table.keypoints) > 4:
                sums[i] += value * len(poses)
                counts[i] += len(poses)
    return sums / counts


def film_tables(folder):
    """(table, truth in camera axes, its evaluate.py) of each detector and camera of the real film."""
    spec = importlib.util.spec_from_file_location('evaluate', Path(folder) / 'evaluate.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with np.load(Path(folder) / 'truth.npz') as z:
        world, joints, fps = z['world'][0].astype(float), [str(j) for j in z['joints']], int(z['fps'])
    cameras = json.loads((Path(folder) / 'calibration.json').read_text())['cameras']
    pick = [joints.index(j) for j in tool.LIMB]
    tables = {}
    for kind in ('lite', 'full', 'heavy'):
        with np.load(Path(folder) / f'blazepose_{kind}.npz') as z:
            points, scores = z['keypoints'][:, 0], z['score'][:, 0]
        tables[kind] = [
            (
                KeypointTable.of_person(
                    points[c], scores[c], skeleton='mediapipe33', img_shape=(cam['height'], cam['width']), fps=fps
                ),
                (world @ np.array(cam['R']).T)[:, pick],
            )
            for c, cam in enumerate(cameras)
        ]
    return tables, tool


def measure_film(model, tables, tool, **options):
    """The columns of evaluate.py: MPJPE, N-MPJPE, PA-MPJPE, MPJVE, jerk, knee."""
    rows = []
    for table, truth in tables:
        poses = predict_table(model, table, ['pose'], **options).poses.astype(float)
        rows.append(tool.scores(poses[:, tool.CMU17], truth)[0])
    return np.mean(rows, 0)


def compared(doc, argv, every):
    """Options of a comparison: ``data``, ``every`` and ``lifters`` by name, of NAME=MODEL or NAME=CONFIG:CHECKPOINT."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=CONFIG:CHECKPOINT')
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    parser.add_argument(
        '--every', type=int, default=every, help='use every so many of the clips (default: %(default)s)'
    )
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.lifters = {
        name: init_model(*files.split(':')) for name, _, files in (text.partition('=') for text in args.models)
    }
    return args


def print_errors(name, lifter, sets, films, tool):
    """Prints a row of MPJPE / P-MPJPE: of each set of clips, then of the film with two detectors."""
    cells = [measure(lifter, clips)[:2] for clips in sets]
    cells += [measure_film(lifter, films[kind], tool)[[0, 2]] for kind in ('full', 'heavy')]
    print(f'| {name} | ' + ' | '.join(f'{a:.1f} / {b:.1f}' for a, b in cells) + ' |', flush=True)


LOST = {
    'nothing': (),
    'ankles': ('ankle',),
    'legs': ('knee', 'ankle'),
    'all below the chest': ('pelvis', 'hip', 'knee', 'ankle', 'spine'),
    'one arm': ('left_elbow', 'left_wrist'),
    'head': ('nose', 'head_top'),
    'head and shoulders only': ('pelvis', 'hip', 'knee', 'ankle', 'spine', 'elbow', 'wrist'),
}


def lose(table, what, seed):
    """A table without some joints for the whole clip, for spells of a second, or without half of the frames."""
    visible, rng = table.keypoints_visible.copy(), np.random.default_rng(seed)
    if what == 'spells':
        for _ in range(len(visible) // 6):
            start = rng.integers(max(len(visible) - 30, 1))
            visible[start : start + 30, rng.integers(17)] = 0
    elif what == 'frames':
        visible[rng.random(len(visible)) < 0.5] = 0
    else:
        names = get_skeleton('h36m17').joint_names
        visible[:, [j for j, name in enumerate(names) if name.endswith(LOST[what]) and LOST[what]]] = 0
    return replace(table, keypoints_visible=visible)
