"""Features of overlapping windows, in which no frame's share is computed twice."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..network import Network
from ..parts import Tensors

_FRAMES = 512  # whose tokens are made together


class WindowFeatures:
    """Features of windows of sequences, the same as of each window for itself.

    What a backbone makes of single frames (``embed_frames``) is made once for all windows. Windows
    that follow each other frame by frame go through a backbone that ``slides`` as one clip.

    Args:
        network: the model, in evaluation.
        frames: frames (N, J, C) of all sequences, as the network reads them, one after the other.
        mirrored: the same frames mirrored, where their features are asked for too.
        whole: features of clips (B, T, J, C) by name, for backbones that share nothing.
        alone: whether a window's input is that of its frames alone, not measured by the window.
        neighbours: whether windows follow each other frame by frame.
    """

    def __init__(
        self,
        network: Network,
        frames: Tensor,
        mirrored: Tensor | None,
        whole: Callable[[Tensor], Tensors],
        alone: bool,
        neighbours: bool,
    ) -> None:
        self.network, self.backbone, self.whole = network, network.backbone, whole
        self.sources = [frames] if mirrored is None else [frames, mirrored]
        self.shares = alone and not network.training
        self.slides = self.shares and neighbours and self.backbone.slides
        self.reach = self.backbone.num_frames if self.slides else 1  # windows in the memory of one
        self.tokens = self._embed() if self.shares and not self.slides else None

    def __call__(self, rows: Tensor) -> Tensors:
        """Features by name of windows (B, T) of frames, (B, T', J', D) each; then those of the mirrored windows."""
        if self.slides:
            return self._slide(rows)
        if self.tokens is not None:
            return self.network.named(self.network.encode(self.backbone.place(self.tokens[:, rows].flatten(0, 1))))
        return self.whole(torch.cat([source[rows] for source in self.sources]))

    def _embed(self) -> Tensor | None:
        """Tokens (sources, N, J', D) of all frames, or ``None`` where the backbone shares nothing."""
        parts = [self.backbone.embed_frames(part) for part in torch.stack(self.sources).split(_FRAMES, 1)]
        return None if parts[0] is None else torch.cat(parts, 1)

    def _slide(self, rows: Tensor) -> Tensors:
        """Features of windows, each run of neighbours as one clip."""
        breaks = (rows[1:, :-1] != rows[:-1, 1:]).any(1).nonzero().flatten() + 1
        parts = []
        for run in torch.tensor_split(rows, breaks.cpu()):
            clip = torch.cat([run[0], run[1:, -1]])
            features = self.network.encoded(torch.stack([source[clip] for source in self.sources]))
            parts.append(features.unfold(1, features.shape[1] - len(run) + 1, 1).movedim(-1, 2))
        return self.network.named(torch.cat(parts, 1).flatten(0, 1))
