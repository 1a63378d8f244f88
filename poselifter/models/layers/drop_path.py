"""Stochastic depth."""

from typing import Literal

from torch import Tensor, nn

DrawAxis = Literal['joints', 'frames', 'clip']


class DropPath(nn.Module):
    """Drops whole residual branches in training (Huang et al. 2016, stochastic depth).

    One draw serves all tokens along ``axis``: with ``'joints'`` a frame of a clip is dropped or kept as a whole, with
    ``'frames'`` a joint of a clip, with ``'clip'`` a whole clip. What is kept is scaled by 1 / (1 - drop_prob).

    Args:
        drop_prob: fraction of the branches that are dropped, in [0, 1).
        axis: the axis with one common draw.
    """

    def __init__(self, drop_prob: float = 0.0, axis: DrawAxis = 'joints') -> None:
        super().__init__()
        self.drop_prob, self.axis = drop_prob, axis

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D)."""
        if not self.training or self.drop_prob == 0:
            return x
        b, t, j, _ = x.shape
        shape = {'joints': (b, t, 1, 1), 'frames': (b, 1, j, 1), 'clip': (b, 1, 1, 1)}[self.axis]
        keep = 1 - self.drop_prob
        return x * x.new_empty(shape).bernoulli_(keep).div_(keep)
