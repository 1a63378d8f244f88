"""DSTformer: the dual-stream spatio-temporal transformer of MotionBERT."""

from __future__ import annotations

import torch
from torch import nn

from ...registry import BACKBONES, NECKS
from ..layers import PositionEmbedding, TransformerBlock
from .base_backbone import BaseBackbone


class DualStreamLayer(nn.Module):
    """Two streams that read the same tokens: spatial then temporal block, and temporal then spatial.

    Args:
        embed_dims: D.
        **block: further arguments of each :class:`TransformerBlock`.
    """

    def __init__(self, embed_dims: int, **block: float) -> None:
        super().__init__()

        def pair(*names: str) -> nn.ModuleDict:
            axes = {'spatial': 'joints', 'temporal': 'frames'}
            return nn.ModuleDict({name: TransformerBlock(embed_dims, axis=axes[name], **block) for name in names})

        self.spatial_first = pair('spatial', 'temporal')
        self.temporal_first = pair('temporal', 'spatial')

    def forward(self, h: torch.Tensor, valid: torch.Tensor | None = None) -> list[torch.Tensor]:
        """(B, T, J, D) -> the two streams, spatial first, each (B, T, J, D)."""
        streams = []
        for stream in (self.spatial_first, self.temporal_first):
            s = h
            for block in stream.values():
                s = block(s, valid)
            streams.append(s)
        return streams


@BACKBONES.register_module()
class DSTformer(BaseBackbone):
    """Dual-stream spatio-temporal transformer (MotionBERT; Zhu et al., ICCV 2023, section 3.3).

    Every layer has a spatial-then-temporal and a temporal-then-spatial stream
    with weights of their own, fused per token. After the last layer come a norm
    and the motion representation, tanh of a linear map; a pose head reads that.

    Initialisation as released: linear weights and positions from a normal
    distribution of standard deviation 0.02 cut at 2, biases 0, fusion even.

    Args:
        num_frames: the largest T; shorter clips use the first positions.
        num_joints: J.
        in_channels: C: x, y and confidence.
        embed_dims: D inside the network.
        rep_dims: channels of the representation that is returned.
        depth: layers.
        num_heads: heads of every attention.
        mlp_ratio: hidden channels of the perceptrons, in units of D.
        qkv_bias: whether queries, keys and values have a bias.
        drop_rate: dropout after the embeddings, attention and perceptrons.
        attn_drop_rate: dropout of the attention weights.
        drop_path_rate: rate of stochastic depth in the last layer, rising from
            0 in the first; drawn per frame.
        fusion: config of the neck that joins the streams, the spatial-first
            one at index 0; gets ``embed_dims`` and ``num_streams``.
        init_cfg: see mmengine.
    """

    def __init__(
        self,
        num_frames: int = 243,
        num_joints: int = 17,
        in_channels: int = 3,
        embed_dims: int = 512,
        rep_dims: int = 512,
        depth: int = 5,
        num_heads: int = 8,
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        fusion: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(num_frames, num_joints, in_channels, rep_dims, init_cfg)
        self.input_projection = nn.Linear(in_channels, embed_dims)
        self.joint_embedding = PositionEmbedding(num_joints, embed_dims, 'joints')
        self.frame_embedding = PositionEmbedding(num_frames, embed_dims, 'frames')
        self.drop = nn.Dropout(drop_rate)
        block = {
            'num_heads': num_heads,
            'mlp_ratio': mlp_ratio,
            'qkv_bias': qkv_bias,
            'drop': drop_rate,
            'attn_drop': attn_drop_rate,
            'drop_path_axis': 'joints',
        }
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.layers = nn.ModuleList(DualStreamLayer(embed_dims, drop_path=rate, **block) for rate in rates)
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.representation = nn.Linear(embed_dims, rep_dims)
        self.apply(self._init)
        fusion = {'embed_dims': embed_dims, 'num_streams': 2, **(fusion or {'type': 'AdaptiveFusion'})}
        self.fusions = nn.ModuleList(NECKS.build(fusion) for _ in range(depth))  # they start as they themselves decide

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, PositionEmbedding)):
            nn.init.trunc_normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """See :class:`BaseBackbone`; positions of joints and frames are in."""
        self.check_input(x)
        return self.drop(self.frame_embedding(self.joint_embedding(self.input_projection(x))))

    def encode(
        self, h: torch.Tensor, valid: torch.Tensor | None = None, return_layers: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        """See :class:`BaseBackbone`; layers are as fused, before norm and representation."""
        layers = []
        for layer, fusion in zip(self.layers, self.fusions, strict=True):
            h = fusion(layer(h, valid))
            layers.append(h)
        features = torch.tanh(self.representation(self.norm(h)))
        return (features, layers) if return_layers else features
