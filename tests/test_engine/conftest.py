"""The toy project, and runners over it."""

import importlib
import itertools
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import poselifter
from poselifter.engine import MotionRunner

_numbers = itertools.count()


@pytest.fixture
def toy(monkeypatch):
    """The module ``toy_project``, importable by configs."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    poselifter.register_all_modules()
    return importlib.import_module('toy_project')


@pytest.fixture
def make_runner(toy, tmp_path):
    """Builds a runner: ``make_runner(folder, kind=MotionRunner, **changes of the config)``."""

    def make(folder='run', kind=MotionRunner, **changes):
        config = toy.config(tmp_path / folder, experiment_name=f'toy{next(_numbers)}', **changes)
        return kind.from_cfg(Config(config))

    return make


@pytest.fixture
def epochs():
    """``train_cfg`` for a number of epochs."""
    return lambda n: {'by_epoch': True, 'max_epochs': n, 'val_interval': 1}


@pytest.fixture
def assert_same_weights():
    """Compares two checkpoint files bit for bit."""

    def check(first, second):
        first, second = (torch.load(path, weights_only=True) for path in (first, second))
        for part in ('state_dict', 'ema_state_dict'):
            assert first.get(part, {}).keys() == second.get(part, {}).keys()
            for key, value in first.get(part, {}).items():
                assert torch.equal(value, second[part][key]), key

    return check
