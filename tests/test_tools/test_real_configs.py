"""The configs that ship, on the small excerpt of real motion: training, killing, resuming, testing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

DROPOUT = ['model.backbone.drop_rate=0.1', 'model.backbone.drop_path_rate=0.1']


def shrunk(data_dir, config='cmu_27', epochs=2):
    """Options that let a shipped config run on the excerpt in seconds, with dropout and random transforms."""
    options = [f'train_cfg.max_epochs={epochs}', 'model.backbone.embed_dims=16', 'model.heads.pose.in_channels=16']
    for loader in ('train', 'val', 'test'):
        options += [
            f'{loader}_dataloader.dataset.data_root={data_dir}',
            f'{loader}_dataloader.dataset.ann_file=cmu_tiny.npz',
        ]
    return [*options, 'val_dataloader.dataset.views=1', 'test_dataloader.dataset.views=1']


def train(repository, environment, options, work_dir, *flags, **kwargs):
    command = [sys.executable, 'tools/train.py', 'configs/mixste/cmu_27.py', '--work-dir', str(work_dir), *flags]
    command += ['--cfg-options', *options]
    return subprocess.Popen(
        command, cwd=repository, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **kwargs
    )


def finish(process):
    _, error = process.communicate(timeout=600)
    assert process.returncode == 0, error[-2000:]


@pytest.fixture
def environment(repository):
    return {**os.environ, 'PYTHONPATH': str(repository), 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable}


def weights(folder, epoch):
    return torch.load(folder / f'epoch_{epoch}.pth', weights_only=True)['state_dict']


@pytest.mark.slow
def test_killed_and_resumed_training_ends_in_the_same_weights(repository, data_dir, environment, tmp_path):
    """Dropout, stochastic depth, virtual cameras, noise and flips drawn as if nothing had happened."""
    options = [*shrunk(data_dir, epochs=3), *DROPOUT]
    whole = train(repository, environment, options, tmp_path / 'whole')
    broken = train(repository, environment, options, tmp_path / 'broken', start_new_session=True)
    deadline = time.time() + 600
    while not (tmp_path / 'broken' / 'epoch_1.pth').is_file():
        assert broken.poll() is None and time.time() < deadline
        time.sleep(0.02)
    time.sleep(0.3)  # into the middle of the second epoch
    os.killpg(broken.pid, signal.SIGKILL)
    broken.communicate()
    assert not (tmp_path / 'broken' / 'epoch_3.pth').is_file()
    finish(train(repository, environment, options, tmp_path / 'broken', '--resume'))
    finish(whole)
    one, other = weights(tmp_path / 'whole', 3), weights(tmp_path / 'broken', 3)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    start = weights(tmp_path / 'whole', 2)
    assert not all(torch.equal(one[key], start[key]) for key in one)


@pytest.fixture(scope='module')
def checkpoint(repository, data_dir, tmp_path_factory):
    """One epoch of the shrunk config, trained by two processes."""
    folder = tmp_path_factory.mktemp('two_processes')
    environment = {**os.environ, 'PORT': '29613', 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable}
    command = ['bash', 'tools/dist_train.sh', 'configs/mixste/cmu_27.py', '2', '--work-dir', str(folder)]
    command += ['--cfg-options', *shrunk(data_dir, epochs=1)]
    run = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr[-2000:]
    return folder / 'epoch_1.pth'


@pytest.mark.slow
def test_metrics_do_not_depend_on_processes_batches_and_workers(repository, data_dir, checkpoint, tmp_path):
    ways = {
        'plain': (1, []),
        'one by one': (1, ['test_dataloader.batch_size=1', 'model.test_cfg.batch_size=5']),
        'no workers': (
            1,
            [
                'test_dataloader.num_workers=0',
                'test_dataloader.persistent_workers=False',
                'test_dataloader.batch_size=7',
            ],
        ),
        'two processes': (2, ['test_dataloader.num_workers=2']),
    }
    metrics = {}
    for name, (processes, options) in ways.items():
        out = tmp_path / f'{name}.json'
        program = (
            [sys.executable, 'tools/test.py', 'configs/mixste/cmu_27.py', str(checkpoint)]
            if processes == 1
            else ['bash', 'tools/dist_test.sh', 'configs/mixste/cmu_27.py', str(checkpoint), str(processes)]
        )
        command = [*program, '--out', str(out), '--work-dir', str(tmp_path)]
        command += ['--cfg-options', *shrunk(data_dir), *options]
        environment = {**os.environ, 'PYTHONPATH': str(repository), 'PORT': '29617', 'OMP_NUM_THREADS': '1'}
        environment['PYTHON'] = sys.executable
        run = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=600)
        assert run.returncode == 0, run.stderr[-2000:]
        metrics[name] = json.loads(out.read_text())
    plain = metrics.pop('plain')
    assert {'MPJPE', 'P-MPJPE', 'MPJVE', 'MPJPE/walk'} <= plain.keys()
    for name, other in metrics.items():
        assert other.keys() == plain.keys()
        assert max(abs(other[key] - plain[key]) for key in plain) < 1e-3, name


@pytest.mark.parametrize('config', ['mixste/cmu_27', 'mixste/procedural_27', 'motionbert/cmu_27'])
def test_every_config_trains_and_tests_in_process(tool, repository, data_dir, tmp_path, config):
    """An epoch of each, cut down; the metrics come out and are those of poses."""
    options = ['load_from=None', 'train_cfg.max_epochs=1', 'default_hooks.checkpoint.max_keep_ckpts=1']
    options += [f'{loader}_dataloader.persistent_workers=False' for loader in ('train', 'val', 'test')]
    options += [f'{loader}_dataloader.num_workers=0' for loader in ('train', 'val', 'test')]
    if 'procedural' in config:
        options += [f'{loader}_dataloader.dataset.n_sequences=6' for loader in ('train', 'val', 'test')]
    else:
        options += [
            f'{loader}_dataloader.dataset.{key}={value}'
            for loader in ('train', 'val', 'test')
            for key, value in {'data_root': data_dir, 'ann_file': 'cmu_tiny.npz'}.items()
        ]
        options += [f'{loader}_dataloader.dataset.views=1' for loader in ('val', 'test')]
        options += ['train_dataloader.dataset.window.stride=27']
    path = str(repository / f'configs/{config}.py')
    tool('train').main([path, '--work-dir', str(tmp_path), '--cfg-options', *options])
    out = tmp_path / 'metrics.json'
    argv = [path, str(tmp_path / 'epoch_1.pth'), '--work-dir', str(tmp_path), '--out', str(out), '--baselines']
    tool('test').main([*argv, '--show-dir', str(tmp_path / 'pictures'), '--cfg-options', *options])
    metrics = json.loads(out.read_text())
    assert 30 < metrics['MPJPE'] < 1000
    assert metrics['P-MPJPE'] < metrics['MPJPE']
    assert metrics['baselines/linear_regression/MPJPE'] < metrics['baselines/mean_pose/MPJPE']
    assert len(list((tmp_path / 'pictures').glob('*.png'))) > 3
