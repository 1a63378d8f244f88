"""Fusions: S streams of the same shape (B, T, J, D) become one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...registry import NECKS
from ..parts import BaseNeck


@NECKS.register_module()
class AdaptiveFusion(BaseNeck):
    """Weights the streams per token by a softmax of a linear map of all of them (MotionBERT, equation 5).

    Starts as the average.

    Args:
        embed_dims: D.
        num_streams: S.
    """

    def __init__(self, embed_dims: int, num_streams: int = 2) -> None:
        super().__init__(embed_dims)
        self.linear = nn.Linear(num_streams * embed_dims, num_streams)
        nn.init.zeros_(self.linear.weight)
        nn.init.constant_(self.linear.bias, 0.5)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """S of (B, T, J, D) -> (B, T, J, D)."""
        return sum(w * stream for w, stream in zip(self.weights(streams).split(1, -1), streams, strict=True))

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """The weight of each stream in each token, (B, T, J, S), from S of (B, T, J, D); weights sum to 1."""
        return self.linear(torch.cat(tuple(streams), -1)).softmax(-1)


@NECKS.register_module()
class SumFusion(BaseNeck):
    """The sum of the streams.

    Args:
        embed_dims: D; unused, so that fusions can be swapped.
        num_streams: S; unused too.
    """

    def __init__(self, embed_dims: int, num_streams: int = 2) -> None:
        super().__init__(embed_dims)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """S of (B, T, J, D) -> (B, T, J, D)."""
        return sum(streams)


@NECKS.register_module()
class AverageFusion(SumFusion):
    """The mean of the streams; arguments as :class:`SumFusion`."""

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """S of (B, T, J, D) -> (B, T, J, D)."""
        return super().forward(streams) / len(streams)


@NECKS.register_module()
class ConcatFusion(BaseNeck):
    """A linear map of all streams' channels back to D.

    Args:
        embed_dims: D.
        num_streams: S.
    """

    def __init__(self, embed_dims: int, num_streams: int = 2) -> None:
        super().__init__(embed_dims)
        self.linear = nn.Linear(num_streams * embed_dims, embed_dims)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """S of (B, T, J, D) -> (B, T, J, D)."""
        return self.linear(torch.cat(tuple(streams), -1))
