"""P-STMO."""

from ...errors import InputError
from ..key_map import KeyMap
from ..system import System

ATTENTION = (
    ('self_attn.linears.0', 'attn.qkv', '0/3'),
    ('self_attn.linears.1', 'attn.qkv', '1/3'),
    ('self_attn.linears.2', 'attn.qkv', '2/3'),
    ('self_attn.linears.3', 'attn.proj'),
    ('sublayer.0.norm.a_2', 'norm1.weight'),
    ('sublayer.0.norm.b_2', 'norm1.bias'),
    ('sublayer.1.norm.a_2', 'norm2.weight'),
    ('sublayer.1.norm.b_2', 'norm2.bias'),
)
LAYER = (*ATTENTION, ('feed_forward.w_1', 'mlp.fc1'), ('feed_forward.w_2', 'mlp.fc2'))
STRIDED_LAYER = (*ATTENTION, ('feed_forward.w_1', 'conv1'), ('feed_forward.w_2', 'conv2'))
NORM = (('.a_2', '.weight'), ('.b_2', '.bias'))
ENCODERS = (
    ('encoder.fc_1', 'backbone.spatial.first.linear', 'conv'),
    ('encoder.bn_1', 'backbone.spatial.first.norm'),
    ('encoder.layers.{i}.w1', 'backbone.spatial.blocks.{i}.0.linear', 'conv'),
    ('encoder.layers.{i}.batch_norm1', 'backbone.spatial.blocks.{i}.0.norm'),
    ('encoder.layers.{i}.w2', 'backbone.spatial.blocks.{i}.1.linear', 'conv'),
    ('encoder.layers.{i}.batch_norm2', 'backbone.spatial.blocks.{i}.1.norm'),
    ('encoder.fc_2', 'backbone.spatial.last', 'conv'),
    ('Transformer.pos_embedding', 'backbone.frame_embedding.weight'),
    ('Transformer.model.layers.{i}.', 'backbone.temporal_blocks.{i}.', LAYER),
    ('Transformer.model.norm', 'backbone.unused_norm', NORM),
)
STAGE_2 = (
    *ENCODERS,
    ('Transformer_reduce.model.pos_embedding_1', 'neck.embeddings.0.weight'),
    ('Transformer_reduce.model.pos_embedding_2', 'neck.embeddings.1.weight'),
    ('Transformer_reduce.model.pos_embedding_3', 'neck.embeddings.2.weight'),
    ('Transformer_reduce.model.layers.{i}.', 'neck.layers.{i}.', STRIDED_LAYER),
    ('Transformer_reduce.model.norm', 'neck.unused_norm', NORM),
    ('fcn.0', 'heads.pose.norm'),
    ('fcn.1', 'heads.pose.linear', 'conv'),
    ('fcn_1.0', 'heads.sequence.norm'),
    ('fcn_1.1', 'heads.sequence.linear', 'conv'),
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
    ('fcn_dec.0', 'head.pose.norm'),
    ('fcn_dec.1', 'head.pose.linear', 'conv'),
)
REFINER = (('post_refine.0', 'fc1'), ('post_refine.3', 'fc2'))
STRIDES = {9: [1, 3, 3], 27: [3, 3, 3], 81: [3, 3, 3, 3], 243: [3, 3, 3, 3, 3], 351: [3, 9, 13]}


def _told(shapes, kind, given):
    channels = given.get('in_channels', 2)
    strides = given.get('stride_num', ())
    if kind == 'refine':
        return {
            'n_joints': shapes.joints('post_refine.3.weight', 0, 2, 'in_channels'),
            'inner_width': shapes.size('post_refine.0.weight'),
            'in_channels': channels,
            'stride_num': strides,
        }
    told = {
        'layers': shapes.count('Transformer.model.layers.{}.'),
        'channel': shapes.size('encoder.fc_2.weight'),
        'd_hid': shapes.size('Transformer.model.layers.0.feed_forward.w_1.weight'),
        'frames': shapes.size('Transformer.pos_embedding', 1),
        'in_channels': channels,
        'n_joints': shapes.joints('encoder.fc_1.weight', 1, channels, 'in_channels'),
        'spatial_depth': shapes.count('encoder.layers.{}.'),
    }
    if kind == 'pose':
        told['out_joints'] = shapes.joints('fcn.1.weight', 0, given.get('out_channels', 3), 'out_channels')
        told['strided_layers'] = depth = shapes.count('Transformer_reduce.model.layers.{}.')
        if strides and len(strides) != depth:
            raise InputError(f'pstmo: stride_num is given as {strides}, the file has {depth} strided layers')
        strides = strides or STRIDES.get(told['frames'], ())
    if kind == 'pretrain' or len(strides) == depth:
        told['stride_num'] = strides
    return told


def _network(s, kind):
    if kind == 'refine':
        return {'type': 'PoseRefiner', 'num_joints': s['n_joints'], 'hidden_dims': s['inner_width']}
    wide = {'feedforward_dims': s['d_hid'], 'num_heads': s['heads']}
    backbone = {
        'type': 'STMO',
        'num_frames': s['frames'],
        'num_joints': s['n_joints'],
        'in_channels': s['in_channels'],
        'embed_dims': s['channel'],
        'depth': s['layers'],
        'spatial_depth': s['spatial_depth'],
        **wide,
    }
    if kind == 'pretrain':
        head = {'type': 'MaskedPoseHead', 'depth': s['layers'] - 1, 'out_channels': s['in_channels'], **wide}
        return {'type': 'MaskedPosePretrainer', 'backbone': backbone, 'head': head}
    head = {
        'type': 'PoseHead',
        'num_joints': s['out_joints'],
        'out_channels': s['out_channels'],
        'norm': 'batch',
    }
    strides = s['stride_num'] or [s['frames'], *[1] * (s['strided_layers'] - 1)]  # to hold the tensors, any will do
    return {
        'backbone': backbone,
        'neck': {'type': 'ManyToOneAggregator', 'strides': strides, **wide},
        'heads': {'pose': {**head, 'feature': 'single'}, 'sequence': {**head, 'feature': 'sequence'}},
    }


SYSTEM = System(
    name='pstmo',
    marks=('encoder.bn_1.weight', 'encoder.fc_1.weight', 'post_refine.0.weight', 'post_refine.3.weight'),
    kinds={
        'refine': (('post_refine.0.weight', 'post_refine.3.weight'), ('refine',), KeyMap(REFINER)),
        'pretrain': (('mask_token', 'encoder_to_decoder.weight'), ('pretrain',), KeyMap(STAGE_1)),
        'pose': ((), ('pose', 'representation'), KeyMap(STAGE_2)),
    },
    told=_told,
    network=_network,
    published=(),
    assumed={'stride_num': None},
    usual={'heads': 8, 'out_channels': 3},  # the originals know no other number of heads
    ignored=('spatial_mask_num', 'out_joints', 'dropout'),
)
