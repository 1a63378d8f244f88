"""What MixSTE's and PoseFormer's files share: one program grew from the other."""

from ..system import Shapes

DROPS = {'drop_rate': 0.0, 'attn_drop_rate': 0.0, 'drop_path_rate': 0.1}


def told(shapes: Shapes, given: dict, spatial: str, temporal: str) -> dict:
    """What the shapes tell, by the names of the constructor and of the two stacks of blocks."""
    width = shapes.size('Temporal_pos_embed', 2)  # the larger one, where the two differ, tells the ratio best
    return {
        'num_frame': shapes.size('Temporal_pos_embed', 1),
        'num_joints': shapes.size('Spatial_pos_embed', 1),
        'in_chans': shapes.size('Spatial_patch_to_embedding.weight', 1),
        'embed_dim_ratio': shapes.size('Spatial_patch_to_embedding.weight'),
        'depth': shapes.count(f'{spatial}.{{}}.'),
        'mlp_ratio': shapes.ratio(f'{temporal}.0.mlp.fc1.weight', width, given.get('mlp_ratio')),
        'qkv_bias': shapes.has('.attn.qkv.bias'),
    }


def backbone(s: dict) -> dict:
    """Arguments that both backbones have."""
    return {
        'num_frames': s['num_frame'],
        'num_joints': s['num_joints'],
        'in_channels': s['in_chans'],
        **{name: s[name] for name in ('depth', 'num_heads', 'mlp_ratio', 'qkv_bias', 'qk_scale', *DROPS)},
    }


def published(sizes: tuple, **width: int) -> list[dict]:
    """Published sizes by (frames, joints)."""
    common = {'in_chans': 2, 'mlp_ratio': 2, 'qkv_bias': True, **width}
    return [{**common, 'num_frame': frames, 'num_joints': joints} for frames, joints in sizes]
