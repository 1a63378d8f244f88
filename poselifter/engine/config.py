"""Reads configs and applies ``--cfg-options``, with messages that say where the mistake is."""

import inspect
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..errors import InputError

# top-level names that have a meaning even where a config leaves them out
_KNOWN = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    *('codec', 'skeleton', 'skeleton_3d', 'fps', 'unit', 'compile', 'custom_imports', 'runner_type', 'sync_bn'),
    *('find_unused_parameters', 'model_wrapper_cfg', 'activation_checkpointing', 'efficient_conv_bn_eval'),
    *('frozen_modules', 'total_batch_size', 'pretrained_by'),
}


def load_config(path: str | os.PathLike, cfg_options: dict[str, Any] | None = None) -> Config:
    """Reads a config file.

    Args:
        path: the file.
        cfg_options: changes by dotted key, ``{'optim_wrapper.optimizer.lr': 1e-4}``.

    Returns:
        The config; its ``custom_imports`` have been imported.

    Raises:
        InputError: the file is missing or wrong, or an option's key leads nowhere.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'no config {path}; check the path')
    try:
        config = Config.fromfile(str(path))
    except InputError:
        raise
    except Exception as error:  # a config is a program: it can fail in any way
        raise InputError(f'the config {path} cannot be read: {type(error).__name__}: {error}; mend it') from error
    for key in cfg_options or {}:
        _check_key(config, key, path)
    try:
        config.merge_from_dict(cfg_options or {})
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f'--cfg-options {", ".join(cfg_options)} cannot be merged into {path} ({error}); '
            f'give a list of numbers as a whole, key="[1,2]"'
        ) from error
    return config


def check_start(path: str | None, config: Config) -> None:
    """Says which file a training starts from and how to make it, where it is missing.

    Args:
        path: of the weights, an http(s) address, or ``None`` for a start from scratch.
        config: with ``pretrained_by``, the config of the run that leaves the file.

    Raises:
        InputError: there is no such file.
    """
    if not path or '://' in path or Path(path).is_file():
        return
    source = config.get('pretrained_by')
    way = f'make it with `python tools/train.py {source}`' if source else 'check the path'
    raise InputError(
        f'no checkpoint {path}, from which {config.filename} starts; {way}, or give --cfg-options load_from=FILE, '
        f'or load_from=None to start from scratch'
    )


def _check_key(config: Config, key: str, path: Path) -> None:
    """Every part but the last must exist; so must a first part that has no meaning to the runner."""
    parts = key.split('.')
    node: Any = config._cfg_dict
    for depth, part in enumerate(parts):
        last, here = depth == len(parts) - 1, '.'.join(parts[:depth]) or str(path)
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                raise InputError(f'--cfg-options {key}: {here} has {len(node)} entries, no {part!r}')
            node = node[int(part)]
        elif not isinstance(node, dict):
            raise InputError(f'--cfg-options {key}: {here} is {node!r} and has nothing below it')
        elif part in node:
            node = node[part]
        elif depth == 0 and part in _KNOWN:
            return
        elif depth == 0 or not last:
            near = ', '.join(get_close_matches(part, [str(name) for name in node], n=3))
            advice = f'did you mean {near}?' if near else 'see tools/analysis_tools/print_config.py'
            raise InputError(f'--cfg-options {key}: {here} has no {part!r}; {advice}')
        else:
            return
