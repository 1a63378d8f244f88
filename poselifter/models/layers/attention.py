"""Multi-head attention over the joints of a frame or the frames of a joint."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import InputError

Axis = Literal['joints', 'frames']
_DEVICES = ('cpu', 'cuda', 'xpu', 'mps', 'mtia', 'maia', 'hpu', 'ipu', 'xla', 'privateuseone')
#: Kinds of devices that know autocast; asked once, since torch 2.6 cannot export a network that asks.
AUTOCAST = frozenset(kind for kind in _DEVICES if torch.amp.is_autocast_available(kind))


class Attention(nn.Module):
    """Multi-head self-attention over one named axis (Vaswani et al. 2017, section 3.2).

    Over ``'joints'`` the J tokens of one frame see each other, over ``'frames'`` the T tokens of one joint.

    Args:
        dim: D, channels of a token.
        num_heads: number of heads; divides ``dim``.
        axis: the axis whose tokens see each other.
        qkv_bias: whether queries, keys and values have a bias.
        attn_drop: dropout rate of the attention weights.
        proj_drop: dropout rate of the output.
        scale: factor of the products; ``None`` means one over the square root of a head's channels.

    Raises:
        InputError: ``num_heads`` does not divide ``dim``, or ``axis`` is unknown.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 8,
        axis: Axis = 'joints',
        qkv_bias: bool = True,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        if num_heads not in range(1, dim + 1) or dim % num_heads:
            raise InputError(f'attention has {dim} channels, which {num_heads} heads do not divide; change num_heads')
        if axis not in ('joints', 'frames'):
            raise InputError(f"attention axis is {axis!r}, expected 'joints' or 'frames'")
        self.num_heads, self.axis, self.attn_drop = int(num_heads), axis, attn_drop
        self.scale = None if scale is None else float(scale)
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)  # rows: queries, keys, values; head by head in each
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Attends.

        Args:
            x: (B, T, J, D).
            valid: (B, T) bool, False for padded frames. Over ``'frames'`` no frame sees a padded one; over ``'joints'``
                nothing changes, since frames do not mix. A clip without any valid frame is treated as if all were
                valid, to stay finite.

        Returns:
            (B, T, J, D).
        """
        q, k, v, mask = self._split(x, valid)
        drop = self.attn_drop if self.training else 0.0
        out = _attend(q, k, v, mask, drop, self.scale)
        return self.proj_drop(self.proj(out.transpose(1, 2).reshape(x.shape)))

    def weights(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Attention weights of :meth:`forward`, without dropout; ``forward`` itself never holds them.

        Args:
            x, valid: as :meth:`forward` gets them.

        Returns:
            (B, T, H, J, J) over ``'joints'``, (B, J, H, T, T) over ``'frames'``, of H heads: how much the token of
            a row takes from that of a column. Rows sum to 1.
        """
        q, k, _, mask = self._split(x, valid)
        products = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if self.scale is None else self.scale)
        if mask is not None:
            products = products.masked_fill(~mask, -torch.inf)
        others = x.shape[1] if self.axis == 'joints' else x.shape[2]
        return products.softmax(-1).view(len(x), others, self.num_heads, *products.shape[-2:])

    def _split(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, ...]:
        """Queries, keys and values (N, heads, tokens, D / heads), and which frames may be seen, or ``None``."""
        b, t, j, d = x.shape
        head_dim = d // self.num_heads
        # Over frames the joints ride along as further heads, so neither axis needs a copy: three products with thirds
        # of one weight give three contiguous results, where one product would give (3, heads, head_dim) interleaved.
        shape = (b * t, j, self.num_heads, head_dim) if self.axis == 'joints' else (b, t, j * self.num_heads, head_dim)
        device = x.device.type
        if device in AUTOCAST and torch.is_autocast_enabled(device):  # once, not three copies
            x = x.to(torch.get_autocast_dtype(device))
        weights = self.qkv.weight.chunk(3)
        biases = (None,) * 3 if self.qkv.bias is None else self.qkv.bias.chunk(3)
        q, k, v = (F.linear(x, w, b).view(shape).transpose(1, 2) for w, b in zip(weights, biases, strict=True))
        return q, k, v, None if valid is None or self.axis == 'joints' else seen_frames(valid)[:, None, None]


def seen_frames(valid: Tensor) -> Tensor:
    """(B, T) bool with the clips that have no valid frame at all set to True, so that they stay finite."""
    return valid | ~valid.any(1, keepdim=True)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, drop: float, scale: float | None) -> Tensor:
    """Torch's attention, but where a CPU learns in bfloat16: there its gradients take up to four times as long."""
    if q.device.type != 'cpu' or q.dtype != torch.bfloat16 or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=drop, scale=scale)
    products = (q * (q.shape[-1] ** -0.5 if scale is None else scale)) @ k.transpose(-2, -1)
    if mask is not None:
        products = products.masked_fill(~mask, -torch.inf)
    return F.dropout(products.softmax(-1), drop) @ v
