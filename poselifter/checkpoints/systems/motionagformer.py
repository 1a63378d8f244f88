"""MotionAGFormer, and Motion2vec, whose network it is."""

from ...errors import InputError
from ..key_map import KeyMap
from ..system import System


def _block(name: str, ours: str) -> tuple:
    """Rows of one block: whole, or a bare graph convolution."""
    theirs = f'layers.{{i}}.{name}'
    ours = f'backbone.layers.{{i}}.streams.{ours}'
    bare = name.startswith('graph')
    return (
        (f'{theirs}.mixer.batch_norm', f'{ours}.attn.norm'),
        (f'{theirs}.mixer', f'{ours}.attn'),
        *([(f'{theirs}.batch_norm', f'{ours}.norm')] if bare else []),
        (theirs, ours),
    )


NETWORK = (
    ('joints_embed', 'backbone.input_projection'),
    ('pos_embed', 'backbone.joint_embedding.weight'),
    *_block('att_spatial', '0.0'),
    *_block('att_temporal', '0.1'),
    *_block('graph_spatial', '1.0'),
    *_block('graph_temporal', '1.1'),
    ('layers.{i}.fusion', 'backbone.fusions.{i}.linear'),
    ('norm', 'backbone.norm'),
    ('rep_logit.fc', 'backbone.representation'),
)
POSE = (*NETWORK, ('head', 'heads.pose.linear'))

DROPS = {'drop': 0.0, 'attn_drop': 0.0, 'drop_path': 0.0}


def _with(head: str) -> KeyMap:
    return KeyMap([('backbone.', '', POSE), ('head', f'heads.{head}')])


def _told(shapes, kind, given):
    start = 'backbone.' if kind in ('action', 'embedding') else ''
    dim = shapes.size(f'{start}joints_embed.weight')
    layer = f'{start}layers.0.'
    told = {
        'dim_in': shapes.size(f'{start}joints_embed.weight', 1),
        'dim_feat': dim,
        'n_layers': shapes.count(f'{start}layers.{{}}.'),
        'num_joints': shapes.size(f'{start}pos_embed', 1),
        'qkv_bias': shapes.has('.qkv.bias'),
        'use_layer_scale': shapes.has('.layer_scale_'),
        'use_adaptive_fusion': shapes.has('.fusion.'),
        'graph_only': shapes.has('.graph_spatial.U.'),
        'hierarchical': shapes.size(f'{layer}att_spatial.norm1.weight') < dim,
    }
    width = shapes.size(f'{layer}att_spatial.norm1.weight')
    told['mlp_ratio'] = shapes.ratio(f'{layer}att_spatial.mlp.fc1.weight', width, given.get('mlp_ratio'))
    if told['num_joints'] != 17:
        raise InputError(
            f'motionagformer: the graph has 17 joints, {start}pos_embed {told["num_joints"]}; check the file'
        )
    told['use_tcn'] = shapes.has('.branches.')
    if not told['use_tcn']:
        mixer = '' if told['graph_only'] else 'mixer.'
        told['n_frames'] = shapes.size(f'{layer}graph_temporal.{mixer}batch_norm.weight')
    if kind != 'pretrain':
        told['dim_rep'] = shapes.size(f'{start}rep_logit.fc.weight')
    told['pose_head'] = kind == 'pose' or shapes.has('backbone.head.')  # our exports for other tasks have none
    if told['pose_head']:
        told['dim_out'] = shapes.size(f'{start}head.weight')
    if kind == 'action':
        told['num_classes'] = shapes.size('head.fc2.weight')
    if start:
        told['head_width'] = shapes.size('head.fc1.weight')
    # settings of a temporal graph that this network does not have; bare graphs are never chains, whatever is given
    similarity = given.get('use_temporal_similarity', 'neighbour_num' in given or None)
    if told['use_tcn'] or told['graph_only'] or similarity is not None:
        told['use_temporal_similarity'] = bool(similarity)
    if told['use_tcn'] or (similarity is False and not told['graph_only']):
        told['neighbour_num'] = given.get('neighbour_num', 2)
    if told['use_tcn'] or told['graph_only'] or similarity:
        told['temporal_connection_len'] = given.get('temporal_connection_len', 1)
    return told


def _network(s, kind):
    # the graph_only option of the original leaves the kind of graph at its default
    graph = 'similarity' if s['use_temporal_similarity'] or s['graph_only'] else 'chain'
    act = s['act_layer'] if isinstance(s['act_layer'], str) else s['act_layer'].__name__.lower()
    backbone = {
        'type': 'MotionAGFormer',
        'num_frames': s['n_frames'],
        'num_joints': s['num_joints'],
        'in_channels': s['dim_in'],
        'embed_dims': s['dim_feat'],
        'rep_dims': None if kind == 'pretrain' else s['dim_rep'],
        'depth': s['n_layers'],
        'num_heads': s['num_heads'],
        'mlp_ratio': s['mlp_ratio'],
        'qkv_bias': s['qkv_bias'],
        'qk_scale': s['qkv_scale'],
        **{f'{name}_rate': s[name] for name in DROPS},
        'layer_scale': s['layer_scale_init_value'] if s['use_layer_scale'] else None,
        'act': act,
        'fusion': {'type': 'AdaptiveFusion' if s['use_adaptive_fusion'] else 'AverageFusion'},
        'temporal_graph': 'conv' if s['use_tcn'] else graph,
        'neighbours': s['neighbour_num'],
        'reach': s['temporal_connection_len'],
        'bare_graph': s['graph_only'],
        'hierarchical': s['hierarchical'],
    }
    if kind == 'pretrain':
        return {'type': 'ContextPretrainer', 'backbone': backbone, 'top_layers': min(8, s['n_layers'])}
    heads = {'pose': {'type': 'PoseHead', 'out_channels': s['dim_out']}} if s['pose_head'] else {}
    drop = {'official': True} | ({} if s['dropout_ratio'] is None else {'dropout': s['dropout_ratio']})
    if kind == 'action':
        heads[kind] = {'type': 'ActionHead', 'num_classes': s['num_classes'], 'hidden_dims': s['head_width'], **drop}
    if kind == 'embedding':
        heads[kind] = {'type': 'ActionEmbeddingHead', 'hidden_dims': s['head_width'], **drop}
    return {'backbone': backbone, 'heads': heads}


def _size(layers: int, dim: int, frames: int) -> dict:
    yes, no = ('use_layer_scale', 'use_adaptive_fusion'), ('qkv_bias', 'graph_only', 'hierarchical', 'use_tcn')
    size = {'dim_in': 3, 'dim_out': 3, 'dim_rep': 512, 'dim_feat': dim, 'n_layers': layers, 'n_frames': frames}
    return {**size, 'mlp_ratio': 4, **dict.fromkeys(yes, True), **dict.fromkeys(no, False)}


SYSTEM = System(
    name='motionagformer',
    marks=('layers.0.att_spatial.mixer.qkv.weight', 'layers.0.att_spatial.norm1.weight'),
    kinds={
        'pretrain': (('mask_emb',), ('pretrain',), KeyMap([*NETWORK, ('mask_emb', 'mask_token')])),
        'action': (('head.bn.weight', 'head.fc2.weight'), ('action', 'representation', 'pose'), _with('action')),
        'embedding': (
            ('head.fc1.weight', 'head.fc1.bias'),
            ('embedding', 'representation', 'pose'),
            _with('embedding'),
        ),
        'pose': ((), ('pose', 'representation'), KeyMap(POSE)),
    },
    told=_told,
    network=_network,
    published=[
        *(_size(12, 64, 27), _size(26, 64, 81), _size(16, 128, 243), _size(26, 128, 243)),  # XS, S, B (base), L
        *(_size(16, 128, 81), _size(26, 128, 81)),  # B and L for MPI-INF-3DHP
        *(_size(16, 256, 243), _size(26, 256, 81), _size(14, 128, 243)),  # Motion2vec: large, 3DHP large, x-view
    ],
    assumed={
        'num_heads': 8,
        'act_layer': 'gelu',
        'qkv_scale': None,
        'use_temporal_similarity': True,
        'neighbour_num': 2,
        'temporal_connection_len': 1,
    },
    usual={
        'layer_scale_init_value': 1e-5,
        'n_frames': 243,
        'dropout_ratio': None,
        **DROPS,
    },
    ignored=('dim_rep', 'dim_out', 'version', 'hidden_dim'),
    containers={'pose': 'model', 'action': 'model', 'embedding': 'model', 'pretrain': 'model'},
)
