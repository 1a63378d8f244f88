"""The one door for files of arrays (npz, npy, safetensors): nothing is executed; written whole or not at all."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, in_short
from .files import atomic_write, check_unpacked
from .safe_pickle import load_pickle


def load_arrays(
    path: str | os.PathLike[str],
    need: Sequence[str] = (),
    names: Collection[str] | None = None,
    how: str = 'copy or write it again',
) -> dict[str, np.ndarray]:
    """Reads arrays of an npz; pickled entries are built where they hold plain data.

    Args:
        path: the npz file.
        need: arrays that must be present.
        names: further arrays to read where they are present; ``None`` reads all.
        how: advice to the user about a missing or wrong file; ends the error.

    Returns:
        The arrays by name; a dict that was saved is an array () of one object: ``array.item()``.

    Raises:
        InputError: the file is missing, damaged, lacks an array of ``need``, or holds objects that are not plain data.
    """
    with _opened(path, 'npz', how) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f'it is a single array, expected an npz file; {how}')
        with archive:
            missing = [name for name in need if name not in archive.files]
            if missing:
                raise InputError(f'it lacks the arrays {", ".join(missing)}; {how}')
            chosen = [n for n in archive.files if names is None or n in names or n in need]
            return {name: _read_entry(archive, name) for name in chosen}


def load_array(
    path: str | os.PathLike[str], memory_map: bool = False, how: str = 'copy or write it again'
) -> np.ndarray:
    """Reads the array of an npy.

    Args:
        path: the npy file.
        memory_map: leave it on the disk and read what is asked for.
        how: advice to the user about a missing or wrong file; ends the error.

    Raises:
        InputError: the file is missing, damaged, or holds pickled objects.
    """
    with _opened(path, 'npy', how, mmap_mode='r' if memory_map else None) as array:
        if not isinstance(array, np.ndarray):
            array.close()
            raise InputError(f'it is an npz file, expected the single array of an npy; {how}')
        return array


def load_tensors(
    path: str | os.PathLike[str], need: Sequence[str] = (), how: str = 'copy or write it again'
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads arrays by name from a safetensors file, and its metadata.

    Raises:
        InputError: the file is missing, damaged, or lacks an array of ``need``.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise InputError(f'{path} does not exist; {how}')
    try:
        with safe_open(path, framework='numpy') as file:
            arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except SafetensorError as error:
        raise InputError(f'{path} is no complete safetensors file ({error}); {how}') from error
    missing = [name for name in need if name not in arrays]
    if missing:
        raise InputError(f'{path} lacks the arrays {", ".join(missing)}; {how}')
    return arrays, metadata


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any], compressed: bool = True) -> None:
    """Writes an npz of arrays by name, whole or not at all; ``compressed`` it is smaller and slower.

    Raises:
        InputError: the folder cannot be written to.
    """
    with atomic_write(path) as temporary, open(temporary, 'wb') as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)


@contextmanager
def _opened(path: str | os.PathLike[str], kind: str, how: str, **kwargs: Any) -> Iterator[Any]:
    """Opens a file with numpy, with the errors for one that is missing or damaged."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f'{path} does not exist; {how}')
    check_unpacked(path)
    try:
        yield np.load(path, allow_pickle=False, **kwargs)
    except InputError as error:
        raise InputError(f'{path} is not read: {error}') from error
    except Exception as error:  # a damaged file fails in any way
        raise InputError(f'{path} is no whole {kind} file ({in_short(error)}); {how}') from error


def _read_entry(archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    with archive.zip.open(f'{name}.npy') as file:
        np.lib.format.read_magic(file)
        if not np.lib.format.read_array_header_1_0(file)[2].hasobject:
            return archive[name]
        array = load_pickle(file, encoding='latin1')
    if not isinstance(array, np.ndarray):
        raise InputError(f'{name} is a pickled {type(array).__name__}, expected a numpy array')
    return array
