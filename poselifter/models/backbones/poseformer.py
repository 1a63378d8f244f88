"""PoseFormer: joints of a frame first, then frames as single tokens."""

from typing import Any

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers import PositionEmbedding, transformer_blocks
from ..parts import BaseBackbone, Encoded


class JointTransformer(nn.Module):
    """Transformer over the joints of each frame; their channels then make one token a frame.

    Args:
        num_joints: J.
        in_channels: C.
        embed_dims: channels of a joint.
        depth: blocks.
        **block: further arguments of :func:`~poselifter.models.layers.transformer_blocks`.
    """

    def __init__(self, num_joints: int, in_channels: int, embed_dims: int = 32, depth: int = 4, **block: Any) -> None:
        super().__init__()
        self.input_projection = nn.Linear(in_channels, embed_dims)
        self.joint_embedding = PositionEmbedding(num_joints, embed_dims, 'joints')
        self.blocks = transformer_blocks(depth, embed_dims, 'joints', **block)
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, C) -> (B, T, 1, J * D)."""
        h = self.joint_embedding(self.input_projection(x))
        for block in self.blocks:
            h = block(h)
        return self.norm(h).flatten(2).unsqueeze(2)


@BACKBONES.register_module()
class PoseFormer(BaseBackbone):
    """Spatial then temporal transformer (Zheng et al., ICCV 2021, section 3), without the mean over frames.

    Returns a token for every frame, (B, T, 1, J * joint_dims). The released network goes on with the neck
    ``WeightedFrameMean`` and ``PoseHead(norm=True, num_joints=J)``; without the neck it is the sequence encoder of
    MotionBERT's table 6. Initialisation is torch's default, positions zero.

    Args:
        num_frames, num_joints, in_channels: see :class:`BaseBackbone`.
        joint_dims: channels of a joint in the spatial transformer.
        depth: blocks of either transformer.
        drop_rate: dropout of attention and perceptrons.
        drop_path_rate: rate of stochastic depth in the last blocks, rising from
            0 in the first; drawn per frame, then per clip.
        **block: ``num_heads``, ``mlp_ratio``, ``qkv_bias``, ``qk_scale`` and ``attn_drop_rate`` of
            :class:`~poselifter.models.layers.TransformerBlock`.
    """

    layer_lists = (('spatial.blocks',), ('temporal_blocks',))
    per_joint = ('spatial.joint_embedding.weight',)

    def __init__(
        self,
        num_frames: int = 81,
        num_joints: int = 17,
        in_channels: int = 2,
        joint_dims: int = 32,
        depth: int = 4,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        init_cfg: dict | None = None,
        **block: Any,
    ) -> None:
        embed_dims = num_joints * joint_dims
        super().__init__(num_frames, num_joints, in_channels, embed_dims, num_tokens=1, init_cfg=init_cfg)
        block |= {'drop_path_rate': drop_path_rate, 'drop_rate': drop_rate}
        self.spatial = JointTransformer(num_joints, in_channels, joint_dims, depth, **block)
        self.frame_embedding = PositionEmbedding(num_frames, embed_dims, 'frames')
        self.drop = nn.Dropout(drop_rate)
        self.temporal_blocks = transformer_blocks(depth, embed_dims, 'frames', **block)
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)

    def embed(self, x: Tensor) -> Tensor:
        """Input (B, T, J, C) to one token a frame (B, T, 1, D), positions of joints and frames in."""
        self.check_input(x)
        return self.place(self.embed_frames(x))

    def embed_frames(self, x: Tensor) -> Tensor:
        """See :class:`BaseBackbone`."""
        return self.spatial(x)

    def place(self, h: Tensor) -> Tensor:
        """See :class:`BaseBackbone`."""
        return self.drop(self.frame_embedding(h))

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; layers are the temporal blocks, before the norm."""
        layers = []
        for block in self.temporal_blocks:
            h = block(h, valid)
            layers.append(h)
        features = self.norm(h)
        return (features, layers) if return_layers else features
