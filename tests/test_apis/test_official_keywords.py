"""What load_official asks for, takes as keywords and holds against the shapes."""

import inspect
import re

import pytest
import torch
from official_layout import Case

from poselifter.apis import load_official
from poselifter.checkpoints import SYSTEMS, convert_official, export_official, network_of
from poselifter.errors import InputError
from poselifter.models import create_model, list_models
from poselifter.models.factory import model_sizes
from poselifter.models.layers import Attention
from poselifter.registry import BACKBONES

# what no shape of a small file tells

GRAPH = 'use_temporal_similarity, neighbour_num, temporal_connection_len'
LAYER = 'act_layer, qkv_scale'


@pytest.fixture
def case(shared):
    return lambda name: Case(shared / 'fixtures' / 'parity' / name)


@pytest.mark.parametrize(
    ('name', 'given', 'asked'),
    [
        ('mixste/pose_small', {}, 'num_heads'),
        ('mixste/pose_small', {'num_heads': None, 'depth': 3, 'qk_scale': 0.3}, 'num_heads'),
        ('poseformer/pose_small', {}, 'num_heads'),
        ('motionbert/dstformer_pose', {}, 'num_heads'),
        ('motionbert/action_net', {}, 'num_heads'),
        ('motionbert/mesh_regressor', {}, 'num_heads'),
        ('motionagformer/pose_knn', {}, f'num_heads, {LAYER}, {GRAPH}'),
        ('motionagformer/pose_knn', {'num_heads': 4}, f'{LAYER}, {GRAPH}'),
        ('motionagformer/pose_knn', {'num_heads': 4, 'use_temporal_similarity': True}, f'{LAYER}, neighbour_num'),
        ('motionagformer/pose_knn', {'neighbour_num': 2}, f'num_heads, {LAYER}'),
        (
            'motionagformer/pose_chain',
            {'use_temporal_similarity': False},
            f'num_heads, {LAYER}, temporal_connection_len',
        ),
        (
            'motionagformer/pose_chain',
            {'temporal_connection_len': 2},
            f'num_heads, {LAYER}, use_temporal_similarity, neighbour_num',
        ),
        ('motionagformer/pose_plain', {'use_temporal_similarity': False}, f'num_heads, {LAYER}, neighbour_num'),
        ('motionagformer/pose_tcn', {}, f'num_heads, {LAYER}'),
        ('motion2vec/action_class', {'num_heads': 4}, f'{LAYER}, {GRAPH}'),
        ('motion2vec/pretrain_step', {}, f'num_heads, {LAYER}, {GRAPH}'),
        ('videopose3d/temporal_27_causal', {}, 'causal'),
        ('videopose3d/temporal_9_dense_kernels', {}, 'causal, dense'),
        ('videopose3d/temporal_9_dense_kernels', {'causal': False}, 'dense'),
        ('videopose3d/temporal_9_dense_kernels', {'filter_widths': [3, 3]}, 'causal'),
    ],
)
def test_what_no_shape_tells_is_asked_for_by_name(case, name, given, asked):
    with pytest.raises(InputError, match=f'none of the published sizes, and its shapes do not tell {asked}; give'):
        load_official(case(name).file, **given)


@pytest.mark.parametrize(
    ('name', 'names'),
    [
        ('mixste/pose_small', ['num_heads']),
        ('motionbert/action_net', ['num_heads']),
        ('motionagformer/pose_knn_k4_qkvbias', ['num_heads', 'act_layer', 'qkv_scale', 'neighbour_num']),
        (
            'motionagformer/pose_chain',
            ['num_heads', 'act_layer', 'qkv_scale', 'use_temporal_similarity', 'temporal_connection_len'],
        ),
        ('motionagformer/pose_plain', ['num_heads', 'neighbour_num', 'act_layer', 'qkv_scale']),
        ('motionagformer/pose_tcn', ['num_heads', 'act_layer', 'qkv_scale']),
        ('pstmo/stage2_large_9', []),
        ('videopose3d/temporal_27_causal', ['causal']),
        ('videopose3d/temporal_9_dense_kernels', ['causal', 'dense']),
        ('videopose3d/temporal_9_dense_kernels', ['causal', 'filter_widths']),
    ],
)
def test_the_rest_is_read_from_the_shapes(case, name, names):
    case = case(name)
    found = load_official(case.file, **{key: case.constructor[key] for key in names})(case.array('input'))
    case.check(found['output'] if isinstance(found, dict) else found, 'output')


def test_strides_of_other_lengths_are_asked_for(tmp_path):
    model = create_model('pstmo_s_9', num_frames=20, embed_dims=8, neck={'strides': [2, 2, 5]})
    torch.save(export_official(model.state_dict(), 'pstmo')[0], tmp_path / 'official.pth')
    with pytest.raises(InputError, match='do not tell stride_num'):
        load_official(tmp_path / 'official.pth')
    with pytest.raises(InputError, match=r'stride_num is given as \[4, 5\], the file has 3'):
        load_official(tmp_path / 'official.pth', stride_num=[4, 5])
    with pytest.raises(InputError, match='leave 2 of 20 frames'):
        load_official(tmp_path / 'official.pth', stride_num=[2, 2, 3])
    module, x = load_official(tmp_path / 'official.pth', stride_num=[2, 2, 5]), torch.randn(1, 20, 17, 2)
    assert torch.equal(module(x)['output'], model.eval()(x)['pose'])


@pytest.mark.parametrize(
    ('name', 'wrong'),
    [
        ('mixste/pose_small', {'num_frame': 10, 'num_joints': 16, 'embed_dim_ratio': 33, 'depth': 4, 'mlp_ratio': 2.5}),
        ('mixste/pose_small', {'in_chans': 3, 'qkv_bias': False}),
        ('poseformer/pose_small', {'num_frame': 10, 'depth': 3, 'mlp_ratio': 2.05, 'qkv_bias': False}),
        ('motionbert/dstformer_pose', {'dim_feat': 64, 'dim_rep': 33, 'maxlen': 28, 'mlp_ratio': 4, 'att_fuse': False}),
        ('motionbert/dstformer_pose', {'dim_in': 2, 'dim_out': 2, 'depth': 1, 'num_joints': 16}),
        ('motionbert/action_net', {'num_classes': 60}),
        ('motionagformer/pose_knn', {'n_layers': 3, 'n_frames': 27, 'dim_feat': 64, 'use_tcn': True, 'mlp_ratio': 2}),
        ('motionagformer/pose_knn', {'hierarchical': True, 'graph_only': True, 'use_layer_scale': False, 'dim_rep': 4}),
        ('motionagformer/pose_knn', {'use_adaptive_fusion': False, 'qkv_bias': True, 'num_joints': 16, 'dim_out': 2}),
        ('motionagformer/pose_plain', {'use_layer_scale': True, 'graph_only': False, 'use_adaptive_fusion': True}),
        ('pstmo/stage2_small_27', {'frames': 81, 'layers': 4, 'channel': 256, 'd_hid': 512, 'out_joints': 16}),
        ('pstmo/stage2_small_27', {'n_joints': 16, 'in_channels': 3, 'stride_num': [3, 9]}),
        ('pstmo/refine', {'inner_width': 512, 'n_joints': 16}),
        ('videopose3d/temporal_27', {'filter_widths': [3, 3], 'channels': 1024, 'num_joints_in': 16, 'dense': True}),
        ('videopose3d/temporal_27', {'num_joints_out': 1, 'in_features': 3}),
        ('videopose3d/temporal_27', {'filter_widths': [5, 3, 3]}),
    ],
)
def test_keywords_are_held_against_the_shapes(case, name, wrong):
    case = case(name)
    for key, value in wrong.items():
        with pytest.raises(InputError, match=key):
            load_official(case.file, **{**case.constructor, key: value})


def test_a_number_of_heads_that_divides_nothing(case):
    case = case('mixste/pose_small')
    with pytest.raises(InputError, match='5 heads do not divide'):
        load_official(case.file, num_heads=5)


@pytest.mark.parametrize(
    'name', ['mixste/pose_small', 'pstmo/refine', 'motion2vec/pretrain_step', 'motionbert/action_net']
)
def test_unknown_keywords_are_named(case, name):
    case = case(name)
    with pytest.raises(InputError, match=r"unknown keywords \['dept', 'embed_dims'\], expected some of"):
        load_official(case.file, dept=3, embed_dims=4)


# published sizes

ZOO = [name for name in list_models() if name.split('_')[0] in SYSTEMS and not name.endswith('small')]


def hollow(name, **change):
    """A model without memory and its tensors as its authors lay them out, each one number in memory."""
    with torch.device('meta'):
        model = create_model(name, **change)
    state = export_official(model.state_dict(), name.split('_')[0])[0]
    return model, {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()}


@pytest.mark.parametrize('name', ZOO)
def test_published_sizes_need_no_keywords(name):
    size = model_sizes()[name]['backbone']
    deep = size.get('depth', 1) if size['type'] == 'MotionAGFormer' else 1  # many layers take long to make
    _, state = hollow(name, **({'depth': 1} if deep > 1 else {}))
    pattern = re.compile(r'((?:backbone\.)?layers)\.0\.')
    for i in range(1, deep):
        state.update({pattern.sub(rf'\1.{i}.', key): value for key, value in state.items() if pattern.match(key)})
    backbone = network_of(convert_official(state, name.split('_')[0]), state, {})['backbone']
    known = inspect.signature(BACKBONES.get(size['type'])).parameters.items()
    expected = {**{key: p.default for key, p in known}, **size}
    for key, value in backbone.items():
        assert expected[key] in (value, None), key  # none stands for what the network fills in by itself
    if size['type'] == 'MotionAGFormer':
        assert (backbone['temporal_graph'], backbone['neighbours']) == ('similarity', 2)
    assert backbone.get('num_heads', 8) == 8 and not backbone.get('causal')


@pytest.mark.filterwarnings('ignore:.*which is a no-op')
@pytest.mark.parametrize('name', ['poseformer_9', 'motionbert_lite', 'motionagformer_xs', 'pstmo_s_9', 'videopose3d'])
def test_a_file_of_a_published_size_loads_by_itself(tmp_path, name):
    system = name.split('_')[0]
    expected, state = hollow(name)
    container = SYSTEMS[system].containers.get('pose')
    torch.save({container: state} if container else state, tmp_path / 'official.pth')
    with torch.device('meta'):
        module = load_official(tmp_path / 'official.pth')
    assert str(module.network.backbone) == str(expected.backbone)
    heads = [[m.num_heads for m in x.modules() if isinstance(m, Attention)] for x in (module, expected)]
    assert heads[0] == heads[1]
    assert module.network.state_dict().keys() == expected.state_dict().keys()


@pytest.mark.parametrize(
    ('name', 'change', 'asked'),
    [
        ('mixste_27', {'num_frames': 28}, 'num_heads'),
        ('mixste_27', {'qkv_bias': False}, 'num_heads'),
        ('mixste_27', {'mlp_ratio': 2.004}, 'num_heads'),
        ('poseformer_9', {'depth': 3}, 'num_heads'),
        ('motionbert_lite', {'in_channels': 2}, 'num_heads'),
        ('motionbert_lite', {'heads': {'pose': {'out_channels': 2}}}, 'num_heads'),
        ('motionagformer_xs', {'num_frames': 81, 'qkv_bias': True, 'depth': 1}, f'num_heads, {LAYER}, {GRAPH}'),
        ('motionagformer_xs', {'layer_scale': None}, f'num_heads, {LAYER}, {GRAPH}'),
        ('videopose3d_27', {'embed_dims': 512}, 'causal'),
        ('videopose3d_27', {'num_joints': 16}, 'causal'),
    ],
)
def test_one_shape_off_and_nothing_is_assumed(name, change, asked):
    _, state = hollow(name, **change)
    with pytest.raises(InputError, match=f'none of the published sizes.*do not tell {asked}; give'):
        network_of(convert_official(state), state, {})
