"""Baseline lifters, fitted in closed form: mean pose and linear regression."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ...registry import CODECS
from ..parts import BaseBackbone, Encoded
from .motion_estimator import MotionEstimator

_RIDGE = 1e-3  # weight of the squared coefficients, so that features which never vary do no harm


class PerFrameFeatures(BaseBackbone):
    """Network input as features, each frame for itself: (B, T, J, C) -> (B, T, 1, J * C + 1).

    The last feature is 1, so that a linear map on it has an offset.

    Args:
        num_frames, num_joints, in_channels: see :class:`BaseBackbone`.
        constant: leave all features out but the 1.
    """

    layer_lists, per_joint = (), ()

    def __init__(self, num_joints: int, in_channels: int, num_frames: int = 1, constant: bool = False) -> None:
        super().__init__(num_frames, num_joints, in_channels, 1 if constant else num_joints * in_channels + 1, 1)
        self.constant = constant

    def embed(self, x: Tensor) -> Tensor:
        """Flattens each frame and appends the 1."""
        features = x.flatten(2)
        one = torch.ones_like(features[..., :1])
        return (one if self.constant else torch.cat([features, one], -1)).unsqueeze(2)

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """Returns the tokens unchanged."""
        return (h, []) if return_layers else h


class Baseline(MotionEstimator):
    """A lifter that shares codec, windows and mirrored pass with the model it is compared to.

    Args:
        codec: config of the model's codec.
        test_cfg: the model's.
        data_preprocessor: the model's.
    """

    constant = False

    def __init__(self, codec: dict, test_cfg: dict | None = None, data_preprocessor: dict | None = None) -> None:
        space = CODECS.build(codec)
        backbone = {'type': PerFrameFeatures, 'constant': self.constant}
        backbone |= {'num_joints': space.skeleton.num_joints, 'in_channels': space.channels}
        heads = {'pose': {'type': 'PoseHead', 'num_joints': space.skeleton_3d.num_joints}}
        super().__init__(backbone, heads, codec, test_cfg=test_cfg, data_preprocessor=data_preprocessor)

    def fit(self, loader: Iterable[dict]) -> None:
        """Least squares over one pass over training batches, each with ``inputs`` and stacked ``data_samples``."""
        normal = moment = 0
        for batch in loader:
            x = self.extract_feat(batch['inputs'])['features'].flatten(0, -2).double()
            y = batch['data_samples'].target.flatten(0, -3).flatten(1).double()
            normal, moment = normal + x.T @ x, moment + x.T @ y
        ridge = _RIDGE * torch.eye(len(normal), dtype=normal.dtype)
        linear = self.heads['pose'].linear.requires_grad_(False)
        linear.weight.copy_(torch.linalg.solve(normal + ridge, moment).T)
        nn.init.zeros_(linear.bias)


class MeanPose(Baseline):
    """Always the mean training pose."""

    constant = True


class LinearRegression(Baseline):
    """A linear regression from the keypoints of one frame to its pose."""
