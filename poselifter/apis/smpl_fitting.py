"""Lifted joints to a moving body, without a network for meshes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..geometry import axis_angle_to_matrix, matrix_to_axis_angle
from ..io import read_lifted
from ..io.amass import BODY, MODELS, AmassSequence, write_amass
from ..io.meshes import MovingMesh, write_frames, write_glb
from ..models.body_models import SMPL, BodyMotion, JointsOfBody, fit_body, load_body_model
from ..skeletons import convert_keypoints, find_conversion, get_skeleton
from ..utils.arrays import load_array, load_arrays
from ..visualization import save_body_animation, save_html

BODY_FORMATS = ('npz', 'html', 'glb', 'obj', 'ply', 'mp4', 'gif')
_Y_UP = np.diag([1.0, -1.0, -1.0])  # from the camera's axes
_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def fit_smpl(
    poses: str | os.PathLike | np.ndarray,
    body_model: SMPL | str | os.PathLike,
    joint_regressor: str | os.PathLike | None = None,
    out_dir: str | os.PathLike | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    skeleton: str | None = None,
    fps: float | None = None,
    noise: float = 0.01,
    iterations: int = 400,
    device: str = 'cpu',
    gender: str = 'neutral',
) -> Iterator[dict[str, Any]]:
    """Fits SMPL to 3D joints, one person after the other; all frames of a person at once.

    Args:
        poses: what ``poselifter lift`` wrote; another npz or npy with one array
            (T, J, 3); or the array: metres, camera axes (x right, y down, z
            forward). NaN is a joint that is not there.
        body_model: what :func:`~poselifter.models.body_models.load_body_model` takes.
        joint_regressor: (17, V) ``.npy``, where it does not lie beside the model.
        out_dir: where files are written; ``None`` writes none.
        formats: of the files, out of ``BODY_FORMATS``: ``npz`` holds the
            parameters in AMASS's layout, world axes with z up.
        skeleton: joint set, where the input does not say; converted to h36m17.
        fps: frame rate, where the input does not say; 30 if nobody does.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of the optimiser.
        device: where to fit.
        gender: which file of a folder with body models.

    Yields:
        ``track``, ``frame_indices`` (T,) without gaps, ``motion`` (a
        :class:`~poselifter.models.body_models.BodyMotion` in the axes of the
        input), ``fps``, and ``files``.

    Raises:
        InputError: an input cannot be read or fitted, or a format is unknown.
    """
    unknown = [f for f in formats if f not in BODY_FORMATS]
    if unknown:
        raise InputError(f'formats {unknown} are unknown, expected some of {BODY_FORMATS}')
    if not (noise > 0 and iterations > 0):
        raise InputError(f'noise is {noise} and iterations {iterations}, expected both above 0')
    tracks, skeleton, fps = _read(poses, skeleton, fps)
    body = load_body_model(body_model, joint_regressor, gender).to(device)
    stem = Path(poses).stem if isinstance(poses, (str, os.PathLike)) else 'body'
    for track, frames, joints in tracks:
        frames, joints, trust = _without_gaps(frames, joints, skeleton)
        motion = fit_body(body, *(torch.from_numpy(x).to(device) for x in (joints, trust)), fps, noise, iterations)
        files = []
        if out_dir is not None:
            name = stem if len(tracks) == 1 else f'{stem}_{track}'
            files = [write_body(Path(out_dir) / name, kind, body, motion, frames, joints, fps) for kind in formats]
        yield {'track': track, 'frame_indices': frames, 'motion': motion, 'fps': fps, 'files': files}


def _read(poses: Any, skeleton: str | None, fps: float | None) -> tuple[list[tuple], str, float]:
    """Tracks of (name, frames (n,), joints (n, J, 3)), their joint set, and the frame rate."""
    name = poses if isinstance(poses, (str, os.PathLike)) else 'the array'
    if name is poses:
        single = str(poses).endswith('.npy')
        arrays = {'keypoints': load_array(poses)} if single else load_arrays(poses)
    else:
        arrays = {'keypoints': np.asarray(poses)}
    if 'keypoints_3d' in arrays and 'track_ids' in arrays:
        lifted = read_lifted(poses)
        joints = lifted.keypoints_3d if lifted.root_3d is None else lifted.keypoints_3d + lifted.root_3d[:, None]
        tracks = [(str(t), lifted.table.frame_indices[rows], joints[rows]) for t, rows in lifted.table.tracks()]
        skeleton, fps = skeleton or lifted.skeleton_3d, fps or lifted.table.fps
    else:
        found = [a for a in arrays.values() if a.ndim == 3 and a.shape[-1] == 3 and a.dtype.kind == 'f']
        if len(found) != 1 or not len(found[0]):
            shapes = {key: array.shape for key, array in arrays.items()}
            raise InputError(f'{name} has the arrays {shapes}, expected a single one of numbers (T, J, 3)')
        tracks = [('0', np.arange(len(found[0])), found[0])]
        skeleton = skeleton or str(arrays.get('skeleton_3d', arrays.get('skeleton', 'h36m17')))
        fps = fps or float(arrays.get('fps', 30))
    wanted = get_skeleton(skeleton).num_joints
    for _, _, joints in tracks:
        seen = np.isfinite(joints)
        tall = (joints.max(1, initial=-1e9, where=seen) - joints.min(1, initial=1e9, where=seen)).max()
        if joints.shape[1] != wanted or not 0.2 < tall < 5:
            raise InputError(
                f'{name} has poses {joints.shape} that span {tall:.3g}, expected (T, {wanted}, 3) of {skeleton} in '
                f'metres; name the joint set and divide millimetres by 1000'
            )
    return tracks, skeleton, float(fps or 30)


def _without_gaps(frames: np.ndarray, joints: np.ndarray, skeleton: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every frame from first to last, joints (T, 17, 3) of h36m17 with gaps filled in, and trust (T, 17) in them."""
    joints = convert_keypoints(np.asarray(joints, np.float64), skeleton, 'h36m17')
    seen, every = np.isfinite(joints).all(-1), np.arange(frames[0], frames[-1] + 1)
    filled, trust = np.zeros((len(every), 17, 3)), np.zeros((len(every), 17))
    for j in np.flatnonzero(seen.any(0)):
        rows = seen[:, j]
        trust[:, j] = np.where(np.isin(every, frames[rows]), 1, 0.01)
        for axis in range(3):
            filled[:, j, axis] = np.interp(every, frames[rows], joints[rows, j, axis])
    rough = find_conversion(skeleton, 'h36m17').approximate if skeleton != 'h36m17' else ()
    names = get_skeleton('h36m17').joint_names
    return every, filled, trust * np.array([0.1 if name in rough else 1.0 for name in names])


def write_body(
    stem: Path, kind: str, body: SMPL, motion: BodyMotion, frames: np.ndarray, joints: np.ndarray, fps: float
) -> Path:
    """Writes one of ``BODY_FORMATS`` beside ``stem``; returns the file, or the folder of files."""
    path = stem.with_name(f'{stem.name}.{kind}')
    like = body.v_template
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).to(like).unflatten(1, (24, 3)))
    betas, trans = (torch.from_numpy(x).to(like) for x in (motion.betas, motion.trans))
    still = (body.v_template + body.shapedirs @ betas).cpu().numpy()
    rest = (body.J_regressor.cpu() @ torch.from_numpy(still).to(body.J_regressor.cpu())).numpy()
    if kind != 'npz' and body.faces is None:
        raise InputError(f'the body model has no faces, which .{kind} needs; take the official file')
    faces = None if body.faces is None else body.faces.cpu().numpy()

    def turned(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations and trans in other axes: the pelvis, about which the body turns, is not at the origin."""
        turns = rotations.cpu().numpy().copy()
        turns[:, 0] = axes @ turns[:, 0]
        return turns, (motion.trans + rest[0]) @ axes.T - rest[0]

    if kind == 'npz':
        turns, places = turned(_Z_UP)
        poses = np.zeros((len(turns), {kind: width for width, kind in MODELS.items()}[body.kind]))
        known = 72 if body.kind == 'smpl' else BODY  # the hands of the others are fingers, and stay at rest
        poses[:, :known] = matrix_to_axis_angle(turns).reshape(len(turns), -1)[:, :known]
        write_amass(path, AmassSequence(body.kind, body.gender, fps, poses, places, motion.betas))
    elif kind == 'glb':
        skeleton, weights = get_skeleton('smpl24'), body.weights.cpu().numpy()
        turns, places = turned(_Y_UP)
        moving = (still, faces, weights, rest, skeleton.parents, turns, places, fps, skeleton.joint_names)
        write_glb(path, MovingMesh(*moving))
    elif kind == 'html':
        world, shifts = (x.cpu().numpy() for x in JointsOfBody(body).bones(rotations, betas))
        roots = joints[:, :1]
        bones = np.concatenate([world, (shifts + motion.trans[:, None] - roots)[..., None]], -1)
        mesh = {'vertices': still, 'faces': faces, 'weights': body.weights.cpu().numpy(), 'bones': bones}
        track = {'id': 'body', 'frame_indices': frames, 'keypoints_3d': joints - roots, 'mesh': mesh}
        place = {'root_3d': roots[:, 0]} if np.abs(roots).max() > 0 else {}
        save_html(path, [{**track, **place}], 'h36m17', fps, title=stem.name)
    else:
        with torch.no_grad():
            vertices = torch.cat([body(part, betas)[0] for part in rotations.split(64)]) + trans[:, None]
        vertices = vertices.cpu().numpy()
        if kind in ('mp4', 'gif'):
            save_body_animation(path, joints, 'h36m17', vertices, faces, fps)
        else:
            write_frames(stem.with_name(f'{stem.name}_{kind}'), vertices @ _Y_UP.astype(np.float32), faces, kind)
            path = stem.with_name(f'{stem.name}_{kind}')
    return path
