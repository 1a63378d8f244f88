"""What is known of a published system's files."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..errors import InputError
from .key_map import KeyMap


class Shapes:
    """Shapes of the tensors of a file by their original names.

    Args:
        state: the tensors.

    Attributes:
        read: names of the tensors whose sizes were asked for.
    """

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        self._shapes = {key: tuple(value.shape) for key, value in state.items()}
        self.read: dict[str, None] = {}

    def has(self, part: str) -> bool:
        """Whether a name has this part."""
        return any(part in key for key in self._shapes)

    def size(self, key: str, axis: int = 0) -> int:
        """Length of an axis.

        Raises:
            InputError: the file lacks the tensor or the axis.
        """
        shape, self.read[key] = self._shapes.get(key), None
        if shape is None or len(shape) <= axis:
            found = 'lacks it' if shape is None else f'has it with shape {shape}'
            raise InputError(f'the size of the network is read from {key}, and the file {found}; check the file')
        return shape[axis]

    def joints(self, key: str, axis: int, channels: int, name: str) -> int:
        """Length of an axis in joints of so many channels, which the keyword ``name`` tells.

        Raises:
            InputError: there is a rest.
        """
        count, rest = divmod(self.size(key, axis), channels)
        if rest:
            raise InputError(
                f'{name} is {channels}, which does not divide the {self.size(key, axis)} channels of {key}'
            )
        return count

    def count(self, pattern: str) -> int:
        """How many different numbers stand in the place of ``{}`` of names that start like ``pattern``."""
        start = re.compile(re.escape(pattern).replace(r'\{\}', r'(\d+)'))
        return len({m[1] for key in self._shapes if (m := start.match(key))})

    def ratio(self, key: str, dim: int, given: float | None = None) -> float:
        """A first axis in units of ``dim``, such that ``int(dim * ratio)`` is that axis; ``given`` if that one is."""
        hidden = self.size(key)
        if given is not None and int(dim * given) == hidden:
            return given
        return hidden / dim if hidden % dim == 0 else (hidden + 0.5) / dim


@dataclass(frozen=True)
class System:
    """A published system.

    Attributes:
        name: of the system.
        marks: names of tensors that only its files have.
        kinds: by kind of file: names of tensors that only this kind has, its
            tasks (the default first) and its table. The first kind one of
            whose names is there is the file's; the last has none.
        told: (shapes, kind, keywords) -> what the shapes tell, by the names of
            the original's constructor.
        network: (all settings, kind) -> configs of backbone, neck and heads.
        published: settings that shapes tell, of the published sizes; those
            that shapes of a kind do not tell are not compared.
        assumed: settings that no shape tells: what the published sizes have.
        usual: settings that no shape tells and no release changes.
        ignored: keywords of the original that change nothing at test time.
        dropped: starts of names that are left out.
        containers: by kind, the key under which the original keeps the state
            dict, ``None`` where the file is one.
        prefix: of every name in the original's files.
    """

    name: str
    marks: tuple[str, ...]
    kinds: dict[str, tuple[tuple[str, ...], tuple[str, ...], KeyMap]]
    told: Callable[[Shapes, str, dict[str, Any]], dict[str, Any]]
    network: Callable[[dict[str, Any], str], dict[str, dict]]
    published: Sequence[dict[str, Any]]
    assumed: dict[str, Any]
    usual: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    containers: dict[str, str | None] = field(default_factory=dict)
    prefix: str = 'module.'

    def kind_of(self, keys: Mapping[str, Any]) -> str:
        """The kind of a file by the names of its tensors."""
        return next(kind for kind, (names, _, _) in self.kinds.items() if not names or any(n in keys for n in names))

    def recognises(self, keys: Mapping[str, Any]) -> bool:
        """Whether a file is this system's, by the names of its tensors."""
        return any(mark in keys or f'backbone.{mark}' in keys for mark in self.marks)

    def settle(self, shapes: Shapes, kind: str, given: dict[str, Any], guess: bool = False) -> dict[str, Any]:
        """All settings of a file's network.

        Args:
            shapes: of the file.
            kind: of the file.
            given: keywords of the original's constructor; ``None`` counts as
                not given, unless the published sizes have it.
            guess: take whatever fits for what no shape tells, for a network
                that is only to hold the tensors.

        Raises:
            InputError: a keyword is unknown, or the shapes tell otherwise, or
                a setting that no shape tells is not given and the network is
                none of the published.
        """
        told = self.told(shapes, kind, {name: value for name, value in given.items() if value is not None})
        known = {*told, *self.assumed, *self.usual, *self.ignored}
        unknown = sorted(set(given) - known)
        if unknown:
            raise InputError(f'{self.name}: unknown keywords {unknown}, expected some of {sorted(known)}')
        stated = {name for name in given if self.assumed.get(name, 0) is None}
        given = {name: value for name, value in given.items() if value is not None}
        for name in sorted(set(given) & set(told)):
            if not _agree(given[name], told[name]):
                raise InputError(
                    f'{self.name}: {name} is given as {given[name]!r}, the shapes in the file say {told[name]!r}; '
                    f'sizes are read from {", ".join(shapes.read)}'
                )
        settings = {**self.usual, **told, **{name: value for name, value in given.items() if name not in told}}
        published = any(all(_agree(size[n], told[n]) for n in size.keys() & told.keys()) for size in self.published)
        missing = [name for name in self.assumed if name not in settings and name not in stated]
        if missing and not published and not guess:
            raise InputError(
                f'{self.name}: the file has none of the published sizes, and its shapes do not tell '
                f'{", ".join(missing)}; give {"it as a keyword" if len(missing) == 1 else "them as keywords"}'
            )
        return {**self.assumed, **({'num_heads': 1} if guess else {}), **settings}


def _agree(a: Any, b: Any) -> bool:
    return list(a) == list(b) if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) else a == b
