"""Files in the format of ``data_3d_h36m.npz`` and ``data_2d_h36m_*.npz``: small, or as large as Human3.6M."""

import io
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poselifter.datasets.calibration import mocap_cameras
from poselifter.geometry import camera_to_world, denormalize_screen, project, world_to_camera
from poselifter.skeletons import get_skeleton

from .h36m_motionbert import _REST

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
TOY = {
    'S1': {'Walking 1': 60, 'SittingDown': 45},
    'S5': {'Phoning': 52, 'Sitting 2': 40},
    'S9': {'Walking': 50, 'SittingDown 1': 37},
    'S11': {'Walking 2': 41, 'Phoning 3': 30},
}
FRAMES = {'S1': 248_376, 'S5': 396_316, 'S6': 249_864, 'S7': 332_598, 'S8': 332_598}  # of all four cameras


def full_size() -> dict[str, dict[str, int]]:
    """Takes of the published training subjects: 1,559,752 frames with all cameras (S7 and S8 are known together)."""
    takes = [f'{action}{number}' for action in ('Walking', 'Sitting', 'Eating') for number in ('', *range(1, 10))]
    takes = [take if take[-1].isalpha() else f'{take[:-1]} {take[-1]}' for take in takes]
    plan = {}
    for subject, frames in FRAMES.items():
        cuts = np.linspace(0, frames // 4, len(takes) + 1).astype(int)
        plan[subject] = dict(zip(takes, np.diff(cuts).tolist(), strict=True))
    short = 1_559_752 // 4 - sum(sum(plan[s].values()) for s in plan)
    plan['S8'][takes[0]] += short
    return plan


def make_take(rng: np.random.Generator, frames: int) -> np.ndarray:
    """A swaying body that wanders about: (n, 32, 3) float32, world, metres, z up."""
    rest = rng.uniform(-0.1, 0.1, (32, 3))
    rest[KEPT] = _REST
    t = np.arange(frames, dtype=np.float32)[:, None, None] / 50
    sway = 0.1 * np.sin(t * rng.uniform(1, 6, (1, 32, 3)) + rng.uniform(0, 6, (1, 32, 3)), dtype=np.float32)
    away = np.stack([np.sin(t[:, 0, 0] / 3), np.cos(t[:, 0, 0] / 4), np.full(frames, 0.95)], -1)
    return ((rest * [1, -1, 1])[:, [0, 2, 1]] + sway + away[:, None]).astype(np.float32)


def write_objects(path: Path, **objects: Any) -> Path:
    """A deflated npz of pickled objects as numpy 1 wrote it."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, value in objects.items():
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {'descr': '|O', 'fortran_order': False, 'shape': ()})
            array = np.empty((), object)
            array[()] = value
            content = pickle.dumps(array, protocol=3).replace(b'cnumpy._core.', b'cnumpy.core.')
            archive.writestr(f'{name}.npy', header.getvalue() + content)
    return path


def metadata(skeleton: str, **others: Any) -> dict[str, Any]:
    """The facts beside 2D poses."""
    joints = get_skeleton(skeleton)
    return {'num_joints': joints.num_joints, 'keypoints_symmetry': [list(joints.left), list(joints.right)], **others}


def write_h36m(
    folder: Path,
    takes: Mapping[str, Mapping[str, int]] = TOY,
    detectors: Iterable[str] = ('gt', 'cpn_ft_h36m_dbb', 'detectron_pt_coco'),
    seed: int = 0,
) -> Path:
    """Writes the 3D file and a 2D file for each detector, which all but ``'gt'`` err by 3 pixels.

    Detected sequences of the cameras 1 and 3 are two frames longer than the mocap.
    """
    rng = np.random.default_rng(seed)
    poses = {s: {take: make_take(rng, n) for take, n in plan.items()} for s, plan in takes.items()}
    write_objects(folder / 'data_3d_h36m.npz', positions_3d=poses)
    for detector in detectors:
        seen = {s: {take: _film(rng, s, pose, detector) for take, pose in plan.items()} for s, plan in poses.items()}
        layout = 'coco17' if detector.endswith('coco') else 'h36m17'  # the joints themselves are the same
        facts = metadata(layout) if detector == 'gt' else metadata(layout, layout_name=layout.removesuffix('17'))
        write_objects(folder / f'data_2d_h36m_{detector}.npz', positions_2d=seen, metadata=facts)
    return folder


def _film(rng: np.random.Generator, subject: str, pose: np.ndarray, detector: str) -> list[np.ndarray]:
    views = []
    for number, camera in enumerate(mocap_cameras('h36m')[subject].values()):
        pixels = project(world_to_camera(pose[:, KEPT], camera), camera)
        if detector != 'gt':
            pixels = np.concatenate([pixels, pixels[-1:].repeat(2 * (number % 2), 0)])
            pixels = pixels + 3 * rng.standard_normal(pixels.shape, np.float32)
        views.append(pixels.astype(np.float32))
    return views


def write_videos(folder: Path, videos: Iterable[tuple[str, str, np.ndarray, np.ndarray]], camera: str) -> Path:
    """The files for given clips of one camera, which has a square picture; the other cameras get the same 2D.

    Clips are (subject, take, keypoints (n, 17, 2) normalised, poses (n, 17, 3) of the camera's frame in metres,
    relative to joint 0, which holds the trajectory).
    """
    poses, seen = {}, {}
    for subject, take, keypoints, pose in videos:
        view = mocap_cameras('h36m')[subject][camera]
        absolute = np.concatenate([pose[:, :1], pose[:, 1:] + pose[:, :1]], 1).astype(np.float64)
        world = np.zeros((len(pose), 32, 3), np.float32)
        world[:, KEPT] = camera_to_world(absolute, view)
        poses.setdefault(subject, {})[take] = world
        pixels = denormalize_screen(keypoints.astype(np.float64), *view.size).astype(np.float32)
        seen.setdefault(subject, {})[take] = [pixels] * 4
    write_objects(folder / 'data_3d_h36m.npz', positions_3d=poses)
    facts = metadata('h36m17', layout_name='h36m')
    write_objects(folder / 'data_2d_h36m_cpn_ft_h36m_dbb.npz', positions_2d=seen, metadata=facts)
    return folder


def write_mmpose(path: Path, world: bool = False, step: int = 1, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """``h36m_train.npz`` of MMPose, rows out of order, poses in the camera's frame or the world's; the arrays."""
    rng, names, part, pose = np.random.default_rng(seed), [], [], []
    takes = ('S9', 'TakingPhoto_1', '55011271', 12), ('S9', 'Sitting 2', '54138969', 9), ('S1', 'Eating', '58860488', 7)
    for subject, take, camera, n in takes:
        view = mocap_cameras('h36m')[subject][camera]
        points = make_take(rng, n)[:, KEPT]
        framed = (points - view.position) @ view.rotation.T
        flat = framed[..., :2] / framed[..., 2:]
        part.append(np.concatenate([flat * view.focal + view.centre, np.ones((n, 17, 1))], -1))
        pose.append(np.concatenate([points if world else framed, np.ones((n, 17, 1))], -1))
        stem = f'{subject}_{take}.{camera}'
        names += [f'{subject}/{stem}/{stem}_{step * i + 1:06d}.jpg' for i in range(n)]
    order = rng.permutation(len(names))
    arrays = {'imgname': np.array(names)[order], 'part': np.concatenate(part)[order], 'S': np.concatenate(pose)[order]}
    arrays |= {'center': np.zeros((len(names), 2)), 'scale': np.ones(len(names)), **changes}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return arrays
