"""The pre-norm transformer block."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .attention import Attention, Axis
from .drop_path import DrawAxis, DropPath
from .mlp import Mlp


class TransformerBlock(nn.Module):
    """Attention over one axis, then a perceptron, each normalised before and added to its input.

    Args:
        dim: D.
        num_heads: heads of the attention.
        axis: the axis that is attended over.
        mlp_ratio: hidden channels of the perceptron, in units of ``dim``; 0 leaves the perceptron out.
        qkv_bias: whether queries, keys and values have a bias.
        drop_rate: dropout of attention output and perceptron.
        attn_drop_rate: dropout of the attention weights.
        drop_path: rate of stochastic depth, drawn for both branches apart.
        drop_path_axis: the axis with one common draw; ``None`` means ``axis``, as if the other axes were one batch.
        norm_eps: epsilon of the norms.
        qk_scale: see :class:`Attention`.
        hidden_dims: hidden channels themselves, in place of ``mlp_ratio``.
        layer_scale: start of a learned factor per channel on either branch
            (Touvron et al. 2021); ``None`` has no such factors.
        norm_layer: class of the norms.
        act_layer: class of the perceptron's activation.
        mixer: what mixes the tokens in place of the attention; called alike.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 8,
        axis: Axis = 'joints',
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path: float = 0.0,
        drop_path_axis: DrawAxis | None = None,
        norm_eps: float = 1e-6,
        qk_scale: float | None = None,
        hidden_dims: int | None = None,
        layer_scale: float | None = None,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
        act_layer: Callable[[], nn.Module] = nn.GELU,
        mixer: nn.Module | None = None,
    ) -> None:
        super().__init__()
        hidden_dims = int(dim * mlp_ratio) if hidden_dims is None else hidden_dims

        def scale() -> nn.Parameter | None:
            return None if layer_scale is None else nn.Parameter(torch.full((dim,), float(layer_scale)))

        self.norm1 = norm_layer(dim, eps=norm_eps)
        self.attn = mixer or Attention(dim, num_heads, axis, qkv_bias, attn_drop_rate, drop_rate, qk_scale)
        self.layer_scale_1 = scale()
        self.drop_path = DropPath(drop_path, drop_path_axis or axis)
        self.mlp = None
        if hidden_dims:
            self.norm2 = norm_layer(dim, eps=norm_eps)
            self.mlp = Mlp(dim, hidden_dims, act_layer, drop_rate)
            self.layer_scale_2 = scale()

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D); ``valid`` as in :class:`Attention`."""
        x = self._add(x, self.attn(self.norm1(x), valid), self.layer_scale_1)
        return x if self.mlp is None else self._add(x, self.mlp(self.norm2(x)), self.layer_scale_2)

    def _add(self, x: Tensor, branch: Tensor, scale: Tensor | None) -> Tensor:
        return x + self.drop_path(branch if scale is None else scale * branch)


def transformer_blocks(depth: int, dim: int, axis: Axis, drop_path_rate: float = 0.0, **block: Any) -> nn.ModuleList:
    """``depth`` blocks, whose rate of stochastic depth rises from 0 to ``drop_path_rate``; ``block``: of each."""
    rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
    return nn.ModuleList(TransformerBlock(dim, axis=axis, drop_path=rate, **block) for rate in rates)
