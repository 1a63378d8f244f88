"""Bodies in the forms of MotionBERT's pickles, 3DPW's sequence files and EFT's fits."""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

CAMERAS = ('54138969', '55011271')


def make_part(videos: Sequence[tuple[str, int]], seed: int = 0) -> dict:
    """One part of ``mesh_det_h36m.pkl``: random 2D, poses and shapes of videos by name and length."""
    rng = np.random.default_rng(seed)
    n = sum(length for _, length in videos)
    return {
        'joint_2d': rng.uniform(100, 900, (n, 17, 2)),
        'confidence': rng.uniform(0, 1.1, (n, 17)),
        'source': [name for name, length in videos for _ in range(length)],
        'camera_name': np.array([CAMERAS[k % 2] for k, (_, length) in enumerate(videos) for _ in range(length)]),
        'smpl_pose': rng.normal(0, 0.3, (n, 72)),
        'smpl_shape': rng.normal(0, 1, (n, 10)),
    }


def write_pickle(path: Path, train: dict, test: dict) -> Path:
    """Writes the file as numpy 1 did."""
    data = pickle.dumps({'train': train, 'test': test}, protocol=3)
    path.write_bytes(data.replace(b'cnumpy._core.', b'cnumpy.core.'))
    return path


def pw3d_sequence(pelvis: np.ndarray, frames: int = 6, seed: int = 0) -> dict:
    """A sequence file with two actors, in 3DPW's keys; ``pelvis`` (3,) is that of their body at rest."""
    rng = np.random.default_rng(seed)
    camera = np.tile(np.eye(4), (frames, 1, 1))
    camera[:, :3, :3] = Rotation.random(frames, random_state=seed).as_matrix()
    camera[:, :3, 3] = rng.normal(0, 2, (frames, 3))
    trans = [rng.normal(0, 1, (frames, 3)) for _ in range(2)]
    poses2d = rng.uniform(0, 1900, (2, frames, 3, 18))
    poses2d[:, :, 2] = rng.uniform(0.2, 1, (2, frames, 18))
    poses2d[0, 2] = 0
    return {
        'sequence': 'courtyard_toy_00',
        'betas': [rng.normal(0, 1, k) for k in (10, 300)],
        'poses': [rng.normal(0, 0.4, (frames, 72)) for _ in range(2)],
        'trans': trans,
        'poses_60Hz': [rng.normal(0, 1, (2 * frames, 72))] * 2,
        'jointPositions': [np.tile(t + pelvis, (1, 24)) for t in trans],  # only the pelvis is true
        'poses2d': list(poses2d),
        'cam_poses': camera,
        'campose_valid': [np.array([1] * (frames - 1) + [0]), np.ones(frames, int)],
        'cam_intrinsics': np.array([[1960.0, 0, 540], [0, 1960, 960], [0, 0, 1]]),
        'img_frame_ids': np.arange(frames) * 2,
        'genders': ['m', 'f'],
        'texture_maps': [],
    }


def write_pw3d(folder: Path, part: str, name: str, data: dict) -> Path:
    """Writes ``<part>/<name>.pkl`` as Python 2 and numpy 1 did."""
    path = folder / part / f'{name}.pkl'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(data, protocol=2).replace(b'cnumpy._core.', b'cnumpy.core.'))
    return path


def write_eft(path: Path, annotation_ids: Sequence[int], seed: int = 0) -> tuple[Path, np.ndarray]:
    """Writes fits of people of COCO; returns the file and their axis-angle poses (N, 24, 3), angles below pi."""
    rng = np.random.default_rng(seed)
    pose = rng.uniform(-1.5, 1.5, (len(annotation_ids), 24, 3))
    matrices = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(*pose.shape, 3)
    data = [
        {
            'parm_pose': matrix.tolist(), 'parm_shape': rng.normal(0, 1, 10).tolist(), 'parm_cam': [0.9, 0.0, 0.1],
            'bbox_scale': 1.5, 'bbox_center': [200.0, 200.0], 'joint_validity_openpose18': [1] * 18,
            'smpltype': 'basicModel_neutral_lbs_10_207_0_v1.0.0', 'annotId': int(i), 'imageName': 'COCO_1.jpg',
        }
        for i, matrix in zip(annotation_ids, matrices, strict=True)
    ]  # fmt: skip
    path.write_text(json.dumps({'ver': 0.1, 'data': data}))
    return path, pose


def write_neural_annot(folder: Path, subject: int, frames: int = 4, seed: int = 0) -> dict[str, dict]:
    """Two takes of a subject of Human3.6M in NeuralAnnot's files; the documents by kind."""
    rng = np.random.default_rng(seed)
    takes, numbers = (('2', '1'), ('14', '2')), [str(k) for k in range(0, 5 * frames, 5)]
    rotations = Rotation.random(4, random_state=seed).as_matrix()
    cameras = {
        str(k + 1): {'R': r.tolist(), 't': [0.0, 100.0, 5000.0], 'f': [1145.0, 1144.0], 'c': [512.0, 515.0]}
        for k, r in enumerate(rotations)
    }

    def each(make) -> dict:
        return {action: {take: {number: make() for number in numbers}} for action, take in takes}

    documents = {'camera': cameras, 'joint_3d': each(lambda: rng.uniform(-900, 900, (17, 3)).tolist())}

    def body() -> dict:
        return {'pose': rng.normal(0, 0.4, 72).tolist(), 'shape': rng.normal(0, 1, 10).tolist(), 'trans': [0, 0, 1]}

    documents['SMPL_NeuralAnnot'] = each(body)
    for kind, document in documents.items():
        (folder / f'Human36M_subject{subject}_{kind}.json').write_text(json.dumps(document))
    return documents
