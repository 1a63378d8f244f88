"""Files are written whole or not at all."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary path in the same folder and renames it to ``path`` at the end.

    Missing parent folders are made. If the block raises, the temporary file is removed and ``path`` stays as it was.
    The suffix is kept, since writers such as numpy and ffmpeg go by it.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{path.stem}.', suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InputError(f'cannot write {path}: {error.strerror}; choose another folder') from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp made it private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
