"""What mmengine 0.10.7 still does wrong. When a test named ``..._still_...`` fails, its workaround can go."""

import inspect
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dist import init_dist
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner, activation_checkpointing

from poselifter.engine.compat import (
    AtomicLocalBackend,
    hub_from_plain,
    hub_to_plain,
    start_cpu_processes,
    to_plain,
    unique_name,
    wrap_cpu_model,
)
from poselifter.errors import InputError

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason='shows what fails on a machine without a GPU')


def test_mmengine_checkpoints_still_need_unpickling_and_lack_the_random_state(make_runner, epochs, tmp_path):
    """hub_to_plain and PlainCheckpointHook; StatelessRandomHook."""
    make_runner(kind=Runner, experiment_name='pickles', train_cfg=epochs(1)).train()
    path = tmp_path / 'run/epoch_1.pth'
    assert any('HistoryBuffer' in name for name in torch.serialization.get_unsafe_globals_in_checkpoint(path))
    saved = torch.load(path, weights_only=False)
    assert saved.keys() == {'meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers'}
    assert not any('rng' in key or 'random' in key for part in ('meta', 'message_hub') for key in saved[part])


def test_mmengine_still_writes_in_place(tmp_path):
    """AtomicLocalBackend."""
    target, broken = tmp_path / 'file', None  # not bytes: the write fails after the file was opened
    for backend, left in ((LocalBackend, b''), (AtomicLocalBackend, b'whole')):
        target.write_bytes(b'whole')
        with pytest.raises(TypeError):
            backend().put(broken, target)
        assert target.read_bytes() == left
    assert [path.name for path in tmp_path.iterdir()] == ['file']
    assert isinstance(get_file_backend(str(target)), AtomicLocalBackend)
    AtomicLocalBackend().put_text('ä', tmp_path / 'new/text')
    assert (tmp_path / 'new/text').read_text() == 'ä'


def test_mmengine_still_removes_the_old_checkpoint_before_it_writes_the_new_one(make_runner, epochs, tmp_path):
    """CheckpointHook."""
    runner = make_runner(kind=Runner, experiment_name='removes', train_cfg=epochs(2))
    hook = CheckpointHook(interval=1, max_keep_ckpts=1)
    hook.before_train(runner)
    hook.keep_ckpt_ids.append(1)
    (tmp_path / 'run/epoch_1.pth').write_bytes(b'old')
    runner.save_checkpoint = lambda *args, **kwargs: 1 / 0
    with pytest.raises(ZeroDivisionError):
        hook._save_checkpoint_with_step(runner, 2, {})
    assert not (tmp_path / 'run/epoch_1.pth').exists()


@without_gpu
def test_mmengine_still_needs_a_gpu_to_start_processes(launched):
    """start_cpu_processes."""
    with pytest.raises((AttributeError, RuntimeError, AssertionError), match=r'(?i)cuda|nvidia'):
        init_dist('pytorch', backend='gloo')


@without_gpu
def test_mmengine_still_passes_device_ids_on_the_cpu(launched, make_runner):
    """wrap_cpu_model."""
    start_cpu_processes('pytorch', {'timeout': 60})
    model = torch.nn.Linear(1, 1)
    runner = SimpleNamespace(distributed=True, cfg={})
    with pytest.raises(ValueError, match='device_ids'):
        Runner.wrap_model(runner, None, model)
    wrapped = wrap_cpu_model(model, None, True)
    assert isinstance(wrapped, MMDistributedDataParallel) and wrapped.find_unused_parameters
    assert wrap_cpu_model(wrapped, None, False) is wrapped
    assert wrap_cpu_model(model, {'static_graph': True}, False).static_graph


@without_gpu
def test_mmengine_still_refuses_mixed_precision_on_the_cpu():
    """CPUAmpOptimWrapper."""
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    with pytest.raises(AssertionError, match='only available'):
        AmpOptimWrapper(optimizer=torch.optim.SGD(parameters, 0.1))


def test_mmengine_still_forgets_keyword_arguments_of_what_it_recomputes():
    """checkpoint_activations."""
    model = torch.nn.Sequential(torch.nn.Linear(1, 1))
    activation_checkpointing.turn_on_activation_checkpointing(model, '0')
    with pytest.raises(TypeError, match='unexpected keyword argument'):
        model[0](input=torch.ones(1))
    with pytest.raises(AttributeError):
        activation_checkpointing.turn_on_activation_checkpointing(model, '*')


def test_mmengine_still_compiles_every_batch_anew(make_runner, epochs):
    """compile_losses."""
    torch._dynamo.reset()
    before = torch._dynamo.utils.counters['stats']['unique_graphs']
    options = {'compile': {'backend': 'eager'}, 'experiment_name': 'compiled'}
    make_runner(kind=Runner, train_cfg=epochs(1), **options).train()
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] > before + 2


def test_torch_hub_still_unpickles_by_default():
    """load_from_address in checkpoints/loading.py; mmengine calls it without weights_only."""
    assert inspect.signature(torch.hub.load_state_dict_from_url).parameters['weights_only'].default is False


def test_hub_survives_the_round_trip():
    hub = MessageHub('round trip')
    for value in (1.5, 2.5):
        hub.update_scalar('train/loss', value, count=3)
    hub.update_scalar('train/time', 9.0, resumed=False)
    hub.update_info('eta', np.float64(3.0))
    hub.update_info('iter', 7)
    plain = hub_to_plain(hub.state_dict())
    assert plain['runtime_info'] == {'eta': 3.0, 'iter': 7} and type(plain['runtime_info']['eta']) is float
    other = MessageHub('another')
    other.load_state_dict(hub_from_plain(plain))
    assert other.get_info('iter') == 7 and 'train/time' not in other.log_scalars
    for mine, theirs in zip(hub.get_scalar('train/loss').data, other.get_scalar('train/loss').data, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype.kind == theirs.dtype.kind


def test_to_plain_keeps_values_and_changes_types(tmp_path):
    tensor = torch.ones(2)
    value = {'a': np.float32(1.5), 'b': (np.arange(3), {4}), 5: tmp_path, 'c': tensor, 'd': np.bool_(True), 'e': None}
    plain = to_plain(value)
    assert plain == {'a': 1.5, 'b': ([0, 1, 2], [4]), 5: str(tmp_path), 'c': tensor, 'd': True, 'e': None}
    assert plain['c'] is tensor and plain['d'] is True
    with pytest.raises(TypeError, match=r'meta.x\[1\] is a object'):
        to_plain({'x': [1, object()]}, 'meta')


def test_launchers_that_did_not_launch(monkeypatch):
    for name in ('RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match='needs the variable SLURM_PROCID'):
        start_cpu_processes('slurm', {})
    with pytest.raises(InputError, match="unknown launcher 'pbs'"):
        start_cpu_processes('pbs', {})


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_ranks_of_other_launchers(launcher, launched, monkeypatch):
    names = {
        'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
        'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
    }[launcher]
    for own, name, value in zip(('RANK', 'WORLD_SIZE', 'LOCAL_RANK'), names, '010', strict=True):
        monkeypatch.delenv(own)
        monkeypatch.setenv(name, value)
    start_cpu_processes(launcher, {})
    assert torch.distributed.get_world_size() == 1 and torch.distributed.get_backend() == 'gloo'


def test_slurm_asks_for_the_first_host(launched, monkeypatch, tmp_path):
    for name, value in (('SLURM_PROCID', '0'), ('SLURM_NTASKS', '1'), ('SLURM_LOCALID', '0')):
        monkeypatch.setenv(name, value)
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text('#!/bin/sh\n[ "$*" = "show hostname node[1-2]" ] && printf "localhost\\nnode2\\n"\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv('SLURM_NODELIST', 'node[1-2]')
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.delenv('MASTER_ADDR')
    start_cpu_processes('slurm', {})
    assert os.environ['MASTER_ADDR'] == 'localhost'


def test_mmengine_still_names_by_the_second(make_runner):
    """unique_name; mmengine takes the experiment's name for the logger, so equal names share it."""
    started = time.time()
    first, second = (make_runner(f, kind=Runner, experiment_name='equal') for f in 'ab')
    if int(time.time()) != int(started):
        pytest.skip('the clock struck in between')
    assert first.message_hub is second.message_hub
    names = [unique_name('some second') for _ in range(3)]
    assert names == ['some second', 'some second_1', 'some second_2']
