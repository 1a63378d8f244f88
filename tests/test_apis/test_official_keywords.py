"""Rows of the published systems: values are inferred from shapes, compared with keywords, asked for, and placed."""

import inspect
import re

import pytest
import torch
from official_layout import FILES, Case

from poselifter.apis import load_official
from poselifter.checkpoints import SYSTEMS, convert_official, export_official, read_official
from poselifter.errors import InputError
from poselifter.models import create_model, list_models
from poselifter.models.factory import model_sizes
from poselifter.models.layers import TransformerBlock
from poselifter.registry import BACKBONES

# what no shape of a small file tells
SIMILARITY = 'use_temporal_similarity, neighbour_num'
CHAIN = 'temporal_connection_len'
GRAPH = f'{SIMILARITY}, {CHAIN}'
LAYER = 'act_layer, qkv_scale'


# what is asked for, what depends on other keywords, what is taken as it comes; all else is inferred
ASKED = {'num_heads', 'act_layer', 'qkv_scale', 'causal'}
DEPENDING = {'use_temporal_similarity', 'neighbour_num', 'temporal_connection_len', 'dense', 'stride_num'}
FREE = DEPENDING | {
    *('drop', 'attn_drop', 'drop_path', 'drop_rate', 'attn_drop_rate', 'drop_path_rate', 'dropout', 'dropout_ratio'),
    *('qk_scale', 'layer_scale_init_value', 'heads', 'in_channels', 'in_features', 'out_channels', 'spatial_mask_num'),
    *('norm_layer', 'version', 'hidden_dim', 'average_top_k_layers', 'norm_targets'),
}
OPEN = {'pretrain': {'dim_rep', 'dim_out', 'out_joints'}, 'refine': {'out_joints'}}


@pytest.mark.parametrize('file', [file for file in FILES if file.endswith('/checkpoint.pth')])
def test_every_row(file):
    """Inferred values are the constructor's that stands beside the file, wrong ones are refused, others asked for."""
    case = Case(file.removesuffix('/checkpoint.pth'))
    official, given = read_official(case.file), case.constructor
    config, keywords = official.network(given), {row.keyword for row in official.layout.settings}
    free = FREE | OPEN.get(official.kind, set()) | ({'n_frames'} if given.get('use_tcn') else set())
    assert given.keys() <= keywords
    for keyword in sorted(keywords - free):
        without = {key: value for key, value in given.items() if key != keyword}
        if keyword in ASKED:
            with pytest.raises(InputError, match=f': {keyword} cannot be inferred .* published sizes; give it'):
                official.network(without)
            continue
        assert official.network(without) == official.network({**without, keyword: None}) == config
        wrong = [9, 9] if isinstance(given.get(keyword), list) else 12345
        with pytest.raises(InputError, match=rf'\b{keyword}\b'):
            official.network({**given, keyword: wrong})
    official.network({keyword: given[keyword] for keyword in given if keyword in ASKED | DEPENDING})  # or an error
    with pytest.raises(InputError, match=r"unknown keywords \['dept', 'widht'\], expected some of"):
        official.network({**given, 'dept': 3, 'widht': 4})


@pytest.mark.parametrize(('name', 'given', 'asked'), [
    ('mixste/pose_small', {'num_heads': None, 'depth': 3, 'qk_scale': 0.3}, 'num_heads'),
    ('motionagformer/pose_knn', {}, f'num_heads, {LAYER}, {GRAPH}'),
    ('motionagformer/pose_knn', {'num_heads': 4, 'use_temporal_similarity': True}, f'{LAYER}, neighbour_num'),
    ('motionagformer/pose_knn', {'neighbour_num': 2}, f'num_heads, {LAYER}'),
    (
        'motionagformer/pose_chain',
        {'use_temporal_similarity': False},
        f'num_heads, {LAYER}, temporal_connection_len',
    ),
    ('motionagformer/pose_chain', {'temporal_connection_len': 2, 'num_heads': 4}, f'{LAYER}, {SIMILARITY}'),
    ('motionagformer/pose_plain', {'use_temporal_similarity': False}, f'num_heads, {LAYER}, neighbour_num'),
    ('motionagformer/pose_tcn', {}, f'num_heads, {LAYER}'),
    ('motion2vec/pretrain_step', {}, f'num_heads, {LAYER}, {GRAPH}'),
    ('videopose3d/temporal_9_dense_kernels', {}, 'causal, dense'),
    ('videopose3d/temporal_9_dense_kernels', {'causal': False}, 'dense'),
    ('videopose3d/temporal_9_dense_kernels', {'filter_widths': [3, 3]}, 'causal'),
])  # fmt: skip
def test_what_depends_on_other_keywords_is_asked_for(name, given, asked):
    with pytest.raises(InputError, match=f': {asked} cannot be inferred from the shapes in the file, which'):
        load_official(Case(name).file, **given)


@pytest.mark.parametrize(('name', 'given', 'named'), [
    ('videopose3d/temporal_27', {'dense': True}, 'no dense network has kernels of widths'),
    ('videopose3d/temporal_27', {'in_features': 3}, 'in_features is 3, which does not divide the 34 channels'),
    ('pstmo/stage2_small_27', {'in_channels': 3}, 'in_channels is 3, which does not divide the 34 channels'),
    ('pstmo/stage2_small_27', {'stride_num': [3, 9]}, r'stride_num is given as \[3, 9\]'),
    ('mixste/pose_small', {'num_heads': 5}, '5 heads do not divide'),
])  # fmt: skip
def test_keywords_that_do_not_fit(name, given, named):
    case = Case(name)
    with pytest.raises(InputError, match=named):
        load_official(case.file, **{**case.constructor, **given})


def test_an_activation_may_be_a_class():
    case = Case('motionagformer/pose_plain')
    config = read_official(case.file).network({**case.constructor, 'act_layer': torch.nn.GELU})
    assert config['backbone']['act'] == 'gelu' != case.constructor['act_layer']


def test_strides_of_other_lengths_are_asked_for(tmp_path):
    model = create_model('pstmo_s_9', num_frames=20, embed_dims=8, neck={'strides': [2, 2, 5]})
    torch.save(export_official(model.state_dict(), 'pstmo')[0], tmp_path / 'official.pth')
    with pytest.raises(InputError, match='stride_num cannot be inferred'):
        load_official(tmp_path / 'official.pth')
    with pytest.raises(InputError, match=r'stride_num is given as \[4, 5\], the file has 3'):
        load_official(tmp_path / 'official.pth', stride_num=[4, 5])
    with pytest.raises(InputError, match='leave 2 of 20 frames'):
        load_official(tmp_path / 'official.pth', stride_num=[2, 2, 3])
    module, x = load_official(tmp_path / 'official.pth', stride_num=[2, 2, 5]), torch.randn(1, 20, 17, 2)
    assert torch.equal(module(x)['output'], model.eval()(x)['pose'])


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
    backbone = convert_official(state, name.split('_')[0]).network({})['backbone']
    known = [inspect.signature(kind).parameters for kind in (TransformerBlock, BACKBONES.get(size['type']))]
    defaults = {key: parameter.default for parameters in known for key, parameter in parameters.items()}
    if size['type'] == 'MotionAGFormer':  # where it differs from the other blocks
        defaults |= {'mlp_ratio': 4.0, 'qkv_bias': False}
    expected = {**defaults, **size}
    for key, value in backbone.items():
        assert expected[key] in (value, None), key  # none stands for what the network fills in by itself
    if size['type'] == 'MotionAGFormer':
        assert (backbone['temporal_graph'], backbone['neighbours']) == ('similarity', 2)
    assert backbone.get('num_heads', 8) == 8 and not backbone.get('causal')


@pytest.mark.parametrize(('name', 'change', 'asked'), [
    ('mixste_27', {'num_frames': 28}, 'num_heads'),
    ('mixste_27', {'mlp_ratio': 2.004}, 'num_heads'),
    ('poseformer_9', {'depth': 3}, 'num_heads'),
    ('motionbert_lite', {'heads': {'pose': {'out_channels': 2}}}, 'num_heads'),
    ('motionagformer_xs', {'layer_scale': None, 'depth': 1}, f'num_heads, {LAYER}, {GRAPH}'),
    ('videopose3d_27', {'num_joints': 16}, 'causal'),
])  # fmt: skip
def test_one_shape_off_and_nothing_is_assumed(name, change, asked):
    _, state = hollow(name, **change)
    with pytest.raises(InputError, match=f': {asked} cannot be inferred'):
        convert_official(state).network({})
