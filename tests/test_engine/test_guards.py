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
from poselifter.registry import DATASETS
from poselifter.structures import MotionDataSample

SKIP = {'type': 'DivergenceHook', 'policy': 'skip'}


class KeepWeights(Hook):
    """The weights after each iteration, and the clips of its batch."""

    def __init__(self):
        self.states, self.clips = [], []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.states.append(torch.cat([p.detach().flatten() for p in runner.model.parameters()]).clone())
        self.clips.append([sample.sequence for sample in data_batch['data_samples']])

    def stood_still(self):
        return [torch.equal(one, two) for one, two in pairwise(self.states)]


def keep_weights(runner):
    """Registers the hook, which looks before others may stop the training."""
    hook = KeepWeights()
    runner.register_hook(hook, priority='VERY_HIGH')
    return hook


@pytest.mark.parametrize('stacked', [True, False])
def test_the_clips_with_bad_numbers_are_named(stacked):
    inputs, target = torch.zeros(3, 4, 2), torch.zeros(3, 4, 3)
    target[2, 0, 0] = torch.inf
    names = ['walk', 'run', 'sit']
    if stacked:
        samples = MotionDataSample(metainfo={'sequence': names})
        samples.set_data({'target': target})
        batch = {'inputs': inputs, 'data_samples': samples}
        assert suspects([batch], 'loss') == 'clips with numbers that are not finite: sit'
        target[2] = 0
    else:
        samples = [MotionDataSample(metainfo={'sequence': name}) for name in names]
    batch = {'inputs': inputs, 'data_samples': samples}
    assert suspects([batch], 'gradients') == 'clips of that step: walk, run, sit'
    assert suspects([batch], 'loss') == 'clips of the batch with that loss: walk, run, sit'
    inputs[1] = torch.nan
    assert suspects([batch], 'gradients').endswith('not finite: run')


def test_clips_of_all_processes_are_named(monkeypatch):
    """Four of each; those with bad numbers alone where one process has some."""
    entries = [([], list('abcde')), ([], ['x'])]
    monkeypatch.setattr(divergence_hook, 'all_gather_object', lambda _: entries)
    assert suspects([], 'gradients') == 'clips of that step in all processes: a, b, c, d, x, ...'
    entries[1] = (['y'], ['x', 'y'])
    assert suspects([], 'loss') == 'clips with numbers that are not finite: y'


def test_a_bad_step_is_left_out(make_runner, epochs, tmp_path):
    """The weights stay as they were before it, and go on after it."""
    runner = make_runner(
        'spoiled', custom_hooks=[{'type': 'SpoilBatches', 'iterations': [2]}, SKIP], train_cfg=epochs(1)
    )
    kept = keep_weights(runner)
    runner.train()
    assert len(kept.states) == 4 and torch.stack(kept.states).isfinite().all()
    assert kept.stood_still() == [False, True, False]
    [log] = (tmp_path / 'spoiled').rglob('*.log')
    assert (
        f'step 3 is left out: its loss is not finite; clips with numbers that are not finite: {kept.clips[2][1]}\n'
        in (log.read_text())
    )


@pytest.mark.parametrize('policy', ['stop', 'skip'])
@pytest.mark.parametrize('value', ['inf', 'nan'])
def test_a_bad_loss_with_good_gradients_makes_no_step(policy, value, make_runner, epochs, tmp_path):
    """Clip 5 makes the loss of its batch bad."""
    hooks = [{'type': 'DivergenceHook', 'policy': policy}]
    runner = make_runner(
        model={'type': 'ToyLostLoss', 'value': value}, custom_hooks=hooks, train_cfg=epochs(2), randomness={'seed': 1}
    )
    kept, before = keep_weights(runner), torch.cat([p.detach().flatten() for p in runner.model.parameters()]).clone()
    if policy == 'stop':
        with pytest.raises(InputError) as error:
            runner.train()
        said = str(error.value)
    else:
        runner.train()
        said = next((tmp_path / 'run').rglob('*.log')).read_text()
    bad = ['clip/5' in clips for clips in kept.clips]
    first = bad.index(True)
    assert (sum(bad), len(bad)) == ((1, first + 1) if policy == 'stop' else (2, 8))
    kept.states.insert(0, before)
    assert kept.stood_still() == bad
    clips = f'clips of the batch with that loss: {", ".join(kept.clips[first])}'
    sentence = (
        f'the loss of step {first + 1} is not finite ({clips})',
        f'step {first + 1} is left out: its loss is not finite; {clips}',
    )[policy == 'skip']
    assert sentence in said and 'gradients are' not in said


def test_bad_gradients_of_a_good_loss_are_said(make_runner, epochs):
    runner = make_runner(train_cfg=epochs(1))
    runner.model.out.weight.register_hook(lambda gradient: gradient * torch.inf)
    kept = keep_weights(runner)
    with pytest.raises(
        InputError, match=r'the gradients of step 1 are not finite \(clips of that step: clip/'
    ) as error:
        runner.train()
    assert ', '.join(kept.clips[0]) in str(error.value)


@pytest.mark.parametrize('spoiled', ['SpoilBatches', 'ToyLostLoss'])
def test_the_bad_one_of_summed_batches_is_named(spoiled, make_runner, epochs):
    """The first of three whose gradients are summed, for bad numbers; for a bad loss, whichever has clip 5."""
    changes = {'optim_wrapper': {'optimizer': {'type': 'AdamW', 'lr': 0.01}, 'accumulative_counts': 3}}
    if spoiled == 'ToyLostLoss':
        changes['model'] = {'type': 'ToyLostLoss'}
    else:
        changes['custom_hooks'] = [{'type': 'SpoilBatches', 'iterations': [0]}]
    runner = make_runner(train_cfg=epochs(3), **changes)
    kept = keep_weights(runner)
    with pytest.raises(InputError) as error:
        runner.train()
    assert len(kept.clips) in (3, 6) and all(kept.stood_still()[-2:])
    named = re.search(r'\(clips .*: (.*)\); lower', str(error.value)).group(1).split(', ')
    assert named == ([kept.clips[0][1]] if spoiled == 'SpoilBatches' else next(c for c in kept.clips if 'clip/5' in c))


def test_a_bad_step_stops_the_training(make_runner, epochs):
    """Before it is made, though the loss of the steps around it is finite."""
    runner = make_runner(custom_hooks=[{'type': 'SpoilBatches', 'iterations': [2]}], train_cfg=epochs(1))
    with pytest.raises(InputError, match=r'loss of step 3 is not finite \(clips with numbers .*: clip/\d+\)'):
        runner.train()
    assert all(p.isfinite().all() for p in runner.model.parameters())


def test_what_one_process_finds_counts_for_all(monkeypatch):
    good, bad = [torch.ones(3), torch.zeros(2, 2)], [torch.ones(3), torch.tensor([0, torch.inf])]
    assert [all_finite([], each) for each in (good, [], bad)] == [[True, True], [True, True], [True, False]]
    assert all_finite([torch.tensor(1e30), torch.tensor(torch.nan)], good) == [False, True]
    assert all_finite([torch.tensor(1e30)], good) == [True, True]
    monkeypatch.setattr(divergence_hook, 'is_distributed', lambda: True)
    monkeypatch.setattr(divergence_hook, 'all_reduce', lambda flag, how: flag[0].mul_(0) if how == 'min' else None)
    assert all_finite([], good) == [False, True]


def test_a_scaler_of_the_loss_sees_what_is_not_finite():
    """It leaves out steps with bad gradients itself; those of which only the loss is bad it would make."""
    steps, weight = [], torch.nn.Parameter(torch.zeros(1))
    wrapper = SimpleNamespace(
        step=lambda: steps.append(1), update_params=lambda loss: None, param_groups=[{'params': [weight]}]
    )
    hook = DivergenceHook('skip')
    hook.before_train(SimpleNamespace(optim_wrapper=wrapper))
    batch = {'inputs': torch.zeros(1, 2), 'data_samples': [MotionDataSample(metainfo={'sequence': 'walk'})]}
    cases = [
        (True, 1, torch.inf, ''),
        (False, 1, torch.inf, 'gradients'),
        (True, torch.inf, 1, 'loss'),
        (True, torch.inf, torch.inf, 'loss'),
        (True, 1, 1, ''),
    ]
    for scaled, loss, gradient, fault in cases:
        hook.before_train_iter(None, 0, batch)
        wrapper.loss_scaler, weight.grad = object() if scaled else None, torch.full((1,), float(gradient))
        wrapper.update_params(torch.tensor(float(loss)))
        made = len(steps)
        wrapper.step()
        by_us = fault == 'gradients' or (fault == 'loss' and gradient == 1)
        assert (hook.fault, hook.left_out, len(steps) - made) == (fault, by_us, not by_us)


def test_many_bad_steps_stop_the_training(make_runner, epochs):
    hooks = [{'type': 'SpoilBatches', 'iterations': list(range(2, 99))}, SKIP]
    with pytest.raises(
        InputError, match=r'the loss is not finite since iteration 3 \(clips with numbers .* finite: clip/\d+\)'
    ):
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
        assert re.search(rf'step of {phase} takes \S+ s with loading, all \d+: \S+ s', text)
    seconds = float(re.search(r'step of validation .* all \d+: (\S+) s', text).group(1))
    count, total = re.search(r'([\d,]+) validations take .*; the whole training takes about (\S+) h', text).groups()
    whole = float(hours) + int(count.replace(',', '')) * seconds / 3600
    assert int(count.replace(',', '')) > 1 and float(total) == pytest.approx(whole, rel=0.02)
    assert re.search(r'memory: \d\.\d+ GB; checkpoints: \d of \d+\.\d MB at most, \d+\.\d GB are free', text)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        ({'max_epochs': 10}, 10),
        ({'max_epochs': 10, 'val_interval': 3}, 4),  # after 3, 6, 9 and 10
        ({'max_epochs': 10, 'val_interval': 5, 'val_begin': 6}, 1),
        ({'max_epochs': 2, 'val_interval': 5}, 1),
        ({'max_iters': 2500}, 3),
        ({'max_iters': 2000, 'val_interval': 500, 'val_begin': 1001}, 2),
    ],
)
def test_a_dry_run_counts_the_validations(settings, expected, make_runner):
    runner = make_runner(train_cfg={'type': 'DryRunLoop', **settings})
    assert runner.train_loop.validations == expected
    nothing = dict.fromkeys(('val_cfg', 'val_dataloader', 'val_evaluator'))
    assert make_runner('without', train_cfg={'type': 'DryRunLoop', **settings}, **nothing).train_loop.validations == 0


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
