"""Keypoints to a moving body by a network for meshes, perhaps from the bodies of another method."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..datasets.smpl_estimates import read_smpl_estimates
from ..errors import InputError
from ..geometry import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_rotation_6d, rotation_6d_to_matrix
from ..models.body_models import SMPL, BodyMotion, JointsOfBody
from ..structures import MotionDataSample
from .inference import interpolate, track_clips
from .pose_3d_inferencer import read_tables
from .smpl_fitting import BODY_FORMATS, write_body


@torch.no_grad()
def recover_smpl(
    model: nn.Module,
    keypoints: Any,
    estimates: str | os.PathLike | None = None,
    out_dir: str | os.PathLike | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    person: Any = None,
    skeleton: str | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
) -> Iterator[dict[str, Any]]:
    """SMPL by a network that was trained for it, one person after the other.

    Args:
        model: from :func:`~poselifter.apis.init_model`, of a config with a
            ``MeshHead``, or a ``MeshRefineHead``, which needs ``estimates``.
        keypoints: as for :class:`~poselifter.apis.Pose3DInferencer`.
        estimates: result file of another method for the one person of the
            keypoints, see :func:`~poselifter.datasets.read_smpl_estimates`.
            Without ``frame_ids`` its first body is that of frame 0.
        out_dir, formats: as for :func:`~poselifter.apis.fit_smpl`.
        person: of the estimates, where they are of several.
        skeleton, img_shape, fps: of the keypoints, where they do not say.

    Yields:
        As :func:`~poselifter.apis.fit_smpl`, for each stretch of a person
        without a long gap; the body stands at the origin, and its shape is the
        mean over the frames.

    Raises:
        InputError: the model has no such head, or an input cannot be used.
    """
    body = next((head.body_model for head in model.heads.values() if hasattr(head, 'recover')), None)
    if body is None:
        raise InputError('the model has no MeshHead with a body_model; take a config such as motionbert/mesh_h36m.py')
    known = None if estimates is None else read_smpl_estimates(estimates, person)
    joints_of = JointsOfBody(body)
    for stem, table in read_tables(keypoints, formats, BODY_FORMATS, skeleton, img_shape, fps):
        people, rate = len(set(table.track_ids.tolist())), float(table.fps or model.codec.fps or 30)
        if known is not None and people > 1:
            raise InputError(f'{table.source} has {people} people, and {estimates} gives bodies of one; take one out')
        stretches = list(track_clips(model.codec, table))
        for k, (rows, clip, where) in enumerate(stretches):
            frames, sample = table.frame_indices[rows], MotionDataSample()
            inputs = torch.from_numpy(model.codec.encode(clip)['inputs']).to(body.v_template.device)
            if known is not None:
                shown = np.interp(np.arange(len(inputs)), where, frames)
                sample.set_data({key: torch.from_numpy(value) for key, value in known.at(shown).items()})
            [found] = model.predict([inputs], [sample])
            every = np.arange(frames[0], frames[-1] + 1)
            motion, joints = _motion(found, np.interp(every, frames, where), body, joints_of)
            name = stem if len(stretches) == 1 else f'{stem}_{k}'
            place = None if out_dir is None else Path(out_dir) / name
            parts = (body, motion, every, joints, rate)
            files = [] if place is None else [write_body(place, kind, *parts) for kind in formats]
            track = str(table.track_ids[rows.start])
            yield {'track': track, 'frame_indices': every, 'motion': motion, 'fps': rate, 'files': files}


def _motion(
    found: MotionDataSample, where: np.ndarray, body: SMPL, joints_of: JointsOfBody
) -> tuple[BodyMotion, np.ndarray]:
    """The body at moments of the model's time axis, and its joints (T, 17, 3), the root at the origin."""
    turns = axis_angle_to_matrix(found.pred_smpl_pose.unflatten(1, (24, 3))).cpu().numpy()
    turns = rotation_6d_to_matrix(matrix_to_rotation_6d(interpolate(turns, where)))
    betas = found.pred_smpl_shape.mean(0)
    joints = joints_of(torch.from_numpy(turns).to(body.v_template), betas).cpu().numpy()
    poses = matrix_to_axis_angle(turns).reshape(len(turns), 72)
    return BodyMotion(poses, betas.cpu().numpy(), -joints[:, 0]), joints - joints[:, :1]
