"""Anny fitted to lifted joints: a body that ships, so it needs no other file."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError, check_choice
from ..geometry import axis_angle_to_matrix
from ..io import check_formats, check_targets, file_names, write_results
from ..models.body_models import AnnyBody, BodyMotion, Ground, fit_anny
from ..structures import KeypointTable, MovingBody, Result
from ..structures.keypoint_table import check_rate
from .inference import check_device
from .inferencers import stem_of
from .smpl_fitting import read_poses, without_gaps

_AGES = ([0, 1, 11, 25, 90], [-1 / 3, 0, 1 / 3, 2 / 3, 1])  # years of MakeHuman's newborn, baby, child, young and old
_GENDERS = {'male': 0.0, 'female': 1.0}


def fit_body_to_poses(
    poses: str | os.PathLike | np.ndarray,
    out_dir: str | os.PathLike | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    skeleton: str | None = None,
    fps: float | None = None,
    noise: float = 0.01,
    iterations: int = 200,
    device: str = 'cpu',
    height: float | None = None,
    age: float | None = None,
    gender: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Fits Anny to 3D joints, one person after the other; all frames of a person at once.

    Args:
        poses: what ``poselifter lift`` wrote; another npz or npy with one array (T, J, 3); or the array: metres, camera
            axes (x right, y down, z forward). NaN is a missing joint.
        out_dir: where files are written, ``<name>_body.<format>``; ``None`` writes none.
        formats: of the files, see :func:`~poselifter.io.list_formats`.
        skeleton: joint set, where the input does not say; converted to h36m17.
        fps: frame rate, where the input does not say; 30 if nobody does.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of the optimiser.
        device: where to fit.
        height: of the persons, metres, where it is known.
        age: of the persons, years, where it is known; else they are taken to be young adults.
        gender: ``'male'`` or ``'female'``, where it is known.

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
    known = _known(height, age, gender)
    tracks, skeleton, fps, guessed, lifted = read_poses(poses, skeleton, check_rate(fps, 'fit-body'))
    names = file_names(stem_of(poses, 'keypoints') + '_body', [track for track, _, _ in tracks])
    check_targets(out_dir, names, formats, [poses])
    body = AnnyBody().to(device)
    for name, (track, frames, joints) in zip(names, tracks, strict=True):
        given = len(frames)
        frames, joints, trust = without_gaps(frames, joints, skeleton)
        notes = list(guessed)
        if len(frames) > given:
            notes.append(f'track {track}: {len(frames) - given} frames without a pose are filled in')
        target, weights = (torch.from_numpy(x).to(device) for x in (joints, trust))
        ground = None if lifted is None else _ground_of(lifted, track, frames)
        motion = fit_anny(body, target, weights, fps, noise, iterations, known, height, ground)
        world = None if lifted is None else lifted.world_from_camera
        result = anny_result(body, motion, track, frames, joints, fps, world)
        files = [] if out_dir is None else write_results(Path(out_dir) / name, result, formats)
        person = {'track': track, 'frame_indices': frames, 'motion': motion, 'result': result}
        yield {**person, 'fps': fps, 'notes': notes, 'files': files}


def add_bodies(
    report: list[dict[str, Any]], out_dir: str | os.PathLike, say: Callable[[str], None], **options: Any
) -> None:
    """Fits bodies to what :func:`~poselifter.apis.lift_files.lift_files` lifted; their files join those of each input.

    Args:
        report: what it returned.
        out_dir: where a page and a GLB of each person go.
        say: called with each line for the user.
        **options: of :func:`fit_body_to_poses`.
    """
    for entry in report:
        for path in [file for file in entry['files'] if file.endswith('.npz')] * (entry['status'] == 'done'):
            entry['files'] += say_bodies(fit_body_to_poses(path, out_dir, ['html', 'glb'], **options), say)


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


def _known(height: float | None, age: float | None, gender: str | None) -> dict[str, float]:
    """Phenotypes of what is known of a person."""
    if height is not None and not 0.4 <= height <= 2.6:
        raise InputError(f'height is {height}, expected 0.4 to 2.6 metres')
    if age is not None and not 0 <= age <= 120:
        raise InputError(f'age is {age}, expected 0 to 120 years')
    known = {} if age is None else {'age': float(np.interp(age, *_AGES))}
    if gender is not None:
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


def anny_result(
    body: AnnyBody,
    motion: BodyMotion,
    track: Any,
    frames: np.ndarray,
    joints: np.ndarray,
    fps: float,
    world: np.ndarray | None = None,
) -> Result:
    """A body in motion of a person as a result.

    Args:
        body: the body model.
        motion: of T frames.
        track: id of the person.
        frames: (T,) numbers of the frames.
        joints: (T, 17, 3) of h36m17, metres, in the axes of the motion.
        fps: frames a second.
        world: (4, 4) from the camera to the world, where it is known.
    """
    like = body.template
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).to(like).unflatten(1, (-1, 3)))
    shape, trans = (torch.from_numpy(x).to(like) for x in (motion.betas, motion.trans))
    with torch.no_grad():
        rest = body.rest(shape)

    @cache
    @torch.no_grad()
    def bones() -> np.ndarray:
        turns, heads = body.bones(rotations, rest)
        moves = turns @ rest.binds
        moves[..., 3] += heads + trans[:, None]
        return moves.cpu().numpy()

    @cache
    @torch.no_grad()
    def vertices() -> np.ndarray:
        parts = [body(part, shape)[0] for part in rotations.split(64)]
        return (torch.cat(parts) + trans[:, None]).cpu().numpy()

    moving = MovingBody(
        model=body.kind,
        gender='neutral',
        bone_names=body.bone_names,
        parents=body.parents,
        poses=motion.poses,
        betas=motion.betas,
        trans=motion.trans,
        rest_vertices=rest.vertices.cpu().numpy(),
        rest_joints=rest.heads.cpu().numpy(),
        weights=body.weights.cpu().numpy(),
        faces=body.faces.cpu().numpy(),
        bones=bones,
        vertices=vertices,
        binds=rest.binds.cpu().numpy(),
        shape_names=body.shape_names,
    )
    table = KeypointTable.of_person(np.zeros((len(frames), 0, 2)), frame_indices=frames, track_id=track, fps=fps)
    root = joints[:, 0] if joints[:, 0].any() else None
    return Result(table, joints - joints[:, :1], 'h36m17', root, body=moving, world_from_camera=world)
