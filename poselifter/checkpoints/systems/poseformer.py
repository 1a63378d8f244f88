"""PoseFormer."""

from .transformers import patch_system

NETWORK = (
    ('Spatial_patch_to_embedding', 'backbone.spatial.input_projection'),
    ('Spatial_pos_embed', 'backbone.spatial.joint_embedding.weight'),
    ('Spatial_blocks', 'backbone.spatial.blocks'),
    ('blocks', 'backbone.temporal_blocks'),
    ('Spatial_norm', 'backbone.spatial.norm'),
    ('Temporal_norm', 'backbone.norm'),
    ('weighted_mean', 'neck.conv'),
)


SYSTEM = patch_system(
    'poseformer',
    NETWORK,
    blocks=('Spatial_blocks', 'blocks'),
    places=('backbone.joint_dims', 'backbone.num_joints heads.pose.num_joints'),
    network={'backbone': {'type': 'PoseFormer'}, 'neck': {'type': 'WeightedFrameMean'}},
    published=((81, 17), (27, 17), (9, 17), (43, 15)),
    embed_dim_ratio=32,
    depth=4,
)
