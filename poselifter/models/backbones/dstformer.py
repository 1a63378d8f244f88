"""DSTformer: the dual-stream spatio-temporal transformer of MotionBERT."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn

from ...errors import InputError
from ...registry import BACKBONES
from ..layers import ParallelStreams, PositionEmbedding, TransformerBlock
from .dual_stream import StreamBackbone

# what a stream is made of; in lower case without perceptron
BLOCKS = {'S': {'axis': 'joints'}, 'T': {'axis': 'frames'}}
BLOCKS |= {kind.lower(): {**options, 'mlp_ratio': 0} for kind, options in BLOCKS.items()}


@BACKBONES.register_module()
class DSTformer(StreamBackbone):
    """Dual-stream spatio-temporal transformer (MotionBERT; Zhu et al., ICCV 2023, section 3.2).

    Every layer has a spatial-then-temporal and a temporal-then-spatial stream with separate weights, fused per token.
    After the last layer come a norm and the motion representation, tanh of a linear map; a pose head reads that.

    Initialisation as released: linear weights and positions from a normal
    distribution of standard deviation 0.02 cut at 2, biases 0, fusion even.

    Args:
        num_frames: the largest T; shorter clips use the first positions.
        num_joints: J.
        in_channels: C: x, y and confidence.
        embed_dims: D inside the network.
        rep_dims: channels of the representation that is returned; ``None`` stops after the norm.
        depth: layers.
        drop_rate: dropout after the embeddings, attention and perceptrons.
        drop_path_rate: rate of stochastic depth in the last layer, rising from 0 in the first; drawn per frame.
        streams: the blocks of each stream: ``S`` spatial, ``T`` temporal, in lower case without the perceptron. The
            architecture study (table 7) has (a) ``('ST',)``, (b) ``('TS',)``, (c) ``('S', 'T')``, (d) ``('sT',)``, (e)
            the default with ``AverageFusion``, (f) the default.
        fusion: config of the neck that joins the streams, the first one at
            index 0; gets ``embed_dims`` and ``num_streams``.
        positions: which axes have learned positions: ``'joints'``, ``'frames'``, ``'both'`` or ``'none'``.
        **block: ``num_heads``, ``mlp_ratio``, ``qkv_bias``, ``qk_scale`` and ``attn_drop_rate`` of
            :class:`~poselifter.models.layers.TransformerBlock`, with its defaults.

    Raises:
        InputError: an unknown letter in ``streams``, or unknown ``positions``.
    """

    def __init__(
        self,
        num_frames: int = 243,
        num_joints: int = 17,
        in_channels: int = 3,
        embed_dims: int = 512,
        rep_dims: int | None = 512,
        depth: int = 5,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        streams: Sequence[str] = ('ST', 'TS'),
        fusion: dict | None = None,
        positions: Literal['joints', 'frames', 'both', 'none'] = 'both',
        init_cfg: dict | None = None,
        **block: Any,
    ) -> None:
        if not streams or not all(s and set(s) <= set(BLOCKS) for s in streams):
            raise InputError(f'DSTformer got the streams {list(streams)}, expected words of the letters S, T, s, t')
        block |= {'drop_rate': drop_rate, 'drop_path_axis': 'joints'}

        def layer(rate: float) -> ParallelStreams:
            options = {kind: {**block, **BLOCKS[kind], 'drop_path': rate} for kind in BLOCKS}
            return ParallelStreams([[TransformerBlock(embed_dims, **options[kind]) for kind in s] for s in streams])

        layers = [layer(rate) for rate in torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()]
        size = (num_frames, num_joints, in_channels, embed_dims)
        super().__init__(layers, size, rep_dims, positions, fusion, drop_rate, 1e-6, init_cfg)

    def init_layers(self) -> None:
        """Initialises as released."""
        for module in self.modules():
            if isinstance(module, (nn.Linear, PositionEmbedding)):
                nn.init.trunc_normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
