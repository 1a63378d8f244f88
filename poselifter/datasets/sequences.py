"""Sequences, which every source gives, and the reader of files that hold a row for each frame."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_names
from ..utils.arrays import load_arrays
from ..utils.safe_pickle import load_pickle


@dataclass
class Sequences:
    """Sequences of keypoints.

    Attributes:
        arrays: (N, ...) by key of :data:`~poselifter.structures.SAMPLE_KEYS`, the frames of all sequences end to end;
            an array may be a memory map or :class:`Joined`.
        infos: of each sequence its ``first`` row and ``length``, metadata as
            ``SAMPLE_KEYS`` names them, and what else ``filter_cfg`` may choose by.
        metainfo: added to the data set's.
        decode: what makes ``arrays`` of samples, float32, from rows of a compact
            source, where ``arrays`` are not those of samples.
    """

    arrays: Mapping[str, Any]
    infos: list[dict[str, Any]]
    metainfo: dict[str, Any] = field(default_factory=dict)
    decode: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] = dict

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, np.ndarray]], infos: Sequence[dict], **kwargs: Any) -> 'Sequences':
        """Lays the arrays of each sequence end to end, and adds ``first`` and ``length`` to its info."""
        lengths = [len(next(iter(part.values()))) for part in parts]
        firsts = (np.cumsum(lengths) - lengths).tolist()
        arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        rows = zip(infos, firsts, lengths, strict=True)
        return cls(arrays, [{**info, 'first': first, 'length': length} for info, first, length in rows], **kwargs)


class Joined:
    """Several arrays, say memory maps, as if laid end to end; only the rows that are asked for are read."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays, self.starts = list(arrays), np.cumsum([0, *(len(a) for a in arrays)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        """Rows (n,) as an array (n, ...); ``axis`` is 0, as for numpy's."""
        out = np.empty((len(rows), *self.arrays[0].shape[1:]), self.arrays[0].dtype)
        part = np.searchsorted(self.starts, rows, side='right') - 1
        for i in np.unique(part):
            here = part == i
            out[here] = self.arrays[i].take(rows[here] - self.starts[i], axis)
        return out


def choose_classes(
    what: str, names: Sequence[str] | None, classes: Sequence[str] | None, known: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of actions to take, and of all classes that are numbered; what is ``None`` is the other, or all known.

    Raises:
        InputError: there is none, or a name is not known or not among the classes.
    """
    names = (names,) if isinstance(names, str) else names
    classes = known if names is None and classes is None else names if classes is None else classes
    names = classes if names is None else names
    check_names(what, dict.fromkeys((*names, *classes)), known)
    check_names(what, names, classes)
    return tuple(names), tuple(classes)


def world_keypoints(rows: dict[str, np.ndarray], unit_m: float = 1.0) -> dict[str, np.ndarray]:
    """Decodes mocap: ``poses`` (n, K, 3) relative to joint 0 in units of ``unit_m``, and ``root`` (n, 3), metres."""
    return {'world_keypoints': rows['poses'] * np.float32(unit_m) + rows['root'][:, None]}


def runs(names: np.ndarray) -> list[dict[str, int]]:
    """``first`` and ``length`` of each sequence where every frame is named, (N,), after its sequence."""
    firsts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if len(names) else np.array([], int)
    lengths = np.diff(firsts, append=len(names))
    return [{'first': first, 'length': n} for first, n in zip(firsts.tolist(), lengths.tolist(), strict=True)]


def check_rows(where: Any, arrays: Mapping[str, Any], shapes: Mapping[str, tuple | None], how: str) -> int:
    """Checks arrays that have a row for each of the same things.

    Args:
        where: the file and what of it, for the message.
        arrays: those to check.
        shapes: shapes of one row by name, ``None`` for any; what may be absent is left out.
        how: advice to the user; ends the error.

    Returns:
        The number of rows.

    Raises:
        InputError: an array is absent, or has another shape.
    """
    missing = sorted(set(shapes) - set(arrays if isinstance(arrays, Mapping) else ()))
    if missing:
        raise InputError(f'{where} lacks {missing}; {how}')
    first = next(iter(shapes))
    count = len(np.atleast_1d(arrays[first]))
    for name, shape in shapes.items():
        size = np.shape(arrays[name])
        if size != (count, *(size[1:] if shape is None else shape)):
            expected = (count, *('...' if shape is None else shape))
            raise InputError(f'{where}: {name} has shape {size}, expected {expected} as {first}; {how}')
    return count


@dataclass(frozen=True)
class Table:
    """A file whose arrays have a row for each frame: an npz, or a pickle of a dict.

    Attributes:
        arrays: numbers by the file's names: our key, the shape of a row, and how
            many of the file's units make one of ours.
        labels: further columns by the file's names: text, or what is no sample's.
        how: where to get the file; ends every error.
    """

    arrays: Mapping[str, tuple[str, tuple[int, ...], float]]
    labels: tuple[str, ...]
    how: str

    def read(
        self, path: str | Path, need: Sequence[str], part: str | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        content = self._content(Path(path), part)
        where = f'{path}: {part}' if part else path
        labels = {name: np.asarray(content[name]) for name in self.labels if name in content}
        arrays = {}
        for name, (_, shape, _) in self.arrays.items():
            if name in content:
                array = np.asarray(content[name])
                fits = array.ndim and array.size == len(array) * np.prod(shape)  # (N, J, 1) serves as (N, J)
                arrays[name] = array.reshape(len(array), *shape) if fits else array
        shapes = dict.fromkeys(labels) | {name: self.arrays[name][1] for name in arrays}
        check_rows(where, {**labels, **arrays}, {**dict.fromkeys(need), **shapes}, self.how)
        content.clear()  # so that the file's float64 goes array by array
        return {self.arrays[name][0]: self._converted(where, name, arrays.pop(name)) for name in [*arrays]}, labels

    def _content(self, path: Path, part: str | None) -> dict[str, Any]:
        if path.suffix == '.npz':
            prefix, arrays = f'{part}_' if part else '', load_arrays(path, how=self.how)
            return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        content = load_pickle(path, encoding='latin1', how=self.how)
        content = content.pop(part, None) if part and isinstance(content, dict) else content
        return content if isinstance(content, dict) else {}

    def _converted(self, where: Any, name: str, array: np.ndarray) -> np.ndarray:
        key, _, unit = self.arrays[name]
        if array.dtype.kind not in 'fiu' or (key != 'keypoints' and not np.isfinite(array).all()):
            raise InputError(f'{where}: {name} has values that are no finite numbers; {self.how}')
        return (array / unit if unit != 1 else array).astype(np.float32, copy=False)
