"""The two encoders of P-STMO."""

from functools import partial
from typing import Literal

from torch import Tensor, nn

from ...errors import InputError
from ...registry import BACKBONES
from ..layers import PositionEmbedding, StdNorm, transformer_blocks
from ..parts import BaseBackbone, Encoded
from .poseformer import JointTransformer


def std_norm_blocks(depth: int, dim: int, num_heads: int, hidden_dims: int, drop_rate: float) -> nn.ModuleList:
    """Temporal transformer layers of P-STMO: :class:`StdNorm`, ReLU, one rate for every dropout."""
    options = {'norm_layer': StdNorm, 'act_layer': nn.ReLU, 'drop_rate': drop_rate, 'attn_drop_rate': drop_rate}
    return transformer_blocks(depth, dim, 'frames', num_heads=num_heads, hidden_dims=hidden_dims, **options)


class FrameBlock(nn.Module):
    """Linear, batch norm over clips and frames, leaky ReLU, dropout."""

    def __init__(self, in_dims: int, dims: int, drop_rate: float) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dims, dims)
        self.norm = nn.BatchNorm1d(dims)
        self.act = nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(drop_rate))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 1, C) -> (B, T, 1, D)."""
        x = self.linear(x)
        return self.act(self.norm(x.flatten(0, 2)).view_as(x))


class FrameMlp(nn.Module):
    """P-STMO's spatial encoding: a perceptron with residual blocks on the joints of each frame.

    Args:
        in_dims: J * C.
        embed_dims: D.
        depth: residual blocks of two layers each.
        drop_rate: dropout after every layer.
    """

    def __init__(self, in_dims: int, embed_dims: int, depth: int = 1, drop_rate: float = 0.1) -> None:
        super().__init__()
        hidden = 2 * embed_dims
        block = partial(FrameBlock, dims=hidden, drop_rate=drop_rate)
        self.first = block(in_dims)
        self.blocks = nn.ModuleList(nn.Sequential(block(hidden), block(hidden)) for _ in range(depth))
        self.last = nn.Linear(hidden, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, C) -> (B, T, 1, D)."""
        h = self.first(x.flatten(2).unsqueeze(2))
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


@BACKBONES.register_module()
class STMO(BaseBackbone):
    """Spatial encoding of each frame, then a transformer over frames (P-STMO; Shan et al., ECCV 2022).

    Returns a token for every frame, (B, T, 1, D). The released network goes on with the neck ``ManyToOneAggregator``
    and two pose heads. As released, no norm follows the last layer, though its weights exist. Initialisation is torch's
    default, positions standard normal.

    Args:
        num_frames, num_joints, in_channels, embed_dims: see :class:`BaseBackbone`.
        depth: temporal layers; 0 is the study without a temporal encoder.
        feedforward_dims: hidden channels of the temporal layers.
        num_heads: heads of every attention.
        spatial: encoder of a frame: ``'mlp'`` (released), or of the study ``'linear'``, or ``'transformer'``,
            PoseFormer's over joints. That one has ``embed_dims / num_joints`` channels a joint, which side by side are
            the token of the frame; the parameters and the cost of table 4 are those of 544 channels and three blocks.
        spatial_depth: residual blocks of the ``'mlp'``, or blocks of the ``'transformer'``.
        drop_rate: every dropout of the ``'mlp'`` and the temporal layers.

    Raises:
        InputError: an unknown ``spatial``, or a ``'transformer'`` whose channels the joints do not divide.
    """

    after_layers = ('unused_norm',)
    per_joint = ('spatial.joint_embedding.weight',)

    def __init__(
        self,
        num_frames: int = 243,
        num_joints: int = 17,
        in_channels: int = 2,
        embed_dims: int = 256,
        depth: int = 4,
        feedforward_dims: int = 512,
        num_heads: int = 8,
        spatial: Literal['mlp', 'linear', 'transformer'] = 'mlp',
        spatial_depth: int = 1,
        drop_rate: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(num_frames, num_joints, in_channels, embed_dims, num_tokens=1, init_cfg=init_cfg)
        flat = num_joints * in_channels
        if spatial == 'mlp':
            self.spatial = FrameMlp(flat, embed_dims, spatial_depth, drop_rate)
        elif spatial == 'linear':
            self.spatial = nn.Sequential(nn.Flatten(2), nn.Linear(flat, embed_dims), nn.Unflatten(2, (1, embed_dims)))
        elif spatial == 'transformer':
            joint_dims, rest = divmod(embed_dims, num_joints)
            if rest:
                raise InputError(
                    f'STMO: embed_dims is {embed_dims}, expected {num_joints} times the channels of a joint, such as '
                    f'{32 * num_joints}, for spatial={spatial!r}'
                )
            self.spatial = JointTransformer(num_joints, in_channels, joint_dims, spatial_depth, num_heads=num_heads)
        else:
            raise InputError(f"STMO: spatial is {spatial!r}, expected one of ['mlp', 'linear', 'transformer']")
        self.layer_lists = (*([] if spatial == 'linear' else [('spatial.blocks',)]), ('temporal_blocks',))
        self.frame_embedding = PositionEmbedding(num_frames, embed_dims, 'frames') if depth else nn.Identity()
        self.temporal_blocks = std_norm_blocks(depth, embed_dims, num_heads, feedforward_dims, drop_rate)
        self.unused_norm = StdNorm(embed_dims).requires_grad_(False) if depth else None
        if depth:
            nn.init.normal_(self.frame_embedding.weight)

    def embed(self, x: Tensor, frames: Tensor | None = None) -> Tensor:
        """Input (B, T, J, C) to one token a frame (B, T, 1, D), positions in; ``frames`` (B, T) are not the first T."""
        self.check_input(x)
        h = self.embed_frames(x)
        return self.place(h) if frames is None else h + self.frame_embedding.weight[0, frames].unsqueeze(2)

    def embed_frames(self, x: Tensor) -> Tensor:
        """See :class:`BaseBackbone`."""
        return self.spatial(x)

    def place(self, h: Tensor) -> Tensor:
        """See :class:`BaseBackbone`."""
        return self.frame_embedding(h)

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; any subset of a clip's frames may come in."""
        layers = []
        for block in self.temporal_blocks:
            h = block(h, valid)
            layers.append(h)
        return (h, layers) if return_layers else h
