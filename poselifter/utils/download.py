"""The one door for files from the network."""

import hashlib
import os
import urllib.error
from pathlib import Path

import torch

from ..errors import InputError


def fetch(url: str, folder: str | os.PathLike, sha256: str | None = None) -> Path:
    """Fetches a file once, with a progress bar, whole or not at all.

    Args:
        url: http(s) address.
        folder: where it is kept, under its name and a mark of its address, since other addresses end in the same name.
        sha256: hash of the file, where it is known; checked when it is fetched.

    Returns:
        The file.

    Raises:
        InputError: the address cannot be reached, the folder cannot be written to, or the hash is another one.
    """
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    path = Path(folder).expanduser() / f'{mark}-{url.split("?")[0].rsplit("/", 1)[-1]}'
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=sha256)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise InputError(f'{url} cannot be fetched ({error}); check the network and try again') from error
    except RuntimeError as error:  # how torch.hub reports a wrong hash
        raise InputError(f'{url} has another SHA-256 than expected ({error}); try again later') from error
    return path
