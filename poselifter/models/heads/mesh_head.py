"""Heads that recover a body: SMPL's pose per frame and one shape per clip."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_rotation_6d, rotation_6d_to_matrix
from ...registry import HEADS
from ...skeletons import Skeleton, flip_smpl_pose
from ...structures import MotionDataSample, Windows
from ...utils.arrays import load_arrays
from ..body_models import SMPL, load_body_model
from ..parts import BaseHead, Tensors

Arrays = Mapping[str, Any] | str | os.PathLike[str] | None  # or the file that holds them


class BodyHead(BaseHead):
    """Base of heads that predict SMPL bodies: body model, losses and fields of the sample.

    Pose losses compare the root-relative keypoints in mm and need the body model.

    Args:
        in_channels: R of the features.
        num_joints: J of the features.
        hidden_dims: inner width of the perceptrons.
        dropout: rate before each perceptron.
        body_model: what :func:`~poselifter.models.body_models.load_body_model` takes; ``None``: parameters of the body
            are predicted, but no vertices and keypoints.
        **base: see :class:`BaseHead`.

    Attributes:
        others: numbers that the first layer reads beside the features.

    Raises:
        InputError: two losses have the same name, or a file cannot be read.
    """

    others = 0
    wants = ('in_channels', 'num_joints')
    reads, label = 'body', 'smpl_pose'
    predicts = ('pred_vertices', 'pred_keypoints_3d', 'pred_smpl_pose', 'pred_smpl_shape')
    default_losses = (  # as released
        {'type': 'MPJPELoss', 'loss_weight': 0.5},
        {'type': 'VelocityLoss', 'loss_weight': 10.0},
        {'type': 'SMPLPoseLoss', 'loss_weight': 1000.0},
        {'type': 'SMPLShapeLoss', 'loss_weight': 1.0},
        {'type': 'SMPLNormLoss', 'loss_weight': 20.0},
    )

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        hidden_dims: int = 1024,
        dropout: float = 0.1,
        body_model: SMPL | Arrays = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.body_model = None if body_model is None else load_body_model(body_model)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(num_joints * in_channels + self.others, hidden_dims)

    def start(self, data_samples: MotionDataSample | None) -> tuple[Tensor, ...]:
        """Further arguments of ``forward``, from a stacked sample: none by default."""
        return ()

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Bodies of windows, as ``forward`` returns them; :meth:`recover` makes a sequence's fields of them."""
        return self(features, *self.start(data_samples))

    def from_theta(self, theta: Tensor) -> Tensors:
        """The bodies of parameters (..., 82), such as labels or mirrored predictions, as ``forward`` gives them."""
        return self.bodies(axis_angle_to_matrix(theta[..., :72].unflatten(-1, (24, 3))), theta[..., 72:], theta)

    def bodies(self, rotations: Tensor, shape: Tensor, theta: Tensor | None = None) -> Tensors:
        """Output of ``forward``: parameters, and with a body model its vertices and keypoints."""
        if theta is None:
            theta = torch.cat([matrix_to_axis_angle(rotations).flatten(-2), shape], -1)
        body = {'theta': theta, 'rotations': rotations, 'betas': shape}
        if self.body_model is not None:
            body['verts'] = self.body_model(rotations, shape)[0] * 1000
            body['kp_3d'] = self.body_model.keypoints(body['verts'])
        return body

    def mean_with_mirrored(self, plain: Tensors, mirrored: Tensors, skeleton: Skeleton | None = None) -> Tensors:
        """The bodies of clips averaged with those of the mirrored clips, turned back: all linearly, as released.

        But for the rotations, whose mean is a rotation again.
        """
        theta = mirrored['theta']
        back = self.from_theta(torch.cat([flip_smpl_pose(theta[..., :72]), theta[..., 72:]], -1))
        mean = {key: (plain[key] + back[key]) / 2 for key in plain}
        return {**mean, 'rotations': _nearest_rotation(mean['rotations'])}

    def recover(self, bodies: Tensors, cut: Windows, sample: MotionDataSample, merge: bool) -> Tensors:
        """Fields of a sequence: ``pred_vertices`` (P, V, 3) and ``pred_keypoints_3d`` (P, 17, 3) in metres.

        Both are relative to joint 0 of the keypoints (h36m17); where the sample has ``smpl_pose`` and ``smpl_shape``,
        ``vertices`` (T, V, 3) and ``lifting_target`` (T, 17, 3) of these too. ``pred_smpl_pose`` (P, 72) and
        ``pred_smpl_shape`` (P, 10) are the parameters.

        Args:
            bodies: of the windows, (W, outputs, ...).
            cut: the windows.
            sample: of the sequence.
            merge: whether windows become one sequence, else ``pred_frames`` (P,) says which frames they stand for.

        Raises:
            InputError: the head has no body model.
        """
        if self.body_model is None:
            raise InputError(
                f'{type(self).__name__} has no body_model, without which there are no meshes; give its file'
            )
        body = {key: cut.merge(x) if merge else x.flatten(0, 1) for key, x in bodies.items()}
        fields = _relative(body, 'pred_vertices', 'pred_keypoints_3d')
        pose = matrix_to_axis_angle(_nearest_rotation(body['rotations'])).flatten(-2)
        fields |= {'pred_smpl_pose': pose, 'pred_smpl_shape': body['betas']}
        if not merge:
            fields['pred_frames'] = torch.from_numpy(cut.outputs.ravel())
        if 'smpl_pose' in sample:
            theta = torch.cat([sample.smpl_pose, sample.smpl_shape], -1).to(pose).nan_to_num()
            true = [self.from_theta(part) for part in theta.split(128)]
            truth = {key: torch.cat([part[key] for part in true]) for key in ('verts', 'kp_3d')}
            fields |= _relative(truth, 'vertices', 'lifting_target')
        return fields

    def bones(self, sample: MotionDataSample) -> tuple[Tensor, Tensor]:
        """Rotations (P, 24, 3, 3) and the mean shape (10,) of what :meth:`recover` returned."""
        return axis_angle_to_matrix(sample.pred_smpl_pose.unflatten(1, (24, 3))), sample.pred_smpl_shape.mean(0)

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Losses against ``smpl_pose`` (B, T, 72), axis-angle, and ``smpl_shape`` (B, T, 10).

        Args:
            features: (B, T, J, R).
            data_samples: one stacked sample; ``smpl_weight`` (B, T) is 0 where a
                frame has no label, and without it every label counts.

        Returns:
            One 0-dim tensor per loss.

        Raises:
            InputError: a loss needs the body model, and the head has none.
        """
        pred, weight = self(features, *self.start(data_samples)), data_samples.get('smpl_weight')
        target = {'theta': torch.cat([data_samples.smpl_pose, data_samples.smpl_shape], -1)}
        on_keypoints = [loss.name for loss in self.losses if loss.compares == 'poses']
        if on_keypoints and self.body_model is None:
            raise InputError(
                f'{type(self).__name__} has no body_model, which its losses {on_keypoints} need; give its file'
            )
        if on_keypoints:
            with torch.no_grad():
                target = self.from_theta(target['theta'])
            pred, target = ({**x, 'kp_3d': x['kp_3d'] - x['kp_3d'][..., :1, :]} for x in (pred, target))
        per_joint = None if weight is None else weight.unsqueeze(-1).expand(*weight.shape, 17)
        losses = {}
        for loss in self.losses:
            key, weights = ('theta', weight) if loss.compares == 'theta' else ('kp_3d', per_joint)
            losses[f'loss_{loss.name}'] = loss(pred[key], target[key], weights)
        return losses


@HEADS.register_module()
class MeshHead(BodyHead):
    """Two perceptrons on all joints of a frame, pose and shape, then the body (MotionBERT, section 3.4).

    The pose is read frame by frame, the shape from the mean over the clip. Both are corrections of a mean body. The
    inner width is 1024 in the released weights (the paper says 512).

    Args:
        in_channels: of the features.
        **body: see :class:`BodyHead`.
        mean_params: ``smpl_mean_params.npz`` of SPIN with ``pose`` (144,), 6D, and ``shape`` (10,), or a mapping of
            these; ``None``: the rest pose of the mean shape. A checkpoint brings another.

    Raises:
        InputError: two losses have the same name, or a file cannot be read.
    """

    def __init__(self, in_channels: int, mean_params: Arrays = None, **body: Any) -> None:
        super().__init__(in_channels, **body)
        hidden = self.fc1.out_features
        self.fc2 = nn.Linear(self.fc1.in_features, hidden)
        self.bn1, self.bn2 = nn.BatchNorm1d(hidden), nn.BatchNorm1d(hidden)
        self.head_pose, self.head_shape = nn.Linear(hidden, 144), nn.Linear(hidden, 10)
        for layer in (self.head_pose, self.head_shape):
            nn.init.xavier_uniform_(layer.weight, gain=0.01)
        pose, shape = _mean_body(mean_params)
        self.register_buffer('init_pose', pose)
        self.register_buffer('init_shape', shape)

    def forward(self, features: Tensor) -> Tensors:
        """Features (B, T, J, R) to bodies.

        Returns:
            ``theta`` (B, T, 82): 24 axis-angle vectors, then the shape; ``rotations`` (B, T, 24, 3, 3); ``betas`` (B,
            T, 10); and with a body model ``verts`` (B, T, V, 3) and ``kp_3d`` (B, T, 17, 3), h36m17, in mm, not
            root-relative.
        """
        frames = features.flatten(2)
        num_clips, num_frames, _ = frames.shape
        x = self.bn1(self.fc1(self.dropout(frames.flatten(0, 1)))).relu()
        pose = (self.head_pose(x) + self.init_pose).view(num_clips, num_frames, 24, 6)
        x = self.bn2(self.fc2(self.dropout(frames.mean(1)))).relu()
        shape = (self.head_shape(x) + self.init_shape).unsqueeze(1).expand(-1, num_frames, -1)
        return self.bodies(rotation_6d_to_matrix(pose), shape)


def _relative(body: Tensors, vertices: str, keypoints: str) -> Tensors:
    root = body['kp_3d'][:, :1]
    return {vertices: (body['verts'] - root) / 1000, keypoints: (body['kp_3d'] - root) / 1000}


def _nearest_rotation(matrix: Tensor) -> Tensor:
    return rotation_6d_to_matrix(matrix_to_rotation_6d(matrix))


def _mean_body(source: Arrays) -> tuple[Tensor, Tensor]:
    if source is None:
        return torch.tensor([[1.0, 0, 0, 1, 0, 0]]).repeat(1, 24), torch.zeros(1, 10)
    try:
        if not isinstance(source, Mapping):
            source = load_arrays(source, need=('pose', 'shape'))
        pose, shape = (torch.as_tensor(np.asarray(source[key]), dtype=torch.float32) for key in ('pose', 'shape'))
        return pose.reshape(1, 144), shape.reshape(1, 10)
    except Exception as error:  # a damaged file fails in any way
        raise InputError(
            f'mean_params {source if isinstance(source, (str, os.PathLike)) else type(source).__name__} cannot be used '
            f'({error}); expected smpl_mean_params.npz with pose (144,) and shape (10,)'
        ) from error
