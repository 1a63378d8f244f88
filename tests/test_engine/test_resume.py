"""Interrupted training equals uninterrupted training, whatever interrupted it."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.config import Config

from poselifter.errors import InputError

EMA = [{'type': 'EMAHook', 'momentum': 0.1}]
BY_ITERATION = {
    'train_cfg': {'by_epoch': False, 'max_iters': 8, 'val_interval': 4},
    'default_hooks': {'checkpoint': {'type': 'CheckpointHook', 'interval': 3, 'by_epoch': False}},
    'log_processor': {'by_epoch': False},
}


@pytest.mark.parametrize('hooks', [[], EMA], ids=['plain', 'ema'])
def test_four_epochs_equal_two_and_two(resumes, epochs, tmp_path, hooks):
    resumes(8, 'epoch_4.pth', train_cfg=epochs(4), custom_hooks=hooks)
    files = (tmp_path / folder / 'epoch_4.pth' for folder in ('whole', 'parts'))
    one, other = (torch.load(path, weights_only=True)['message_hub']['log_scalars'] for path in files)
    for key in ('train/loss', 'train/lr'):
        assert torch.equal(one[key]['values'], other[key]['values'])


def test_iteration_based_training_resumes_in_mid_epoch(resumes):
    sampler = {'type': 'InfiniteSampler', 'shuffle': True}
    loader = {'dataset': {'type': 'ToyClips'}, 'sampler': sampler, 'batch_size': 4, 'num_workers': 0}
    resumes(5, 'iter_8.pth', **BY_ITERATION, train_dataloader=loader)


def test_a_schedule_with_a_function_in_its_state_resumes(resumes, epochs):
    schedule = {'type': 'OneCycleLR', 'eta_max': 0.1, 'total_steps': 16, 'by_epoch': False}
    resumes(8, 'epoch_4.pth', train_cfg=epochs(4), param_scheduler=[schedule])


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_weights(
    make_runner, epochs, toy, assert_same_weights, tmp_path, repository
):
    make_runner('whole', train_cfg=epochs(4)).train()
    config = toy.config(tmp_path / 'killed', train_cfg=epochs(4), custom_hooks=[{'type': 'WaitInThirdEpoch'}])
    Config(config).dump(tmp_path / 'killed.py')
    command = [sys.executable, str(repository / 'tools/train.py'), str(tmp_path / 'killed.py')]
    folders = os.pathsep.join(map(str, (repository, os.path.dirname(toy.__file__))))
    reached = tmp_path / 'reached'
    environment = {**os.environ, 'PYTHONPATH': folders, 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen(command, env={**environment, 'TOY_WAIT': str(reached)}, stdout=subprocess.DEVNULL)
    deadline = time.time() + 300
    while not reached.exists() and time.time() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert reached.exists() and not (tmp_path / 'killed/epoch_3.pth').exists()
    make_runner('killed', train_cfg=epochs(4), resume=True).train()
    assert_same_weights(tmp_path / 'whole/epoch_4.pth', tmp_path / 'killed/epoch_4.pth')


@pytest.mark.parametrize('damage', ['half', 'empty', 'gone'])
def test_broken_newest_checkpoint_falls_back_and_says_so(
    make_runner, epochs, assert_same_weights, tmp_path, capsys, damage
):
    make_runner('whole', train_cfg=epochs(3)).train()
    make_runner('broken', train_cfg=epochs(3), custom_hooks=[{'type': 'StopAfter', 'iterations': 8}]).train()
    newest = tmp_path / 'broken/epoch_2.pth'
    content = newest.read_bytes()
    newest.write_bytes(content[: len(content) // 2] if damage == 'half' else b'')
    if damage == 'gone':
        newest.unlink()
    resumed = make_runner('broken', train_cfg=epochs(3), resume=True)
    resumed.train()
    log = capsys.readouterr().out
    assert 'epoch_1.pth' in log
    assert damage == 'gone' or ('epoch_2.pth' in log and 'falling back' in log)
    assert_same_weights(tmp_path / 'whole/epoch_3.pth', tmp_path / 'broken/epoch_3.pth')


def test_broken_note_of_the_newest_checkpoint_does_no_harm(make_runner, epochs, tmp_path):
    make_runner('run', train_cfg=epochs(2)).train()
    (tmp_path / 'run/last_checkpoint').write_text('')
    resumed = make_runner('run', train_cfg=epochs(2), resume=True)
    resumed.train()
    assert resumed.epoch == 2


def test_no_complete_checkpoint_is_an_error_and_none_at_all_a_fresh_start(make_runner, epochs, tmp_path):
    fresh = make_runner('run', train_cfg=epochs(1), resume=True)
    fresh.train()
    assert fresh.iter == 4
    (tmp_path / 'run/epoch_1.pth').write_bytes(b'')
    with pytest.raises(InputError, match=r'no checkpoint in .* is complete'):
        make_runner('run', train_cfg=epochs(2), resume=True).train()


def test_resume_refuses_weights_without_training_state_and_another_model(make_runner, epochs, tmp_path):
    make_runner('run', train_cfg=epochs(1)).train()
    best = tmp_path / 'run/best_MPJPE_epoch_1.pth'
    with pytest.raises(InputError, match='no training state'):
        make_runner('best', resume=True, load_from=str(best)).train()
    with pytest.raises(InputError, match=r'does not fit the model .*hidden\.weight'):
        make_runner('wide', resume=True, load_from=str(best), model={'type': 'ToyLifter', 'width': 8}).train()
