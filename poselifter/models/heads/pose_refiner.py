"""P-STMO's refinement of a pose by its re-projection."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError, check_choice
from ...geometry import Camera, backproject
from ...registry import HEADS
from ...structures import MotionDataSample
from ..parts import BaseHead, Tensors


@HEADS.register_module()
class PoseRefiner(BaseHead):
    """Blends x and y of a pose with those of its depth re-projected through the camera (P-STMO, the (*) rows).

    It stands beside the head ``pose`` and reads what that predicts, the root not set to zero, at test time after the
    mean with the mirrored clip. As released, training goes on with the loss of the refined pose alone:
    give the head ``pose`` the losses ``[]``. Data without the camera, or people in the wild, are lifted without it.

    Samples bring ``inputs`` (..., T, J, C), screen-normalised, the true poses ``lifting_target`` (..., T, J, 3) in
    metres, of which the root's depth is read, at test time too, and ``camera_param`` and ``img_shape``.

    Args:
        num_joints: J.
        hidden_dims: hidden channels.
        root: number of the root.
        unit: of the poses that it reads and returns, ``'m'`` or ``'mm'``; within they are metres.
        **base: see :class:`BaseHead`.

    Raises:
        InputError: ``unit`` is another one.
    """

    wants = ()
    reads = 'poses'
    needs = ('inputs', 'lifting_target', 'camera_param', 'img_shape')

    default_losses = ({'type': 'MPJPELoss'},)

    def __init__(
        self, num_joints: int = 17, hidden_dims: int = 1024, root: int = 0, unit: str = 'm', **base: Any
    ) -> None:
        super().__init__(**base)
        check_choice('PoseRefiner: unit', unit, ('m', 'mm'))
        self.root, self.scale = root, 1.0 if unit == 'm' else 1000.0
        self.fc1 = nn.Linear(6 * num_joints, hidden_dims)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(hidden_dims, 2 * num_joints)

    def forward(self, pose: Tensor, reprojected: Tensor | None = None) -> Tensor:
        """Refines.

        Args:
            pose: (B, T, J, 3), metres, the root not set to zero.
            reprojected: (B, T, J, 3), see :func:`reproject_depth`; ``None``, the
                pose itself, serves to count layers and nothing else.

        Returns:
            (B, T, J, 3); z is that of ``pose``.
        """
        reprojected = pose if reprojected is None else reprojected
        both = torch.cat([pose, reprojected], -1).flatten(2)
        weight = self.fc2(self.drop(self.fc1(both).relu())).sigmoid().view(*pose.shape[:3], 2)
        xy = weight * pose[..., :2] + (1 - weight) * reprojected[..., :2]
        return torch.cat([xy, pose[..., 2:]], -1)

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Poses (B, T, J, 3) to refined ones."""
        poses = features / self.scale
        return {'pred_keypoints_3d': self(poses, self.reproject(poses, data_samples)) * self.scale}

    def reproject(self, poses: Tensor, data_samples: MotionDataSample) -> Tensor:
        """:func:`reproject_depth` of poses (B, T, J, 3), metres, with root depth and camera of the samples.

        Raises:
            InputError: they lack something.
        """
        missing = [key for key in self.needs if key not in data_samples]
        if missing:
            raise InputError(
                f'PoseRefiner re-projects by the camera and the root depth, and the samples lack {missing}; add arrays '
                f'to the keys of PackPose and take data with cameras, or leave the head out'
            )
        pairs = zip(data_samples.camera_param, data_samples.img_shape, strict=True)
        cameras = [Camera.from_dict({**camera, 'size': shape[::-1]}).normalized() for camera, shape in pairs]
        focal = poses.new_tensor(np.stack([camera.focal for camera in cameras]))
        centre = poses.new_tensor(np.stack([camera.centre for camera in cameras]))
        uv, root_depth = (
            data_samples.inputs[..., :2].to(poses),
            data_samples.lifting_target[..., self.root, 2].to(poses),
        )
        return reproject_depth(poses[..., 2], uv, root_depth, Camera(focal, centre), self.root)


def reproject_depth(depth: Tensor, uv: Tensor, root_depth: Tensor, camera: Camera, root: int = 0) -> Tensor:
    """Poses from image points and predicted depths; needs the root's true depth and the camera, at test time too.

    Args:
        depth: (B, T, J), metres, relative to the root.
        uv: (B, T, J, 2) image points in the camera's units; lens distortion is ignored.
        root_depth: (B, T), metres; it is also the root's depth, whatever ``depth`` holds for it.
        camera: of the image points.
        root: its number.

    Returns:
        (B, T, J, 3), metres, camera axes, minus the root.
    """
    z = depth + root_depth.unsqueeze(-1)
    z[..., root] = root_depth
    points = backproject(uv, z, camera, distort=False)
    return points - points[..., root : root + 1, :]
