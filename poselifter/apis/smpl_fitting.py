"""SMPL fitting: lifted joints to a moving body, without a network for meshes."""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..geometry import axis_angle_to_matrix
from ..io import check_formats, check_targets, file_names, read_result, write_results
from ..models.body_models import SMPL, BodyMotion, JointsOfBody, fit_body, load_body_model
from ..skeletons import convert_keypoints, find_conversion, get_skeleton
from ..structures import KeypointTable, MovingBody, Result
from ..structures.keypoint_table import as_numbers, check_rate
from ..utils.arrays import load_array, load_arrays
from .inference import check_device
from .inferencers import stem_of

_LONGEST_GAP = 1000  # frames that are filled in


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
        poses: what ``poselifter lift`` wrote; another npz or npy with one array (T, J, 3); or the array: metres, camera
            axes (x right, y down, z forward). NaN is a missing joint.
        body_model: what :func:`~poselifter.models.body_models.load_body_model` takes.
        joint_regressor: (17, V) ``.npy``, where it does not lie beside the model.
        out_dir: where files are written; ``None`` writes none.
        formats: of the files, see :func:`~poselifter.io.list_formats`; ``npz``
            holds the parameters in AMASS's layout, world axes with z up.
        skeleton: joint set, where the input does not say; converted to h36m17.
        fps: frame rate, where the input does not say; 30 if nobody does.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of the optimiser.
        device: where to fit.
        gender: which file of a folder with body models.

    Yields:
        ``track``, ``frame_indices`` (T,) without gaps, ``motion`` (a :class:`~poselifter.models.body_models.BodyMotion`
        in the axes of the input), ``fps``, ``notes`` on what was filled in, and ``files``.

    Raises:
        InputError: an input cannot be read or fitted, or a format is unknown.
    """
    check_formats(formats, ('body',))
    if not (1e-6 <= noise <= 10 and iterations > 0):
        raise InputError(f'noise is {noise} and iterations {iterations}, expected 1e-6 to 10 metres, and 1 or more')
    check_device(device)
    tracks, skeleton, fps, guessed, _ = read_poses(poses, skeleton, check_rate(fps, 'fit_smpl'))
    names = file_names(stem_of(poses, 'body'), [track for track, _, _ in tracks])
    check_targets(out_dir, names, formats, [poses, body_model, joint_regressor])
    body = load_body_model(body_model, joint_regressor, gender).to(device)
    for name, (track, frames, joints) in zip(names, tracks, strict=True):
        given = len(frames)
        frames, joints, trust = without_gaps(frames, joints, skeleton)
        notes = list(guessed)
        if len(frames) > given:
            notes.append(f'track {track}: {len(frames) - given} frames without a pose are filled in')
        motion = fit_body(body, *(torch.from_numpy(x).to(device) for x in (joints, trust)), fps, noise, iterations)
        files = []
        if out_dir is not None:
            files = write_results(Path(out_dir) / name, body_result(body, motion, track, frames, joints, fps), formats)
        yield {'track': track, 'frame_indices': frames, 'motion': motion, 'fps': fps, 'notes': notes, 'files': files}


def read_poses(
    poses: Any, skeleton: str | None, fps: float | None
) -> tuple[list[tuple], str, float, list[str], Result | None]:
    """Tracks of (name, frames (n,), joints (n, J, 3)), their joint set, the frame rate, notes on guesses, and the whole
    result where it is one."""
    lifted = None
    is_file = isinstance(poses, (str, os.PathLike))
    name = poses if is_file else 'the array'
    if is_file and not str(poses).endswith('.npy'):
        arrays = load_arrays(poses)
    else:
        arrays = {'keypoints': load_array(poses) if is_file else as_numbers(poses, 'the poses')}
    if 'keypoints_3d' in arrays and 'track_ids' in arrays:
        lifted = read_result(poses)
        joints = lifted.positions()
        tracks = [(str(t), lifted.table.frame_indices[rows], joints[rows]) for t, rows in lifted.table.tracks()]
        skeleton, fps = skeleton or lifted.skeleton_3d, fps or lifted.table.fps
    else:
        candidates = [a for a in arrays.values() if a.ndim == 3 and a.shape[-1] == 3 and a.dtype.kind == 'f']
        if len(candidates) != 1 or not len(candidates[0]):
            shapes = {key: array.shape for key, array in arrays.items()}
            raise InputError(f'{name} has the arrays {shapes}, expected a single one of numbers (T, J, 3)')
        tracks = [('0', np.arange(len(candidates[0])), candidates[0])]
        named = arrays.get('skeleton_3d', arrays.get('skeleton'))
        skeleton, fps = skeleton or (None if named is None else str(named)), fps or check_rate(arrays.get('fps'), name)
    notes = [] if skeleton else ['the joint set is unknown; it is taken to be h36m17 (--skeleton)']
    if fps is None:
        notes.append('the frame rate is unknown; it is taken to be 30 a second (--fps)')
    skeleton = skeleton or 'h36m17'
    expected = get_skeleton(skeleton).num_joints
    for track, frames, joints in tracks:
        if len(frames) > 1 and np.diff(frames).max() > _LONGEST_GAP:
            raise InputError(f'{name}: track {track} is away for more than {_LONGEST_GAP} frames; cut the file there')
        seen = np.isfinite(joints)
        tall = (joints.max(1, initial=-1e9, where=seen) - joints.min(1, initial=1e9, where=seen)).max()
        if joints.shape[1] != expected or not 0.2 < tall < 5:
            raise InputError(
                f'{name} has poses {joints.shape} that span {tall:.3g}, expected (T, {expected}, 3) of {skeleton} in '
                f'metres; name the joint set and divide millimetres by 1000'
            )
    return tracks, skeleton, fps or 30.0, notes, lifted


def without_gaps(frames: np.ndarray, joints: np.ndarray, skeleton: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every frame from first to last, joints (T, 17, 3) of h36m17 with gaps filled in, and trust (T, 17) in them."""
    joints = convert_keypoints(np.asarray(joints, np.float64), skeleton, 'h36m17')
    seen, every = np.isfinite(joints).all(-1), np.arange(frames[0], frames[-1] + 1)
    filled, trust = np.zeros((len(every), 17, 3)), np.zeros((len(every), 17))
    for j in np.flatnonzero(seen.any(0)):
        rows = seen[:, j]
        trust[:, j] = np.where(np.isin(every, frames[rows]), 1, 0.01)
        for axis in range(3):
            filled[:, j, axis] = np.interp(every, frames[rows], joints[rows, j, axis])
    if skeleton != 'h36m17':
        approximate = find_conversion(skeleton, 'h36m17').approximate
        trust[:, np.isin(get_skeleton('h36m17').joint_names, approximate)] *= 0.1
    return every, filled, trust


def body_result(
    body: SMPL, motion: BodyMotion, track: Any, frames: np.ndarray, joints: np.ndarray, fps: float
) -> Result:
    """A body in motion of a person as a result.

    Args:
        body: the body model.
        motion: of T frames.
        track: id of the person.
        frames: (T,) numbers of the frames.
        joints: (T, 17, 3) of h36m17, metres, in the axes of the motion.
        fps: frames a second.
    """
    like = body.v_template
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).to(like).unflatten(1, (24, 3)))
    betas, trans = (torch.from_numpy(x).to(like) for x in (motion.betas, motion.trans))
    rest = like + body.shapedirs @ betas

    @cache
    def bones() -> np.ndarray:
        turns, shifts = JointsOfBody(body).bones(rotations, betas)
        return torch.cat([turns, (shifts + trans[:, None]).unsqueeze(-1)], -1).cpu().numpy()

    @cache
    @torch.no_grad()
    def vertices() -> np.ndarray:
        parts = [body(part, betas)[0] for part in rotations.split(64)]
        return (torch.cat(parts) + trans[:, None]).cpu().numpy()

    moving = MovingBody(
        model=body.kind,
        gender=body.gender,
        bone_names=get_skeleton('smpl24').joint_names,
        parents=get_skeleton('smpl24').parents,
        poses=motion.poses,
        betas=motion.betas,
        trans=motion.trans,
        rest_vertices=rest.cpu().numpy(),
        rest_joints=(body.J_regressor @ rest).cpu().numpy(),
        weights=body.weights.cpu().numpy(),
        faces=None if body.faces is None else body.faces.cpu().numpy(),
        bones=bones,
        vertices=vertices,
    )
    table = KeypointTable.of_person(np.zeros((len(frames), 0, 2)), frame_indices=frames, track_id=track, fps=fps)
    root = joints[:, 0] if joints[:, 0].any() else None
    return Result(table, joints - joints[:, :1], 'h36m17', root, body=moving)
