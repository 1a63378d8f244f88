"""Every workaround for mmengine 0.10.7; tests/test_engine/test_compat.py shows which are still needed."""

import logging
import os
import subprocess
from collections import Counter, deque
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from mmengine.config import Config
from mmengine.fileio import LocalBackend, PickleHandler, YamlHandler, register_backend, register_handler
from mmengine.logging import HistoryBuffer, print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import runner as mmengine_runner
from torch import nn

from ..errors import InputError, in_short
from ..registry import MODEL_WRAPPERS
from ..utils import atomic_write
from ..utils.safe_pickle import load_pickle
from .switches import checkpoint_activations

_RANK_VARIABLES = {  # launcher: the names of rank, number of processes and local rank
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
_names: Counter[str] = Counter()


def _dump(self: Config, file: str | os.PathLike[str] | None = None) -> str | None:
    """Writes a config whole or not at all; mmengine opens the final name, then formats for a while."""
    if file is None:
        return _dump_in_place(self)
    with atomic_write(file) as temporary:
        return _dump_in_place(self, temporary)


_dump_in_place, Config.dump = Config.dump, _dump
mmengine_runner.turn_on_activation_checkpointing = checkpoint_activations  # see its docstring


def rank_of(launcher: str | None) -> int:
    """Number of this process among those that a launcher started; known before they have joined."""
    return int(os.environ.get(_RANK_VARIABLES.get(launcher, ('',))[0]) or 0)


def start_cpu_processes(launcher: str, dist_cfg: dict[str, Any]) -> None:
    """Joins the process group with gloo; mmengine calls ``torch.cuda`` here, which fails without a GPU.

    mmengine leaves a group alone that exists already, so this runs before it.

    Args:
        launcher: ``pytorch``, ``slurm`` or ``mpi``.
        dist_cfg: of the config's ``env_cfg``; ``timeout`` (seconds) is used.

    Raises:
        InputError: the launcher did not start this process.
    """
    names = _RANK_VARIABLES.get(launcher)
    if names is None:
        raise InputError(f'unknown launcher {launcher!r}; expected one of none, {", ".join(_RANK_VARIABLES)}')
    for name, standard in zip(names, _RANK_VARIABLES['pytorch'], strict=True):
        if name not in os.environ:
            raise InputError(f'--launcher {launcher} needs the variable {name}; start through tools/dist_train.sh')
        os.environ[standard] = os.environ[name]
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']], capture_output=True, text=True, check=True
        )
        os.environ['MASTER_ADDR'] = hosts.stdout.split()[0]
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', str(dist_cfg.get('port', 29500)))
    timeout = {'timeout': timedelta(seconds=dist_cfg['timeout'])} if 'timeout' in dist_cfg else {}
    torch.distributed.init_process_group('gloo', **timeout)


def wrap_cpu_model(model: nn.Module, wrapper: dict[str, Any] | None, find_unused_parameters: bool) -> nn.Module:
    """Wraps a model for processes on the CPU; mmengine passes ``device_ids``, which is an error there.

    Args:
        model: moved nowhere.
        wrapper: ``model_wrapper_cfg`` of the config.
        find_unused_parameters: of the config; used where ``wrapper`` is ``None``.

    Returns:
        The wrapped model.
    """
    if is_model_wrapper(model):
        return model
    wrapper = wrapper or {'broadcast_buffers': False, 'find_unused_parameters': find_unused_parameters}
    wrapper = {'type': 'MMDistributedDataParallel', **wrapper}
    device = {'device_id': torch.device('cpu')} if 'FullyShardedDataParallel' in str(wrapper['type']) else {}
    return MODEL_WRAPPERS.build(wrapper, default_args={'module': model, **device})


def unique_name(name: str) -> str:
    """A name that this process has not used yet.

    mmengine names logger, message hub and visualizer by the second, so two
    runners that are built within one use them together, the best score included.

    Args:
        name: the time in seconds.

    Returns:
        ``name``, or ``name`` and a number.
    """
    number = _names[name]
    _names[name] += 1
    return f'{name}_{number}' if number else name


@register_backend('local', prefixes='', force=True)
class AtomicLocalBackend(LocalBackend):
    """mmengine's access to local files, but files appear whole or not at all.

    mmengine opens the final name and writes, so a killed process leaves a broken checkpoint under a good name.
    """

    def put(self, obj: bytes, filepath: str | os.PathLike[str]) -> None:
        """Writes bytes."""
        with atomic_write(filepath) as temporary:
            Path(temporary).write_bytes(obj)

    def put_text(self, obj: str, filepath: str | os.PathLike[str], encoding: str = 'utf-8') -> None:
        """Writes text."""
        with atomic_write(filepath) as temporary:
            Path(temporary).write_text(obj, encoding=encoding)


@register_handler(['pkl', 'pickle'])
class PlainPickleHandler(PickleHandler):
    """``mmengine.load`` of a pickle, and so mmengine's ``BaseDataset``, which would run what is in it."""

    def load_from_fileobj(self, file: Any, encoding: str = 'ASCII') -> Any:
        """Reads plain data; see :func:`~poselifter.utils.safe_pickle.load_pickle`."""
        return load_pickle(file, encoding)


@register_handler(['yaml', 'yml'])
class PlainYamlHandler(YamlHandler):
    """``mmengine.load`` of YAML, which would make any object that the file names."""

    def load_from_fileobj(self, file: Any) -> Any:
        """Reads plain data.

        Raises:
            InputError: the file is no YAML, or names objects.
        """
        try:
            return yaml.load(file, yaml.SafeLoader)
        except (yaml.YAMLError, ValueError) as error:
            raise InputError(f'the YAML is not read: {in_short(error)}') from error


def to_plain(value: Any, where: str = 'checkpoint') -> Any:
    """Turns a value into what ``torch.load(weights_only=True)`` reads: Python's types and tensors.

    Args:
        value: dicts, sequences, numpy scalars and arrays (become lists), paths.
        where: name of the value, for the message.

    Returns:
        A copy; tensors are shared.

    Raises:
        TypeError: the value is none of these.
    """
    if value is None or isinstance(value, (torch.Tensor, torch.dtype, torch.device, bytes)):
        return value
    for kind in (bool, int, float, str):  # also their subclasses: enums, numpy.str_, numpy.float64
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (np.generic, np.ndarray)):
        return to_plain(value.tolist(), where)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return {to_plain(k, where): to_plain(v, f'{where}.{k}') for k, v in value.items()}
    if isinstance(value, (list, tuple, deque, set, frozenset, range)):
        items = [to_plain(v, f'{where}[{i}]') for i, v in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    raise TypeError(f'{where} is a {type(value).__name__}, which a checkpoint cannot hold')


def hub_to_plain(hub: dict[str, Any]) -> dict[str, Any]:
    """The state of mmengine's message hub as plain data; its ``HistoryBuffer`` objects need unpickling.

    Args:
        hub: ``MessageHub.state_dict()``.

    Returns:
        The same with two tensors for each buffer; keys that are not resumed
        are left out, objects that are no plain data too, with a warning.
    """
    scalars = {
        key: {
            'values': torch.from_numpy(np.array(buffer.data[0], np.float64)),
            'counts': torch.from_numpy(np.array(buffer.data[1], np.int64)),
            'max_length': buffer.max_length,
        }
        for key, buffer in hub['log_scalars'].items()
    }
    info = {}
    for key, value in hub['runtime_info'].items():
        try:
            info[key] = to_plain(value, f'message_hub {key!r}')
        except TypeError as error:
            print_log(f'{error}; it will be missing after a resume', 'current', logging.WARNING)
    keys = {key: True for key in (*scalars, *info) if hub['resumed_keys'].get(key)}
    return {'log_scalars': scalars, 'runtime_info': info, 'resumed_keys': keys}


def hub_from_plain(hub: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`hub_to_plain`."""
    scalars = {
        key: HistoryBuffer(entry['values'].cpu().numpy(), entry['counts'].cpu().numpy(), entry['max_length'])
        for key, entry in hub['log_scalars'].items()
    }
    return {**hub, 'log_scalars': scalars}


def end_workers(loader: Any) -> None:
    """Ends the processes that a loader keeps.

    A runner is a cycle of references. When such a cycle is collected, torch's queues to the workers are closed before
    the word to end is put into them, and five seconds go by for each.
    """
    iterator = getattr(loader, '_iterator', None)
    if iterator is not None:
        loader._iterator = None
        iterator._shutdown_workers()
