"""MotionAGFormer, and Motion2vec, whose network it is."""

from ...errors import InputError
from ..key_map import KeyMap
from ..system import Kind, Setting, Shapes, System, count, has, ignored, ratio, size, sizes
from .transformers import FUSIONS, task_kind

# a block is whole, with its mixer inside, or a bare graph convolution
BLOCK = (('.mixer.batch_norm', '.attn.norm'), ('.mixer', '.attn'), ('.batch_norm', '.norm'), ('', ''))
NETWORK = (
    ('joints_embed', 'backbone.input_projection'),
    ('pos_embed', 'backbone.joint_embedding.weight'),
    ('layers.{i}.att_spatial', 'backbone.layers.{i}.streams.0.0', BLOCK),
    ('layers.{i}.att_temporal', 'backbone.layers.{i}.streams.0.1', BLOCK),
    ('layers.{i}.graph_spatial', 'backbone.layers.{i}.streams.1.0', BLOCK),
    ('layers.{i}.graph_temporal', 'backbone.layers.{i}.streams.1.1', BLOCK),
    ('layers.{i}.fusion', 'backbone.fusions.{i}.linear'),
    ('norm', 'backbone.norm'),
    ('rep_logit.fc', 'backbone.representation'),
)
POSE = (*NETWORK, ('head', 'heads.pose.linear'))


def _graph_joints(file: Shapes, key: str) -> int:
    joints = size(file, key, 1)
    if joints != 17:
        raise InputError(f'motionagformer: the graph has 17 joints, {key} {joints}; check the file')
    return joints


def _hierarchical(file: Shapes, start: str) -> bool:
    return size(file, f'{start}layers.0.att_spatial.norm1.weight') < size(file, f'{start}joints_embed.weight')


def _frames(file: Shapes, layer: str) -> int | None:
    """Number of frames, which batch norms of graphs have a value for each of."""
    mixer = '' if has(file, '.graph_spatial.U.') else 'mixer.'
    return None if has(file, '.branches.') else size(file, f'{layer}graph_temporal.{mixer}batch_norm.weight')


def _graph(file: Shapes, keyword: str, default: int | None = None) -> int | bool | None:
    """A setting of the temporal graph that this network does not have, or that follows from another one.

    Bare graphs are never chains, whatever is given.
    """
    conv, bare = has(file, '.branches.'), has(file, '.graph_spatial.U.')
    similarity = file.given.get('use_temporal_similarity', 'neighbour_num' in file.given or None)
    if keyword == 'use_temporal_similarity':
        return bool(similarity) if conv or bare or similarity is not None else None
    unused = similarity is False and not bare if keyword == 'neighbour_num' else bare or similarity
    return file.given.get(keyword, default) if conv or unused else None


def _derived(s: dict) -> dict:
    # the graph_only option of the original leaves the kind of graph at its default
    chain = not (s['use_temporal_similarity'] or s['graph_only'])
    graph = 'conv' if s['use_tcn'] else 'chain' if chain else 'similarity'
    scale = s['layer_scale_init_value'] if s['use_layer_scale'] else None
    return {'backbone.temporal_graph': graph, 'backbone.layer_scale': scale}


def _activation(act: str | type) -> str:
    return act if isinstance(act, str) else act.__name__.lower()


def _backbone(start: str) -> tuple[Setting, ...]:
    """Keywords of the network whose names have this start."""
    layer = f'{start}layers.0.'
    norm = f'{layer}att_spatial.norm1.weight'
    return (
        Setting('dim_in', 'backbone.in_channels', (size, f'{start}joints_embed.weight', 1)),
        Setting('dim_feat', 'backbone.embed_dims', (size, f'{start}joints_embed.weight')),
        Setting('n_layers', 'backbone.depth', (count, f'{start}layers.')),
        Setting('num_joints', 'backbone.num_joints', (_graph_joints, f'{start}pos_embed')),
        Setting('qkv_bias', 'backbone.qkv_bias', (has, '.qkv.bias')),
        Setting('use_layer_scale', '', (has, '.layer_scale_')),
        Setting('use_adaptive_fusion', 'backbone.fusion.type', (has, '.fusion.'), convert=FUSIONS.get),
        Setting('graph_only', 'backbone.bare_graph', (has, '.graph_spatial.U.')),
        Setting('hierarchical', 'backbone.hierarchical', (_hierarchical, start)),
        Setting('mlp_ratio', 'backbone.mlp_ratio', (ratio, f'{layer}att_spatial.mlp.fc1.weight', norm)),
        Setting('use_tcn', '', (has, '.branches.')),
        Setting('n_frames', 'backbone.num_frames', (_frames, layer), default=243),
        Setting('num_heads', 'backbone.num_heads', default=8, ask=True),
        Setting('act_layer', 'backbone.act', default='gelu', ask=True, convert=_activation),
        Setting('qkv_scale', 'backbone.qk_scale', ask=True),
        Setting('use_temporal_similarity', '', (_graph, 'use_temporal_similarity'), default=True, ask=True),
        Setting('neighbour_num', 'backbone.neighbours', (_graph, 'neighbour_num', 2), default=2, ask=True),
        Setting('temporal_connection_len', 'backbone.reach', (_graph, 'temporal_connection_len', 1), 1, ask=True),
        Setting('layer_scale_init_value', default=1e-5),
        Setting('drop', 'backbone.drop_rate', default=0.0),
        Setting('attn_drop', 'backbone.attn_drop_rate', default=0.0),
        Setting('drop_path', 'backbone.drop_path_rate', default=0.0),
        *ignored('version', 'hidden_dim', 'dropout_ratio'),
    )


def _settings(start: str) -> tuple[Setting, ...]:
    """The same with a pose head, which our exports for other tasks do not have."""
    return (
        *_backbone(start),
        Setting('dim_rep', 'backbone.rep_dims', (size, f'{start}rep_logit.fc.weight')),
        Setting('dim_out', 'heads.pose.out_channels', (size, f'{start}head.weight', 0, f'{start}head.')),
    )


def _pretraining(s: dict) -> dict:
    return {**_derived(s), 'top_layers': min(6, s['n_layers'])}


PRETRAINING = (
    *_backbone(''),
    Setting('average_top_k_layers', 'top_layers'),
    Setting('norm_targets', 'norm_targets', default='none'),
    *ignored('dim_rep', 'dim_out'),
)
PRETRAINER = {'type': 'ContextPretrainer', 'backbone': {'type': 'MotionAGFormer', 'rep_dims': None}}
PARTS = {'backbone': {'type': 'MotionAGFormer'}, 'heads': {'pose': {'type': 'PoseHead'}}}
WITH_MASK = KeyMap([*NETWORK, ('mask_emb', 'mask_token')])

SYSTEM = System(
    name='motionagformer',
    signature_keys=('layers.0.att_spatial.mixer.qkv.weight', 'layers.0.att_spatial.norm1.weight'),
    kinds={
        'pretrain': Kind(WITH_MASK, PRETRAINING, PRETRAINER, _pretraining, ('pretrain',), ('mask_emb',), 'model'),
        **{task: task_kind(task, POSE, _settings, PARTS, derived=_derived) for task in ('action', 'embedding')},
        'pose': Kind(KeyMap(POSE), _settings(''), PARTS, _derived, container='model'),
    },
    published=sizes(
        'n_layers dim_feat n_frames',
        *((12, 64, 27), (26, 64, 81), (16, 128, 243), (26, 128, 243)),  # XS, S, B (base), L
        *((16, 128, 81), (26, 128, 81)),  # B and L for MPI-INF-3DHP
        *((16, 256, 243), (26, 256, 81), (14, 128, 243)),  # Motion2vec: large, 3DHP large, x-view
        **dict(dim_in=3, dim_out=3, dim_rep=512, mlp_ratio=4),
        **dict.fromkeys(('use_layer_scale', 'use_adaptive_fusion'), True),
        **dict.fromkeys(('qkv_bias', 'graph_only', 'hierarchical', 'use_tcn'), False),
    ),
)
