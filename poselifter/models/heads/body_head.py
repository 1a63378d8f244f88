"""A head that recovers bodies of any body model: rotations of the bones that all have, and a shape."""

from typing import Any

import torch
from torch import Tensor, nn

from ...geometry import matrix_to_rotation_6d, rotation_6d_to_matrix
from ...registry import HEADS
from ...skeletons import Skeleton, flip_bone_rotations
from ...structures import MotionDataSample, Windows
from ..body_models import Articulation, load_body_model
from ..parts import BaseHead, Tensors

_CHUNK = 64  # frames at a time: a mesh is 800 times a pose


@HEADS.register_module()
class AnyBodyHead(BaseHead):
    """Two perceptrons on all joints of a frame, as MotionBERT's mesh head has them, for any body model.

    The pose, of ``bones20``, is read frame by frame; the shape from the mean over the clip, as a change of the average
    shape in units of its spread. Losses on poses compare the root-relative heads of the bones that move, in metres.

    Args:
        in_channels: R of the features.
        num_joints: J of the features.
        body_model: what :func:`~poselifter.models.body_models.load_body_model` takes; ``'anny'`` is the one that ships.
        hidden_dims: inner width of the perceptrons.
        dropout: rate before each perceptron.
        **base: see :class:`BaseHead`.
    """

    wants = ('in_channels', 'num_joints')
    reads, label = 'body', 'body_rotations'
    predicts = ('pred_vertices', 'pred_keypoints_3d', 'pred_body_rotations', 'pred_body_shape')
    default_losses = (
        {'type': 'MPJPELoss'},
        {'type': 'VelocityLoss', 'loss_weight': 2.0},
        {'type': 'BoneRotationLoss', 'loss_weight': 0.3},
        {'type': 'BodyShapeLoss', 'loss_weight': 0.02},
    )

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        body_model: Any = 'anny',
        hidden_dims: int = 1024,
        dropout: float = 0.1,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.body_model = load_body_model(body_model)
        self.articulation = Articulation(self.body_model)
        width = num_joints * in_channels
        self.dropout = nn.Dropout(dropout)
        self.fc1, self.fc2 = nn.Linear(width, hidden_dims), nn.Linear(width, hidden_dims)
        self.bn1, self.bn2 = nn.BatchNorm1d(hidden_dims), nn.BatchNorm1d(hidden_dims)
        self.head_pose = nn.Linear(hidden_dims, 6 * len(self.articulation.frames))
        self.head_shape = nn.Linear(hidden_dims, len(self.body_model.shape_names))
        for layer in (self.head_pose, self.head_shape):
            nn.init.xavier_uniform_(layer.weight, gain=0.01)

    def forward(self, features: Tensor) -> Tensors:
        """Features (B, T, J, R) to bodies.

        Returns:
            ``rotations`` (B, T, 20, 3, 3) of ``bones20`` relative to parents, the first one's in camera axes;
            ``shape`` (B, T, S), the same in all frames.
        """
        frames = features.flatten(2)
        num_clips, num_frames, _ = frames.shape
        x = self.bn1(self.fc1(self.dropout(frames.flatten(0, 1)))).relu()
        rest = matrix_to_rotation_6d(self.articulation.frames.new_tensor([[1, 0, 0], [0, -1, 0], [0, 0, -1.0]]))
        still = matrix_to_rotation_6d(torch.eye(3).to(rest)).expand(len(self.articulation.frames) - 1, 6)
        pose = self.head_pose(x).unflatten(-1, (-1, 6)) + torch.cat([rest[None], still])  # upright, facing the camera
        y = self.bn2(self.fc2(self.dropout(frames.mean(1)))).relu()
        shape = self.body_model.default_shape() + self.head_shape(y) * self.body_model.shape_spread
        rotations = rotation_6d_to_matrix(pose.unflatten(0, (num_clips, num_frames)))
        return {'rotations': rotations, 'shape': shape.unsqueeze(1).expand(-1, num_frames, -1)}

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Bodies of windows, as ``forward`` returns them; :meth:`recover` makes a sequence's fields of them."""
        return self(features)

    def mean_with_mirrored(self, plain: Tensors, mirrored: Tensors, skeleton: Skeleton | None = None) -> Tensors:
        """The bodies of clips averaged with those of the mirrored clips, turned back; rotations stay rotations."""
        rotations = (plain['rotations'] + flip_bone_rotations(mirrored['rotations'])) / 2
        return {'rotations': _nearest(rotations), 'shape': (plain['shape'] + mirrored['shape']) / 2}

    def heads(self, rotations: Tensor, shape: Tensor) -> Tensor:
        """Heads (B, T, M, 3) of the bones that move, from the first one's, metres: bodies without their meshes.

        Args:
            rotations: (B, T, 20, 3, 3).
            shape: (B, S).
        """
        moving = self.articulation.moving
        at_rest = self.body_model.rest(shape).heads.unsqueeze(1)
        world = self.body_model.tree.world(self.articulation.to_body(rotations))
        places = self.body_model.tree.places(world, at_rest.expand(*world.shape[:2], -1, -1))[..., moving, :]
        return places - places[..., :1, :]

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Losses against ``body_rotations`` (B, T, 20, 3, 3) and ``body_shape`` (B, S).

        Args:
            features: (B, T, J, R).
            data_samples: one stacked sample.
        """
        pred, shape = self(features), self.body_model.within_range(data_samples.body_shape)
        rotations = data_samples.body_rotations
        spread = self.body_model.shape_spread
        pairs = {
            'rotations': (pred['rotations'].flatten(-2), rotations.flatten(-2)),
            'shape': (pred['shape'][:, 0] / spread, shape / spread),
            'poses': (self.heads(pred['rotations'], pred['shape'][:, 0]), self.heads(rotations, shape)),
        }
        return {f'loss_{loss.name}': loss(*pairs[loss.compares]) for loss in self.losses}

    def recover(self, bodies: Tensors, cut: Windows, sample: MotionDataSample, merge: bool) -> Tensors:
        """Fields of a sequence: ``pred_vertices`` (P, V, 3) and ``pred_keypoints_3d`` (P, 17, 3) in metres.

        Both are relative to joint 0 of h36m17; where the sample has a label, ``vertices`` (T, V, 3) and
        ``lifting_target`` (T, 17, 3) of it too. ``pred_body_rotations`` (P, 20, 3, 3) and ``pred_body_shape`` (P, S),
        the same in all frames, are the parameters.

        Args:
            bodies: of the windows, (W, outputs, ...).
            cut: the windows.
            sample: of the sequence.
            merge: whether windows become one sequence, else ``pred_frames`` (P,) says which frames they stand for.
        """
        body = {key: cut.merge(x) if merge else x.flatten(0, 1) for key, x in bodies.items()}
        rotations, shape = _nearest(body['rotations']), body['shape'].mean(0)
        vertices, keypoints = self.meshes(rotations, shape)
        fields = {'pred_vertices': vertices, 'pred_keypoints_3d': keypoints}
        fields |= {'pred_body_rotations': rotations, 'pred_body_shape': shape.expand(len(rotations), -1)}
        if not merge:
            fields['pred_frames'] = torch.from_numpy(cut.outputs.ravel())
        if 'body_rotations' in sample:
            vertices, keypoints = self.meshes(sample.body_rotations.to(shape), sample.body_shape.to(shape))
            fields |= {'vertices': vertices, 'lifting_target': keypoints}
        return fields

    def bones(self, sample: MotionDataSample) -> tuple[Tensor, Tensor]:
        """Rotations (P, K, 3, 3) of the body's own bones and shape (S,) of what :meth:`recover` returned."""
        return self.articulation.to_body(sample.pred_body_rotations), sample.pred_body_shape[0]

    def meshes(self, rotations: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Vertices (P, V, 3) and joints (P, 17, 3) of h36m17, relative to joint 0, metres.

        Args:
            rotations: (P, 20, 3, 3).
            shape: (S,) of all frames.
        """
        parts = []
        for part in self.articulation.to_body(rotations).split(_CHUNK):
            vertices = self.body_model(part, shape)[0]
            keypoints = self.body_model.keypoints(vertices)
            parts.append((vertices - keypoints[:, :1], keypoints - keypoints[:, :1]))
        vertices, keypoints = zip(*parts, strict=True)
        return torch.cat(vertices), torch.cat(keypoints)


def _nearest(matrices: Tensor) -> Tensor:
    return rotation_6d_to_matrix(matrix_to_rotation_6d(matrices))
