"""Convolution over frames at several scales."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from .attention import seen_frames


def _wide(dim: int, dilation: int) -> nn.Sequential:
    """A convolution over 5 frames and a batch norm of its channels: (B, D, T, J) -> (B, D, T, J)."""
    conv = nn.Conv2d(dim, dim, (5, 1), padding=(2 * dilation, 0), dilation=(dilation, 1))
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(dim)))


class MultiScaleTemporalConv(nn.Module):
    """Four branches of D / 4 channels each, side by side, plus the input (MotionAGFormer, option ``use_tcn``).

    Two convolve 5 frames (dilation 1 and 2), one takes the maximum of 3, one sees a single frame only.

    Args:
        dim: D, divisible by 4.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        quarter = dim // 4

        def narrow() -> list[nn.Module]:
            return [nn.Conv2d(dim, quarter, 1), nn.BatchNorm2d(quarter)]

        convs = [nn.Sequential(*narrow(), nn.ReLU(), _wide(quarter, dilation)) for dilation in (1, 2)]
        pool = [nn.ReLU(), nn.MaxPool2d((3, 1), stride=1, padding=(1, 0)), nn.BatchNorm2d(quarter)]
        self.branches = nn.ModuleList([*convs, nn.Sequential(*narrow(), *pool), nn.Sequential(*narrow())])

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D); frames that ``valid`` (B, T) marks as padding count as beyond the clip."""
        z = x.permute(0, 3, 1, 2)
        beyond = None if valid is None else ~seen_frames(valid)[:, None, :, None]
        outputs = []
        for branch in self.branches:
            y = z
            for layer in branch:
                if beyond is not None and isinstance(layer, (nn.Sequential, nn.MaxPool2d)):
                    y = y.masked_fill(beyond, 0)  # both come after a ReLU, so 0 is also the least that can be
                y = layer(y)
            outputs.append(y)
        return x + torch.cat(outputs, 1).permute(0, 2, 3, 1)
