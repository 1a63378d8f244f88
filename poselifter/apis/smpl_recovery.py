"""Body recovery: keypoints to a moving body by a network for meshes, perhaps from the bodies of another method."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..datasets.smpl_estimates import read_smpl_estimates
from ..errors import InputError
from ..geometry import matrix_to_axis_angle, matrix_to_rotation_6d, rotation_6d_to_matrix
from ..models.body_models import BodyJoints, BodyMotion
from ..structures import KeypointTable, MotionDataSample, Result
from ..tracking import interpolate
from .body_fitting import body_result
from .inferencers import BaseInferencer
from .track_clips import Clip, track_clips


def recover_smpl(
    model: nn.Module,
    keypoints: Any,
    estimates: str | os.PathLike[str] | None = None,
    out_dir: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = ('npz', 'html'),
    person: Any = None,
    skeleton: str | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
) -> Iterator[dict[str, Any]]:
    """Bodies by a network that was trained for them, SMPL's or Anny's, one person after the other.

    Args:
        model: from :func:`~poselifter.apis.init_model`, of a config with a
            ``MeshHead``, an ``AnyBodyHead``, or a ``MeshRefineHead``, which needs ``estimates``.
        keypoints: as for :class:`~poselifter.apis.Pose3DInferencer`.
        estimates: result file of another method for the one person of the keypoints, see
            :func:`~poselifter.datasets.read_smpl_estimates`. Without ``frame_ids`` its first body is that of frame 0.
        out_dir, formats: as for :func:`~poselifter.apis.fit_smpl`.
        person: of the estimates, where they are of several.
        skeleton, img_shape, fps: of the keypoints, where they do not say.

    Yields:
        As :func:`~poselifter.apis.fit_smpl`, with the ``notes`` of an inferencer, for each segment of a person without
        a long gap; the body stands at the origin, and its shape is the mean over the frames.

    Raises:
        InputError: the model has no such head, or an input cannot be used.
    """
    inferencer = _BodyInferencer(model, estimates, person)
    for result in inferencer(keypoints, out_dir, formats, skeleton, img_shape, fps):
        yield {**result['predictions'], 'notes': result['notes'], 'files': result['visualization']}


class _BodyInferencer(BaseInferencer):
    """Bodies of each segment of a person; arguments as of :func:`recover_smpl`."""

    gives = ('body',)

    def __init__(self, model: nn.Module, estimates: str | os.PathLike[str] | None, person: Any) -> None:
        super().__init__(model)
        heads = [head for head in model.heads.values() if head.reads == 'body' and head.body_model]
        if not heads:
            raise InputError('the model has no head for bodies; take one such as motionbert/mesh_anny_cmu.py')
        if estimates is not None and not heads[0].needs:
            raise InputError(f'{type(heads[0]).__name__} reads no bodies of another method; leave {estimates} out')
        self.head, self.body, self.source = heads[0], heads[0].body_model, estimates
        self.reads = [estimates]
        self.estimates = None if estimates is None else read_smpl_estimates(estimates, person)
        self.joints_of = BodyJoints(self.body, self.body.joint_weights('h36m17'))

    @torch.no_grad()
    def predict(self, table: KeypointTable, batch_size: int | None = None) -> list[Result]:
        """A result for each segment, with the frames that are missing in it."""
        people = len(set(table.track_ids.tolist()))
        if self.estimates is not None and people > 1:
            raise InputError(f'{table.source} has {people} people, and {self.source} gives bodies of one; take one out')
        return [self._recover(table, clip) for clip in track_clips(self.model.codec, table)]

    def describe(self, result: Result) -> dict[str, Any]:
        """The parameters of the body."""
        body, table = result.body, result.table
        person = {'track': str(table.track_ids[0]), 'frame_indices': table.frame_indices, 'fps': result.fps}
        return {**person, 'motion': BodyMotion(body.poses, body.betas, body.trans)}

    def _recover(self, table: KeypointTable, clip: Clip) -> Result:
        frames, sample = table.frame_indices[clip.rows], MotionDataSample()
        inputs = torch.from_numpy(self.model.codec.encode(clip.sample)['inputs']).to(self.body.template.device)
        if self.estimates is not None:
            shown = np.interp(np.arange(len(inputs)), clip.where, frames)
            sample.set_data({key: torch.from_numpy(value) for key, value in self.estimates.at(shown).items()})
        apart, self.model.merge = self.model.merge, True  # a body for each frame, also where a paper counts windows
        [sample] = self.model.predict([inputs], [sample])
        self.model.merge = apart
        every = np.arange(frames[0], frames[-1] + 1)
        rotations, shape = (x.cpu() for x in self.head.bones(sample))
        rotations = interpolate(rotations.numpy(), np.interp(every, frames, clip.where))
        rotations = rotation_6d_to_matrix(matrix_to_rotation_6d(rotations))
        turns = torch.from_numpy(rotations).to(self.body.template)
        joints = self.joints_of(turns, *self.joints_of.rest(shape.to(turns)))[0].cpu().numpy()
        poses = matrix_to_axis_angle(rotations).reshape(len(rotations), -1)
        motion = BodyMotion(poses, shape.numpy(), -joints[:, 0])
        fps = float(table.fps or self.model.codec.fps or 30)
        return body_result(self.body, motion, table.track_ids[clip.rows.start], every, joints - joints[:, :1], fps)
