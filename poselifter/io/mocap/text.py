"""What the readers of text formats share: opening a file and reading its numbers."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError


def read_text(path: str | os.PathLike, expected: str) -> str:
    """Reads a whole text file.

    Args:
        path: the file.
        expected: what the file should be, for the error.

    Returns:
        Its text.

    Raises:
        InputError: it cannot be read or is empty.
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig', errors='replace')
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}; expected {expected}') from error
    if not text.strip():
        raise InputError(f'{path} is empty, expected {expected}')
    return text


def floats(words: Sequence[str], where: str) -> np.ndarray:
    """Turns words to finite numbers.

    Args:
        words: N words.
        where: file and place, for the error.

    Returns:
        (N,) float64.

    Raises:
        InputError: one of them is no finite number; it is named.
    """
    try:
        values = np.array(words, np.float64)
        if np.isfinite(values).all():
            return values
    except (ValueError, OverflowError):
        pass
    for number, word in enumerate(words):
        try:
            finite = np.isfinite(float(word))
        except (ValueError, OverflowError):
            finite = False
        if not finite:
            raise InputError(f'{where}: {word!r} (value {number + 1}) is no finite number, expected numbers')
    raise InputError(f'{where}: values cannot be read as numbers')
