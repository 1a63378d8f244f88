"""Published checkpoints: from the original's file to our configs and parameter names, and back."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
        names: our name of every original tensor.
        dropped: original tensors that are left out.
    """

    system: str
    kind: str
    state_dict: dict[str, torch.Tensor]
    names: dict[str, str]
    dropped: list[str]

    @property
    def facts(self) -> System:
        """What is known of the system."""
        return SYSTEMS[self.system]

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the file can serve, the default first."""
        return self.facts.kinds[self.kind][1]

    def for_task(self, task: str | None = None) -> Official:
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
        own = {'action', 'embedding', 'mesh'} & {task}
        others = ('heads.action.', 'heads.embedding.', 'heads.mesh.') if not own else ('heads.pose.',)
        names = {key: name for key, name in self.names.items() if not name.startswith(others)}
        state = {name: value for name, value in self.state_dict.items() if not name.startswith(others)}
        dropped = [*self.dropped, *(key for key in self.names if key not in names)]
        return replace(self, state_dict=state, names=names, dropped=dropped)


def official_weights(checkpoint: Mapping[str, Any], task: str | None = None) -> dict[str, torch.Tensor] | None:
    """The state dict in an original's container, without the prefix ``module.``; ``None`` where there is none."""
    keys = ('model_traj', 'model_pos') if task == 'trajectory' else CONTAINERS
    state = next((checkpoint[key] for key in keys if isinstance(checkpoint.get(key), Mapping)), checkpoint)
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        return None
    return {key.removeprefix('module.'): value for key, value in state.items()}


def find_system(state: Mapping[str, torch.Tensor]) -> str | None:
    """Whose file this is, by the names of its tensors; ``None`` where nobody's."""
    return next((name for name, system in SYSTEMS.items() if system.recognises(state)), None)


def convert_official(state: Mapping[str, torch.Tensor], system: str | None = None, path: str = 'the file') -> Official:
    """Renames and reshapes the tensors of a published checkpoint.

    Args:
        state: the original's, from :func:`official_weights`.
        system: folder name of the system; ``None`` goes by the tensors' names.
        path: for messages.

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
    if unexpected:
        raise InputError(f'{path}: {len(unexpected)} unexpected in a {kind} file of {found}: {", ".join(unexpected)}')
    return Official(system or found, kind, ours, names, dropped)


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
    settings = official.facts.settle(Shapes(state), official.kind, architecture, guess)
    return official.facts.network(settings, official.kind)


def check_official(
    model: torch.nn.Module, official: Official, path: str | os.PathLike, optional: Collection[str] = ()
) -> None:
    """Holds the tensors of a published checkpoint against a model.

    Args:
        model: what shall get them.
        official: from :func:`convert_official`.
        path: for messages.
        optional: our names of tensors that the file need not have.

    Raises:
        InputError: tensors are missing, unknown to the model or of another
            shape; the message lists them by their original names.
    """
    own, given = model.state_dict(), official.state_dict
    table = official.facts.kinds[official.kind][2]
    theirs = {ours: key for key, ours in official.names.items()}

    def listed(keys: Collection[str], what: str) -> str:
        names = sorted(theirs.get(key) or table.their_name(key) for key in keys)
        return f'{len(names)} {what}: {", ".join(names)}' if names else ''

    problems = [
        listed(own.keys() - given.keys() - set(optional), 'missing'),
        listed(given.keys() - own.keys(), 'unknown to the model'),
        listed([key for key in given if key in own and own[key].shape != given[key].shape], 'of another shape'),
    ]
    if any(problems):
        raise InputError(f'{path} does not fit {official.system}: {"; ".join(p for p in problems if p)}')
