"""Published checkpoints: from the original's file to our configs and parameter names, and back."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..errors import InputError
from .system import Shapes, System
from .systems import SYSTEMS

CONTAINERS = ('model_pos', 'model', 'state_dict')  # where the originals keep a state dict; P-STMO's files are one


@dataclass(frozen=True)
class Official:
    """A published checkpoint in our terms.

    Attributes:
        system: the system's name.
        kind: what the file is: ``'pose'``, ``'action'``, ``'pretrain'``, ...
        state_dict: tensors by our names.
        names: our name of every original tensor that has one.
        dropped: original tensors that are left out.
        shapes: of every original tensor that is not left out.
        read: original tensors that the sizes of the network were read from.
    """

    system: str
    kind: str
    state_dict: dict[str, torch.Tensor]
    names: dict[str, str]
    dropped: list[str]
    shapes: dict[str, torch.Size]
    read: list[str] = field(default_factory=list)

    @property
    def facts(self) -> System:
        """What is known of the system."""
        return SYSTEMS[self.system]

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the file can serve, the default first."""
        return self.facts.kinds[self.kind][1]

    def for_task(self, task: str | None = None) -> 'Official':
        """The same without the heads of other tasks, such as the pose head that action files still hold.

        Args:
            task: one of :attr:`tasks`; ``None`` means the default.

        Raises:
            InputError: the file cannot serve the task.
        """
        task = self.tasks[0] if task is None else task
        if task not in self.tasks:
            raise InputError(
                f'a {self.kind} file of {self.system} cannot serve {task!r}; expected one of {", ".join(self.tasks)}'
            )
        bias = self.state_dict.get('heads.pose.linear.bias')
        if task == 'trajectory' and bias is not None and bias.numel() != 3:
            raise InputError(
                f'a model of {bias.numel() // 3} joints cannot serve {task!r}; expected one of the root alone'
            )
        own = {'action', 'embedding', 'mesh'} & {task}
        others = ('heads.action.', 'heads.embedding.', 'heads.mesh.') if not own else ('heads.pose.',)
        names = {key: name for key, name in self.names.items() if not name.startswith(others)}
        state = {name: value for name, value in self.state_dict.items() if not name.startswith(others)}
        left = [key for key in self.names if key not in names]
        shapes = {key: shape for key, shape in self.shapes.items() if key not in left}
        return replace(self, state_dict=state, names=names, dropped=[*self.dropped, *left], shapes=shapes)


def official_weights(checkpoint: Mapping[str, Any], task: str | None = None) -> dict[str, torch.Tensor] | None:
    """The state dict in an original's container, without the prefix ``module.``; ``None`` where there is none."""
    keys = ('model_traj', *CONTAINERS) if task == 'trajectory' else CONTAINERS
    state = next((checkpoint[key] for key in keys if isinstance(checkpoint.get(key), Mapping)), checkpoint)
    if not state or not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items()):
        return None
    return {key.removeprefix('module.'): value for key, value in state.items()}


def find_system(state: Mapping[str, torch.Tensor]) -> str | None:
    """Whose file this is, by the names of its tensors; ``None`` where nobody's."""
    return next((name for name, system in SYSTEMS.items() if system.recognises(state)), None)


def convert_official(
    state: Mapping[str, torch.Tensor], system: str | None = None, path: str = 'the file', strict: bool = True
) -> Official:
    """Renames and reshapes the tensors of a published checkpoint.

    Args:
        state: the original's, from :func:`official_weights`.
        system: folder name of the system; ``None`` goes by the tensors' names.
        path: for messages.
        strict: whether unexpected tensors are an error here, and not left to
            :func:`check_official`.

    Raises:
        InputError: the system is unknown or another one, or tensors are
            unexpected; the message lists them.
    """
    found = find_system(state)
    if system is not None and system not in SYSTEMS:
        raise InputError(f'unknown system {system!r}, expected one of {", ".join(SYSTEMS)}')
    if found is None:
        raise InputError(
            f'{path} has no tensors of a known system ({", ".join(SYSTEMS)}); the first are {sorted(state)[:3]}'
        )
    if system is not None and SYSTEMS[system] is not SYSTEMS[found]:
        raise InputError(f'{path} is a checkpoint of {found}, not of {system}; leave system out')
    facts = SYSTEMS[found]
    kind = facts.kind_of(state)
    dropped = [key for key in state if key.startswith(facts.dropped)] if facts.dropped else []
    kept = {key: value for key, value in state.items() if key not in dropped}
    ours, names = facts.kinds[kind][2].to_ours(kept)
    unexpected = [key for key in kept if key not in names]
    if unexpected and strict:
        raise InputError(f'{path}: {len(unexpected)} unexpected in a {kind} file of {found}: {", ".join(unexpected)}')
    return Official(system or found, kind, ours, names, dropped, {key: value.shape for key, value in kept.items()})


def export_official(
    state: Mapping[str, torch.Tensor], system: str, kind: str | None = None
) -> tuple[dict[str, torch.Tensor], str, list[str]]:
    """Renames one of our state dicts to an original's layout.

    Args:
        state: of a model of ours.
        system: folder name of the system.
        kind: of the file; ``None`` takes the first that has a name for every
            tensor, else the one with the most.

    Returns:
        (original state dict without its prefix, the kind, our tensors that have
        no place in it).

    Raises:
        InputError: the system or kind is unknown.
    """
    if system not in SYSTEMS:
        raise InputError(f'unknown system {system!r}, expected one of {", ".join(SYSTEMS)}')
    kinds = SYSTEMS[system].kinds
    if kind is not None and kind not in kinds:
        raise InputError(f'{system} has no files of the kind {kind!r}, expected one of {list(kinds)}')
    maps = {name: facts[2] for name, facts in kinds.items() if kind in (None, name)}
    left = {name: [key for key in state if not table.serves(key)] for name, table in maps.items()}
    best = min(reversed(left), key=lambda name: len(left[name]))  # the plainest kind first
    return maps[best].to_theirs(state), best, left[best]


def network_of(
    official: Official, state: Mapping[str, torch.Tensor], architecture: dict[str, Any], guess: bool = False
) -> dict[str, Any]:
    """Configs of the network that a published checkpoint is of.

    Args:
        official: from :func:`convert_official`.
        state: the original's tensors.
        architecture: keywords of the original's constructor.
        guess: see :meth:`System.settle`.

    Returns:
        ``backbone``, ``neck`` and ``heads`` of an estimator, or the config of a
        pretrainer or refiner with its ``type``.

    Raises:
        InputError: see :meth:`System.settle`.
    """
    shapes = Shapes(state)
    try:
        settings = official.facts.settle(shapes, official.kind, architecture, guess)
    except InputError as error:
        unexpected = sorted(official.shapes.keys() - official.names.keys())
        if not unexpected:
            raise
        raise InputError(f'{error}; {len(unexpected)} unexpected: {", ".join(unexpected)}') from error
    official.read.extend(shapes.read)
    return official.facts.network(settings, official.kind)


def check_official(model: torch.nn.Module, official: Official, path: str | os.PathLike) -> None:
    """Holds the tensors of a published checkpoint against a model.

    Args:
        model: what shall get them; tensors that no published file has, such as
            a teacher's, do not matter.
        official: from :func:`convert_official`.
        path: for messages.

    Raises:
        InputError: tensors are missing, unexpected or of another shape; the
            message lists them by their original names.
    """
    table, given = official.facts.kinds[official.kind][2], official.shapes
    own = {key: value.shape for key, value in table.to_theirs(model.state_dict()).items()}

    def listed(keys: Collection[str], what: str) -> str:
        return f'{len(keys)} {what}: {", ".join(sorted(keys))}' if keys else ''

    shapes = [
        f'{key} {tuple(given[key])} instead of {tuple(own[key])}'
        for key in own.keys() & given.keys()
        if own[key] != given[key]
    ]
    problems = [
        listed(own.keys() - given.keys(), 'missing'),
        listed(given.keys() - own.keys(), 'unexpected'),
        listed(shapes, 'of another shape'),
        f'sizes are read from {", ".join(official.read)}' if shapes else '',
    ]
    if any(problems):
        raise InputError(f'{path} does not fit {official.system}: {"; ".join(p for p in problems if p)}')
