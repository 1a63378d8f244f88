"""PoseFormer."""

from ..key_map import KeyMap
from ..system import System
from .transformers import DROPS, backbone, published, told

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


def _network(s, kind):
    return {
        'backbone': {'type': 'PoseFormer', 'joint_dims': s['embed_dim_ratio'], **backbone(s)},
        'neck': {'type': 'WeightedFrameMean'},
        'heads': {'pose': {'type': 'PoseHead', 'num_joints': s['num_joints'], 'norm': 'layer'}},
    }


SYSTEM = System(
    name='poseformer',
    marks=('Spatial_blocks.0.attn.qkv.weight', 'Spatial_blocks.0.norm1.weight'),
    kinds={'pose': ((), ('pose', 'representation'), KeyMap(NETWORK))},
    told=lambda shapes, kind, given: told(shapes, given, 'Spatial_blocks', 'blocks'),
    network=_network,
    published=published(((81, 17), (27, 17), (9, 17), (43, 15)), embed_dim_ratio=32, depth=4),
    assumed={'num_heads': 8},
    usual={'qk_scale': None, **DROPS},
    ignored=('norm_layer',),
    containers={'pose': 'model_pos'},
)
