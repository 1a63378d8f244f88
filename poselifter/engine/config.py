"""Reads configs and applies ``--variant`` and ``--cfg-options``, with messages that say where the mistake is."""

import copy
import inspect
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..errors import InputError, reading
from ..utils import shipped_root
from .config_values import check_values

# top-level names that have a meaning even where a config leaves them out
_KNOWN = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    *('codec', 'skeleton', 'skeleton_3d', 'fps', 'unit', 'compile', 'custom_imports', 'runner_type', 'sync_bn'),
    *('find_unused_parameters', 'model_wrapper_cfg', 'activation_checkpointing', 'efficient_conv_bn_eval'),
    *('frozen_modules', 'total_batch_size', 'pretrained_by'),
}
_NO_OPTIONS = {  # keys that are read before the options are, or overwritten after
    'launcher': 'give --launcher NAME',
    'custom_imports': 'write it into the config, or name the modules in the environment variable POSELIFTER_PLUGINS',
}


def load_config(
    path: str | os.PathLike[str], cfg_options: dict[str, Any] | None = None, variant: str | None = None
) -> Config:
    """Reads a config file.

    Args:
        path: the file; ``<config>_<variant>.py``, where there is no such file, is the variant of a config. Where there
            is no such folder ``configs/...``, the configs that are part of the package are meant.
        cfg_options: changes by dotted key, ``{'optim_wrapper.optimizer.lr': 1e-4}``.
        variant: name of one of the config's ``variants``, merged before the options.

    Returns:
        The config, see :func:`change_config`; its ``custom_imports`` have been imported. ``sizes``, the table of
        published sizes that it inherits from a model, is left out: :func:`~poselifter.models.create_model` reads it.

    Raises:
        InputError: the file is missing or wrong, it has no such variant, or an option's key leads nowhere.
    """
    path = Path(path)
    if path.parts[:1] == ('configs',) and not path.parent.is_dir():
        path = shipped_root() / path
    words = path.stem.split('_')
    bases = [path.with_name('_'.join(words[:n]) + '.py') for n in range(len(words) - 1, 0, -1)]
    base = next((base for base in bases if base.is_file()), None)
    if not path.is_file() and base and variant is None:
        return load_config(base, cfg_options, path.stem[len(base.stem) + 1 :])
    if not path.is_file():
        raise InputError(f'no config {path}; check the path')
    if path.suffix != '.py':  # mmengine would run what a YAML file names
        raise InputError(f'{path} is no config, expected a Python file (.py); give another file')
    with reading(f'the config {path} cannot be read', 'mend it', (Exception,)):  # a config is a program: any error
        config = Config.fromfile(str(path))
    config.pop('sizes', None)
    return change_config(config, cfg_options, variant)


def change_config(config: Config, cfg_options: dict[str, Any] | None = None, variant: str | None = None) -> Config:
    """Merges a variant, then options, into a config.

    A variant is merged as a config file that inherits from this one would be, ``_delete_`` included. It has a work
    separate folder: that of the config with ``_<variant>`` at its end, unless the variant names one.

    The codec stands in ``model`` and in ``Encode`` steps too, copied when the file is read. A value of ``codec`` that
    changes here changes in each copy that states the same value or leaves it out.

    Args:
        config: stays as it is.
        cfg_options: see :func:`load_config`.
        variant: see :func:`load_config`.

    Returns:
        The config itself without a change, else a changed copy; without ``variants`` once one has been chosen.

    Raises:
        InputError: the config has no such variant, an option's key leads nowhere, or a value is out of its range.
    """
    if variant is None and not cfg_options:
        check_values(config)
        return config
    config, path = copy.deepcopy(config), config.filename
    if variant is not None:
        change = _variant_of(config, variant)
        config.pop('variants')
        _merge(config, change, f'variant {variant}', 'mend it')
    for key in cfg_options or {}:
        _check_key(config, key, path)
    if cfg_options:
        advice = 'give a list of numbers as a whole, key="[1,2]"'
        _merge(config, cfg_options, f'--cfg-options {", ".join(cfg_options)}', advice)
    check_values(config)
    return config


def _variant_of(config: Config, name: str) -> dict[str, Any]:
    """The changes of a variant, its work folder among them."""
    variants, path = config.get('variants') or {}, config.filename
    if not isinstance(variants, dict) or not all(isinstance(change, dict) for change in variants.values()):
        raise InputError(f'variants of {path} is {variants!r}, expected dict(NAME=dict(...), ...); mend the config')
    if name not in variants:
        present = f'the variants {", ".join(variants)}' if variants else 'no variants'
        near = ' or '.join(get_close_matches(name, variants, n=3))
        advice = f'did you mean {near}?' if near else 'choose one of them' if variants else 'run it without'
        raise InputError(f'no variant {name!r}: {path} has {present}; {advice}')
    folder = config.get('work_dir') or f'./work_dirs/{Path(path).stem}'
    return {'work_dir': f'{folder}_{name}', **variants[name].to_dict()}


def _merge(config: Config, changes: dict[str, Any], what: str, advice: str) -> None:
    """Merges changes into a config; copies of its codec follow."""
    before = copy.deepcopy(config.get('codec'))
    try:
        config.merge_from_dict(changes)
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f'{what} cannot be merged into {config.filename} ({error}); {advice}') from error
    after = config.get('codec')
    if isinstance(before, dict) and isinstance(after, dict) and before != after:
        _follow(config._cfg_dict, before, after)


def _follow(node: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Writes what has changed in the codec into its copies below a node; what a copy states differently stays."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key == 'codec' and isinstance(value, dict) and value.get('type') == before.get('type'):
            changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            followed = [name for name in changed if value.get(name, before.get(name)) == before.get(name)]
            for name in followed:
                value.pop(name, None)
            value.update({name: after[name] for name in followed if name in after})
        elif isinstance(value, (dict, list, tuple)):
            _follow(value, before, after)


def check_start(path: str | None, config: Config) -> None:
    """Checks that the checkpoint a training starts from exists, and says how to make it.

    Args:
        path: of the weights, an http(s) address, or ``None`` for a start from scratch.
        config: with ``pretrained_by``, the config of the run that leaves the file.

    Raises:
        InputError: the file does not exist.
    """
    if not path or '://' in path or Path(path).is_file():
        return
    source = config.get('pretrained_by')
    way = f'make it with `python tools/train.py {source}`' if source else 'check the path'
    raise InputError(
        f'no checkpoint {path}, from which {config.filename} starts; {way}, or give --cfg-options load_from=FILE, '
        f'or load_from=None to start from scratch'
    )


def _check_key(config: Config, key: str, path: str | None) -> None:
    """Checks a key: every part but the last must exist; so must a first part that has no meaning to the runner."""
    parts = key.split('.')
    if parts[0] in _NO_OPTIONS:
        raise InputError(f'--cfg-options {key} has no effect; {_NO_OPTIONS[parts[0]]}')
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
