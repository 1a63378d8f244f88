"""MotionAGFormer, which is also the dual-stream Transformer-GCN of Motion2vec."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from torch import nn

from ...errors import InputError
from ...registry import BACKBONES
from ...skeletons import get_skeleton
from ..layers import GraphConv, MultiScaleTemporalConv, ParallelStreams, SymSum, TransformerBlock
from .dual_stream import StreamBackbone

ACTIVATIONS = {'gelu': nn.GELU, 'relu': nn.ReLU, 'symsum': SymSum}


def released_edges() -> list[tuple[int, int]]:
    """The joint graph of every released model, 3DHP's included: Human3.6M's tree with three edges one way only."""
    one_way = {(0, 4), (8, 11), (8, 14)}  # joint 0 does not hear from 4, nor 8 from 11 and 14
    return [edge for edge in tree_edges('h36m17') if edge not in one_way]


def tree_edges(skeleton: str) -> list[tuple[int, int]]:
    """Both directions of every bone of a joint set."""
    bones = [(i, p) for i, p in enumerate(get_skeleton(skeleton).parents) if p >= 0]
    return bones + [(p, i) for i, p in bones]


@BACKBONES.register_module()
class MotionAGFormer(StreamBackbone):
    """Attention and graph-convolution streams side by side (Mehraban et al., WACV 2024; Ye et al., Motion2vec).

    In every layer each stream has a spatial then a temporal block; a block is an attention or a graph convolution and a
    perceptron. The streams are fused per token; norm and representation end as in DSTformer. Initialisation is torch's
    default, positions zero, fusion even.

    The released networks take exactly ``num_frames`` frames; here a shorter
    clip uses the batch norms of the first frames.

    Args:
        num_frames, num_joints, in_channels, embed_dims, rep_dims, depth, positions: see :class:`DSTformer`.
        drop_rate: dropout of attention and perceptrons.
        drop_path_rate: rate of stochastic depth in every layer, drawn per clip.
        layer_scale: start of the learned factors on the branches; ``None`` has none.
        act: activation of the perceptrons: ``'gelu'``, ``'relu'``, or
            ``'symsum'``, which mixes frames, padded ones too.
        streams: ``'attention'``, ``'graph'`` or both.
        fusion: config of the neck that joins the streams, attention at index 0.
        edges: joint graph: ``'released'``; or a joint set, whose tree it is
            then, both ways; or pairs (i, j), where i receives from j.
        self_loops: whether joints also receive from themselves (A + I, Motion2vec's paper).
        temporal_graph: ``'similarity'`` (released), ``'chain'`` (an option of the released program: a frame receives
            from the next ones), ``'past'`` (Motion2vec's paper: from the one before), or ``'conv'``, convolutions at
            several scales instead.
        neighbours: edges of a frame in the similarity graph.
        reach: frames that a chain reaches.
        bare_graph: whether the graph stream has no norms and perceptrons.
        hierarchical: whether each stream has half of the channels, the graph stream on top of the attention stream.
        **block: ``num_heads``, ``mlp_ratio``, ``qkv_bias``, ``qk_scale`` and ``attn_drop_rate`` of
            :class:`~poselifter.models.layers.TransformerBlock`; by default ``mlp_ratio=4.0`` and ``qkv_bias=False``.

    Raises:
        InputError: an unknown name of an option, channels that cannot be divided, or edges of another joint set.
    """

    def __init__(
        self,
        num_frames: int = 243,
        num_joints: int = 17,
        in_channels: int = 3,
        embed_dims: int = 128,
        rep_dims: int | None = 512,
        depth: int = 16,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        layer_scale: float | None = 1e-5,
        act: str = 'gelu',
        streams: Sequence[Literal['attention', 'graph']] = ('attention', 'graph'),
        fusion: dict | None = None,
        positions: Literal['joints', 'frames', 'both', 'none'] = 'joints',
        edges: str | Iterable[tuple[int, int]] = 'released',
        self_loops: bool = False,
        temporal_graph: Literal['similarity', 'chain', 'past', 'conv'] = 'similarity',
        neighbours: int = 2,
        reach: int = 1,
        bare_graph: bool = False,
        hierarchical: bool = False,
        init_cfg: dict | None = None,
        **block: Any,
    ) -> None:
        dim = _width(embed_dims, streams, act, temporal_graph, hierarchical)
        edges = _edges(edges, num_joints, self_loops)
        options = {'mlp_ratio': 4.0, 'qkv_bias': False, 'norm_eps': 1e-5, **block, 'drop_rate': drop_rate}
        options |= {'drop_path': drop_path_rate, 'drop_path_axis': 'clip'}
        options |= {'layer_scale': layer_scale, 'act_layer': ACTIVATIONS[act]}

        def graph(axis: str) -> nn.Module:
            if axis == 'frames' and temporal_graph == 'conv':
                return MultiScaleTemporalConv(dim)
            nodes = num_joints if axis == 'joints' else num_frames
            return GraphConv(dim, axis, nodes, edges, temporal_graph, neighbours, reach)

        def mixed(stream: str, axis: str) -> nn.Module:
            mixer = graph(axis) if stream == 'graph' else None
            return mixer if mixer and bare_graph else TransformerBlock(dim, axis=axis, mixer=mixer, **options)

        layers = [
            ParallelStreams([[mixed(s, axis) for axis in ('joints', 'frames')] for s in streams], hierarchical)
            for _ in range(depth)
        ]
        size = (num_frames, num_joints, in_channels, embed_dims)
        super().__init__(layers, size, rep_dims, positions, fusion, 0.0, 1e-5, init_cfg)


def _width(embed_dims: int, streams: Sequence[str], act: str, temporal_graph: str, hierarchical: bool) -> int:
    """Channels of a stream, or an error about the options that it follows from."""
    options = (
        ('act', act, tuple(ACTIVATIONS)),
        ('temporal_graph', temporal_graph, ('similarity', 'chain', 'past', 'conv')),
        *(('streams', stream, ('attention', 'graph')) for stream in streams),
    )
    for name, value, known in options:
        if value not in known:
            raise InputError(f'MotionAGFormer: {name} is {value!r}, expected one of {known}')
    parts = len(streams) if hierarchical else 1
    divisor = parts * 4 if temporal_graph == 'conv' else parts
    if not streams or embed_dims % divisor:
        raise InputError(
            f'MotionAGFormer got the streams {list(streams)} and embed_dims {embed_dims}, expected one or two streams '
            f'and a multiple of {divisor}'
        )
    return embed_dims // parts


def _edges(edges: str | Iterable[tuple[int, int]], num_joints: int, self_loops: bool) -> list[tuple[int, int]]:
    """The joint graph as pairs, or an error where it is of other joints."""
    named = isinstance(edges, str)
    if named:
        edges = released_edges() if edges == 'released' else tree_edges(edges)
    edges = list(edges)
    joints = {joint for edge in edges for joint in edge}
    if not joints <= set(range(num_joints)) or (named and len(joints) != num_joints):
        raise InputError(
            f'MotionAGFormer got edges of the joints {sorted(joints)} and has {num_joints} joints; give the edges of '
            f'its own joint set'
        )
    return [*edges, *((i, i) for i in range(num_joints) if self_loops)]
