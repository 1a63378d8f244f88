"""Learns how far joints commonly turn from motion capture, for fits of bodies: one small file, written to zoo/ once.

    python tools/model_converters/pose_prior.py full_train.npz OUT_DIR

The input holds rotations of bones, as shared with this project: recordings of CMU (mocap.cs.cmu.edu). Those of one
average body ('bvh-daz') are left out; each recording is used with its mirror image, and none counts for more than 200
frames. While people walk, trunk and head are taken to be at rest, since systems of motion capture define that
differently.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from poselifter.engine.tool import ToolParser
from poselifter.errors import run_program
from poselifter.geometry import matrix_to_axis_angle, quaternion_to_matrix
from poselifter.models.body_models.articulation import COMMON, TREE
from poselifter.utils.arrays import load_arrays
from poselifter.utils.files import atomic_write

_TRUNK = {
    'Hips': 'pelvis', 'Spine': 'lower_back', 'Spine1': 'upper_back', 'Spine2': 'chest', 'Neck': 'lower_neck',
    'Head': 'head',
}  # fmt: skip
_LIMBS = {
    'Shoulder': 'clavicle', 'Arm': 'upper_arm', 'ForeArm': 'forearm', 'Hand': 'palm', 'UpLeg': 'thigh', 'Leg': 'shin',
    'Foot': 'foot',
}  # fmt: skip
_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # from z up, front at -y
_MOST = 200  # frames of a recording
_LEAST_SPREAD = 0.05  # radians
_SHOULDER_SPREAD = (0.05, 0.15, 0.15)  # the recordings have rigid ones
_MOST_TURN = 1.3  # radians beyond which the turn of a foot or hand is an error of the recording
_TAIL = 0.001  # fraction of frames beyond a limit
_SOURCE = (
    'The data used in this project was obtained from mocap.cs.cmu.edu. '
    'The database was created with funding from NSF EIA-0196217.'
)


def main(argv: list[str] | None = None) -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('recordings', type=Path)
    parser.add_argument('out_dir', type=Path)
    args = parser.parse_args(argv)
    angles = with_mirror_images(joint_angles(args.recordings))
    data = save({name: value.astype(np.float32) for name, value in statistics(angles).items()}, metadata(len(angles)))
    path = args.out_dir / f'pose_prior-{hashlib.sha256(data).hexdigest()[:8]}.safetensors'
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    print(path, len(data), f'bytes, {len(angles)} poses')


def metadata(count: int) -> dict[str, str]:
    """The text in the file beside the numbers, as JSON."""
    return {'about': json.dumps({'bones': COMMON[1:], 'poses': count, 'source': _SOURCE})}


def common_rotations(path: Path) -> list[np.ndarray]:
    """Rotations (T, C, 3, 3) of the common bones relative to their parents, of each recording; the root's has y up."""
    z = load_arrays(path, ('rotations', 'bone_names', 'clip_start', 'clip_len', 'source_format', 'rotation_unit'))
    names = list(z['bone_names'])
    columns = [names.index(name) for name in bone_names()]
    rows = [
        np.arange(start, start + length)
        for start, length, source in zip(z['clip_start'], z['clip_len'], z['source_format'], strict=True)
        if source != 'bvh-daz'
    ]
    quaternions = z['rotations'][np.concatenate(rows)][:, columns] * float(z['rotation_unit'])
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    world = neutral(_Y_UP @ quaternion_to_matrix(quaternions) @ _Y_UP.T)
    world[:, 1:] = world[:, TREE.above].swapaxes(-1, -2) @ world[:, 1:]
    return np.split(world, np.cumsum([len(part) for part in rows])[:-1])


def joint_angles(path: Path) -> np.ndarray:
    """Rotations (N, C - 1, 3), axis-angle, of the common bones but the root, at most 200 of a recording."""
    picked = []
    for rotations in common_rotations(path):
        rows = np.unique(np.linspace(0, len(rotations) - 1, min(len(rotations), _MOST)).astype(int))
        picked.append(matrix_to_axis_angle(rotations[rows, 1:]))
    angles = np.concatenate(picked)
    ends = [number for number, bone in enumerate(COMMON[1:]) if bone.endswith(('Hand', 'Foot'))]
    return angles[(np.linalg.norm(angles[:, ends], axis=-1) < _MOST_TURN).all(1)]


def bone_names() -> list[str]:
    """Names in the recordings of the common bones."""
    names = []
    for bone in COMMON:
        side = next((side for side in ('Left', 'Right') if bone.startswith(side)), '')
        names.append(f'{side.lower()}_{_LIMBS[bone.removeprefix(side)]}' if side else _TRUNK[bone])
    return names


def neutral(world: np.ndarray) -> np.ndarray:
    """Rotations (N, C, 3, 3) with a trunk and head that are at rest while the legs are nearly straight and upright."""
    legs = world[:, [COMMON.index('LeftUpLeg'), COMMON.index('RightUpLeg')]][..., 1, 1]
    upright = (legs > np.cos(0.5)).all(1) & (world[:, : len(_TRUNK), 1, 1] > np.cos(0.5)).all(1)
    world = world.copy()
    for bone in range(len(_TRUNK)):
        forward = world[upright, bone, 1, 2]  # height of what points to the front at rest
        pitch = -np.median(np.arcsin(forward))
        print(COMMON[bone], 'leans', np.degrees(pitch).round(1), 'degrees')
        turn = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        world[:, bone] = world[:, bone] @ turn.T
    return world


def with_mirror_images(angles: np.ndarray) -> np.ndarray:
    """Angles (N, C - 1, 3), then those of the same poses mirrored."""
    other = [
        COMMON.index(bone.replace('Left', 'R!').replace('Right', 'L!').replace('R!', 'Right').replace('L!', 'Left')) - 1
        for bone in COMMON[1:]
    ]
    return np.concatenate([angles, angles[:, other] * [1, -1, -1]])


def statistics(angles: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (C - 1, 3), factor of the covariance, and limits (2, C - 1, 3), beyond which hardly a frame is."""
    least = np.array([_SHOULDER_SPREAD if bone.endswith('Shoulder') else [_LEAST_SPREAD] * 3 for bone in COMMON[1:]])
    low, high = np.quantile(angles, [_TAIL, 1 - _TAIL], axis=0)
    inside = angles.clip(low, high).reshape(len(angles), -1)
    mean = inside.mean(0).reshape(-1, 3)
    factor = np.linalg.cholesky(np.cov(inside.T) + np.diag(least.ravel() ** 2))
    return {'mean': mean, 'factor': factor, 'limits': np.stack([low - 2 * least, high + 2 * least])}


if __name__ == '__main__':
    run_program(main)
