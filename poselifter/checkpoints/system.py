"""Published systems as data: kinds of files, and a row for each keyword of the original's constructor."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..errors import InputError
from .key_map import KeyMap


class Shapes:
    """Shapes of the tensors of a file by their original names, and the keywords given with it.

    Args:
        tensors: of the file.
        given: keywords of the original's constructor; those that are ``None`` are left out.
        read: filled with the names of the tensors whose sizes are read.
    """

    def __init__(self, tensors: Mapping[str, Tensor], given: Mapping[str, Any], read: dict[str, None]) -> None:
        self.shapes = {key: tuple(value.shape) for key, value in tensors.items()}
        self.given = {keyword: value for keyword, value in given.items() if value is not None}
        self.read = read


def has(file: Shapes, part: str) -> bool:
    """True if the name of a tensor has this part."""
    return any(part in key for key in file.shapes)


def size(file: Shapes, key: str, axis: int = 0, part: str = '') -> int | None:
    """Length of an axis of a tensor; ``None`` where no name has the part.

    Raises:
        InputError: the file lacks the tensor or the axis.
    """
    if not has(file, part):
        return None
    shape, file.read[key] = file.shapes.get(key), None
    if shape is None or len(shape) <= axis:
        problem = 'lacks it' if shape is None else f'has it with shape {shape}'
        raise InputError(f'the size of the network is read from {key}, and the file {problem}; check the file')
    return shape[axis]


def joints(file: Shapes, key: str, axis: int, channels: int = 3, keyword: str = 'the number of axes') -> int:
    """Length of an axis in joints, of as many channels as the keyword says, else ``channels``.

    Raises:
        InputError: the channels do not divide it.
    """
    channels, length = file.given.get(keyword, channels), size(file, key, axis)
    if length % channels:
        raise InputError(f'{keyword} is {channels}, which does not divide the {length} channels of {key}')
    return length // channels


def count(file: Shapes, start: str) -> int:
    """Number of different indices that follow a start of names."""
    pattern = re.compile(re.escape(start) + r'(\d+)\.')
    return len({match[1] for match in map(pattern.match, file.shapes) if match})


def ratio(file: Shapes, key: str, width: str, axis: int = 0) -> float:
    """``mlp_ratio``: a first axis in units of an axis of another tensor, rounded down; as given if that fits."""
    dim, hidden, given = size(file, width, axis), size(file, key), file.given.get('mlp_ratio')
    if given is not None and int(dim * given) == hidden:
        return given
    return hidden / dim if hidden % dim == 0 else (hidden + 0.5) / dim


@dataclass(frozen=True)
class Setting:
    """A keyword of an original's constructor.

    Attributes:
        keyword: its name.
        place: paths in our config, separated by spaces; none where the keyword changes nothing at test time.
        infer: a function of :class:`Shapes`, and its further arguments: the value
            by tensor shapes, ``None`` where they leave it open.
        default: value where it is neither inferred nor given; ``None`` is left to our default.
        ask: whether the default holds for published sizes only, and the keyword is asked for elsewhere.
        convert: from the original's value to ours.
    """

    keyword: str
    place: str = ''
    infer: tuple[Any, ...] = ()
    default: Any = None
    ask: bool = False
    convert: Callable[[Any], Any] | None = None


def ignored(*keywords: str) -> tuple[Setting, ...]:
    """Rows of keywords that change nothing at test time."""
    return tuple(Setting(keyword) for keyword in keywords)


def options(**defaults: Any) -> tuple[Setting, ...]:
    """Rows of keywords that our backbone has by the same name."""
    return tuple(Setting(keyword, f'backbone.{keyword}', default=value) for keyword, value in defaults.items())


@dataclass(frozen=True)
class Kind:
    """A kind of file of a published system.

    Attributes:
        names: table of the tensors' names.
        settings: a row for each keyword.
        network: our config but for the settings.
        derived: (settings) -> what follows from several of them, by place.
        tasks: what the file can serve, the default first.
        signature_keys: names of tensors that only this kind has; the plainest kind of a system has none.
        container: key under which the original keeps the state dict, ``None`` where the file is one.
        head: the head that only the default task reads, where the others read ``pose``, which may be absent.
    """

    names: KeyMap
    settings: Sequence[Setting]
    network: dict[str, Any]
    derived: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    tasks: tuple[str, ...] = ('pose', 'representation')
    signature_keys: tuple[str, ...] = ()
    container: str | None = None
    head: str | None = None

    def config(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Our config of a network with these settings, by the originals' keywords."""
        values = self.derived(settings) if self.derived else {}
        for row in self.settings:
            value = row.convert(settings[row.keyword]) if row.convert else settings[row.keyword]
            values.update({place: value for place in row.place.split() if value is not None})
        config = copy.deepcopy(self.network)
        for place, value in values.items():
            *path, name = place.split('.')
            part = config
            for step in path:
                part = part.setdefault(step, {})
            part[name] = value
        return config


@dataclass(frozen=True)
class System:
    """A published system.

    Attributes:
        name: of the system.
        signature_keys: names of tensors that only its files have.
        kinds: of its files, by name. A file is of the first kind one of whose ``signature_keys`` it has.
        published: settings inferred from tensor shapes of the published sizes;
            those that a kind does not have are not compared.
        dropped: starts of names of tensors that nothing reads.
        prefix: of every name in the original's files.
    """

    name: str
    signature_keys: tuple[str, ...]
    kinds: dict[str, Kind]
    published: Sequence[dict[str, Any]] = field(default_factory=tuple)
    dropped: tuple[str, ...] = ()
    prefix: str = 'module.'

    def resolve(self, kind: str, shapes: Shapes, given: Mapping[str, Any], guess: bool = False) -> dict[str, Any]:
        """Settings of a file's network: inferred from tensor shapes, given, or defaults.

        Args:
            kind: of the file.
            shapes: of the file.
            given: keywords of the original's constructor; ``None`` counts as
                not given, unless it is the value of the published sizes.
            guess: take whatever fits where a keyword would be asked for, for a
                network that is only to hold the tensors.

        Raises:
            InputError: a keyword is unknown, contradicts the shapes, or is missing.
        """
        rows = {row.keyword: row for row in self.kinds[kind].settings}
        unknown = sorted(given.keys() - rows.keys())
        if unknown:
            raise InputError(f'{self.name}: unknown keywords {unknown}, expected some of {sorted(rows)}')
        inferred = {keyword: row.infer[0](shapes, *row.infer[1:]) for keyword, row in rows.items() if row.infer}
        inferred = {keyword: value for keyword, value in inferred.items() if value is not None}
        for keyword in sorted(shapes.given.keys() & inferred.keys()):
            if not _agree(given[keyword], inferred[keyword]):
                raise InputError(
                    f'{self.name}: {keyword} is given as {given[keyword]!r}, the shapes in the file say '
                    f'{inferred[keyword]!r}; sizes are read from {", ".join(shapes.read)}'
                )
        stated = {keyword for keyword in given if given[keyword] is not None or rows[keyword].default is None}
        missing = [keyword for keyword in rows if rows[keyword].ask and keyword not in inferred.keys() | stated]
        if missing and not guess and not self._is_published(inferred):
            raise InputError(
                f'{self.name}: {", ".join(missing)} cannot be inferred from the shapes in the file, which has none of '
                f'the published sizes; give {"it as a keyword" if len(missing) == 1 else "them as keywords"}'
            )
        defaults = {keyword: row.default for keyword, row in rows.items()}
        return {**defaults, **({'num_heads': 1} if guess else {}), **shapes.given, **inferred}

    def _is_published(self, inferred: dict[str, Any]) -> bool:
        return any(all(_agree(size[k], inferred[k]) for k in size.keys() & inferred.keys()) for size in self.published)


def sizes(columns: str, *rows: tuple, **common: Any) -> list[dict[str, Any]]:
    """Published sizes: values of the keywords in ``columns``, and keywords that all have in common."""
    return [{**common, **dict(zip(columns.split(), row, strict=True))} for row in rows]


def _agree(a: Any, b: Any) -> bool:
    return list(a) == list(b) if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) else a == b
