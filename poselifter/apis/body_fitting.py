"""Bodies fitted to lifted joints: Anny, which ships, or SMPL."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..detection import Frames, is_film, open_frames
from ..errors import InputError, check_choice
from ..geometry import axis_angle_to_matrix
from ..io import check_formats, check_targets, existing_files, file_names, read_result, result_files, write_results
from ..models.body_models import AnnyBody, BodyModel, BodyMotion, Ground, Known, fit_body, load_body_model
from ..skeletons import convert_keypoints, find_conversion, get_skeleton
from ..structures import KeypointTable, MovingBody, Result
from ..structures.keypoint_table import as_numbers, check_rate
from ..utils.arrays import load_array, load_arrays
from ..utils.device import check_device
from .inferencers import stem_of

_AGES = ([0, 1, 11, 25, 90], [-1 / 3, 0, 1 / 3, 2 / 3, 1])  # years of MakeHuman's newborn, baby, child, young and old
_GENDERS = {'male': 0.0, 'female': 1.0}
_BODY_FILES = ('html', 'glb')
_LONGEST_GAP = 1000  # frames that are filled in


def fit_body_to_poses(
    poses: str | os.PathLike[str] | np.ndarray,
    out_dir: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    skeleton: str | None = None,
    fps: float | None = None,
    noise: float = 0.01,
    iterations: int = 100,
    device: str = 'cpu',
    height: float | None = None,
    age: float | None = None,
    gender: str | None = None,
    name: str | None = None,
    body_model: BodyModel | str | os.PathLike[str] | None = None,
    joint_regressor: str | os.PathLike[str] | None = None,
    film: Frames | None = None,
    replace_files: bool = True,
) -> Iterator[dict[str, Any]]:
    """Fits a body to 3D joints, one person after the other; all frames of a person at once.

    Args:
        poses: what ``poselifter lift`` wrote; another npz or npy with one array (T, J, 3); or the array: metres, camera
            axes (x right, y down, z forward). NaN is a missing joint.
        out_dir: where files are written; ``None`` writes none.
        formats: of the files, see :func:`~poselifter.io.list_formats`.
        skeleton: joint set, where the input does not say; converted to h36m17 unless the body has it.
        fps: frame rate, where the input does not say; 30 if nobody does.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of the optimiser.
        device: where to fit.
        height: of the persons, metres, where it is known.
        age: of the persons, years, where it is known; else Anny is taken to be a young adult.
        gender: ``'male'`` or ``'female'``, where it is known; of SMPL, also ``'neutral'``, the file in a folder.
        name: of the files, to which the formats are added; by default the input's with ``_body``.
        body_model: SMPL, SMPL-H or SMPL-X, what :func:`~poselifter.models.body_models.load_body_model` takes; its
            joints are taken to mean the same points as the input's. ``None``: Anny.
        joint_regressor: (17, V) ``.npy`` of SMPL, where it does not lie beside the model.
        film: of the poses, see :func:`~poselifter.detection.open_frames`, for pages.
        replace_files: write over files that exist; else a person who has all of them is skipped.

    Yields:
        ``track``, ``frame_indices`` (T,) without gaps, ``motion`` (a :class:`~poselifter.models.body_models.BodyMotion`
        in the axes of the input), ``result`` of the body, ``fps``, ``notes`` on what was filled in, and ``files``.

    Raises:
        InputError: an input cannot be read or fitted, or a format is unknown.
    """
    check_formats(formats, ('body',))
    check_device(device)
    if not (1e-6 <= noise <= 10 and iterations > 0):
        raise InputError(f'noise is {noise} and iterations {iterations}, expected 1e-6 to 10 metres, and 1 or more')
    known = _known(height, age, gender, body_model is None)
    tracks, skeleton, fps, guessed, lifted = _read_poses(poses, skeleton, check_rate(fps, 'fit-body'))
    stem = stem_of(poses, 'keypoints') + '_body' if name is None else name
    names = file_names(stem, [track for track, _, _ in tracks])
    check_targets(out_dir, names, formats, [poses, body_model, joint_regressor])
    anny = body_model is None
    body = (AnnyBody() if anny else load_body_model(body_model, joint_regressor, gender or 'neutral')).to(device)
    for name, (track, frames, joints) in zip(names, tracks, strict=True):
        if not replace_files and _is_written(out_dir, name, formats):
            continue
        given = len(frames)
        joint_set = skeleton if skeleton in body.joint_sets else 'h36m17'
        frames, joints, trust = _without_gaps(frames, joints, skeleton, joint_set)
        notes = list(guessed)
        if len(frames) > given:
            notes.append(f'track {track}: {len(frames) - given} frames without a pose are filled in')
        target, weights = (torch.from_numpy(x).to(device) for x in (joints, trust))
        ground = None if lifted is None else _ground_of(lifted, track, frames)
        given = Known(known, height, ground, same_joints=not anny)
        motion = fit_body(body, target, weights, fps, noise, iterations, given, joint_set)
        result = body_result(body, motion, track, frames, joints, fps, joint_set)
        result.film = film
        if lifted is not None:
            result.world_from_camera, result.camera_matrix = lifted.world_from_camera, lifted.camera_matrix
        files = [] if out_dir is None else write_results(Path(out_dir) / name, result, formats)
        person = {'track': track, 'frame_indices': frames, 'motion': motion, 'result': result}
        yield {**person, 'fps': fps, 'notes': notes, 'files': files}


def fit_smpl(
    poses: str | os.PathLike[str] | np.ndarray,
    body_model: BodyModel | str | os.PathLike[str],
    joint_regressor: str | os.PathLike[str] | None = None,
    out_dir: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    **options: Any,
) -> Iterator[dict[str, Any]]:
    """Fits SMPL to 3D joints: :func:`fit_body_to_poses` with files named as the input.

    Args:
        poses, joint_regressor, out_dir, formats, options: see there; ``npz`` holds the parameters in AMASS's layout,
            world axes with z up.
        body_model: what :func:`~poselifter.models.body_models.load_body_model` takes.
    """
    options |= {'body_model': body_model, 'joint_regressor': joint_regressor}
    return fit_body_to_poses(poses, out_dir, formats, name=stem_of(poses, 'body'), **options)


def add_bodies(
    report: list[dict[str, Any]],
    out_dir: str | os.PathLike[str],
    say: Callable[[str], None],
    start: float | None = None,
    end: float | None = None,
    **options: Any,
) -> None:
    """Fits bodies to what :func:`~poselifter.apis.lift_files.lift_files` lifted; their files join those of each input.

    Args:
        report: what it returned.
        out_dir: where a page and a GLB of each person go.
        say: called with each line for the user.
        start, end: seconds of films that were lifted.
        **options: of :func:`fit_body_to_poses`.
    """
    for entry in report:
        film = open_frames(entry['input'], options.get('fps'), start, end) if is_film(entry['input']) else None
        path, lifted = Path(out_dir, stem_of(entry['input'], 'keypoints') + '.npz'), entry['status'] != 'failed'
        given = {**options, 'film': film, 'replace_files': str(path) in entry['files'] and entry['status'] == 'done'}
        bodies = say_bodies(fit_body_to_poses(path, out_dir, _BODY_FILES, **given), say) if lifted else []
        if lifted and not bodies:
            say(f'{path}: its bodies are there already, and stay as they are; fit again with --force')
        entry['files'] += bodies


def say_bodies(results: Iterable[dict[str, Any]], say: Callable[[str], None] = print) -> list[str]:
    """Calls ``say`` with lines on bodies as they are fitted; returns their files."""
    files = []
    for result in results:
        motion, written = result['motion'], list(map(str, result['files']))
        fitted = f'track {result["track"]}: {len(motion.poses)} frames, joints {motion.error * 1000:.1f} mm off'
        for line in [*result['notes'], fitted, *written]:
            say(line)
        files += written
    return files


def _is_written(out_dir: str | os.PathLike[str] | None, name: str, formats: Sequence[str]) -> bool:
    """Whether all files of a body exist."""
    return out_dir is not None and all(existing_files(result_files(Path(out_dir) / name, formats)))


def _known(height: float | None, age: float | None, gender: str | None, anny: bool) -> dict[str, float]:
    """Numbers of the shape from what is known of a person."""
    if height is not None and not 0.4 <= height <= 2.6:
        raise InputError(f'height is {height}, expected 0.4 to 2.6 metres')
    if age is not None and not 0 <= age <= 120:
        raise InputError(f'age is {age}, expected 0 to 120 years')
    if age is not None and not anny:
        raise InputError('age is a number of the shape of Anny; leave it out for SMPL')
    known = {} if age is None else {'age': float(np.interp(age, *_AGES))}
    if gender is not None and anny:
        check_choice('gender', gender, _GENDERS)
        known['gender'] = _GENDERS[gender]
    return known


def _ground_of(lifted: Result, track: str, frames: np.ndarray) -> Ground | None:
    """The ground under a person, where a result has its place in the world and which feet stand."""
    if lifted.world_from_camera is None or lifted.contacts is None or lifted.root is None:
        return None
    [rows] = [rows for name, rows in lifted.table.tracks() if str(name) == track]
    contacts = np.zeros((len(frames), 4), np.float32)
    contacts[lifted.table.frame_indices[rows] - frames[0]] = lifted.contacts[rows]
    up = torch.from_numpy(lifted.world_from_camera[2].astype(np.float32))
    return Ground(up[:3], float(up[3]), torch.from_numpy(contacts))


def _read_poses(
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


def _without_gaps(
    frames: np.ndarray, joints: np.ndarray, skeleton: str, target: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every frame from first to last, joints (T, J, 3) of ``target`` without gaps, and trust (T, J) in them."""
    joints = convert_keypoints(np.asarray(joints, np.float64), skeleton, target)
    seen, every = np.isfinite(joints).all(-1), np.arange(frames[0], frames[-1] + 1)
    filled, trust = np.zeros((len(every), *joints.shape[1:])), np.zeros((len(every), joints.shape[1]))
    for j in np.flatnonzero(seen.any(0)):
        rows = seen[:, j]
        trust[:, j] = np.where(np.isin(every, frames[rows]), 1, 0.01)
        for axis in range(3):
            filled[:, j, axis] = np.interp(every, frames[rows], joints[rows, j, axis])
    if skeleton != target:
        approximate = find_conversion(skeleton, target).approximate
        trust[:, np.isin(get_skeleton(target).joint_names, approximate)] *= 0.1
    return every, filled, trust


def body_result(
    body: BodyModel,
    motion: BodyMotion,
    track: Any,
    frames: np.ndarray,
    joints: np.ndarray,
    fps: float,
    skeleton: str = 'h36m17',
) -> Result:
    """A body in motion of a person as a result.

    Args:
        body: the body model.
        motion: of T frames.
        track: id of the person.
        frames: (T,) numbers of the frames.
        joints: (T, J, 3) metres, in the axes of the motion.
        fps: frames a second.
        skeleton: joint set of the joints.
    """
    like = body.template
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).to(like).unflatten(1, (-1, 3)))
    shape, trans = (torch.from_numpy(x).to(like) for x in (motion.betas, motion.trans))
    with torch.no_grad():
        rest = body.rest(shape)

    @cache
    @torch.no_grad()
    def bones() -> np.ndarray:
        moves = body.transforms(rotations, rest)[0]
        moves[..., 3] += trans[:, None]
        return moves.cpu().numpy()

    @cache
    @torch.no_grad()
    def vertices() -> np.ndarray:
        parts = [body(part, shape)[0] for part in rotations.split(64)]
        return (torch.cat(parts) + trans[:, None]).cpu().numpy()

    moving = MovingBody(
        model=body.kind,
        gender=body.gender,
        bone_names=body.bone_names,
        parents=body.parents,
        poses=motion.poses,
        betas=motion.betas,
        trans=motion.trans,
        rest_vertices=rest.vertices.cpu().numpy(),
        rest_joints=rest.heads.cpu().numpy(),
        weights=body.weights.cpu().numpy(),
        faces=None if body.faces is None else body.faces.cpu().numpy(),
        bones=bones,
        vertices=vertices,
        binds=rest.binds.cpu().numpy(),
        shape_names=body.shape_names,
    )
    table = KeypointTable.of_person(np.zeros((len(frames), 0, 2)), frame_indices=frames, track_id=track, fps=fps)
    root = joints[:, 0] if joints[:, 0].any() else None
    return Result(table, joints - joints[:, :1], skeleton, root, body=moving)
