"""Streams of blocks that read the same tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ParallelStreams(nn.Module):
    """Several sequences of blocks on the same tokens; a fusion joins what they return.

    Args:
        streams: the blocks of each stream, in order.
        cascade: whether each stream instead gets its part of the channels plus
            what the stream before returned, and the parts are concatenated.
    """

    def __init__(self, streams: Sequence[Sequence[nn.Module]], cascade: bool = False) -> None:
        super().__init__()
        self.cascade = cascade
        self.streams = nn.ModuleList(nn.ModuleList(blocks) for blocks in streams)

    def forward(self, h: Tensor, valid: Tensor | None = None) -> list[Tensor]:
        """(B, T, J, D) -> (B, T, J, D) of each stream; a single one of a cascade."""
        outputs: list[Tensor] = []
        inputs = h.chunk(len(self.streams), -1) if self.cascade else [h] * len(self.streams)
        for stream, s in zip(self.streams, inputs, strict=True):
            s = s + outputs[-1] if self.cascade and outputs else s
            for block in stream:
                s = block(s, valid)
            outputs.append(s)
        return [torch.cat(outputs, -1)] if self.cascade else outputs
