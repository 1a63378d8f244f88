"""Runs that go wrong stop in time, leave good files alone, and say why in one sentence."""

import multiprocessing
import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from poselifter.datasets import ProceduralMotion
from poselifter.engine.tool import build_runner, config_errors
from poselifter.errors import InputError
from poselifter.utils import files
from poselifter.utils.files import hold_folder


@pytest.mark.parametrize(
    ('batch_size', 'rate', 'reason'),
    [(1, 1e20, 'the (loss|gradients) of step [2-4] (is|are) not'), (16, 1e45, '4 of 4 weights')],
)
def test_a_diverging_training_stops_before_a_good_checkpoint_goes(make_runner, toy, tmp_path, batch_size, rate, reason):
    """At once, or before the first save where an epoch has one step."""
    make_runner().train()
    kept = {path.name: path.read_bytes() for path in (tmp_path / 'run').glob('*.pth')}
    loader = toy.loader(16, batch_size, True)
    with pytest.raises(InputError, match=f'{reason}.*lower optim_wrapper.optimizer.lr'):
        optimizer = {'optimizer': {'type': 'SGD', 'lr': rate}}
        make_runner(optim_wrapper=optimizer, train_dataloader=loader).train()
    assert {path.name: path.read_bytes() for path in (tmp_path / 'run').glob('*.pth')} == kept


def test_a_resumed_run_sweeps_what_killed_ones_left(make_runner, tmp_path, epochs):
    make_runner(train_cfg=epochs(1)).train()
    names = ('.epoch_2.part-abcd1234.pth', '.last_checkpoint.part-x_y_z_01', '.epoch_2.abcd1234.pth')
    left = [tmp_path / 'run' / name for name in names]
    other = [tmp_path / 'run' / name for name in ('.mine.pth', '.notes', '.mine.part-.pth')]
    left.append(tmp_path / 'run/20260101_000000/vis_data/.config.part-abcd1234.py')  # into which no other run writes
    left[-1].parent.mkdir(parents=True)
    for path in left + other:
        path.touch()
    held = files._lock(other[-1])  # as a process that lives
    files._swept.clear()
    make_runner(resume=True).train()
    assert not any(path.exists() for path in left) and all(path.exists() for path in other)
    os.close(held)


HOLDER = """
import sys, time
from poselifter.utils.files import hold_folder
hold_folder(sys.argv[1])
print()
time.sleep(99)
"""


def test_one_training_at_a_time_in_a_folder(toy, tmp_path):
    """Until the other process ends in whatever way; this one may come back."""
    config = Config(toy.config(tmp_path / 'run'))
    command = [sys.executable, '-u', '-c', HOLDER, str(tmp_path / 'run')]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match='run is in use by another run; wait for its end'):
            build_runner(config, 'train')
        build_runner(config, 'test')
        other.kill()
    for _ in range(2):
        hold_folder(tmp_path / 'run')


@pytest.mark.parametrize(('loader', 'reason'), [
    ({'drop_last': True, 'batch_size': 32}, '16 samples of ToyClips do not fill a batch of 32; lower batch_size'),
    ({'num_workers': 0, 'persistent_workers': True, 'prefetch_factor': 2}, None),
])  # fmt: skip
def test_little_data_and_no_workers(make_runner, toy, epochs, loader, reason):
    runner = make_runner(train_dataloader={**toy.loader(16, 4, True), **loader}, train_cfg=epochs(1))
    if reason:
        with pytest.raises(InputError, match=reason):
            runner.train()
    else:
        runner.train()


def test_workers_end_with_the_run(make_runner, toy, epochs):
    """A notebook's next cell has none of them, nor waits for them."""
    kept = {'num_workers': 1, 'persistent_workers': True}
    loaders = {f'{part}_dataloader': toy.loader(8, 4, part == 'train') | kept for part in ('train', 'val', 'test')}
    runner = make_runner(train_cfg=epochs(2), **loaders)
    runner.train()
    assert not multiprocessing.active_children()
    runner.test()
    assert not multiprocessing.active_children()


def test_a_batch_norm_needs_two_clips(make_runner, toy, monkeypatch):
    monkeypatch.setattr(toy.ToyLifter, 'train_step', lambda *_, **__: torch.nn.BatchNorm1d(3)(torch.ones(1, 3)))
    with pytest.raises(InputError, match='16 samples in batches of 1 leave a batch of one, on which batch norm cannot'):
        make_runner(train_dataloader=toy.loader(16, 1, True)).train()


@pytest.mark.parametrize('count', [2, 3])
def test_classes_of_the_data_are_those_of_the_model(count):
    data = ProceduralMotion(6, 9, motions=['walk', 'wave', 'squat'], test_mode=True)
    data.full_init()
    if count == 3:
        data.check_classes(count)
    else:
        with pytest.raises(
            InputError, match='squat_000002 has the class 2, the model has 2, 0 to 1; number the classes'
        ):
            data.check_classes(count)


@pytest.mark.parametrize(('error', 'message'), [
    (OSError(28, 'No space left on device', 'w/x.log'), 'cannot use w/x.log: No space left on device; check the'),
    (OSError(28, 'No space left on device'), 'cannot use w: No space left'),
    (IndexError('Target 3'), r'the config None: IndexError: Target 3; mend the config \(--debug'),
    (KeyError('a'), 'KeyError: a; mend'),
    (RuntimeError('x' * 9999), 'RuntimeError: x{500}; mend'),
])  # fmt: skip
def test_whatever_a_run_raises_is_one_sentence(error, message):
    with pytest.raises(InputError, match=message), config_errors(Config({'work_dir': 'w'})):
        raise error
