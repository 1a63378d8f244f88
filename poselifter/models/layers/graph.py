"""Graph convolution over the joints of a frame or the frames of a joint."""

from collections.abc import Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import AUTOCAST, Axis, seen_frames

TemporalGraph = Literal['similarity', 'chain', 'past']


class NodeNorm(nn.BatchNorm1d):
    """Batch norm with one mean and variance per node, over batch and channels.

    Fewer nodes than it was built for use the first ones, as positions do.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) -> (B, N, D)."""
        n = x.shape[1]
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
        statistics = self.running_mean[:n], self.running_var[:n]
        return F.batch_norm(x, *statistics, self.weight[:n], self.bias[:n], self.training, self.momentum, self.eps)


class GraphConv(nn.Module):
    """Graph convolution with a residual inside (Mehraban et al., WACV 2024, as released).

    relu(x + norm(N V(x) + U(x))), N the adjacency scaled by its row sums on both sides.

    Args:
        dim: D.
        axis: the axis of the nodes.
        num_nodes: J, or the largest T.
        edges: of the joints: pairs (i, j), where joint i receives from joint j.
        temporal_graph: of the frames: each receives from the most similar ones of the clip with ``'similarity'``, from
            itself and those that follow with ``'chain'`` (MotionAGFormer, as released), or from itself and those
            before it with ``'past'`` (Motion2vec's paper: ones below the diagonal, plus I).
        neighbours: edges of a frame in the similarity graph; ties add more.
        reach: how many frames a chain reaches.
    """

    def __init__(
        self,
        dim: int,
        axis: Axis,
        num_nodes: int,
        edges: Iterable[tuple[int, int]] = (),
        temporal_graph: TemporalGraph = 'similarity',
        neighbours: int = 2,
        reach: int = 1,
    ) -> None:
        super().__init__()
        self.axis, self.temporal_graph, self.neighbours, self.reach = axis, temporal_graph, neighbours, reach
        self.U, self.V = nn.Linear(dim, dim), nn.Linear(dim, dim)
        for linear in (self.U, self.V):
            nn.init.normal_(linear.weight, std=(2 / dim) ** 0.5)
        self.norm = NodeNorm(num_nodes)
        joints = torch.zeros(num_nodes, num_nodes)
        for i, j in edges if axis == 'joints' else ():
            joints[i, j] = 1
        self.register_buffer('joint_graph', joints if axis == 'joints' else None, persistent=False)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D); over frames none receives from one that ``valid`` (B, T) marks as padding."""
        z = x if self.axis == 'joints' else x.transpose(1, 2)
        graph = normalized(self.joint_graph if self.axis == 'joints' else self.frame_graph(z, valid)).to(x.dtype)
        mixed = graph @ self.V(z) + self.U(z)
        out = F.relu(z + self.norm(mixed.flatten(0, 1)).view_as(z))
        return out if self.axis == 'joints' else out.transpose(1, 2)

    @torch.no_grad()
    def frame_graph(self, z: Tensor, valid: Tensor | None = None) -> Tensor:
        """Adjacency of the frames.

        Args:
            z: (B, J, T, D).
            valid: (B, T), False for padded frames.

        Returns:
            (T, T), or (B, J, T, T): of ones and zeros.
        """
        frames = z.shape[2]
        seen = None if valid is None else seen_frames(valid)[:, None, None]
        if self.temporal_graph != 'similarity':
            graph = torch.ones(frames, frames, device=z.device).triu().tril(self.reach)
            graph = graph.T if self.temporal_graph == 'past' else graph
        else:
            # a rounding error can turn an edge, so half precision is no choice here
            kind = z.device.type if z.device.type in AUTOCAST else 'cpu'
            with torch.autocast(kind, enabled=False):
                z = z if z.dtype == torch.float64 else z.float()
                similarity = z @ z.transpose(-1, -2)
            if seen is not None:
                similarity = similarity.masked_fill(~seen, -torch.inf)
            least = similarity.topk(min(self.neighbours, frames), -1).values[..., -1:]
            graph = (similarity >= least).float()
        return graph if seen is None else graph * seen


def normalized(graph: Tensor) -> Tensor:
    """d_i^-1/2 A_ij d_j^-1/2 with the row sums d of A (..., N, N), also where A is not symmetric."""
    scale = graph.sum(-1).clamp(min=1).rsqrt()  # a row without edges stays zero
    return scale.unsqueeze(-1) * graph * scale.unsqueeze(-2)
