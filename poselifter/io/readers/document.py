"""Opens a file by its content; the table that a reader returns."""

import json
import os
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import READERS, Reader
from ...structures.keypoint_table import whole_number
from ...utils import load_plugins
from ...utils.arrays import load_array, load_arrays


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Attributes:
        path: where it came from; readers name it in their errors.
        content: what JSON gives (list, dict, ...), or a dict of arrays; ``None`` of what could not be parsed.
        is_arrays: ``content`` is a dict of arrays.
        error: why it could not be parsed.
    """

    path: Path
    content: Any = None
    is_arrays: bool = False
    error: InputError | None = None

    @property
    def fields(self) -> Mapping[str, Any]:
        """The content where it is a JSON object, else nothing."""
        return self.content if isinstance(self.content, dict) and not self.is_arrays else {}

    @property
    def first_entry(self) -> Mapping[str, Any]:
        """The first entry where the content is a list of JSON objects, else nothing."""
        first = self.content[0] if isinstance(self.content, list) and self.content else None
        return first if isinstance(first, dict) else {}


@dataclass
class Detections:
    """Keypoints of a reader; a row is one person in one frame.

    Attributes:
        keypoints: (N, J, 2) pixels.
        scores: (N, J); 0 means missing, above 1 is clipped later.
        frames: (N,) integers, numbered as the file does.
        track_ids: N ids, of which some may be ``None``, or ``None`` if the file has none.
        skeleton: joint set that the file names, or ``None``.
        joint_names: names of the joints that the file lists, or ``None``.
        img_shape: (height, width) or ``None``.
        fps: frames per second or ``None``.
        notes: lines for the user on what was left out, guessed or renumbered.
        timestamps: (N,) seconds, or ``None``.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    frames: np.ndarray
    track_ids: Sequence[Any] | None = None
    skeleton: str | None = None
    joint_names: Sequence[str] | None = None
    img_shape: Sequence[int] | None = None
    fps: float | None = None
    notes: Sequence[str] = ()
    timestamps: np.ndarray | None = None


def list_readers() -> list[Reader]:
    """All readers, plugins' too, in the order in which they are asked."""
    READERS.import_from_location()
    load_plugins()
    return sorted(READERS.module_dict.values(), key=lambda reader: -reader.priority)


def expected_inputs() -> str:
    """Names of the readable formats, for messages and help."""
    return ', '.join(reader.label for reader in list_readers())


def open_document(path: str | os.PathLike) -> Document:
    """Reads a file whatever its name: npz, npy or JSON, by the first bytes.

    Returns:
        The parsed file, or why it is missing, empty, damaged, of another kind,
        or holds what could execute code (pickled objects) or is no JSON (NaN).
    """
    path = Path(path)
    try:
        return _parsed(path)
    except InputError as error:
        return Document(path, error=error)


def _parsed(path: Path) -> Document:
    try:
        if path.is_dir():
            raise InputError(f'{path} is a folder')
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from error
    if not data.strip():
        raise InputError(f'{path} is empty')
    if data.startswith(b'\x93NUMPY'):
        return Document(path, {'keypoints': load_array(path)}, is_arrays=True)
    if data.startswith((b'PK\x03\x04', b'PK\x05\x06')):
        return Document(path, load_arrays(path), is_arrays=True)
    try:
        text = data.decode('utf-8-sig').lstrip()
    except UnicodeDecodeError as error:
        raise InputError(f'{path} is neither text nor a numpy file') from error
    if not text.startswith(('[', '{')):
        raise InputError(f'{path} starts with {text[:12]!r}')

    def refuse(token: str) -> None:
        raise InputError(f'{path} holds {token}, which is no JSON; write missing joints as 0, 0, 0')

    try:
        return Document(path, json.loads(text, parse_constant=refuse))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # an integer may have too many digits, a list too many levels
        raise InputError(f'{path} is no complete JSON and cannot be read ({error}); it may be cut off') from error


def entries_of(value: Any, where: str) -> list[Mapping[str, Any]]:
    """A JSON value that is a list of objects; raises InputError that names ``where`` if it is something else."""
    if not isinstance(value, list):
        raise InputError(f'{where} is {type(value).__name__}, expected a list with one entry a person')
    for number, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise InputError(f'{where}, entry {number}: is {type(entry).__name__}, expected an object with keypoints')
    return value


def integers_of(entries: Sequence[Mapping[str, Any]], key: str, where: str) -> np.ndarray:
    """An integer of each JSON object, (N,) int64.

    Raises:
        InputError: an entry lacks it or has something else; it and ``where`` are named.
    """
    numbers = [whole_number(entry.get(key)) for entry in entries]
    for number, (entry, value) in enumerate(zip(entries, numbers, strict=True)):
        if value is None or abs(value) >= 2**53:
            problem = f'is {reprlib.repr(entry[key])}' if key in entry else 'is missing'
            raise InputError(f'{where}, entry {number}: {key} {problem}, expected an integer that numbers the frame')
    return np.array(numbers, np.int64)


def one_clip(values: Sequence[Any], what: str, path: Any) -> None:
    """Checks that a property of all images, such as the folder of each, is one and the same; raises InputError."""
    different = list(dict.fromkeys(map(str, values)))
    if len(different) > 1:
        several = f'{len(different)} different {what} {reprlib.repr(different)}'
        raise InputError(f'{path}: images have {several}, expected the frames of one clip; keep one clip a file')
