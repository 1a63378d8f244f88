"""Necks that turn the frames of a clip into its centre frame."""

from collections.abc import Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import InputError
from ...registry import NECKS
from ...utils.fast_products import linear_with
from ..layers import Attention, PositionEmbedding, StdNorm
from ..parts import BaseNeck, Tensors

# released strides by number of frames (P-STMO)
STRIDES = {9: (1, 3, 3), 27: (3, 3, 3), 81: (3, 3, 3, 3), 243: (3, 3, 3, 3, 3), 351: (3, 9, 13)}


@NECKS.register_module()
class WeightedFrameMean(BaseNeck):
    """One learned weight a frame and a bias common to all channels (PoseFormer); no softmax.

    Args:
        embed_dims: D.
        num_frames: T, which clips then have exactly.
    """

    wants = ('embed_dims', 'num_frames')

    def __init__(self, embed_dims: int, num_frames: int) -> None:
        super().__init__(embed_dims)
        self.num_frames = num_frames
        self.conv = nn.Conv1d(num_frames, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, 1, D) -> (B, 1, 1, D)."""
        _check(self, features)
        return self.conv(features.squeeze(2)).unsqueeze(2)

    def output_frames(self, frames: Tensor) -> Tensor:
        """The centre one of the input frames (T,)."""
        return centre(frames)


class StridedBlock(nn.Module):
    """A transformer layer whose perceptron is a convolution with stride; the residual takes every stride-th frame."""

    def __init__(self, dim: int, num_heads: int, hidden_dims: int, stride: int, drop_rate: float) -> None:
        super().__init__()
        self.stride = stride
        self.norm1 = StdNorm(dim)
        self.attn = Attention(dim, num_heads, 'frames', attn_drop=drop_rate, proj_drop=drop_rate)
        self.norm2 = StdNorm(dim)
        self.conv1 = nn.Conv1d(dim, hidden_dims, 1)
        self.conv2 = nn.Conv1d(hidden_dims, dim, 3, stride, padding=1)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 1, D) -> (B, ceil(T / stride), 1, D)."""
        x = x + self.attn(self.norm1(x))
        hidden = linear_with(self.norm2(x), self.conv1.weight.squeeze(-1), self.conv1.bias, 'relu')  # a frame at a time
        return x[:, :: self.stride] + self.drop(self._merge(self.drop(hidden).squeeze(2)).unsqueeze(2))

    def _merge(self, hidden: Tensor) -> Tensor:
        """The convolution with stride, (B, T, H) -> (B, ceil(T / stride), D)."""
        width, (count, rest) = self.conv2.kernel_size[0], divmod(hidden.shape[1], self.stride)
        if self.stride != width or rest:
            return self.conv2(hidden.transpose(1, 2)).transpose(1, 2)
        sets = F.pad(hidden, (0, 0, 1, -1)).reshape(hidden.shape[0], count, -1)  # no frame is in two of them
        return F.linear(sets, self.conv2.weight.transpose(1, 2).flatten(1), self.conv2.bias)


@NECKS.register_module()
class ManyToOneAggregator(BaseNeck):
    """Strided transformer, all frames to the centre one (MOFA of P-STMO).

    As released: positions before the first three layers only, no norm after the last one though its weights exist, and
    a residual that carries the first frame, not the centre one.

    Args:
        embed_dims: D.
        num_frames: T, which clips then have exactly.
        feedforward_dims: hidden channels of the layers.
        num_heads: heads of every attention.
        strides: of the layers; ``None`` takes the released ones for 9, 27, 81, 243 or 351 frames.
        drop_rate: every dropout.

    Raises:
        InputError: the strides do not end at one frame, or none are known for this number of frames.
    """

    wants = ('embed_dims', 'num_frames')

    def __init__(
        self,
        embed_dims: int,
        num_frames: int,
        feedforward_dims: int = 512,
        num_heads: int = 8,
        strides: Sequence[int] | None = None,
        drop_rate: float = 0.1,
    ) -> None:
        super().__init__(embed_dims)
        strides = STRIDES.get(num_frames, ()) if strides is None else strides
        left = num_frames
        for stride in strides:
            left = -(-left // stride)
        if left != 1:
            raise InputError(
                f'ManyToOneAggregator: strides {list(strides)} leave {left} of {num_frames} frames, expected 1; '
                f'give strides (released ones exist for {sorted(STRIDES)} frames)'
            )
        self.num_frames = num_frames
        self.embeddings = nn.ModuleList(PositionEmbedding(num_frames, embed_dims, 'frames', True) for _ in strides[:3])
        block = partial(StridedBlock, embed_dims, num_heads, feedforward_dims, drop_rate=drop_rate)
        self.layers = nn.ModuleList(block(stride) for stride in strides)
        self.unused_norm = StdNorm(embed_dims).requires_grad_(False)

    def forward(self, features: Tensor) -> Tensors:
        """(B, T, 1, D) -> ``sequence``, the same, and ``single`` (B, 1, 1, D)."""
        _check(self, features)
        h = features
        for i, layer in enumerate(self.layers):
            h = layer(self.embeddings[i](h) if i < len(self.embeddings) else h)
        return {'sequence': features, 'single': h}

    def output_frames(self, frames: Tensor) -> Tensors:
        """The input frames (T,) that each result stands for, by name."""
        return {'sequence': frames, 'single': centre(frames)}


def centre(frames: Tensor) -> Tensor:
    """The middle one of frames (T,), as (1,)."""
    return frames[len(frames) // 2 : len(frames) // 2 + 1]


def _check(neck: WeightedFrameMean | ManyToOneAggregator, features: Tensor) -> None:
    if features.ndim != 4 or features.shape[1:] != (neck.num_frames, 1, neck.embed_dims):
        raise InputError(
            f'{type(neck).__name__} got features of shape {tuple(features.shape)}, expected (B, {neck.num_frames}, 1, '
            f'{neck.embed_dims}); clips have exactly num_frames frames here'
        )
