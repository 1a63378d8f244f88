"""MotionBERT."""

from ..key_map import KeyMap
from ..system import Kind, Setting, System, count, has, ignored, options, ratio, size, sizes
from .transformers import FUSIONS, task_kind

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

PARTS = {'backbone': {'type': 'DSTformer'}, 'heads': {'pose': {'type': 'PoseHead', 'init_std': 0.02}}}


def _settings(start: str) -> tuple[Setting, ...]:
    """Keywords of the network whose names have this start."""
    hidden = f'{start}blocks_st.0.mlp_s.fc1.weight'
    return (
        Setting('dim_in', 'backbone.in_channels', (size, f'{start}joints_embed.weight', 1)),
        Setting('dim_feat', 'backbone.embed_dims', (size, f'{start}joints_embed.weight')),
        Setting('dim_rep', 'backbone.rep_dims', (size, f'{start}pre_logits.fc.weight')),
        # our exports for other tasks have no pose head
        Setting('dim_out', 'heads.pose.out_channels', (size, f'{start}head.weight', 0, f'{start}head.')),
        Setting('depth', 'backbone.depth', (count, f'{start}blocks_st.')),
        Setting('mlp_ratio', 'backbone.mlp_ratio', (ratio, hidden, f'{start}joints_embed.weight')),
        Setting('num_joints', 'backbone.num_joints', (size, f'{start}pos_embed', 1)),
        Setting('maxlen', 'backbone.num_frames', (size, f'{start}temp_embed', 1)),
        Setting('qkv_bias', 'backbone.qkv_bias', (has, '.qkv.bias')),
        Setting('att_fuse', 'backbone.fusion.type', (has, 'ts_attn.'), convert=FUSIONS.get),
        Setting('num_heads', 'backbone.num_heads', default=8, ask=True),
        *options(qk_scale=None, drop_rate=0.0, attn_drop_rate=0.0, drop_path_rate=0.0),
        *ignored('norm_layer', 'version', 'hidden_dim', 'dropout_ratio'),
    )


SYSTEM = System(
    name='motionbert',
    signature_keys=('blocks_st.0.attn_s.qkv.weight', 'blocks_st.0.norm1_s.weight'),
    kinds={
        **{task: task_kind(task, NETWORK, _settings, PARTS) for task in ('mesh', 'action', 'embedding')},
        'pose': Kind(KeyMap(NETWORK), _settings(''), PARTS, container='model_pos'),
    },
    published=sizes(
        'dim_feat mlp_ratio',
        *((512, 2), (256, 4)),
        **dict(dim_in=3, dim_out=3, dim_rep=512, depth=5, num_joints=17, maxlen=243, qkv_bias=True, att_fuse=True),
    ),
    dropped=('head.smpl.',),
)
