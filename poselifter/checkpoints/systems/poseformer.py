"""PoseFormer."""

from ..key_map import KeyMap
from ..system import System

NETWORK = (
    ('Spatial_patch_to_embedding', 'backbone.spatial.input_projection'),
    ('Spatial_pos_embed', 'backbone.spatial.joint_embedding.weight'),
    ('Temporal_pos_embed', 'backbone.frame_embedding.weight'),
    ('Spatial_blocks', 'backbone.spatial.blocks'),
    ('blocks', 'backbone.temporal_blocks'),
    ('Spatial_norm', 'backbone.spatial.norm'),
    ('Temporal_norm', 'backbone.norm'),
    ('weighted_mean', 'neck.conv'),
    ('head.0', 'heads.pose.norm'),
    ('head.1', 'heads.pose.linear'),
)

DROPS = ('drop_rate', 'attn_drop_rate', 'drop_path_rate')


def _told(shapes, kind, given):
    dim = shapes.size('Spatial_patch_to_embedding.weight')
    return {
        'num_frame': shapes.size('Temporal_pos_embed', 1),
        'num_joints': shapes.size('Spatial_pos_embed', 1),
        'in_chans': shapes.size('Spatial_patch_to_embedding.weight', 1),
        'embed_dim_ratio': dim,
        'depth': shapes.count('Spatial_blocks.{}.'),
        'mlp_ratio': shapes.ratio('Spatial_blocks.0.mlp.fc1.weight', dim),
        'qkv_bias': 'Spatial_blocks.0.attn.qkv.bias' in shapes,
    }


def _network(s, kind):
    return {
        'backbone': {
            'type': 'PoseFormer',
            'num_frames': s['num_frame'],
            'num_joints': s['num_joints'],
            'in_channels': s['in_chans'],
            'joint_dims': s['embed_dim_ratio'],
            'depth': s['depth'],
            'num_heads': s['num_heads'],
            'mlp_ratio': s['mlp_ratio'],
            'qkv_bias': s['qkv_bias'],
            'qk_scale': s['qk_scale'],
            **{name: s[name] for name in DROPS},
        },
        'neck': {'type': 'WeightedFrameMean'},
        'heads': {'pose': {'type': 'PoseHead', 'num_joints': s['num_joints'], 'norm': 'layer'}},
    }


SYSTEM = System(
    name='poseformer',
    marks=('Spatial_blocks.0.attn.qkv.weight',),
    kinds={'pose': ((), ('pose', 'representation'), KeyMap(NETWORK))},
    told=_told,
    network=_network,
    published=[
        {'in_chans': 2, 'embed_dim_ratio': 32, 'depth': 4, 'mlp_ratio': 2, 'num_frame': frames, 'num_joints': joints}
        for frames, joints in ((81, 17), (27, 17), (9, 17), (43, 15))
    ],
    assumed={'num_heads': 8},
    usual={'qk_scale': None, 'drop_rate': 0.0, 'attn_drop_rate': 0.0, 'drop_path_rate': 0.1},
    ignored=('norm_layer',),
    containers={'pose': 'model_pos'},
)
