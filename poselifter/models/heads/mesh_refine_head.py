"""The head that refines the bodies of another method."""

from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_rotation_6d, rotation_6d_to_matrix
from ...registry import HEADS
from ...skeletons import flip_smpl_pose
from ...structures import MotionDataSample
from ..parts import Tensors
from .mesh_head import BodyHead


@HEADS.register_module()
class MeshRefineHead(BodyHead):
    """A perceptron on motion features and another method's body, to a residual in the joints' rotations.

    MotionBERT, Table 3 ("+ SPIN", "+ MAED", "+ HybrIK"). There is no code of it, so all but the paper's sentence is
    ours: the initial pose in 6D and the shape are read beside all joints of the frame, the residual is added in 6D and
    made a rotation again, the shape stays as given. The last layer begins at zero, so an untrained head returns what it
    got.

    Samples bring ``initial_pose`` (..., T, 72), axis-angle, and ``initial_shape`` (..., T, 10).

    Args:
        in_channels: of the features.
        **body: see :class:`BodyHead`; ``dropout`` is that of the features.
    """

    others = 144 + 10  # pose and shape of the other method
    needs = ('initial_pose', 'initial_shape')
    # the shape is as given
    default_losses = tuple(loss for loss in BodyHead.default_losses if loss['type'] != 'SMPLShapeLoss')

    def __init__(self, in_channels: int, **body: Any) -> None:
        super().__init__(in_channels, **body)
        self.bn1, self.head_pose = nn.BatchNorm1d(self.fc1.out_features), nn.Linear(self.fc1.out_features, 144)
        nn.init.zeros_(self.head_pose.weight)
        nn.init.zeros_(self.head_pose.bias)

    def forward(self, features: Tensor, initial: Tensor | None = None) -> Tensors:
        """Features (B, T, J, R) and initial parameters (B, T, 82) to bodies, as :meth:`MeshHead.forward` returns them.

        Without initial parameters it is the rest pose that is refined, which serves to count layers and nothing else.
        """
        initial = features.new_zeros(*features.shape[:2], 82) if initial is None else initial
        pose, shape = initial[..., :72].unflatten(-1, (24, 3)), initial[..., 72:]
        pose = matrix_to_rotation_6d(axis_angle_to_matrix(pose))
        x = torch.cat([self.dropout(features.flatten(2)), pose.flatten(2), shape], -1).flatten(0, 1)
        residual = self.head_pose(self.bn1(self.fc1(x)).relu()).view_as(pose)
        return self.bodies(rotation_6d_to_matrix(pose + residual), shape)

    def start(self, data_samples: MotionDataSample | None) -> tuple[Tensor]:
        """The initial parameters (B, T, 82).

        Raises:
            InputError: the sample has none.
        """
        if data_samples is None or 'initial_pose' not in data_samples:
            raise InputError(
                'MeshRefineHead refines the bodies of another method, and a sample has none (initial_pose, '
                'initial_shape); set estimates=... of MeshDataset, or give them to recover_smpl'
            )
        return (torch.cat([data_samples.get(key).to(self.head_pose.weight) for key in self.needs], -1),)

    def mirror(self, data_samples: MotionDataSample) -> MotionDataSample:
        """The sample with the initial bodies mirrored."""
        mirrored = data_samples.clone()
        mirrored.initial_pose = flip_smpl_pose(data_samples.initial_pose)
        return mirrored
