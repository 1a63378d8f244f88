"""The norm of P-STMO's transformers."""

import torch
from torch import Tensor, nn

from ...utils.fast_products import std_norm


class StdNorm(nn.Module):
    """Layer norm by the unbiased standard deviation, with epsilon added to that and not to the variance (P-STMO).

    With 256 channels it differs from ``nn.LayerNorm`` by about 0.2 %.

    Args:
        dim: D, the last axis.
        eps: epsilon.
    """

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return std_norm(x, self.weight, self.bias, self.eps)
