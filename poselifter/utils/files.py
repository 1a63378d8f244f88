"""Files are written whole or not at all."""

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_held: dict[Path, IO] = {}


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary path in the same folder and renames it to ``path`` at the end.

    Missing parent folders are made. If the block raises, the temporary file is removed and ``path`` stays as it was.
    The suffix is kept, since writers such as numpy and ffmpeg go by it.

    Raises:
        InputError: the folder cannot be made or written to, ``path`` is a folder, or the disk is full.
    """
    path, temporary = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{path.stem}.', suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp made it private
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f'cannot write {path}: {reason}; make room, or choose another place') from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: str | os.PathLike, name: str) -> None:
    """Removes what :func:`atomic_write` left of files of a name, ``'epoch_*.pth'``, where it was killed."""
    stem, suffix = os.path.splitext(name)
    for path in Path(folder).glob(f'.{stem}.????????{suffix}'):
        path.unlink(missing_ok=True)


def hold_folder(folder: str | os.PathLike) -> None:
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


def write_json(path: str | os.PathLike, content: Any) -> None:
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
