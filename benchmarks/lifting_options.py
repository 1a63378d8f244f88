"""Measures the options of lifting, whose defaults its tables chose, and makes the numbers that lifting reads.

    python benchmarks/lifting_options.py smooth missing rate overlap persons coverage [--film FOLDER]
    python benchmarks/lifting_options.py bodies        # writes poselifter/tracking/bodies_2d.json
    python benchmarks/lifting_options.py calibrate     # prints the numbers for the metafile

Motion capture (`cmu_train.npz`, `cmu_val.npz`, `cmu_test.npz` and `hdm05.npz` below --data) is filmed by virtual cameras
and a simulated detector, the real film is that of docs/user_guides/lift_your_own.md. Errors in mm, of velocities in mm a
frame, jerk in m/s3.
"""

import argparse
import importlib.util
import json
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from poselifter.apis import init_model
from poselifter.apis import inference
from poselifter.apis.inference import predict_table
from poselifter.datasets.transforms.detection import DetectedJoints, KeypointNoise
from poselifter.datasets.transforms.virtual_camera import VirtualCamera
from poselifter.errors import run_program
from poselifter.evaluation.functional import mpjpe, p_mpjpe
from poselifter.skeletons import flip_keypoints, get_skeleton
from poselifter.structures import KeypointTable
from poselifter.tracking import interpolate

MM = 1000


def filmed(path, views=1, seed=0, longest=90, fps=30, detector=None, every=1):
    """(table, truth (T, 17, 3) relative to the pelvis) of each clip and view."""
    rng = np.random.default_rng(seed)
    steps = [VirtualCamera(), DetectedJoints(prob=1), KeypointNoise() if detector is None else detector]
    with np.load(path) as z:
        arrays = {key: z[key] for key in ('poses', 'root', 'clip_start', 'clip_len', 'unit_m')}
    clips = []
    for start, length in list(zip(arrays['clip_start'], arrays['clip_len'], strict=True))[::every]:
        rows = slice(start, start + min(length, longest))
        world = arrays['poses'][rows] * float(arrays['unit_m']) + arrays['root'][rows][:, None]
        world = interpolate(world, np.arange((len(world) - 1) * fps // 30 + 1) * 30 / fps)
        for _ in range(views):
            sample = {'world_keypoints': world, 'skeleton_3d': 'cmu17'}
            for step in steps:
                sample = step.apply(sample, rng)
            known = {key: sample[key] for key in ('img_shape', 'skeleton')}
            table = KeypointTable.of_person(sample['keypoints'], sample['keypoints_visible'], fps=fps, **known)
            target = sample['lifting_target']
            clips.append((table, target - target[:, :1]))
    return clips


def measure(model, clips, joints=slice(None), **options):
    """MPJPE, P-MPJPE, error of velocities, of accelerations, and jerk, over all frames."""
    sums, counts = np.zeros(5), np.zeros(5)
    for table, truth in clips:
        poses = predict_table(model, table, ['pose'], **options).poses
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


def show(title, head, rows):
    """Prints a table."""
    print(f'\n{title}\n| {" | ".join(head)} |\n|{"---|" * len(head)}')
    for name, values in rows:
        print(f'| {name} | {" | ".join(f"{v:.1f}" for v in values)} |', flush=True)
