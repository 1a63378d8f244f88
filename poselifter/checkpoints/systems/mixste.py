"""MixSTE."""

from .transformers import patch_system

NETWORK = (
    ('Spatial_patch_to_embedding', 'backbone.input_projection'),
    ('Spatial_pos_embed', 'backbone.joint_embedding.weight'),
    ('STEblocks', 'backbone.spatial_blocks'),
    ('TTEblocks', 'backbone.temporal_blocks'),
    ('Spatial_norm', 'backbone.spatial_norm'),
    ('Temporal_norm', 'backbone.temporal_norm'),
)


SYSTEM = patch_system(
    'mixste',
    NETWORK,
    blocks=('STEblocks', 'TTEblocks'),
    places=('backbone.embed_dims', 'backbone.num_joints'),
    network={'backbone': {'type': 'MixSTE'}},
    published=((243, 17), (243, 16), (81, 17), (27, 17), (1, 17), (43, 15)),
    embed_dim_ratio=512,
    depth=8,
)
