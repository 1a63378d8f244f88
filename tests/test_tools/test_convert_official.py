import re

import numpy as np
import pytest
import torch
from official_layout import KINDS, Case

from poselifter.apis import load_official
from poselifter.checkpoints import load_checkpoint_file, save_checkpoint_file
from poselifter.checkpoints.official import official_weights
from poselifter.models import create_model


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


@pytest.mark.parametrize('name', KINDS)
def test_there_and_back(convert, tmp_path, name):
    case = Case(name)
    system = case.system
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


def test_tasks_choose_what_is_written(convert, tmp_path):
    action, both = Case('motionbert/action_net'), Case('videopose3d/semi_supervised_step')
    printed = convert(action.file, tmp_path / 'pose.pth', '--task', 'pose')
    names = load_checkpoint_file(tmp_path / 'pose.pth')['state_dict'].keys()
    assert {name.split('.')[1] for name in names if name.startswith('heads.')} == {'pose'}
    assert 'left out 9: ' in printed and 'head.bn.running_mean' in printed
    for task, joints in (('pose', 17), ('trajectory', 1)):
        convert(both.file, tmp_path / 'root.pth', '--task', task)
        assert len(load_checkpoint_file(tmp_path / 'root.pth')['state_dict']['heads.pose.linear.bias']) == 3 * joints


def test_mistakes_are_one_line(convert, fails, tmp_path):
    main, path, target = convert.main, tmp_path / 'x.bin', tmp_path / 'y.pth'
    case = Case('mixste/pose_depth1')
    state = case.tensors('model_pos')
    del state['module.TTEblocks.0.mlp.fc2.bias']
    torch.save({'model_pos': {key: state[key] for key in state if '.head.' not in key}}, path)
    assert 'missing: TTEblocks.0.mlp.fc2.bias, head.0.bias, head.0.weight, head.1.bias' in fails(main, path, target)
    assert 'is a checkpoint of mixste, not of pstmo' in fails(main, case.file, target, '--system', 'pstmo')
    assert 'no tensors of a known system' in fails(main, _ours(tmp_path), target)
    assert not target.exists()
    assert '--export needs --system' in fails(main, _ours(tmp_path), target, '--export')
    export = [target, '--export', '--system']
    assert 'has no tensor that pstmo has' in fails(main, _ours(tmp_path, 'other'), *export, 'pstmo')


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
