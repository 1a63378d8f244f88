"""P-STMO's refinement of a pose by its re-projection."""

import torch
from mmengine.model import BaseModule
from torch import nn

from ...geometry import Camera, backproject
from ...registry import HEADS


@HEADS.register_module()
class PoseRefiner(BaseModule):
    """Blends x and y of a pose with those of its depth re-projected through the camera (P-STMO, the (*) rows).

    Args:
        num_joints: J.
        hidden_dims: hidden channels.
        init_cfg: see mmengine.
    """

    def __init__(self, num_joints: int = 17, hidden_dims: int = 1024, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.fc1 = nn.Linear(6 * num_joints, hidden_dims)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(hidden_dims, 2 * num_joints)

    def forward(self, pose: torch.Tensor, reprojected: torch.Tensor) -> torch.Tensor:
        """Refines.

        Args:
            pose: (B, T, J, 3), metres, the root not set to zero.
            reprojected: (B, T, J, 3), see :func:`reproject_depth`.

        Returns:
            (B, T, J, 3); z is that of ``pose``.
        """
        both = torch.cat([pose, reprojected], -1).flatten(2)
        share = self.fc2(self.drop(self.fc1(both).relu())).sigmoid().view(*pose.shape[:3], 2)
        xy = share * pose[..., :2] + (1 - share) * reprojected[..., :2]
        return torch.cat([xy, pose[..., 2:]], -1)


def reproject_depth(depth: torch.Tensor, uv: torch.Tensor, root_depth: torch.Tensor, camera: Camera) -> torch.Tensor:
    """Poses from image points and predicted depths; needs the root's true depth and the camera, at test time too.

    Args:
        depth: (B, T, J), metres, relative to the root.
        uv: (B, T, J, 2) image points in the camera's units; lens distortion is
            ignored.
        root_depth: (B, T), metres; it is also the root's own depth, whatever
            ``depth`` says there.
        camera: of the image points.

    Returns:
        (B, T, J, 3), metres, camera axes, minus the root.
    """
    z = depth + root_depth.unsqueeze(-1)
    z = torch.cat([root_depth.unsqueeze(-1), z[..., 1:]], -1)
    points = backproject(uv, z, camera, distort=False)
    return points - points[..., :1, :]
