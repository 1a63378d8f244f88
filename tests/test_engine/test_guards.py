"""Guard rails of a training: bad numbers and their clips, a loader that stands still, room on the disk, a dry run."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import namedtuple
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from poselifter.engine import dry_run
from poselifter.engine.hooks import divergence_hook
from poselifter.engine.hooks.divergence_hook import DivergenceHook, all_finite, suspects
from poselifter.errors import InputError
from poselifter.registry import DATASETS, HOOKS
from poselifter.structures import MotionDataSample

SKIP = {'type': 'DivergenceHook', 'policy': 'skip'}


@HOOKS.register_module(force=True)
class SpoilBatches(Hook):
    """Puts a NaN into the second clip of the batches of some iterations."""

    def __init__(self, iterations):
        self.iterations = iterations

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter in self.iterations:
            data_batch['inputs'][1] = data_batch['inputs'][1] * torch.nan


@pytest.mark.parametrize('stacked', [True, False])
def test_the_clips_with_bad_numbers_are_named(stacked):
    inputs, target = torch.zeros(3, 4, 2), torch.zeros(3, 4, 3)
    target[2, 0, 0] = torch.inf
    names = ['walk', 'run', 'sit']
    if stacked:
        samples = MotionDataSample(metainfo={'sequence': names})
        samples.set_data({'target': target})
        assert suspects({'inputs': inputs, 'data_samples': samples}) == 'clips with numbers that are not finite: sit'
        target[2] = 0
    else:
        samples = [MotionDataSample(metainfo={'sequence': name}) for name in names]
    assert suspects({'inputs': inputs, 'data_samples': samples}) == 'clips of that batch: walk, run, sit'
    inputs[1] = torch.nan
    assert suspects({'inputs': inputs, 'data_samples': samples}).endswith('not finite: run')


def test_a_bad_step_is_left_out(make_runner, epochs, tmp_path):
    """The weights stay as they were before it, and go on after it."""
    states = []

    class KeepWeights(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            states.append(torch.cat([p.detach().flatten() for p in runner.model.parameters()]).clone())

    runner = make_runner(
        'spoiled', custom_hooks=[{'type': 'SpoilBatches', 'iterations': [2]}, SKIP], train_cfg=epochs(1)
    )
    runner.register_hook(KeepWeights())
    runner.train()
    assert len(states) == 4 and torch.stack(states).isfinite().all()
    assert [torch.equal(one, two) for one, two in pairwise(states)] == [False, True, False]
    [log] = (tmp_path / 'spoiled').rglob('*.log')
    assert re.search(
        r'step 3 is left out: its gradients are not finite; clips with .* finite: clip/\d+\n', log.read_text()
    )


def test_a_bad_step_stops_the_training(make_runner, epochs):
    """Before it is made, though the loss of the steps around it is finite."""
    runner = make_runner(custom_hooks=[{'type': 'SpoilBatches', 'iterations': [2]}], train_cfg=epochs(1))
    with pytest.raises(InputError, match=r'gradients of step 3 are not finite \(clips with numbers .*: clip/\d+\)'):
        runner.train()
    assert all(p.isfinite().all() for p in runner.model.parameters())


def test_what_one_process_finds_counts_for_all(monkeypatch):
    good, bad = [torch.ones(3), torch.zeros(2, 2)], [torch.ones(3), torch.tensor([0, torch.inf])]
    assert all_finite(good) and all_finite([]) and not all_finite(bad)
    monkeypatch.setattr(divergence_hook, 'is_distributed', lambda: True)
    monkeypatch.setattr(divergence_hook, 'all_reduce', lambda flag, how: flag.mul_(0) if how == 'min' else None)
    assert not all_finite(good)


def test_a_scaler_of_the_loss_sees_what_is_not_finite():
    steps, weight = [], torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.full((1,), torch.inf)
    wrapper = SimpleNamespace(step=lambda: steps.append(1), param_groups=[{'params': [weight]}], loss_scaler=object())
    hook = DivergenceHook('skip')
    hook.before_train(SimpleNamespace(optim_wrapper=wrapper))
    wrapper.step()
    assert steps == [1] and not hook.bad_step
    wrapper.loss_scaler = None
    wrapper.step()
    assert steps == [1] and hook.bad_step


def test_many_bad_steps_stop_the_training(make_runner, epochs):
    hooks = [{'type': 'SpoilBatches', 'iterations': list(range(2, 99))}, SKIP]
    with pytest.raises(InputError, match=r'not finite since iteration 3 \(clips with numbers .* finite: clip/\d+\)'):
        make_runner(custom_hooks=hooks, train_cfg=epochs(4)).train()


def test_a_loader_that_stands_still_is_named(make_runner, toy):
    @DATASETS.register_module(force=True)
    class Sleepy(toy.ToyClips):
        def __getitem__(self, index):
            time.sleep(30)

    loader = toy.loader(8, 4, True) | {'num_workers': 1, 'timeout': 1}
    loader['dataset'] = {'type': 'Sleepy', 'n': 8}
    with pytest.raises(InputError, match=r'a loader of Sleepy gave no batch for 1 seconds; .*--resume'):
        make_runner(train_dataloader=loader).train()
    for part in ('val', 'test'):
        runner = make_runner(part, **{f'{part}_dataloader': {**loader, 'sampler': toy.loader(8, 4, False)['sampler']}})
        with pytest.raises(InputError, match='a loader of Sleepy gave no batch'):
            runner.test() if part == 'test' else runner.train()
    patient = make_runner('other').build_dataloader({**loader, 'timeout': 0})
    assert patient.timeout == 0
    del loader['timeout']
    assert make_runner('third').build_dataloader(loader).timeout == 600


def test_a_full_disk_is_seen_before_the_first_step(make_runner, monkeypatch, epochs):
    runner = make_runner(train_cfg=epochs(3))
    size, count = dry_run.checkpoint_bytes(runner)
    weights = sum(p.numel() for p in runner.model.parameters())
    assert size == 4 * weights * 3  # float32, with the two moments of Adam
    usage = namedtuple('usage', ('total', 'used', 'free'))
    monkeypatch.setattr(dry_run.shutil, 'disk_usage', lambda _: usage(1, 1, size * count - 1))
    with pytest.raises(InputError, match=f'{count} checkpoints of .* do not fit on the disk'):
        runner.train()
    assert runner.iter == 0
    for epoch in (1, 2):  # a training that goes on needs less
        (Path(runner.work_dir) / f'epoch_{epoch}.pth').touch()
    assert dry_run.checkpoint_bytes(runner) == (size, count - 2)


def test_a_dry_run_saves_nothing(repository, tmp_path):
    """Of a shipped config that needs no data: sentences with numbers, and no work folder."""
    command = [
        sys.executable,
        repository / 'tools/train.py',
        repository / 'configs/mixste/procedural_27.py',
        '--dry-run',
    ]
    options = [f'{part}_dataloader.dataset.n_sequences={n}' for part, n in (('train', 4), ('val', 2), ('test', 2))]
    out = subprocess.run(
        [*command, '--cfg-options', *options], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    text = out.stdout + out.stderr
    step, steps, hours = re.search(r'step takes (\S+) s and .*; ([\d,]+) steps take about (\S+) h', text).groups()
    assert 0 < float(step) < 60 and int(steps.replace(',', '')) > 0 and float(hours) > 0
    for phase in ('validation', 'test'):
        assert re.search(rf'step of {phase} takes \S+ s, all \d+', text)
    assert re.search(r'memory: \d\.\d+ GB; checkpoints: \d of \d+\.\d MB at most, \d+\.\d GB are free', text)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_how_to_go_on(repository, toy, tmp_path, epochs, number, status):
    config = tmp_path / 'waits.py'
    settings = toy.config(tmp_path / 'run', custom_hooks=[{'type': 'WaitInThirdEpoch'}], train_cfg=epochs(4))
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in settings.items()))
    places = os.pathsep.join([str(repository), str(repository / 'tests/test_engine')])
    env = {**os.environ, 'PYTHONPATH': places, 'TOY_WAIT': str(tmp_path / 'here'), 'POSELIFTER_PLUGINS': 'toy_project'}
    command = [sys.executable, repository / 'tools/train.py', config]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        while not (tmp_path / 'here').exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert f'the same command with --resume goes on from {tmp_path / "run"}' in errors
    assert np.any([path.name == 'epoch_2.pth' for path in (tmp_path / 'run').glob('*.pth')])
