"""Published checkpoints: from the original's file to our configs and parameter names, and back."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from .system import Kind, Shapes
from .systems import SYSTEMS

# where the originals, and those who average weights, keep a state dict; P-STMO's files are one
CONTAINERS = ('model_pos', 'model', 'state_dict', 'model_ema', 'ema', 'state_dict_ema', 'ema_state_dict')
_OUTER = ('module.', 'model.', 'net.', 'network.', 'ema_model.')  # before all names: DDP, averaged weights, Lightning
_INNER = re.compile(r'\b(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.')  # torch.compile and others
_COUNTERS = ('n_averaged', 'steps')  # of averaged weights


@dataclass
class Official:
    """A published checkpoint in our terms.

    Attributes:
        system: the system's name.
        kind: what the file is: ``'pose'``, ``'action'``, ``'pretrain'``, ...
        tensors: by their original names.
        dropped: original tensors that are left out.
        read: original tensors that the sizes of the network were read from.
        layout: the kind of file, as data of its system.
        kept: original tensors that are not left out.
        state_dict: tensors by our names.
        names: our name of every original tensor that has one.
    """

    system: str
    kind: str
    tensors: Mapping[str, Tensor]
    dropped: list[str]
    read: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout: Kind = SYSTEMS[self.system].kinds[self.kind]
        self.kept: dict[str, Tensor] = {key: value for key, value in self.tensors.items() if key not in self.dropped}
        self.state_dict: dict[str, Tensor]
        self.names: dict[str, str]
        self.state_dict, self.names = self.layout.names.to_ours(self.kept)

    def for_task(self, task: str | None = None) -> 'Official':
        """The same without the heads of other tasks, such as the pose head that action files still hold.

        Args:
            task: one of the kind's tasks; ``None`` means the default.

        Raises:
            InputError: the file cannot serve the task.
        """
        tasks, head = self.layout.tasks, self.layout.head
        task = tasks[0] if task is None else task
        if task not in tasks:
            raise InputError(
                f'a {self.kind} file of {self.system} cannot serve {task!r}; expected one of {", ".join(tasks)}'
            )
        bias = self.state_dict.get('heads.pose.linear.bias')
        if task == 'trajectory' and bias is not None and bias.numel() != 3:
            raise InputError(
                f'a model of {bias.numel() // 3} joints cannot serve {task!r}; expected one of the root alone'
            )
        if head is None:
            return self
        other = 'heads.pose.' if task == head else f'heads.{head}.'
        left = [key for key, name in self.names.items() if name.startswith(other)]
        return replace(self, dropped=[*self.dropped, *left])

    def network(self, architecture: Mapping[str, Any], guess: bool = False) -> dict[str, Any]:
        """Configs of the checkpoint's network.

        Args:
            architecture: keywords of the original's constructor.
            guess: see :meth:`~poselifter.checkpoints.system.System.resolve`.

        Returns:
            ``backbone``, ``neck`` and ``heads`` of an estimator, or the config of a
            pretrainer or refiner with its ``type``.

        Raises:
            InputError: see :meth:`~poselifter.checkpoints.system.System.resolve`.
        """
        shapes = Shapes(self.tensors, architecture, self.read)
        try:
            config = self.layout.config(SYSTEMS[self.system].resolve(self.kind, shapes, architecture, guess))
        except InputError as error:
            unexpected = _listed(self.kept.keys() - self.names.keys(), 'unexpected')
            raise InputError('; '.join(filter(None, (str(error), unexpected)))) from error
        if self.layout.head is not None:
            present = {name.split('.')[1] for name in self.names.values()}
            config['heads'] = {name: head for name, head in config['heads'].items() if name in present}
        return config

    def check(self, model: torch.nn.Module, path: str | os.PathLike[str]) -> None:
        """Compares the tensors with a model's, in the original's names and shapes.

        Args:
            model: what shall get them; tensors that no published file has, such as a teacher's, do not matter.
            path: for messages.

        Raises:
            InputError: tensors are missing, unexpected or of another shape; the
                message lists them by their original names.
        """
        expected = {key: tuple(x.shape) for key, x in self.layout.names.to_theirs(model.state_dict()).items()}
        problems = misfit(expected, {key: tuple(x.shape) for key, x in self.kept.items()})
        if 'of another shape' in problems:
            problems += f'; sizes are read from {", ".join(self.read)}'
        if problems:
            raise InputError(f'{path} does not fit {self.system}: {problems}')


def misfit(expected: Mapping[str, Any], given: Mapping[str, Any], limit: int | None = None) -> str:
    """Names of tensors that are missing, unexpected or of another shape; empty where all fit.

    Args:
        expected: shapes of the model's tensors by name.
        given: shapes of the file's.
        limit: number of names of each to show; ``None``: all.
    """
    common = [key for key in expected.keys() & given.keys() if expected[key] != given[key]]
    problems = (
        _listed(expected.keys() - given.keys(), 'missing', limit),
        _listed(given.keys() - expected.keys(), 'unexpected', limit),
        _listed([f'{key} {given[key]} instead of {expected[key]}' for key in common], 'of another shape', limit),
    )
    return '; '.join(filter(None, problems))


def _listed(names: Collection[str], what: str, limit: int | None = None) -> str:
    shown = sorted(names)[:limit]
    more = ', ...' if len(shown) < len(names) else ''
    return f'{len(names)} {what}: {", ".join(shown)}{more}' if names else ''


def official_weights(checkpoint: Mapping[str, Any], task: str | None = None) -> dict[str, Tensor] | None:
    """State dict of a file in any container, see :func:`plain_names`; ``None`` without one."""
    keys = ('model_traj', *CONTAINERS) if task == 'trajectory' else CONTAINERS
    states = [checkpoint[key] for key in keys if isinstance(checkpoint.get(key), Mapping)] or [checkpoint]
    for state in states:
        if state and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
            return plain_names(state)
    return None


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict without the prefixes of DDP, FSDP, torch.compile, Lightning and averaged weights, in any order."""
    state = {_INNER.sub('', key): value for key, value in state.items()}
    names = [key for key in state if key not in _COUNTERS]
    prefix = next((prefix for prefix in _OUTER if names and all(key.startswith(prefix) for key in names)), None)
    return plain_names({key.removeprefix(prefix): state[key] for key in names}) if prefix else state


def find_system(state: Mapping[str, Tensor]) -> str | None:
    """Name of the system that wrote a file, by the names of its tensors; ``None`` if unknown."""
    for name, system in SYSTEMS.items():
        if any(key in state or f'backbone.{key}' in state for key in system.signature_keys):
            return name
    return None


def convert_official(
    state: Mapping[str, Tensor], system: str | None = None, path: str = 'the file', strict: bool = True
) -> Official:
    """Renames and reshapes the tensors of a published checkpoint.

    Args:
        state: the original's, from :func:`official_weights`.
        system: folder name of the system; ``None`` goes by the tensors' names.
        path: for messages.
        strict: whether unexpected tensors are an error here, and not left to :meth:`Official.check`.

    Raises:
        InputError: the system is unknown or another one, or tensors are unexpected; the message lists them.
    """
    _check_system(system)
    name = find_system(state)
    if name is None:
        raise InputError(
            f'{path} has no tensors of a known system ({", ".join(SYSTEMS)}); the first are {sorted(state)[:3]}'
        )
    if system is not None and SYSTEMS[system] is not SYSTEMS[name]:
        raise InputError(f'{path} is a checkpoint of {name}, not of {system}; leave system out')
    dropped = [key for key in state if key.startswith(SYSTEMS[name].dropped)]
    kinds = SYSTEMS[name].kinds
    kind = next(k for k in kinds if not kinds[k].signature_keys or any(key in state for key in kinds[k].signature_keys))
    official = Official(system or name, kind, state, dropped)
    unexpected = _listed(official.kept.keys() - official.names.keys(), f'unexpected in a {kind} file of {name}')
    if unexpected and strict:
        raise InputError(f'{path}: {unexpected}')
    return official


def export_official(
    state: Mapping[str, Tensor], system: str, kind: str | None = None
) -> tuple[dict[str, Tensor], str, list[str]]:
    """Renames one of our state dicts to an original's layout.

    Args:
        state: of a model of ours.
        system: folder name of the system.
        kind: of the file; ``None`` takes the first that has a name for every tensor, else the one with the most.

    Returns:
        (original state dict without its prefix, the kind, our tensors that have no place in it).

    Raises:
        InputError: the system or kind is unknown.
    """
    _check_system(system)
    kinds = SYSTEMS[system].kinds
    if kind is not None and kind not in kinds:
        raise InputError(f'{system} has no files of the kind {kind!r}, expected one of {list(kinds)}')
    maps = {name: layout.names for name, layout in kinds.items() if kind in (None, name)}
    left = {name: [key for key in state if not table.serves(key)] for name, table in maps.items()}
    best = min(reversed(left), key=lambda name: len(left[name]))  # the plainest kind first
    return maps[best].to_theirs(state), best, left[best]


def _check_system(system: str | None) -> None:
    if system is not None and system not in SYSTEMS:
        raise InputError(f'unknown system {system!r}, expected one of {", ".join(SYSTEMS)}')
