"""P-STMO."""

from ...errors import InputError
from ..key_map import KeyMap
from ..system import Kind, Setting, Shapes, System, count, ignored, joints, size

NORM = (('.a_2', '.weight'), ('.b_2', '.bias'))
POSE_HEAD = (('.0', '.norm'), ('.1', '.linear', 'conv'))
ATTENTION = (
    *((f'self_attn.linears.{i}', 'attn.qkv', f'{i}/3') for i in range(3)),
    ('self_attn.linears.3', 'attn.proj'),
    ('sublayer.0.norm', 'norm1', NORM),
    ('sublayer.1.norm', 'norm2', NORM),
)
LAYER = (*ATTENTION, ('feed_forward.w_1', 'mlp.fc1'), ('feed_forward.w_2', 'mlp.fc2'))
STRIDED_LAYER = (*ATTENTION, ('feed_forward.w_1', 'conv1'), ('feed_forward.w_2', 'conv2'))
BLOCKS = (('w1', '0.linear', 'conv'), ('batch_norm1', '0.norm'), ('w2', '1.linear', 'conv'), ('batch_norm2', '1.norm'))
ENCODERS = (
    ('encoder.fc_1', 'backbone.spatial.first.linear', 'conv'),
    ('encoder.bn_1', 'backbone.spatial.first.norm'),
    ('encoder.layers.{i}.', 'backbone.spatial.blocks.{i}.', BLOCKS),
    ('encoder.fc_2', 'backbone.spatial.last', 'conv'),
    ('Transformer.pos_embedding', 'backbone.frame_embedding.weight'),
    ('Transformer.model.layers.{i}.', 'backbone.temporal_blocks.{i}.', LAYER),
    ('Transformer.model.norm', 'backbone.unused_norm', NORM),
)
STAGE_2 = (
    *ENCODERS,
    *((f'Transformer_reduce.model.pos_embedding_{i + 1}', f'neck.embeddings.{i}.weight') for i in range(3)),
    ('Transformer_reduce.model.layers.{i}.', 'neck.layers.{i}.', STRIDED_LAYER),
    ('Transformer_reduce.model.norm', 'neck.unused_norm', NORM),
    ('fcn', 'heads.pose', POSE_HEAD),
    ('fcn_1', 'heads.sequence', POSE_HEAD),
)
STAGE_1 = (
    *ENCODERS,
    ('spatial_mask_token', 'joint_token'),
    ('encoder_LN', 'head.norm', NORM),
    ('encoder_to_decoder', 'head.projection'),
    ('dec_pos_embedding', 'head.frame_embedding.weight'),
    ('mask_token', 'head.mask_token'),
    ('Transformer_dec.model.layers.{i}.', 'head.blocks.{i}.', LAYER),
    ('Transformer_dec.model.norm', 'head.unused_norm', NORM),
    ('fcn_dec', 'head.pose', POSE_HEAD),
)
REFINER = (('post_refine.0', 'fc1'), ('post_refine.3', 'fc2'))
STRIDES = {9: [1, 3, 3], 27: [3, 3, 3], 81: [3, 3, 3, 3], 243: [3, 3, 3, 3, 3], 351: [3, 9, 13]}


def _strides(file: Shapes) -> list[int] | None:
    """Strides as given, else those of a published length."""
    depth, given = count(file, 'Transformer_reduce.model.layers.'), file.given.get('stride_num')
    if given and len(given) != depth:
        raise InputError(f'pstmo: stride_num is given as {given}, the file has {depth} strided layers')
    strides = given or STRIDES.get(size(file, 'Transformer.pos_embedding', 1), ())
    return strides if len(strides) == depth else None


def _any_strides(s: dict) -> dict:
    """Placeholder strides; any will do to hold the tensors."""
    return {'neck.strides': [s['frames'], *[1] * (s['strided_layers'] - 1)]}


def _decoder(s: dict) -> dict:
    return {'head.depth': s['layers'] - 1}


def _encoders(other: str) -> tuple[Setting, ...]:
    """Keywords of the encoders, some of which the other transformer of the network has too."""
    hidden = 'Transformer.model.layers.0.feed_forward.w_1.weight'
    return (
        Setting('layers', 'backbone.depth', (count, 'Transformer.model.layers.')),
        Setting('channel', 'backbone.embed_dims', (size, 'encoder.fc_2.weight')),
        Setting('d_hid', f'backbone.feedforward_dims {other}.feedforward_dims', (size, hidden)),
        Setting('frames', 'backbone.num_frames', (size, 'Transformer.pos_embedding', 1)),
        Setting('n_joints', 'backbone.num_joints', (joints, 'encoder.fc_1.weight', 1, 2, 'in_channels')),
        Setting('spatial_depth', 'backbone.spatial_depth', (count, 'encoder.layers.')),
        # the originals know no other number of heads
        Setting('heads', f'backbone.num_heads {other}.num_heads', default=8),
        *ignored('spatial_mask_num', 'dropout'),
    )


OUT_JOINTS = (joints, 'fcn.1.weight', 0, 3, 'out_channels')
POSE = (
    *_encoders('neck'),
    Setting('in_channels', 'backbone.in_channels', default=2),
    Setting('out_joints', 'heads.pose.num_joints heads.sequence.num_joints', OUT_JOINTS),
    Setting('out_channels', 'heads.pose.out_channels heads.sequence.out_channels', default=3),
    Setting('strided_layers', '', (count, 'Transformer_reduce.model.layers.')),
    Setting('stride_num', 'neck.strides', (_strides,), ask=True),
)
PRETRAINING = (
    *_encoders('head'),
    Setting('in_channels', 'backbone.in_channels head.out_channels', default=2),
    *ignored('out_channels', 'out_joints', 'stride_num'),
)
REFINING = (
    Setting('n_joints', 'num_joints', (joints, 'post_refine.3.weight', 0, 2)),
    Setting('inner_width', 'hidden_dims', (size, 'post_refine.0.weight')),
    *ignored('in_channels', 'out_channels', 'out_joints', 'stride_num', 'heads', 'spatial_mask_num', 'dropout'),
)
HEAD = {'type': 'PoseHead', 'norm': 'batch'}
PARTS = {
    'backbone': {'type': 'STMO'},
    'neck': {'type': 'ManyToOneAggregator'},
    'heads': {'pose': {**HEAD, 'feature': 'single'}, 'sequence': {**HEAD, 'feature': 'sequence'}},
}
PRETRAINER = {'type': 'MaskedPosePretrainer', 'backbone': {'type': 'STMO'}, 'head': {'type': 'MaskedPoseHead'}}
OF_REFINER = ('post_refine.0.weight', 'post_refine.3.weight')
OF_PRETRAINER = ('mask_token', 'encoder_to_decoder.weight')

SYSTEM = System(
    name='pstmo',
    signature_keys=('encoder.bn_1.weight', 'encoder.fc_1.weight', *OF_REFINER),
    kinds={
        'refine': Kind(KeyMap(REFINER), REFINING, {'type': 'PoseRefiner'}, None, ('refine',), OF_REFINER),
        'pretrain': Kind(KeyMap(STAGE_1), PRETRAINING, PRETRAINER, _decoder, ('pretrain',), OF_PRETRAINER),
        'pose': Kind(KeyMap(STAGE_2), POSE, PARTS, _any_strides),
    },
)
