"""The base of DSTformer and MotionAGFormer: layers of fused streams between an embedding and a representation."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..layers import ParallelStreams, PositionEmbedding
from ..parts import BaseBackbone, BaseNeck, Encoded, build_part

Positions = Literal['joints', 'frames', 'both', 'none']


class StreamBackbone(BaseBackbone):
    """Linear embedding, layers of streams that are fused per token, a norm and the motion representation.

    The representation is tanh of a linear map; a pose head reads that.

    Args:
        layers: the streams of each layer.
        drop_rate: dropout after the embeddings.
        norm_eps: epsilon of the last norm.
        size: T at most, J, C and D inside the network.
        rep_dims, positions, fusion, init_cfg: see :class:`DSTformer`.
    """

    layer_lists = (('layers', 'fusions'),)
    after_layers = ('norm', 'representation')
    pretraining_options = {'rep_dims': None}

    def __init__(
        self,
        layers: Sequence[ParallelStreams],
        size: tuple[int, int, int, int],
        rep_dims: int | None,
        positions: Positions,
        fusion: dict | None,
        drop_rate: float,
        norm_eps: float,
        init_cfg: dict | None,
    ) -> None:
        num_frames, num_joints, in_channels, embed_dims = size
        super().__init__(num_frames, num_joints, in_channels, rep_dims or embed_dims, init_cfg=init_cfg)
        if positions not in ('joints', 'frames', 'both', 'none'):
            raise InputError(f"positions is {positions!r}, expected 'joints', 'frames', 'both' or 'none'")

        def places(axis: str, length: int) -> nn.Module:
            return PositionEmbedding(length, embed_dims, axis) if positions in (axis, 'both') else nn.Identity()

        self.input_projection = nn.Linear(in_channels, embed_dims)
        self.joint_embedding = places('joints', num_joints)
        self.frame_embedding = places('frames', num_frames)
        self.drop = nn.Dropout(drop_rate)
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(embed_dims, eps=norm_eps)
        self.representation = nn.Linear(embed_dims, rep_dims) if rep_dims else None
        self.init_layers()
        self.fusions = nn.ModuleList(self._fusion(layer, embed_dims, fusion) for layer in layers)

    def init_layers(self) -> None:
        """Initialises everything but the fusions, which start as they themselves decide; here torch's defaults."""

    @staticmethod
    def _fusion(layer: ParallelStreams, embed_dims: int, fusion: dict | None) -> nn.Module:
        streams = len(layer.streams)
        fusion = {'type': 'SumFusion'} if streams == 1 else fusion or {'type': 'AdaptiveFusion'}
        dims = embed_dims // streams if layer.cascade else embed_dims
        # a cascade has nothing to fuse; released files hold the fusion all the same
        neck = build_part({'embed_dims': dims, 'num_streams': streams, **fusion}, BaseNeck)
        return neck.requires_grad_(not layer.cascade)

    def embed(self, x: Tensor) -> Tensor:
        """See :class:`BaseBackbone`; the learned positions are in."""
        self.check_input(x)
        return self.drop(self.frame_embedding(self.joint_embedding(self.input_projection(x))))

    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """See :class:`BaseBackbone`; layers are as fused, before norm and representation."""
        layers = []
        for layer, fusion in zip(self.layers, self.fusions, strict=True):
            streams = layer(h, valid)
            h = streams[0] if layer.cascade else fusion(streams)
            layers.append(h)
        h = self.norm(h)
        features = h if self.representation is None else torch.tanh(self.representation(h))
        return (features, layers) if return_layers else features
