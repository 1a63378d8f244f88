"""Fits the free body to the joints of CMU's motion capture, for training: rotations as ``fit-body`` finds them.

    python tools/dataset_converters/fit_mocap.py DATA/cmu_train.npz OUT_DIR [--workers N] [--iterations 100]

Beside the input lies ``full_train.npz``, whose layout OUT_DIR's ``full_train.npz`` has: ``rotations`` are those of the
fitted bodies, ``shapes`` (clips, 15) and ``errors`` (clips,) metres come with them. Joints of clips in Daz's format are
put where the subject's own limbs were, on a body of mean proportions. Finished clips are kept in ``OUT_DIR/.clips``: a
run that was stopped goes on where it was. An hour of motion takes some twenty minutes of one core.
"""

import json
from pathlib import Path

import numpy as np
import torch

from poselifter.datasets.cmu_skeletons import rotations_beside
from poselifter.datasets.transforms.bodies import BODY17, BONES, PARENTS, multiply, place_joints
from poselifter.datasets.transforms.body_detections import BONES20, FILE
from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import reading, run_program
from poselifter.geometry import axis_angle_to_matrix, matrix_to_quaternion
from poselifter.models.body_models import AnnyBody, Articulation, BodyMotion, fit_body
from poselifter.utils import CacheFile, run_parallel, safe_name, shipped_root
from poselifter.utils.arrays import load_arrays, save_arrays
from poselifter.utils.parallel import count_cores

_CLIPS = ('clip_id', 'clip_start', 'clip_len')
_NEED = (*_CLIPS, 'joint_names', 'rotations', 'rotation_unit', 'offsets', 'source_format', 'daz_turn')
# From z up to the axes of a camera, y down and z forward; and from y up, facing z, to z up, facing -y.
_TURN = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def main(argv: list[str] | None = None) -> None:
    """Fits all clips of a split."""
    parser = ToolParser(__doc__)
    parser.add_argument('joints', type=Path, help='cmu_train.npz or another split')
    parser.add_argument('out_dir', type=Path)
    parser.add_argument('--workers', type=positive, default=count_cores(), help='processes (default: all cores)')
    parser.add_argument('--iterations', type=positive, default=100, help='of the optimiser, for each clip')
    args = parser.parse_args(argv)
    path = rotations_beside(args.joints)
    arrays = load_arrays(path, _NEED, names=(), how='it lies beside the file of 17 joints')
    root = load_arrays(args.joints, ('root',))['root']
    stat = path.stat()
    kept, jobs = [], []
    fingerprint = json.dumps([1, args.iterations, stat.st_size, stat.st_mtime_ns])
    with reading(f'{path} and {args.joints} do not fit each other', 'take both of one conversion'):
        for number, clip in enumerate(arrays['clip_id'].tolist()):
            joints = captured_joints(arrays, root, number)
            kept.append(CacheFile(args.out_dir / '.clips' / f'{number}_{safe_name(clip)[:80]}.npz', fingerprint))
            if kept[-1].load() is None:
                jobs.append((joints, args.iterations, kept[-1]))
    run_parallel(fit, jobs, args.workers, len(kept) - len(jobs), 'clip')
    fits = [part.load() for part in kept]
    turns = np.concatenate([part['rotations'] for part in fits])
    arrays |= {'rotations': np.round(turns / arrays['rotation_unit']).astype(np.int16)}
    arrays |= {'daz_turn': np.tile(np.float32([1, 0, 0, 0]), (len(BONES), 1))}  # the fits have it
    arrays |= {name: np.stack([part[name] for part in fits]) for name in ('shapes', 'errors')}
    save_arrays(args.out_dir / path.name, arrays)
    mean = np.average(arrays['errors'], weights=arrays['clip_len']) * 1000
    print(f'{args.out_dir / path.name}: {len(fits)} clips, {len(turns)} frames, joints {mean:.1f} mm off')


def captured_joints(arrays: dict[str, np.ndarray], root: np.ndarray, number: int) -> np.ndarray:
    """Joints (T, 17, 3) float32 of ``cmu17`` of a clip, metres, camera axes."""
    start = int(arrays['clip_start'][number])
    rows = slice(start, start + int(arrays['clip_len'][number]))
    turns = arrays['rotations'][rows] * np.float32(arrays['rotation_unit'])
    turns /= np.linalg.norm(turns, axis=-1, keepdims=True).clip(min=1e-6)
    daz, offsets = arrays['source_format'] == 'bvh-daz', arrays['offsets']
    if daz[number]:
        turns = multiply(turns, arrays['daz_turn'].astype(np.float32))
    offsets = offsets[~daz].mean(0) if daz[number] and not daz.all() else offsets[number]
    ends = place_joints(turns, offsets.astype(np.float32), root[rows])
    joints = ends[:, BODY17]
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
    if joints.shape != (arrays['clip_len'][number], 17, 3) or not (len(joints) and np.isfinite(joints).all()):
        raise ValueError(f'clip {number} has joints {joints.shape} of {arrays["clip_len"][number]} frames')
    return joints @ _TURN.T.astype(np.float32)


def fit(joints: np.ndarray, iterations: int, kept: CacheFile) -> None:
    """Fits a body to a clip and keeps its rotations, shape and error."""
    body = AnnyBody()
    motion = fit_body(body, torch.from_numpy(joints), iterations=iterations, skeleton='cmu17')
    arrays = {'rotations': captured_rotations(body, motion), 'shapes': motion.betas, 'errors': np.float32(motion.error)}
    kept.save(arrays, {})


def captured_rotations(body: AnnyBody, motion: BodyMotion) -> np.ndarray:
    """Quaternions (T, 31, 4) float32 of CMU's bones from the pose of a body; those it lacks turn as the ones above."""
    turns = axis_angle_to_matrix(torch.from_numpy(motion.poses).unflatten(1, (-1, 3)))
    articulation = Articulation(body)
    world = (articulation.body.tree.world(turns)[:, articulation.last] @ articulation.frames).numpy().astype(float)
    builds = load_arrays(shipped_root() / FILE, ('shapes', 'rests'), how='reinstall poselifter')
    nearest = np.square(builds['shapes'] - motion.betas).sum(1).argmin()  # how its limbs rest
    ours = _TURN.T @ world @ builds['rests'][nearest].swapaxes(-1, -2) @ _TURN.T
    quaternions = matrix_to_quaternion(ours)
    jumps = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0  # q and -q are the same turn
    quaternions[1:] *= np.where(jumps, -1, 1).cumprod(0)[..., None]
    columns = []
    for name, parent in zip(BONES, PARENTS, strict=True):
        columns.append(BONES20.index(name) if name in BONES20 else columns[parent])
    return quaternions[:, columns].astype(np.float32)


if __name__ == '__main__':
    run_program(main)
