"""The converter of published checkpoints: there and back, and what tools/test.py makes of the result."""

import copy
import json
import pickle
import re

import numpy as np
import pytest
import torch
from official_layout import Case

from poselifter.apis import load_official
from poselifter.checkpoints import load_checkpoint_file, save_checkpoint_file
from poselifter.checkpoints.official import official_weights
from poselifter.codecs import RootRelativeLifting
from poselifter.models import create_model
from poselifter.models.factory import model_sizes

EVERY_KIND = [
    *('mixste/pose_hrnet16', 'poseformer/pose_small', 'videopose3d/temporal_27', 'videopose3d/trajectory_27'),
    *('videopose3d/temporal_9_dense_kernels', 'motionbert/dstformer_pose', 'motionbert/action_net'),
    *('motionbert/action_embed', 'motionagformer/pose_knn', 'motionagformer/pose_tcn', 'motionagformer/pose_plain'),
    *(
        'motionagformer/pose_hierarchical',
        'motion2vec/action_class',
        'motion2vec/action_embed',
        'pstmo/stage2_small_27',
    ),
    *('pstmo/stage1_masked_27', 'pstmo/refine', 'motion2vec/pretrain_step', 'motionbert/mesh_regressor'),
]


@pytest.fixture
def case(shared):
    return lambda name: Case(shared / 'fixtures' / 'parity' / name)


@pytest.fixture
def convert(tool, capsys):
    """Runs the converter and returns what it prints."""
    main = tool('model_converters/convert_official').main

    def run(*argv):
        capsys.readouterr()
        main([str(a) for a in argv])
        return capsys.readouterr().out

    run.main = main
    return run


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def outputs(path, case):
    """What the module of a file makes of a case's input, by name; mesh parameters without a body are their features."""
    if 'input_pose' in case.meta['arrays'] or case.folder.name == 'refine':
        return {'output': load_official(path)(case.array('input_pose'), case.array('reprojected'))}
    task = 'representation' if 'mesh' in case.folder.name else None
    module = load_official(path, task=task, **case.constructor)
    masks = {key: case.array(key) for key in ('mask', 'spatial_mask') if key in case.meta['arrays']}
    found = module(case.array('input'), **masks)
    return found if isinstance(found, dict) else {'output': found}


@pytest.mark.parametrize('name', EVERY_KIND)
def test_there_and_back(convert, case, tmp_path, name):
    case, system = case(name), name.split('/')[0]
    suffix = '.safetensors' if 'pose' in name else '.pth'
    ours, back = tmp_path / f'ours{suffix}', tmp_path / 'back.bin'
    printed = convert(case.file, ours, *(['--system', system] if suffix == '.pth' else []))
    written = load_checkpoint_file(ours)
    assert written['meta']['format_version'] == 1
    original = official_weights(case.tensors())
    dropped = re.search(r'left out \d+: (.*)', printed)
    dropped = dropped[1].split(', ') if dropped else []
    # files of action networks still hold the pose head that nothing reads
    unused = ['backbone.head.bias', 'backbone.head.weight'] if 'backbone.head.bias' in original else []
    assert sorted(dropped) == unused
    count = case.meta.get('parameters')
    assert count is None or f', {count:,} parameters' in printed

    convert(ours, back, '--export', '--system', system)
    content = torch.load(back, weights_only=True)
    container = next((key for key in ('model_pos', 'model') if key in case.tensors()), None)
    assert list(content) == [container] if container else all(key.startswith('module.') for key in content)
    returned = content[container] if container else content
    assert returned.keys() == {key for key in case.tensors(container) if key.removeprefix('module.') not in dropped}
    assert equal(official_weights(content), {key: original[key] for key in original if key not in dropped})
    expected = outputs(case.file, case)
    for key, value in outputs(back, case).items():
        assert np.array_equal(value, expected[key]), key
    convert(back, tmp_path / 'again.pth')
    assert equal(load_checkpoint_file(tmp_path / 'again.pth')['state_dict'], written['state_dict'])


def test_tasks_choose_what_is_written(convert, case, tmp_path):
    action, both = case('motionbert/action_net'), case('videopose3d/semi_supervised_step')
    printed = convert(action.file, tmp_path / 'pose.pth', '--task', 'pose')
    names = load_checkpoint_file(tmp_path / 'pose.pth')['state_dict'].keys()
    assert {name.split('.')[1] for name in names if name.startswith('heads.')} == {'pose'}
    assert 'left out 9: ' in printed and 'head.bn.running_mean' in printed
    c = action.constructor
    sizes = {'num_frames': c['maxlen'], 'embed_dims': c['dim_feat'], 'rep_dims': c['dim_rep']}
    sizes.update(depth=c['depth'], num_heads=c['num_heads'])
    model = create_model('motionbert', tmp_path / 'pose.pth', **sizes).eval()
    with torch.no_grad():
        found = model(torch.from_numpy(action.array('input'))[:, 0])
    expected = load_official(action.file, task='pose', **c)(action.array('input'))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    for task, joints in (('pose', 17), ('trajectory', 1)):
        convert(both.file, tmp_path / 'root.pth', '--task', task)
        assert len(load_checkpoint_file(tmp_path / 'root.pth')['state_dict']['heads.pose.linear.bias']) == 3 * joints


def test_mistakes_are_one_line(convert, case, fails, tmp_path):
    main, path, target = convert.main, tmp_path / 'x.bin', tmp_path / 'y.pth'
    case = case('mixste/pose_depth1')
    state = case.tensors('model_pos')
    del state['module.TTEblocks.0.mlp.fc2.bias']
    state['module.head.1.weight'] = torch.zeros(4, 24)
    state['module.extra'] = torch.zeros(1)
    torch.save({'model_pos': state}, path)
    line = fails(main, path, target)
    for part in (
        '1 missing: TTEblocks.0.mlp.fc2.bias',
        '1 unexpected: extra',
        'shape: head.1.weight (4, 24) instead of',
    ):
        assert part in line
    torch.save({'model_pos': {key: state[key] for key in state if '.head.' not in key}}, path)
    assert 'missing: TTEblocks.0.mlp.fc2.bias, head.0.bias, head.0.weight, head.1.bias' in fails(main, path, target)
    assert 'is a checkpoint of mixste, not of pstmo' in fails(main, case.file, target, '--system', 'pstmo')
    assert "cannot serve 'action'" in fails(main, case.file, target, '--task', 'action')
    assert 'no checkpoint' in fails(main, tmp_path / 'none.bin', target)
    assert 'no tensors of a known system' in fails(main, _ours(tmp_path), target)
    assert not target.exists()
    assert '--export needs --system' in fails(main, _ours(tmp_path), target, '--export')
    assert "unknown system 'x'" in fails(main, _ours(tmp_path), target, '--export', '--system', 'x')
    assert 'has no tensor that pstmo has' in fails(
        main, _ours(tmp_path, 'other'), target, '--export', '--system', 'pstmo'
    )
    assert 'no files of the kind' in fails(
        main, _ours(tmp_path), target, '--export', '--system', 'mixste', '--kind', 'mesh'
    )


def _ours(folder, name='backbone.spatial_norm.weight'):
    save_checkpoint_file({'state_dict': {name: torch.ones(2)}, 'meta': {}}, folder / 'ours.pth')
    return folder / 'ours.pth'


def test_a_checkpoint_of_ours_is_exported_with_what_is_dropped_listed(convert, tmp_path):
    model = create_model('motionagformer_xs', num_frames=5, embed_dims=16, rep_dims=8, depth=1, num_heads=2).eval()
    state = {**model.state_dict(), 'projector.weight': torch.ones(2)}
    save_checkpoint_file({'state_dict': state, 'meta': {}}, tmp_path / 'ours.pth')
    printed = convert(tmp_path / 'ours.pth', tmp_path / 'theirs.bin', '--export', '--system', 'motion2vec')
    assert 'pose file of motion2vec, 75 tensors' in printed and 'left out 1: projector.weight' in printed
    given = dict(use_temporal_similarity=True, neighbour_num=2, num_heads=2, act_layer='gelu', qkv_scale=None)
    module, x = load_official(tmp_path / 'theirs.bin', **given), torch.randn(1, 5, 17, 3)
    assert torch.equal(module(x), model(x))


def test_strides_need_not_be_known_to_convert(convert, tmp_path):
    model = create_model('pstmo_s_9', num_frames=20, embed_dims=8, neck={'strides': [2, 2, 5]}).eval()
    save_checkpoint_file({'state_dict': model.state_dict(), 'meta': {}}, tmp_path / 'ours.pth')
    convert(tmp_path / 'ours.pth', tmp_path / 'theirs.pth', '--export', '--system', 'pstmo')
    convert(tmp_path / 'theirs.pth', tmp_path / 'again.pth')
    assert equal(load_checkpoint_file(tmp_path / 'again.pth')['state_dict'], model.state_dict())


# tools/test.py

CONFIG = """
_base_ = ['{repository}/configs/_base_/default_runtime.py']
codec = dict(type='RootRelativeLifting', fps=30, confidence={confidence}, window_box=False)
model = dict(type='MotionEstimator', codec=codec, test_cfg=dict(flip_test=False), **{model})
pipeline = [
    dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise'),
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'keypoints_visible', 'lifting_target', 'lifting_target_visible']),
]
test_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ProceduralMotion', n_sequences=2, n_frames={frames}, test_mode=True, pipeline=pipeline),
)
test_evaluator = dict(type='PoseMetric')
test_cfg = dict()
"""


def _stmo(c):
    wide = {'feedforward_dims': c['d_hid']}
    backbone = {'num_frames': c['frames'], 'embed_dims': c['channel'], 'depth': c['layers'], **wide}
    return 'pstmo', {**backbone, 'neck': wide}


def _patches(name, width):
    def sizes(c):
        same = {key: c[key] for key in ('depth', 'num_heads', 'mlp_ratio')}
        return name, {'num_frames': c['num_frame'], width: c['embed_dim_ratio'], **same}

    return sizes


def _agformer(c):
    sizes = {'num_frames': c['n_frames'], 'embed_dims': c['dim_feat'], 'rep_dims': c['dim_rep'], 'depth': c['n_layers']}
    return 'motionagformer_b', {**sizes, 'num_heads': c['num_heads'], 'neighbours': c['neighbour_num']}


def _convolutions(c):
    return 'videopose3d', {'embed_dims': c['channels'], 'filter_widths': c['filter_widths'], 'causal': c['causal']}


def _motionbert(c):
    sizes = {'num_frames': c['maxlen'], 'embed_dims': c['dim_feat'], 'rep_dims': c['dim_rep']}
    return 'motionbert', {**sizes, **{key: c[key] for key in ('depth', 'num_heads', 'mlp_ratio')}}


SIZES = {
    'pstmo/stage2_large_9': _stmo,
    'poseformer/pose_small': _patches('poseformer', 'joint_dims'),
    'mixste/pose_small': _patches('mixste', 'embed_dims'),
    'motionagformer/pose_knn': _agformer,
    'motion2vec/pose_small': _agformer,
    'motionbert/dstformer_pose': _motionbert,
    'videopose3d/temporal_27': _convolutions,
    'videopose3d/temporal_27_causal': _convolutions,
}


@pytest.mark.parametrize('name', SIZES)
def test_our_models_of_the_same_sizes_take_the_published_file(case, tmp_path, convert, name):
    case = case(name)
    convert(case.file, tmp_path / 'ours.pth')
    model, sizes = SIZES[name](case.constructor)
    for path in (case.file, tmp_path / 'ours.pth'):
        module = create_model(model, pretrained=path, **sizes).eval()
        with torch.no_grad():
            found = module(torch.from_numpy(case.array('input')))
        for key, value in {'pose': found}.items() if torch.is_tensor(found) else found.items():
            case.check(value, {'pose': 'output', 'sequence': 'output_seq'}[key])


@pytest.mark.parametrize(
    ('name', 'converted'),
    [
        ('pstmo/stage2_large_9', True),
        ('poseformer/pose_small', True),
        ('mixste/pose_small', False),
        ('motionagformer/pose_knn', True),
        ('motionbert/dstformer_pose', False),
        ('videopose3d/temporal_27', True),
        ('videopose3d/temporal_27', False),
    ],
)
def test_the_test_tool_evaluates_it(case, convert, tool, repository, tmp_path, name, converted):
    """Of a sequence as long as one window the middle frame must be what the published network gives for it."""
    case, path = case(name), tmp_path / 'ours.pth'
    if converted:
        convert(case.file, path)
    parts = _parts(*SIZES[name](case.constructor))
    module, frames = load_official(case.file, **case.constructor), 27 if '27' in name or 'dstformer' in name else 9
    confidence = parts['backbone'].get('in_channels', 3) == 3
    settings = {'repository': repository, 'confidence': confidence, 'model': parts, 'frames': frames}
    (tmp_path / 'config.py').write_text(CONFIG.format(**settings))
    argv = [tmp_path / 'config.py', path if converted else case.file, '--work-dir', tmp_path / 'work']
    argv += ['--out', tmp_path / 'metrics.json', '--dump', tmp_path / 'predictions.pkl']
    tool('test').main([str(a) for a in argv])
    assert np.isfinite(json.loads((tmp_path / 'metrics.json').read_text())['MPJPE'])
    samples = pickle.loads((tmp_path / 'predictions.pkl').read_bytes())
    assert len(samples) == 2
    for sample in samples:
        inputs = RootRelativeLifting(confidence=confidence).encode(sample)['inputs'][None]
        found = module(inputs)
        found = found['output'] if isinstance(found, dict) else found
        expected = found[0, found.shape[1] // 2]
        expected[0] = 0
        prediction = sample['pred_keypoints_3d']
        assert prediction.shape == (frames, 17, 3)
        np.testing.assert_allclose(prediction[frames // 2], expected, rtol=0, atol=1e-5)


def _parts(model, sizes):
    """Backbone, neck and heads of the config of a published size, changed to others."""
    parts = copy.deepcopy(model_sizes()[model])
    del parts['type']
    sizes = dict(sizes)
    if 'neck' in sizes:
        parts['neck'].update(sizes.pop('neck'))
    parts['backbone'].update(sizes)
    return parts
