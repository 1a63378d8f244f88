"""The temporal convolutional network of VideoPose3D."""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import InputError
from ...registry import BACKBONES
from ..layers import seen_frames
from ..parts import BaseBackbone, Encoded


@BACKBONES.register_module()
class TemporalConvNet(BaseBackbone):
    """Dilated convolutions over frames (VideoPose3D; Pavllo et al., CVPR 2019, section 3).

    The network has no padding: T frames give T - F + 1 outputs (B, T', 1, D), F the product of the widths. Causal
    outputs stand for the last frame that they see, others for the centre. With ``pad`` the clip's edges are repeated,
    and every frame has an output (the sequence encoder of MotionBERT's table 6).

    Args:
        num_joints, in_channels, embed_dims: see :class:`BaseBackbone`.
        filter_widths: odd; the dilation of each is the product of those before.
        causal: whether an output sees no later frame.
        dense: whether the kernels are as wide as the dilated ones reach.
        strided: whether convolutions stride, where they else dilate, in clips of exactly F frames: the same output from
            the same weights, faster, and in training with the batch statistics of the published models.
        drop_rate: dropout after every activation.
        pad: whether the edges of the clip are repeated.
        num_frames: with ``pad`` the largest T, which is any then; else F
            (the default) or a multiple that test clips may have.

    Raises:
        InputError: a width is even, ``dense`` or ``pad`` meets ``strided``, or clips are too short for an output.
    """

    per_joint = ()

    def __init__(
        self,
        num_joints: int = 17,
        in_channels: int = 2,
        embed_dims: int = 1024,
        filter_widths: Sequence[int] = (3, 3, 3, 3, 3),
        causal: bool = False,
        dense: bool = False,
        strided: bool = False,
        drop_rate: float = 0.25,
        pad: bool = False,
        num_frames: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        widths = list(filter_widths)
        if not widths or any(w % 2 == 0 or w < 1 for w in widths) or (strided and (dense or pad)):
            raise InputError(
                f'TemporalConvNet got filter_widths {widths}, strided={strided}, dense={dense}, pad={pad}; expected '
                f'odd widths, and strided with neither dense nor pad'
            )
        field = prod(widths)
        if not pad and num_frames is not None and num_frames < field:
            raise InputError(
                f'TemporalConvNet got num_frames={num_frames}, expected at least the {field} that filter_widths '
                f'{widths} see; give other widths, or pad=True'
            )
        super().__init__(num_frames or field, num_joints, in_channels, embed_dims, num_tokens=1, init_cfg=init_cfg)
        self.field, self.widths, self.causal, self.strided, self.pad = field, widths, causal, strided, pad
        self.slides = not pad
        self.lead = field - 1 if causal else field // 2  # frames that the first output sees before its time
        self.dilations = [prod(widths[:i]) for i in range(len(widths))]

        def conv(channels: int, i: int) -> nn.Conv1d:
            width, dilation = widths[i], self.dilations[i]
            width, dilation = ((width - 1) * dilation + 1, 1) if dense else (width, dilation)
            return nn.Conv1d(channels, embed_dims, width, dilation=dilation, bias=False)

        self.first_conv = conv(num_joints * in_channels, 0)
        self.first_norm = nn.BatchNorm1d(embed_dims)
        # of each block a wide convolution, then one of width 1
        pairs = [(conv(embed_dims, i), nn.Conv1d(embed_dims, embed_dims, 1, bias=False)) for i in range(1, len(widths))]
        self.convs = nn.ModuleList(c for pair in pairs for c in pair)
        self.norms = nn.ModuleList(nn.BatchNorm1d(embed_dims) for _ in self.convs)
        self.act = nn.Sequential(nn.ReLU(), nn.Dropout(drop_rate))

    @property
    def num_layers(self) -> int:
        """Blocks behind the first convolution."""
        return len(self.widths) - 1

    def layer_of(self, parameter: str) -> int | None:
        """See :class:`BaseBackbone`; a layer has two convolutions."""
        name, number = parameter.split('.')[:2]
        return int(number) // 2 if name in ('convs', 'norms') else None

    def output_frames(self, num_frames: int) -> Tensor:
        """See :class:`BaseBackbone`."""
        first, count = (0, num_frames) if self.pad else (self.lead, num_frames - self.field + 1)
        return torch.arange(first, first + count)

    @property
    def frame_range(self) -> tuple[int, int | None]:
        """See :class:`BaseBackbone`; such a T gives an output."""
        return 1 if self.pad else self.field, None

    def embed(self, x: Tensor) -> Tensor:
        """Input (B, T, J, C) to one token a frame (B, T, 1, J * C)."""
        self.check_input(x)
        return x.flatten(2).unsqueeze(2)

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; padded frames repeat the nearest valid one, as the clip's edges do."""
        h = self._edges(h.squeeze(2), valid).transpose(1, 2)
        strided = self.strided and h.shape[-1] == self.field
        h = self.act(self.first_norm(self._wide(self.first_conv, h, strided)))
        layers = []
        for i in range(1, len(self.widths)):
            wide, narrow = 2 * i - 2, 2 * i - 1
            inner = self.act(self.norms[wide](self._wide(self.convs[wide], h, strided)))
            h = self._skip(h, i, strided) + self.act(self.norms[narrow](self.convs[narrow](inner)))
            layers.append(h.transpose(1, 2).unsqueeze(2))
        features = h.transpose(1, 2).unsqueeze(2)
        return (features, layers) if return_layers else features

    @staticmethod
    def _wide(conv: nn.Conv1d, h: Tensor, strided: bool) -> Tensor:
        return F.conv1d(h, conv.weight, stride=conv.kernel_size) if strided else conv(h)

    def _skip(self, h: Tensor, i: int, strided: bool) -> Tensor:
        width, dilation = self.widths[i], 1 if strided else self.dilations[i]
        crop = (width - 1) * dilation
        first = crop if self.causal else crop // 2
        return h[..., first : first + h.shape[-1] - crop : width if strided else 1]

    def _edges(self, h: Tensor, valid: Tensor | None) -> Tensor:
        if valid is None and not self.pad:
            return h
        frames = h.shape[1]
        before, after = (self.lead, self.field - 1 - self.lead) if self.pad else (0, 0)
        index = torch.arange(-before, frames + after, device=h.device).expand(len(h), -1)
        valid = h.new_ones(h.shape[:2], dtype=torch.bool) if valid is None else seen_frames(valid)
        # argmax finds the first of the largest
        first = valid.int().argmax(1, keepdim=True)
        last = frames - 1 - valid.flip(1).int().argmax(1, keepdim=True)
        return h.gather(1, index.clamp(first, last).unsqueeze(-1).expand(-1, -1, h.shape[-1]))
