import contextlib
import importlib
import random
import socket
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import poselifter
from poselifter.engine import MotionRunner


@pytest.fixture
def toy(monkeypatch):
    """The module ``toy_project``, importable by configs."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    poselifter.register_all_modules()
    return importlib.import_module('toy_project')


@pytest.fixture
def free_port():
    """A port that nothing listens on, below those that the system gives to whoever connects meanwhile."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as server, contextlib.suppress(OSError):
            server.bind(('127.0.0.1', port))
            return port


@pytest.fixture
def launched(monkeypatch, free_port):
    """The environment of a job with one process; the group is closed afterwards."""
    for name, value in (('RANK', '0'), ('WORLD_SIZE', '1'), ('LOCAL_RANK', '0'), ('MASTER_ADDR', '127.0.0.1')):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv('MASTER_PORT', str(free_port))
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.fixture
def make_runner(toy, tmp_path):
    """Builds a runner: ``make_runner(folder, kind=MotionRunner, **changes of the config)``."""

    def make(folder='run', kind=MotionRunner, **changes):
        return kind.from_cfg(Config(toy.config(tmp_path / folder, **changes)))

    return make


@pytest.fixture
def epochs():
    """``train_cfg`` for a number of epochs."""
    return lambda n: {'by_epoch': True, 'max_epochs': n, 'val_interval': 1}


@pytest.fixture
def assert_same_weights():
    """Compares the weights of two checkpoint files, and the optimiser's moments, bit for bit."""

    def check(first, second):
        first, second = (torch.load(path, weights_only=True) for path in (first, second))
        for part in ('state_dict', 'ema_state_dict'):
            assert first.get(part, {}).keys() == second.get(part, {}).keys()
            for key, value in first.get(part, {}).items():
                assert torch.equal(value, second[part][key]), key
        moments = [checkpoint.get('optimizer', {}).get('state', {}) for checkpoint in (first, second)]
        assert moments[0].keys() == moments[1].keys()
        for key, state in moments[0].items():
            assert all(torch.equal(value, moments[1][key][name]) for name, value in state.items()), key

    return check


@pytest.fixture
def resumes(make_runner, assert_same_weights, tmp_path):
    """Trains at once, and in two parts, the first of so many iterations: both must leave the same last file."""

    def check(iterations, last, **changes):
        make_runner('whole', **changes).train()
        hooks = [*changes.get('custom_hooks', []), {'type': 'StopAfter', 'iterations': iterations}]
        make_runner('parts', **{**changes, 'custom_hooks': hooks}).train()
        assert not (tmp_path / 'parts' / last).exists()
        torch.rand(5)  # the state of the generators must not matter
        make_runner('parts', **changes, resume=True).train()
        assert_same_weights(tmp_path / 'whole' / last, tmp_path / 'parts' / last)

    return check
