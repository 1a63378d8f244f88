"""Values of a config that would fail late, far from their key, or be taken without a word."""

import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from mmengine.config import Config

from ..errors import InputError
from ..registry import MODEL_WRAPPERS

_NUMBER, _COUNT = (int, float), ((int,), 1, 'a whole number from 1')
_RULES: dict[str, tuple[tuple, Any, str]] = {  # key, * stands for any part of it: (types, least or choices, expected)
    'load_from': ((str, type(None)), None, 'one file or None; a value with a comma is a list, so rename the file'),
    'work_dir': ((str, type(None)), None, 'one folder; a value with a comma is a list, so rename the folder'),
    'train_cfg.max_epochs': _COUNT,
    'train_cfg.max_iters': _COUNT,
    'train_cfg.val_interval': ((int,), 1, 'a whole number from 1; --no-validate leaves validation out'),
    'total_batch_size': ((int, type(None)), 1, 'a whole number from 1'),
    '*_dataloader.batch_size': ((int, list, tuple), 1, 'a whole number from 1'),
    '*_dataloader.num_workers': ((int,), 0, 'a whole number from 0'),
    '*.n_sequences': _COUNT,
    '*window.length': _COUNT,
    'model.*num_heads': _COUNT,
    'model.*embed_dims': _COUNT,
    'model.*depth': ((int,), 0, 'a whole number from 0'),
    'randomness.seed': ((int, type(None)), 0, 'a whole number from 0'),
    'resume': ((bool, type(None)), None, 'True or False; --resume FILE names a checkpoint'),
    'find_unused_parameters': ((bool,), None, 'True or False'),
    'optim_wrapper.optimizer.lr': (_NUMBER, 0, 'a learning rate, a number from 0'),
    'optim_wrapper.clip_grad.max_norm': (_NUMBER, 1e-30, 'a number above 0; clip_grad=None does not clip'),
    '*codec.fps': ((*_NUMBER, type(None)), 1e-3, 'frames a second, a number above 0'),
    'compile': ((bool, dict, type(None)), None, 'True, False or dict(...) of options of torch.compile'),
    'sync_bn': ((str, type(None)), ('torch', 'mmcv', None), "'torch' or 'mmcv'"),
    'model_wrapper_cfg.type': ((str, type), MODEL_WRAPPERS, 'a wrapper that is registered'),
}


def check_values(config: Config) -> None:
    """Checks the values of a config by key.

    Raises:
        InputError: one is of another kind, out of its range, or NaN.
    """
    for key, value in _flat(config._cfg_dict, ''):
        rules = [rule for pattern, rule in _RULES.items() if fnmatchcase(key, pattern)]
        if isinstance(value, float) and math.isnan(value):
            rules.append(((), None, 'a number'))
        for kinds, allowed, expected in rules:
            if not _fits(value, kinds, allowed):
                raise InputError(f'the config {config.filename}: {key} is {value!r}, expected {expected}')


def _fits(value: Any, kinds: tuple, allowed: Any) -> bool:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):  # Python takes it for a number
        return False
    if isinstance(value, (int, float)):
        return allowed is None or allowed <= value < math.inf
    return allowed is None or not isinstance(value, str) or value in allowed


def _flat(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every entry with its dotted key."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield f'{key}{name}', value
        if isinstance(value, (dict, list, tuple)):
            yield from _flat(value, f'{key}{name}.')
