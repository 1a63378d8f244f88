"""Two lifters that any model must beat, fitted in closed form."""

from collections.abc import Iterable

import torch
from torch import nn

from ...registry import HEADS, MODELS
from .motion_estimator import MotionEstimator


@MODELS.register_module()
class PerFrameFeatures(nn.Module):
    """The network's input itself as features, each frame for itself: (B, T, J, C) -> (B, T, 1, J * C + 1).

    The last feature is 1, so that a linear map on it has an offset.

    Args:
        num_frames: frames of a window.
        constant: leave all features out but the 1.
    """

    def __init__(self, num_frames: int = 1, constant: bool = False) -> None:
        super().__init__()
        self.num_frames, self.constant = num_frames, constant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        features = x.flatten(2)
        one = torch.ones_like(features[..., :1])
        return (one if self.constant else torch.cat([features, one], -1)).unsqueeze(2)


@HEADS.register_module()
class LeastSquaresHead(nn.Module):
    """A linear map that is fitted, not trained.

    Args:
        ridge: weight of the squared coefficients, so that features which never
            vary do no harm.
    """

    def __init__(self, ridge: float = 1e-3) -> None:
        super().__init__()
        self.ridge = ridge
        self.register_buffer('weight', torch.zeros(0))

    def fit(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Minimises the squared error over all batches of (features (..., D), targets (..., K, 3))."""
        normal = moment = 0
        for features, target in batches:
            x, y = features.flatten(0, -2).double(), target.flatten(0, -3).flatten(1).double()
            normal, moment = normal + x.T @ x, moment + x.T @ y
        eye = torch.eye(len(normal), dtype=normal.dtype)
        self.weight = torch.linalg.solve(normal + self.ridge * eye, moment).float()

    def predict(self, features: torch.Tensor) -> torch.Tensor:
        """(B, T, 1, D) -> (B, T, K, 3)."""
        return (features.squeeze(2) @ self.weight).unflatten(-1, (-1, 3))


class Baseline(MotionEstimator):
    """A lifter that shares codec, windows and mirrored pass with the model it is compared to.

    Args:
        codec: config of the model's codec.
        test_cfg: the model's.
        data_preprocessor: the model's.
    """

    constant = False

    def __init__(self, codec: dict, test_cfg: dict | None = None, data_preprocessor: dict | None = None) -> None:
        backbone = {'type': 'PerFrameFeatures', 'constant': self.constant}
        heads = {'pose': {'type': 'LeastSquaresHead'}}
        super().__init__(backbone, heads, codec, test_cfg=test_cfg, data_preprocessor=data_preprocessor)

    def fit(self, loader: Iterable[dict]) -> None:
        """Fits to one pass over training batches, each with ``inputs`` and stacked ``data_samples``."""
        self.heads['pose'].fit((self.extract_feat(b['inputs'])['features'], b['data_samples'].target) for b in loader)


class MeanPose(Baseline):
    """Always the mean training pose."""

    constant = True


class LinearRegression(Baseline):
    """A linear regression from the keypoints of one frame to its pose."""
