"""The one door for files from the network."""

import hashlib
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path

from ..errors import InputError
from .files import atomic_write


def fetch(url: str, folder: str | os.PathLike[str], sha256: str | None = None) -> Path:
    """Fetches a file once, with a progress bar, whole or not at all.

    Args:
        url: http(s) address.
        folder: where it is kept, under its name and a mark of its address, since other addresses end in the same name.
        sha256: hash of the file, where it is known; one that is kept with another hash is fetched again.

    Returns:
        The file.

    Raises:
        InputError: the address cannot be reached, the folder cannot be written to, or the hash is another one.
    """
    from tqdm import tqdm

    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    path = Path(folder).expanduser() / f'{mark}-{url.split("?")[0].rsplit("/", 1)[-1]}'
    if path.is_file() and has_hash(path, sha256):
        return path
    with atomic_write(path) as temporary, tqdm(unit='B', unit_scale=True, desc=path.name) as bar:

        def show(blocks: int, size: int, total: int) -> None:
            bar.total = max(total, 0) or None
            bar.update(blocks * size - bar.n)

        try:
            urllib.request.urlretrieve(url, temporary, show)
        except (OSError, ValueError, HTTPException) as error:  # also where the file is shorter than it was said to be
            raise InputError(f'{url} cannot be fetched ({error}); check the network and try again') from error
        if not has_hash(temporary, sha256):
            raise InputError(f'{url} has another SHA-256 than expected ({sha256}); try again later')
    return path


def has_hash(path: Path, sha256: str | None) -> bool:
    """True if a file has this hash, or none is known."""
    return sha256 is None or hashlib.sha256(path.read_bytes()).hexdigest().startswith(sha256)
