"""The pre-norm transformer block."""

from __future__ import annotations

import torch
from torch import nn

from .attention import Attention, Axis
from .drop_path import DropPath
from .mlp import Mlp


class TransformerBlock(nn.Module):
    """Attention over one axis, then a perceptron, each normalised before and added to its input.

    Args:
        dim: D.
        num_heads: heads of the attention.
        axis: the axis that is attended over.
        mlp_ratio: hidden channels of the perceptron, in units of ``dim``.
        qkv_bias: whether queries, keys and values have a bias.
        drop: dropout rate of attention output and perceptron.
        attn_drop: dropout rate of the attention weights.
        drop_path: rate of stochastic depth, drawn for both branches apart.
        drop_path_axis: the axis that shares a draw; ``None`` means ``axis``,
            as if the other axes were one batch.
        norm_eps: epsilon of the norms.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        axis: Axis,
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        drop: float = 0.0,
        attn_drop: float = 0.0,
        drop_path: float = 0.0,
        drop_path_axis: Axis | None = None,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, num_heads, axis, qkv_bias, attn_drop, drop)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), drop=drop)
        self.drop_path = DropPath(drop_path, drop_path_axis or axis)

    def forward(self, x: torch.Tensor, valid: torch.Tensor | None = None) -> torch.Tensor:
        """(B, T, J, D) -> (B, T, J, D); ``valid`` as in :class:`Attention`."""
        x = x + self.drop_path(self.attn(self.norm1(x), valid))
        return x + self.drop_path(self.mlp(self.norm2(x)))
