"""MotionBERT."""

from ..key_map import KeyMap
from ..system import System

NETWORK = (
    ('joints_embed', 'backbone.input_projection'),
    ('pos_embed', 'backbone.joint_embedding.weight'),
    ('temp_embed', 'backbone.frame_embedding.weight', 'frames'),
    ('blocks_st.{i}.{m}_s', 'backbone.layers.{i}.streams.0.0.{m}'),
    ('blocks_st.{i}.{m}_t', 'backbone.layers.{i}.streams.0.1.{m}'),
    ('blocks_ts.{i}.{m}_t', 'backbone.layers.{i}.streams.1.0.{m}'),
    ('blocks_ts.{i}.{m}_s', 'backbone.layers.{i}.streams.1.1.{m}'),
    ('ts_attn.{i}', 'backbone.fusions.{i}.linear'),
    ('norm', 'backbone.norm'),
    ('pre_logits.fc', 'backbone.representation'),
    ('head', 'heads.pose.linear'),
)

SIZE = {'dim_in': 3, 'dim_out': 3, 'dim_rep': 512, 'depth': 5, 'num_joints': 17, 'maxlen': 243}
SIZE.update(qkv_bias=True, att_fuse=True)
DROPS = ('drop_rate', 'attn_drop_rate', 'drop_path_rate')


def _with(head: str) -> KeyMap:
    return KeyMap([('backbone.', '', NETWORK), ('head', f'heads.{head}')])


def _told(shapes, kind, given):
    start = '' if kind == 'pose' else 'backbone.'
    dim = shapes.size(f'{start}joints_embed.weight')
    told = {
        'dim_in': shapes.size(f'{start}joints_embed.weight', 1),
        'dim_feat': dim,
        'dim_rep': shapes.size(f'{start}pre_logits.fc.weight'),
        'depth': shapes.count(f'{start}blocks_st.{{}}.'),
        'mlp_ratio': shapes.ratio(f'{start}blocks_st.0.mlp_s.fc1.weight', dim, given.get('mlp_ratio')),
        'num_joints': shapes.size(f'{start}pos_embed', 1),
        'maxlen': shapes.size(f'{start}temp_embed', 1),
        'qkv_bias': shapes.has('.qkv.bias'),
        'att_fuse': shapes.has('ts_attn.'),
    }
    told['pose_head'] = kind == 'pose' or shapes.has('backbone.head.')  # our exports for other tasks have none
    if told['pose_head']:
        told['dim_out'] = shapes.size(f'{start}head.weight')
    if kind == 'action':
        told['num_classes'] = shapes.size('head.fc2.weight')
    if kind != 'pose':
        told['head_width'] = shapes.size('head.fc1.weight')
    return told


def _network(s, kind):
    heads = {'pose': {'type': 'PoseHead', 'init_std': 0.02, 'out_channels': s['dim_out']}} if s['pose_head'] else {}
    extra = {
        'action': {'type': 'ActionHead', 'official': True, 'num_classes': s.get('num_classes')},
        'embedding': {'type': 'ActionEmbeddingHead', 'official': True},
        'mesh': {'type': 'MeshHead'},
    }
    if kind != 'pose':
        drop = {} if s['dropout_ratio'] is None else {'dropout': s['dropout_ratio']}
        heads[kind] = {**extra[kind], 'hidden_dims': s['head_width'], **drop}
    return {
        'backbone': {
            'type': 'DSTformer',
            'num_frames': s['maxlen'],
            'num_joints': s['num_joints'],
            'in_channels': s['dim_in'],
            'embed_dims': s['dim_feat'],
            'rep_dims': s['dim_rep'],
            'depth': s['depth'],
            'num_heads': s['num_heads'],
            'mlp_ratio': s['mlp_ratio'],
            'qkv_bias': s['qkv_bias'],
            'qk_scale': s['qk_scale'],
            **{name: s[name] for name in DROPS},
            'fusion': {'type': 'AdaptiveFusion' if s['att_fuse'] else 'AverageFusion'},
        },
        'heads': heads,
    }


SYSTEM = System(
    name='motionbert',
    marks=('blocks_st.0.attn_s.qkv.weight', 'blocks_st.0.norm1_s.weight'),
    kinds={
        'mesh': (
            ('head.head_pose.weight', 'head.head_shape.weight'),
            ('mesh', 'representation', 'pose'),
            _with('mesh'),
        ),
        'action': (('head.bn.weight', 'head.fc2.weight'), ('action', 'representation', 'pose'), _with('action')),
        'embedding': (
            ('head.fc1.weight', 'head.fc1.bias'),
            ('embedding', 'representation', 'pose'),
            _with('embedding'),
        ),
        'pose': ((), ('pose', 'representation'), KeyMap(NETWORK)),
    },
    told=_told,
    network=_network,
    published=[{**SIZE, 'dim_feat': dim, 'mlp_ratio': ratio} for dim, ratio in ((512, 2), (256, 4))],
    assumed={'num_heads': 8},
    usual={'qk_scale': None, 'drop_rate': 0.0, 'attn_drop_rate': 0.0, 'drop_path_rate': 0.0, 'dropout_ratio': None},
    ignored=('norm_layer', 'version', 'hidden_dim'),
    dropped=('head.smpl.',),
    containers={'pose': 'model_pos', 'action': 'model', 'embedding': 'model', 'mesh': 'model'},
)
