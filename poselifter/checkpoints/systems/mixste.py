"""MixSTE."""

from ..key_map import KeyMap
from ..system import System
from .transformers import DROPS, backbone, published, told

NETWORK = (
    ('Spatial_patch_to_embedding', 'backbone.input_projection'),
    ('Spatial_pos_embed', 'backbone.joint_embedding.weight'),
    ('Temporal_pos_embed', 'backbone.frame_embedding.weight'),
    ('STEblocks', 'backbone.spatial_blocks'),
    ('TTEblocks', 'backbone.temporal_blocks'),
    ('Spatial_norm', 'backbone.spatial_norm'),
    ('Temporal_norm', 'backbone.temporal_norm'),
    ('head.0', 'heads.pose.norm'),
    ('head.1', 'heads.pose.linear'),
)


def _network(s, kind):
    return {
        'backbone': {'type': 'MixSTE', 'embed_dims': s['embed_dim_ratio'], **backbone(s)},
        'heads': {'pose': {'type': 'PoseHead', 'norm': 'layer'}},
    }


SYSTEM = System(
    name='mixste',
    marks=('STEblocks.0.attn.qkv.weight', 'STEblocks.0.norm1.weight'),
    kinds={'pose': ((), ('pose', 'representation'), KeyMap(NETWORK))},
    told=lambda shapes, kind, given: told(shapes, given, 'STEblocks', 'TTEblocks'),
    network=_network,
    published=published(((243, 17), (243, 16), (81, 17), (27, 17), (1, 17), (43, 15)), embed_dim_ratio=512, depth=8),
    assumed={'num_heads': 8},
    usual={'qk_scale': None, **DROPS},
    ignored=('norm_layer',),
    containers={'pose': 'model_pos'},
)
