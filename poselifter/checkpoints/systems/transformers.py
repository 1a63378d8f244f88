"""What MixSTE's and PoseFormer's files share: one program grew from the other."""

from ..system import Shapes

DROPS = {'drop_rate': 0.0, 'attn_drop_rate': 0.0, 'drop_path_rate': 0.1}


def told(shapes: Shapes, blocks: str) -> dict:
    """What the shapes tell, by the names of the constructor; ``blocks`` are the spatial ones."""
    dim = shapes.size('Spatial_patch_to_embedding.weight')
    return {
        'num_frame': shapes.size('Temporal_pos_embed', 1),
        'num_joints': shapes.size('Spatial_pos_embed', 1),
        'in_chans': shapes.size('Spatial_patch_to_embedding.weight', 1),
        'embed_dim_ratio': dim,
        'depth': shapes.count(f'{blocks}.{{}}.'),
        'mlp_ratio': shapes.ratio(f'{blocks}.0.mlp.fc1.weight', dim),
        'qkv_bias': f'{blocks}.0.attn.qkv.bias' in shapes,
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
    common = {'in_chans': 2, 'mlp_ratio': 2, **width}
    return [{**common, 'num_frame': frames, 'num_joints': joints} for frames, joints in sizes]
