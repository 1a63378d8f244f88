"""Published checkpoints against the outputs that their authors' programs gave."""

import numpy as np
import pytest
import torch
from official_layout import Case
from torch import nn

from poselifter.apis import load_official
from poselifter.checkpoints import SYSTEMS
from poselifter.errors import InputError
from poselifter.models.layers import Attention
from poselifter.models.layers.drop_path import DropPath

FORWARD = {
    'mixste': ('pose_small', 'pose_hrnet16', 'pose_depth1', 'train_step'),
    'motion2vec': ('action_class', 'action_embed', 'pose_small'),
    'motionagformer': ('pose_chain', 'pose_hierarchical', 'pose_knn', 'pose_knn_k4_qkvbias', 'pose_plain', 'pose_tcn'),
    'motionbert': ('action_embed', 'action_net', 'dstformer_pose', 'dstformer_shorter_clip', 'dstformer_train_step'),
    'poseformer': ('pose_27', 'pose_small', 'train_step'),
    'pstmo': ('stage2_large_9', 'stage2_small_27'),
    'videopose3d': (
        *('humaneva_15', 'optimized1f_27', 'optimized1f_27_causal', 'temporal_27', 'temporal_27_causal'),
        *('temporal_9_dense_kernels', 'trajectory_27'),
    ),
}


@pytest.mark.parametrize('name', [f'{system}/{name}' for system in FORWARD for name in FORWARD[system]])
def test_output_equals_the_originals(name):
    case, system = Case(name), name.split('/')[0]
    module = load_official(case.file, **case.constructor)
    assert not module.training and not any(m.training for m in module.modules())
    assert SYSTEMS[module.system] is SYSTEMS[system]
    with torch.no_grad():
        found = module(torch.from_numpy(case.array('input')))
    found = found if isinstance(found, dict) else {'output': found}
    assert list(found) == [key for key in ('output', 'output_seq') if key in case.meta['arrays']]
    for key, value in found.items():
        case.check(value, key)
    if 'parameters' in case.meta:
        assert sum(p.numel() for p in module.parameters()) == case.meta['parameters']
    by_name = load_official(str(case.file), system=system, **case.constructor)
    again = by_name(case.array('input'))
    assert by_name.system == system
    for key, value in found.items():
        array = again[key] if isinstance(again, dict) else again
        assert isinstance(array, np.ndarray)
        assert np.array_equal(array, value.numpy())


@pytest.mark.parametrize(('name', 'array'), [
    *(('motionbert/dstformer_pose', 'rep'), ('motion2vec/pose_small', 'rep'), ('motionagformer/pose_tcn', 'rep')),
    ('motionbert/dstformer_rep', 'output'),
])  # fmt: skip
def test_representation(name, array):
    case = Case(name)
    case.check(load_official(case.file, task='representation', **case.constructor)(case.array('input')), array)


@pytest.mark.parametrize('name', ['motionbert/action_net', 'motionbert/action_embed', 'motion2vec/action_class'])
def test_other_tasks_of_action_files(name):
    case = Case(name)
    x = case.array('input')
    rep = load_official(case.file, task='representation', **case.constructor)(x)
    assert rep.shape[:4] == x.shape[:4]
    case.check(rep.mean(2), 'rep_mean')
    # the pose head that lies unused in the file reads the same representation
    module = load_official(case.file, task='pose', **case.constructor)
    weight, bias = (module.network.heads['pose'].linear.get_parameter(k).detach().numpy() for k in ('weight', 'bias'))
    np.testing.assert_allclose(module(x), rep @ weight.T + bias, rtol=0, atol=1e-5)
    np.testing.assert_allclose(module(x[:, 0]), module(x)[:, 0], rtol=0, atol=1e-5)


def test_mesh():
    pytest.importorskip('smplx', reason='body models need smplx')
    from toy_smpl import made_up_body

    case = Case('motionbert/mesh_regressor')
    with pytest.raises(InputError, match='needs body_model'):
        load_official(case.file, **case.constructor)
    module = load_official(case.file, body_model=made_up_body(case.meta['smpl_seed'])[0], **case.constructor)
    assert not module.dropped or all('smpl' in key for key in module.dropped)
    assert list(module(case.array('input'))) == ['output', 'kp_3d', 'verts']  # values: test_mesh_head.py


def test_tensors_of_the_body_model_are_left_out(tmp_path):
    case = Case('motionbert/mesh_regressor')
    state = case.tensors('model')
    state.update({f'module.head.smpl.{key}': torch.ones(3) for key in ('betas', 'faces_tensor', 'parents')})
    torch.save({'model': state}, tmp_path / 'official.bin')
    module = load_official(tmp_path / 'official.bin', task='representation', **case.constructor)
    assert sorted(module.dropped) == ['head.smpl.betas', 'head.smpl.faces_tensor', 'head.smpl.parents']


def test_refiner():
    case = Case('pstmo/refine')
    poses = {'input_pose': case.array('input_pose'), 'reprojected': case.array('reprojected')}
    case.check(load_official(case.file, **case.constructor)(*poses.values()), 'output')
    case.check(load_official(case.file)(poses['input_pose'], reprojected=poses['reprojected']), 'output')


@pytest.mark.parametrize('name', ['pstmo/stage1_masked_27', 'pstmo/stage1_masked_9_large'])
def test_first_stage(name):
    case = Case(name)
    module = load_official(case.file, **case.constructor)
    assert sum(p.numel() for p in module.parameters()) == case.meta['parameters']
    masks = {key: case.array(key) for key in ('mask', 'spatial_mask')}
    case.check(module(case.array('input'), **masks), 'output')
    with torch.no_grad():
        found = module(torch.from_numpy(case.array('input')), *map(torch.from_numpy, masks.values()))
    case.check(found, 'output')


@pytest.mark.parametrize('name', ['motion2vec/pretrain_step', 'motion2vec/pretrain_step_noise'])
def test_context_pretraining(name):
    case, noise = Case(name), 'noise' in name
    extra = {'teacher': case.folder / 'teacher.pth', 'average_top_k_layers': case.meta['K_average_top_layers']}
    if noise:
        extra['norm_targets'] = 'both'
    module = load_official(case.file, **extra, **case.constructor)
    masks = {key: case.array(key) for key in ('mask', 'noise') if key in case.meta['arrays']}
    found = module(case.array('input'), **masks)
    for key in case.meta['arrays'].keys() - masks.keys() - {'input'}:
        case.check(found[key], key)
    assert found['loss'] == pytest.approx(case.meta['loss'], rel=1e-5)
    assert len(found['prediction']) == masks['mask'].sum()
    # without a teacher there is no target
    alone = load_official(case.file, teacher=None, **case.constructor)
    assert set(alone(case.array('input'), **masks)) == {'student_output', 'student_input'}


def test_a_teacher_that_does_not_fit_is_refused(tmp_path):
    case = Case('motion2vec/pretrain_step')
    state = case.tensors(file='teacher.pth')
    del state['1.att_spatial.norm1.weight']
    state['0.graph_temporal.mixer.U.weight'] = torch.zeros(2, 2)
    torch.save(state, tmp_path / 'teacher.pth')
    with pytest.raises(
        InputError, match=r'missing: layers\.1\.att_spatial\.norm1\.weight; .*\.0\.graph_temporal\.mixer\.U'
    ):
        load_official(case.file, teacher=tmp_path / 'teacher.pth', **case.constructor)


@pytest.mark.parametrize(('name', 'first', 'initial', 'container'), [
    ('pstmo/stage1_to_stage2', 'checkpoint_stage1.pth', 'checkpoint.pth', None),
    ('motion2vec/pretrain_to_pose', 'checkpoint.pth', 'initial.pth', 'model'),
])  # fmt: skip
def test_pretrained_tensors_keep_their_names(tmp_path, name, first, initial, container):
    """The originals' way of fine-tuning, on their files: the result is a file that loads."""
    case = Case(name)
    pretrained = case.tensors(container, first)
    state = case.tensors(file=initial)
    state = dict(state.get('model', state))
    prefix = '' if next(iter(state)).startswith('module.') else 'module.'
    state = {prefix + key: value for key, value in state.items()}
    state.update({key: value for key, value in pretrained.items() if key in state})
    torch.save({container: state} if container else state, tmp_path / 'merged.pth')
    found = load_official(tmp_path / 'merged.pth', **case.constructor)(case.array('input'))
    for key, value in found.items() if isinstance(found, dict) else [('output', found)]:
        case.check(value, key)


def test_trajectory_beside_the_pose_in_one_file(tmp_path):
    pose, root = Case('videopose3d/temporal_27'), Case('videopose3d/trajectory_27')
    models = {'model_pos': pose.tensors('model_pos'), 'model_traj': root.tensors('model_pos')}
    torch.save(models, tmp_path / 'both.bin')
    pose.check(load_official(tmp_path / 'both.bin', **pose.constructor)(pose.array('input')), 'output')
    module = load_official(tmp_path / 'both.bin', task='trajectory', **root.constructor)
    root.check(module(root.array('input')), 'output')
    # a file of the root alone, and one whose place for it is empty
    alone = load_official(root.file, task='trajectory', **root.constructor)
    root.check(alone(root.array('input')), 'output')
    torch.save({**models, 'model_traj': None}, tmp_path / 'empty.bin')
    with pytest.raises(InputError, match=r"17 joints cannot serve 'trajectory'"):
        load_official(tmp_path / 'empty.bin', task='trajectory', causal=False)


def test_long_clips_of_the_strided_form():
    for name in ('videopose3d/optimized1f_27', 'videopose3d/optimized1f_27_causal'):
        one = Case(name)
        module = load_official(one.file, **one.constructor)
        one.check(module(one.array('input_long')), 'output_long')
        one.check(module(one.array('input')), 'output_dilated')


def test_any_numpy_array_will_do():
    case = Case('mixste/pose_small')
    module, x = load_official(case.file, **case.constructor), case.array('input')
    expected = module(x)
    wide = x.astype(np.float64)
    wide.flags.writeable = False
    assert module(wide).dtype == np.float32
    for other in (wide, np.asfortranarray(x), x[..., ::-1].copy()[..., ::-1]):
        assert np.array_equal(module(other), expected)
    module.double()
    np.testing.assert_allclose(module(x), expected, rtol=0, atol=1e-5)


RATES = {'drop_rate': 0.1, 'attn_drop_rate': 0.2, 'drop_path_rate': 0.3}


@pytest.mark.parametrize(('name', 'given', 'dropout', 'attention', 'path'), [
    ('mixste/pose_small', RATES, {0.1}, {0.2}, 0.3),
    ('mixste/pose_small', {'drop_path_rate': None}, {0}, {0}, 0.1),
    ('poseformer/pose_small', RATES, {0.1}, {0.2}, 0.3),
    ('motionbert/dstformer_pose', RATES, {0.1}, {0.2}, 0.3),
    ('motionbert/dstformer_pose', {}, {0}, {0}, 0),
    ('motionbert/action_net', {}, {0, 0.5}, {0}, 0),
    ('motionbert/action_embed', {'dropout_ratio': 0.3}, {0, 0.3}, {0}, 0),
    ('motionagformer/pose_knn', {'drop': 0.1, 'attn_drop': 0.2, 'drop_path': 0.3}, {0.1}, {0.2}, 0.3),
    ('pstmo/stage2_small_27', {}, {0.1}, {0.1}, 0),
    ('pstmo/stage1_masked_27', {}, {0.1}, {0.1}, 0),
    ('videopose3d/temporal_27', {}, {0.25}, set(), None),
    ('videopose3d/temporal_27', {'dropout': 0.0}, {0}, set(), None),
])  # fmt: skip
def test_train_mode_has_the_drop_rates_of_the_constructor(name, given, dropout, attention, path):
    case = Case(name)
    module = load_official(case.file, **{**case.constructor, **given}).train()
    assert all(m.training for m in module.modules())
    assert {m.p for m in module.modules() if isinstance(m, nn.Dropout)} in (dropout, dropout | {0})
    assert {m.attn_drop for m in module.modules() if isinstance(m, Attention)} == attention
    assert max((m.drop_prob for m in module.modules() if isinstance(m, DropPath)), default=None) == pytest.approx(path)
