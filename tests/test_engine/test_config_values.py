"""Values that would fail late, or be taken without a word, are named by their key before anything is built."""

import math

import pytest
from mmengine.config import Config

from poselifter.engine import load_config
from poselifter.engine.config_values import check_values
from poselifter.errors import InputError

BAD = {
    'load_from': [['/data/a', 'b.pth'], 5],
    'work_dir': [['a', 'b']],
    'train_cfg.max_epochs': [0, -1, 1.5, True, 'many'],
    'train_cfg.val_interval': [0],
    'total_batch_size': [0],
    'train_dataloader.batch_size': [0, 'x'],
    'val_dataloader.num_workers': [-1],
    'train_dataloader.dataset.n_sequences': [0],
    'train_dataloader.dataset.window.length': [0, '10**9'],
    'model.backbone.num_heads': [0, 'four'],
    'model.backbone.depth': [-1],
    'optim_wrapper.optimizer.lr': ['fast', -1, math.inf],
    'optim_wrapper.optimizer.eps': [math.nan],
    'optim_wrapper.clip_grad.max_norm': [-1, 0],
    'codec.fps': [math.nan, 0, math.inf, 'x'],
    'compile': ['nope'],
    'sync_bn': ['nope'],
    'resume': ['x'],
    'randomness.seed': [-5, 'x'],
    'model_wrapper_cfg.type': ['Nope'],
}
GOOD = {
    'load_from': [None, 'a.pth'],
    'train_cfg.max_epochs': [1],
    'train_dataloader.batch_size': [[4, 8]],
    'optim_wrapper.optimizer.lr': [0, 1e-4],
    'optim_wrapper.clip_grad.norm_type': [math.inf],
    'codec.fps': [None, 29.97],
    'compile': [None, True, {'mode': 'default'}],
    'model_wrapper_cfg.type': ['MMDistributedDataParallel', 'MMFullyShardedDataParallel'],
}


def nested(key, value):
    for part in reversed(key.split('.')):
        value = {part: value}
    return Config(value)


@pytest.mark.parametrize(('key', 'value'), [(key, value) for key, values in BAD.items() for value in values])
def test_values_out_of_their_range(key, value):
    with pytest.raises(InputError, match=rf'{key} is .*, expected '):
        check_values(nested(key, value))


@pytest.mark.parametrize(('key', 'value'), [(key, value) for key, values in GOOD.items() for value in values])
def test_values_within(key, value):
    check_values(nested(key, value))


@pytest.mark.parametrize('key', ['launcher', 'custom_imports.imports'])
def test_options_without_effect(tmp_path, key):
    (tmp_path / 'c.py').write_text('launcher = None\ncustom_imports = dict(imports=[])\n')
    with pytest.raises(InputError, match=f'--cfg-options {key} has no effect; '):
        load_config(tmp_path / 'c.py', {key: 'x'})
