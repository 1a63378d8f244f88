"""MixSTE: spatial and temporal transformer blocks in turn."""

from typing import Any

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers import PositionEmbedding, transformer_blocks
from ..parts import BaseBackbone, Encoded


@BACKBONES.register_module()
class MixSTE(BaseBackbone):
    """Mixed spatio-temporal encoder (Zhang et al., CVPR 2022), without its regression head.

    A spatial block (joints of a frame) and a temporal block (frames of a joint) take turns, ``depth`` of each. One norm
    follows every spatial block and another one every temporal block; both are shared by the whole network. The
    positions of joints are added to the input, those of frames before the first temporal block only. Initialisation is
    torch's default, positions zero.

    The released network stops at features of the last temporal norm followed by ``PoseHead(norm=True)``.

    Args:
        num_frames, num_joints, in_channels, embed_dims: see :class:`BaseBackbone`.
        depth: pairs of blocks.
        drop_rate: dropout after the embeddings, attention and perceptrons.
        drop_path_rate: rate of stochastic depth in the last pair, rising from 0 in the first.
        alternate: whether the kinds of blocks take turns; ``False``, of the
            paper's study of components, runs all spatial blocks first.
        separate_joints: whether temporal blocks see one joint at a time; ``False``, of the same study, makes all joints
            of a frame one token of J * D channels. With both ``False`` it is the study's baseline, PoseFormer with an
            output for every frame.
        **block: ``num_heads``, ``mlp_ratio``, ``qkv_bias``, ``qk_scale`` and ``attn_drop_rate`` of
            :class:`~poselifter.models.layers.TransformerBlock`.
    """

    layer_lists = (('spatial_blocks', 'temporal_blocks'),)
    after_layers = ('spatial_norm', 'temporal_norm')

    def __init__(
        self,
        num_frames: int = 243,
        num_joints: int = 17,
        in_channels: int = 2,
        embed_dims: int = 512,
        depth: int = 8,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        alternate: bool = True,
        separate_joints: bool = True,
        init_cfg: dict | None = None,
        **block: Any,
    ) -> None:
        super().__init__(num_frames, num_joints, in_channels, embed_dims, init_cfg=init_cfg)
        self.alternate, self.separate_joints = alternate, separate_joints
        frame_dims = embed_dims if separate_joints else embed_dims * num_joints
        block |= {'depth': depth, 'drop_path_rate': drop_path_rate, 'drop_rate': drop_rate}
        self.input_projection = nn.Linear(in_channels, embed_dims)
        self.joint_embedding = PositionEmbedding(num_joints, embed_dims, 'joints')
        self.frame_embedding = PositionEmbedding(num_frames, frame_dims, 'frames')
        self.drop = nn.Dropout(drop_rate)
        self.spatial_blocks = transformer_blocks(dim=embed_dims, axis='joints', **block)
        self.temporal_blocks = transformer_blocks(dim=frame_dims, axis='frames', **block)
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(frame_dims, eps=1e-6)

    def embed(self, x: Tensor) -> Tensor:
        """See :class:`BaseBackbone`; positions of the joints are in, those of the frames not yet."""
        self.check_input(x)
        return self.drop(self.joint_embedding(self.input_projection(x)))

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; a layer is a pair of blocks with their norms."""
        layers = []
        for block in () if self.alternate else self.spatial_blocks:
            h = self.spatial_norm(block(h))
        for i, (spatial, temporal) in enumerate(zip(self.spatial_blocks, self.temporal_blocks, strict=True)):
            if self.alternate:
                h = self.spatial_norm(spatial(h))
            tokens = h if self.separate_joints else h.flatten(2).unsqueeze(2)
            if i == 0:
                tokens = self.drop(self.frame_embedding(tokens))
            h = self.temporal_norm(temporal(tokens, valid)).view_as(h)
            layers.append(h)
        return (h, layers) if return_layers else h
