"""The tools as modules, and the toy project of tests/test_engine as a config file."""

import importlib.util
import json
import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from torch import nn

import poselifter
from poselifter.checkpoints import save_checkpoint_file
from poselifter.engine import load_config
from poselifter.registry import MODELS


def _load(path):
    spec = importlib.util.spec_from_file_location(f'{path.stem}_under_test', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_engine = _load(Path(__file__).parents[1] / 'test_engine/conftest.py')
toy, free_port = _engine.toy, _engine.free_port
assert_same_weights, epochs = _engine.assert_same_weights, _engine.epochs


@pytest.fixture
def tool(repository):
    """Loads a tool: ``tool('misc/publish_model').main(argv)``."""
    return lambda name: _load(repository / f'tools/{name}.py')


class Runs:
    """tools/train.py and tools/test.py in this process; options are values by dotted key of the config."""

    def __init__(self, tool, repository, folder):
        self.tool, self.repository, self.folder = tool, repository, folder

    @staticmethod
    def loaders(*parts, **entries):
        """The same entries for some loaders (all, if none is named), by default without processes of their own."""
        entries = {'num_workers': 0, 'persistent_workers': False, **entries}
        parts = parts or ('train', 'val', 'test')
        return {f'{part}_dataloader.{key}': value for part in parts for key, value in entries.items()}

    def _path(self, config):
        return self.repository / f'configs/{config}.py' if isinstance(config, str) else config

    def _start(self, tool, config, files, options):
        options = [f'{key}={value}'.replace(' ', '') for key, value in options.items()]
        options = ['--cfg-options', *options] if options else []
        self.tool(tool).main([str(a) for a in (self._path(config), *files, *options)])

    def train(self, config, options, *flags, name='run'):
        """Trains a config, a name below ``configs`` or a path, from nothing; returns the work folder."""
        self._start('train', config, ['--work-dir', self.folder / name, *flags], {'load_from': None, **options})
        return self.folder / name

    def test(self, config, checkpoint, options, *flags):
        """Tests; returns the metrics."""
        out = self.folder / 'metrics.json'
        files = [checkpoint, '--work-dir', self.folder / 'tested', '--out', out, *flags]
        self._start('test', config, files, options)
        return json.loads(out.read_text())

    def train_and_test(self, config, options, *flags, epochs=1, variant=None):
        """Trains so many epochs and tests the last; returns the metrics and the checkpoint's file."""
        options = {**options, 'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': epochs}
        chosen = ['--variant', variant] if variant else []
        checkpoint = self.train(config, options, *chosen) / f'epoch_{epochs}.pth'
        return self.test(config, checkpoint, options, *chosen, *flags), checkpoint

    def predict(self, config, checkpoint, options, *flags):
        """Tests; returns the metrics, which are those of several processes too, and the predictions by sequence."""
        dump = self.folder / 'predictions.pkl'
        metrics = self.test(config, checkpoint, options, '--dump', dump, *flags)
        samples = pickle.loads(dump.read_bytes())
        variant = flags[flags.index('--variant') + 1] if '--variant' in flags else None
        evaluator = load_config(self._path(config), options, variant).test_evaluator
        assert metrics == collected(evaluator, samples, processes=max(1, len(samples) - 1))  # so some test one twice
        return metrics, {sample['sequence']: sample for sample in samples}


def collected(evaluator, samples, processes):
    """The metrics of samples that processes take in turn, and whose entries mmengine collects."""
    padded = samples + samples[: -len(samples) % processes]
    parts = [Evaluator(evaluator) for _ in range(processes)]
    for rank, part in enumerate(parts):
        part.process(padded[rank::processes])
    for metrics in zip(*(part.metrics for part in parts), strict=True):
        entries = zip(*(metric.results for metric in metrics), strict=True)
        metrics[0].results = [entry for row in entries for entry in row]
    return parts[0].evaluate(len(samples))


@pytest.fixture
def runs(tool, repository, tmp_path):
    """Trains and tests configs in this process, below ``tmp_path``."""
    return Runs(tool, repository, tmp_path)


@pytest.fixture
def write_config(toy, tmp_path):
    """Writes the toy config, with changes, and returns its path; its runs go to ``tmp_path/run``."""

    def write(name='toy.py', **changes):
        config = toy.config(**{'work_dir': tmp_path / 'run', **changes})
        Config(config).dump(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def trained(tool, write_config, tmp_path):
    """A toy config and a checkpoint of one epoch."""
    config = write_config()
    tool('train').main([str(config), '--cfg-options', 'train_cfg.max_epochs=1'])
    return config, tmp_path / 'run/epoch_1.pth'


@pytest.fixture
def tiny(repository, tmp_path):
    """Writes a config on made-up motions and the weights of its untrained model; returns paths, model and config."""

    def write(model, data):
        bases = [str(repository / f'configs/_base_/{name}.py') for name in ('default_runtime', 'datasets/procedural')]
        files = tmp_path / 'config.py', tmp_path / 'tiny.pth'
        files[0].write_text(f'_base_ = {bases}\nmodel = dict({model}, codec={{{{_base_.codec}}}})\n{data}\n')
        poselifter.register_all_modules()
        torch.manual_seed(0)
        config = load_config(files[0])
        built = MODELS.build(config.model).eval()
        for name, parameter in built.named_parameters():
            if 'fusions' in name and name.endswith('weight'):  # which begin with zeros
                nn.init.normal_(parameter)
        save_checkpoint_file({'state_dict': built.state_dict()}, files[1])
        return files, built, config

    return write


@pytest.fixture
def environment(toy, repository, free_port):
    """Environment for programs started in a process of their own."""
    path = os.pathsep.join([str(Path(toy.__file__).parent), str(repository), os.environ.get('PYTHONPATH', '')])
    return {**os.environ, 'PYTHONPATH': path, 'PORT': str(free_port), 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable}
