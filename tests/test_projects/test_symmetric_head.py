"""The worked plugin: found by custom_imports and by its entry point, and its loss is what it says."""

import importlib.metadata
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from poselifter import InputError, register_all_modules
from poselifter.cli import main
from poselifter.io import read_keypoints
from poselifter.registry import HEADS, MODELS, READERS, WRITERS
from poselifter.structures import MotionDataSample


@pytest.fixture
def plugin(repository, monkeypatch):
    folder = repository / 'projects' / 'symmetric_head'
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for registry, name in ((HEADS, 'SymmetricPoseHead'), (READERS, 'ssv'), (WRITERS, 'ssv')):
        registry.module_dict.pop(name, None)
    for name in [name for name in sys.modules if name.split('.')[0] == 'symmetric_head']:
        del sys.modules[name]


def test_config_swaps_the_head(plugin):
    cfg = Config.fromfile(plugin / 'configs' / 'mixste_symmetric_procedural_27.py')
    model = MODELS.build(cfg.model)
    assert type(model.heads['pose']).__name__ == 'SymmetricPoseHead'
    sample = MotionDataSample(target=torch.zeros(2, 27, 17, 3))
    losses = model(torch.rand(2, 27, 17, 3), sample, mode='loss')
    assert losses['loss_symmetry'] > 0
    assert 'loss_weighted_mpjpe' in losses


def test_loss_is_zero_exactly_for_symmetric_bodies(plugin):
    from symmetric_head import SymmetricPoseHead

    head = SymmetricPoseHead(in_channels=3)
    torch.nn.init.eye_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)
    pose = torch.rand(1, 4, 17, 3)
    pose[..., [0, 7, 8, 9, 10], 0] = 0
    left = [4, 5, 6, 11, 12, 13]
    pose[..., [1, 2, 3, 14, 15, 16], :] = pose[..., left, :] * torch.tensor([-1, 1, 1])
    sample = MotionDataSample(target=pose)
    torch.testing.assert_close(head.loss(pose, sample)['loss_symmetry'], torch.tensor(0.0))
    pose[..., 13, :] = pose[..., 12, :] + torch.tensor([0.5, 0, 0])
    pose[..., 16, :] = pose[..., 15, :] + torch.tensor([-0.2, 0, 0])
    torch.testing.assert_close(head.loss(pose, sample)['loss_symmetry'], torch.tensor(0.1 * 0.3 / 6))


def entry_point(monkeypatch, value):
    point = importlib.metadata.EntryPoint('example', value, 'poselifter.plugins')
    monkeypatch.setattr('poselifter.utils.setup_env._installed_plugins', lambda path: [point])


def test_entry_point_registers(plugin, monkeypatch):
    entry_point(monkeypatch, 'symmetric_head')
    assert 'SymmetricPoseHead' not in HEADS
    register_all_modules()
    assert 'SymmetricPoseHead' in HEADS


def test_the_command_reads_and_writes_its_tables(plugin, monkeypatch, repository, tmp_path, capsys):
    entry_point(monkeypatch, 'symmetric_head')
    points = read_keypoints(repository / 'demo/clip.npz').keypoints[:9]
    rows = np.concatenate([np.arange(9)[:, None], points.reshape(9, 34)], 1)
    header = 'frame;' + ';'.join(f'x{j};y{j}' for j in range(17))
    np.savetxt(tmp_path / 'walk.ssv', rows, delimiter=';', header=header, comments='')
    options = ['--skeleton', 'h36m17', '--image-size', '1280', '720', '--fps', '30', '-o', str(tmp_path / 'out')]
    main(['lift', str(tmp_path / 'walk.ssv'), *options, '--formats', 'ssv'])
    assert '(semicolon tables): skeleton h36m17, 9 frames, 1 person' in capsys.readouterr().out
    written = np.loadtxt(tmp_path / 'out/walk.ssv', delimiter=';', skiprows=1)
    poses = np.load(tmp_path / 'out/walk.npz')['keypoints_3d']
    np.testing.assert_allclose(written[:, 2:].reshape(9, 17, 3), poses, atol=1e-5)
    with pytest.raises(SystemExit):
        main(['lift', '--help'])
    text = ' '.join(capsys.readouterr().out.split())
    assert 'semicolon tables' in text and 'ssv' in text


def test_broken_plugin_is_named(monkeypatch):
    entry_point(monkeypatch, 'no_such_module')
    with pytest.raises(InputError, match=r"plugin 'example' \(no_such_module\) failed to load"):
        register_all_modules()
