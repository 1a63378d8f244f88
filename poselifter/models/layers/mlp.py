"""The two-layer perceptron of a transformer block."""

from collections.abc import Callable

import torch
from torch import nn


class Mlp(nn.Module):
    """Linear, activation, dropout, linear, dropout, on the last axis.

    Args:
        in_features: channels that come in.
        hidden_features: channels between the layers; ``None`` means ``in_features``.
        out_features: channels that go out; ``None`` means ``in_features``.
        act_layer: class of the activation; the default is the exact (erf) GELU.
        drop: dropout rate after both layers.
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int | None = None,
        out_features: int | None = None,
        act_layer: Callable[[], nn.Module] = nn.GELU,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        hidden_features = hidden_features or in_features
        self.fc1 = nn.Linear(in_features, hidden_features)
        self.act = act_layer()
        self.fc2 = nn.Linear(hidden_features, out_features or in_features)
        self.drop = nn.Dropout(drop)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) -> (..., out_features)."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class SymSum(nn.Module):
    """Positive part plus the negative part moved by half of the frames, an activation MotionAGFormer offers.

    For an odd number of frames the direction of the move is from memory.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, ...) -> (B, T, ...)."""
        return x.clamp(min=0) + x.clamp(max=0).roll(-(x.shape[1] // 2), 1)
