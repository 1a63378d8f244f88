"""Opening a file by its content, and what a reader gives back."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...utils.arrays import load_array, load_arrays

_WANTED = 'an npz or npy file with keypoints, or COCO, MMPose or AlphaPose results in JSON'


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Attributes:
        path: where it came from; readers name it in their errors.
        content: what JSON gives (list, dict, ...), or a dict of arrays.
        is_arrays: ``content`` is a dict of arrays.
    """

    path: Path
    content: Any
    is_arrays: bool = False


@dataclass
class Detections:
    """What a reader found; a row is one person in one frame.

    Attributes:
        keypoints: (N, J, 2) pixels.
        scores: (N, J); 0 means missing, above 1 is clipped later.
        frames: (N,) integers, numbered as the file does.
        track_ids: N ids, or ``None`` if the file has none.
        skeleton: joint set that the file names, or ``None``.
        joint_names: names of the joints that the file lists, or ``None``.
        img_shape: (height, width) or ``None``.
        fps: frames per second or ``None``.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    frames: np.ndarray
    track_ids: Sequence[Any] | None = None
    skeleton: str | None = None
    joint_names: Sequence[str] | None = None
    img_shape: Sequence[int] | None = None
    fps: float | None = None


def open_document(path: str | os.PathLike) -> Document:
    """Reads a file whatever its name: npz, npy or JSON, told by the first bytes.

    Args:
        path: the file.

    Returns:
        The parsed file.

    Raises:
        InputError: the file is missing, empty, cut off, of another kind, or
            holds what could execute code (pickled objects) or is no JSON (NaN).
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f'{path} is a folder, expected {_WANTED}; give one file')
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}; expected {_WANTED}') from error
    if not data.strip():
        raise InputError(f'{path} is empty, expected {_WANTED}; write it again')
    if data.startswith(b'\x93NUMPY'):
        return Document(path, {'keypoints': load_array(path)}, is_arrays=True)
    if data.startswith((b'PK\x03\x04', b'PK\x05\x06')):
        return Document(path, load_arrays(path), is_arrays=True)
    return Document(path, _parse_json(path, data))


def _parse_json(path: Path, data: bytes) -> Any:
    def refuse(token: str) -> None:
        raise InputError(f'{path} holds {token}, which is no JSON, expected numbers; write missing joints as 0, 0, 0')

    try:
        text = data.decode('utf-8-sig')
        if not text.lstrip().startswith(('[', '{')):
            raise InputError(f'{path} starts with {text.lstrip()[:12]!r}, expected {_WANTED}')
        return json.loads(text, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise InputError(f'{path} is neither text nor a numpy file, expected {_WANTED}') from error
    except json.JSONDecodeError as error:
        raise InputError(
            f'{path} is no complete JSON (line {error.lineno}, column {error.colno}: {error.msg}), '
            f'expected {_WANTED}; it may be cut off: write it again'
        ) from error
    except RecursionError as error:
        raise InputError(f'{path} is nested too deeply for keypoints, expected {_WANTED}') from error
    except InputError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise InputError(f'{path} holds a number that cannot be read ({error}), expected {_WANTED}') from error


def entries_of(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Checks that a JSON value is a list of objects.

    Args:
        value: what the file has.
        where: file and place, for the error.

    Returns:
        ``value``.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, list):
        raise InputError(f'{where} is {type(value).__name__}, expected a list with one entry a person')
    for number, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise InputError(f'{where}, entry {number}: is {type(entry).__name__}, expected an object with keypoints')
    return value


def integers_of(entries: Sequence[Mapping[str, Any]], key: str, where: str) -> np.ndarray:
    """Collects an integer that every entry must have.

    Args:
        entries: JSON objects.
        key: name of the integer.
        where: file, for the error.

    Returns:
        (N,) int64.

    Raises:
        InputError: an entry lacks it or has something else; it is named.
    """
    for number, entry in enumerate(entries):
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            found = f'is {value!r}' if key in entry else 'is missing'
            raise InputError(f'{where}, entry {number}: {key} {found}, expected an integer that numbers the frame')
    return np.array([entry[key] for entry in entries], np.int64)


def missing_where_zero(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores with 0 where a joint lies at exactly (0, 0), as COCO and OpenPose write a missing one.

    Args:
        keypoints: (..., J, 2) pixels.
        scores: (..., J).

    Returns:
        (..., J) scores.
    """
    return np.where((keypoints == 0).all(-1), 0, scores)
