"""Files are written whole or not at all."""

import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from ..errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_held: dict[Path, IO] = {}
LARGEST = 1 << 30  # bytes that are unpacked from a file which is far smaller
_UNFINISHED = '.part-'  # in names of files that are being written
_swept: set[Path] = set()


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path in the same folder and renames it to ``path`` at the end.

    Missing parent folders are made. If the block raises, the temporary file is removed and ``path`` stays as it was;
    what a killed process left is removed by the next one that writes into the folder. The suffix is kept, since writers
    such as numpy and ffmpeg go by it.

    Raises:
        InputError: the folder cannot be made or written to, ``path`` is a folder, or the disk is full.
    """
    path = Path(path)
    with _unfinished(path, path.suffix) as temporary:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # it was private
        os.replace(temporary, path)


@contextmanager
def atomic_writes(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Gives temporary paths for files of one folder; like :func:`atomic_write`, but if one fails, none appears."""
    with _unfinished(paths[0], None) as folder:
        temporary = [folder / path.name for path in paths]
        yield temporary
        for source, path in zip(temporary, paths, strict=True):
            os.replace(source, path)


@contextmanager
def _unfinished(path: Path, suffix: str | None) -> Iterator[Path]:
    """A new file beside ``path``, or a folder without ``suffix``, that goes with the block, or the process, at last."""
    temporary, handle = None, None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        while temporary is None or (fcntl and handle is None):
            temporary = _new(path, suffix)
            with suppress(FileNotFoundError):  # another process took it for a dead one's before it was locked
                handle = _lock(temporary) if fcntl else None
        yield temporary
    except OSError as error:
        raise InputError(
            f'cannot write {path}: {error.strerror or error}; make room, or choose another place'
        ) from error
    finally:
        if temporary:
            _remove(temporary)
        if handle is not None:
            os.close(handle)


def _new(path: Path, suffix: str | None) -> Path:
    prefix = f'.{path.stem}{_UNFINISHED}'
    if suffix is None:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=path.parent)
    os.close(handle)
    return Path(name)


def _lock(path: Path, wait: bool = True) -> int:
    """Locks a file or folder until its process ends, whatever ends it; raises OSError where it is gone or locked."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with suppress(OSError) if wait else nullcontext():  # some disks know no locks: nothing there is swept
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if not os.path.samestat(os.fstat(handle), os.stat(path)):
            raise FileNotFoundError(path)
    except OSError:
        os.close(handle)
        raise
    return handle


def sweep(folder: Path) -> None:
    """Removes what killed processes left in a folder, once in a process."""
    if folder in _swept or not fcntl:
        return
    _swept.add(folder)
    for path in folder.glob(f'.*{_UNFINISHED}*'):
        with suppress(OSError):
            handle = _lock(path, wait=False)
            _remove(path)
            os.close(handle)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def hold_folder(folder: str | os.PathLike[str]) -> None:
    """Keeps other processes out of a folder until this one ends, however it ends.

    Raises:
        InputError: another process holds it, or it cannot be written to.
    """
    path = Path(folder).resolve() / '.lock'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path not in _held:
            _held[path] = open(path, 'a')  # noqa: SIM115  closing it would let go of the folder
        for left in range(20, -1, -1) if fcntl else ():
            try:  # a lock of the process alone: its children may live on for a moment
                fcntl.lockf(_held[path], fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(0.1)  # a run that was just killed may still be ending
    except BlockingIOError:
        raise InputError(f'{folder} is in use by another run; wait for its end, or choose another folder') from None
    except OSError as error:
        if error.filename:  # else the disk knows no locks
            raise InputError(f'cannot write {folder}: {error.strerror}; choose another folder') from error


def check_unpacked(path: Path) -> None:
    """Refuses a zip archive, as npz and checkpoints are, that is small and says that it is huge.

    Raises:
        InputError: it is; what is damaged is left to who reads it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    if size > max(LARGEST, 100 * path.stat().st_size):
        expected = f'expected at most {LARGEST / 1e9:.2g} of a file of its size'
        raise InputError(f'{path} says that it holds {size / 1e9:.2g} GB of arrays, {expected}; write it again')


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Writes data as JSON, indented, whole or not at all; raises :class:`InputError` as :func:`atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def safe_name(name: Any) -> str:
    """A safe part of a file name from any text: all but letters, digits, ``_.-`` becomes ``_``."""
    return re.sub(r'[^\w.-]+', '_', str(name))


def shipped_root() -> Path:
    """The folder that holds ``model-index.yml`` and ``configs``: the installed package's or the repository's.

    Raises:
        InputError: neither has one.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / '.mim', package.parent):
        if (folder / 'model-index.yml').is_file():
            return folder
    raise InputError('the installation lacks model-index.yml; reinstall poselifter')
