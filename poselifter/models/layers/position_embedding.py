"""Learned positions of joints and frames."""

import torch
from torch import Tensor, nn

from .attention import Axis


class PositionEmbedding(nn.Module):
    """Adds a learned vector for the place along one axis.

    Args:
        length: number of places: J, or the largest T.
        dim: D.
        axis: the axis that is counted.
        normal: whether the vectors start from a standard normal distribution, else at zero.

    Attributes:
        places: which of the frames' places the tokens have, where some were left out.
    """

    def __init__(self, length: int, dim: int, axis: Axis, normal: bool = False) -> None:
        super().__init__()
        self.axis, self.places = axis, slice(None)
        self.weight = nn.Parameter(torch.randn(1, length, dim) if normal else torch.zeros(1, length, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D); fewer frames than places use the first ones."""
        return x + (self.weight if self.axis == 'joints' else self.weight[:, self.places][:, : x.shape[1], None])
