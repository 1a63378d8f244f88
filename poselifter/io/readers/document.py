"""Opens a file by its content; the table that a reader returns."""

import json
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, in_short
from ...light_registry import READERS, Reader
from ...structures.keypoint_table import whole_number
from ...utils import files, load_plugins
from ...utils.arrays import load_array, load_arrays
from ...utils.safe_pickle import load_pickle

_EVEN = 0.1  # frames by which times may be off an even rate, as those that are rounded are
_FRAME_FILES = ('.json', '.txt')  # files of a folder with one file a frame


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Attributes:
        path: where it came from; readers name it in their errors.
        content: what JSON or a pickle gives (list, dict, ...), or a dict of arrays, whose names have slashes where they
            are of HDF5; of a folder with a JSON file a frame that of the first; ``None`` of what could not be parsed.
        is_arrays: ``content`` is a dict of arrays.
        error: why it could not be parsed.
        text: of a file that is text and no JSON.
        data: of a file that is neither text nor of a kind that is parsed.
        files: of a folder, in the order of the numbers in their names.
    """

    path: Path
    content: Any = None
    is_arrays: bool = False
    error: InputError | None = None
    text: str = ''
    data: bytes = b''
    files: tuple[Path, ...] = ()

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
        keypoints: (N, J, 2) pixels; NaN where ``scores`` are 0.
        scores: (N, J); 0 means missing, above 1 is clipped later.
        frames: (N,) integers, numbered as the file does.
        track_ids: N ids, of which some may be ``None``, or ``None`` if the file has none.
        skeleton: joint set that the file names, or ``None``.
        joint_names: names of the joints that the file lists, or ``None``.
        img_shape: (height, width) or ``None``.
        fps: frames per second or ``None``.
        notes: lines for the user on what was left out, guessed or renumbered.
        timestamps: (N,) seconds, or ``None``.
        normalized: keypoints are fractions of the picture's width and height.
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
    normalized: bool = False


def list_readers(gives: str = 'keypoints') -> list[Reader]:
    """Readers of ``'keypoints'`` or of a ``'motion'``, plugins' too, in the order in which they are asked."""
    READERS.import_from_location()
    load_plugins()
    readers = [reader for reader in READERS.module_dict.values() if reader.gives == gives]
    return sorted(readers, key=lambda reader: -reader.priority)


def expected_inputs(gives: str = 'keypoints') -> str:
    """Names of the readable formats, for messages and help."""
    return ', '.join(reader.label for reader in list_readers(gives))


def find_reader(document: Document, *kinds: str) -> Reader:
    """The reader that knows a file, of those that give one of some kinds: ``'keypoints'``, ``'motion'``.

    Raises:
        InputError: none does, or only one of another kind.
    """
    for reader in [reader for kind in ('keypoints', 'motion') for reader in list_readers(kind)]:
        if reader.detect(document):
            if reader.gives in kinds:
                return reader
            kind = f'3D motion ({reader.label})'
            raise InputError(f'{document.path} is {kind}, expected 2D keypoints; poselifter convert reads it')
    expected = ', '.join(expected_inputs(kind) for kind in kinds)
    what = f'{document.error};' if document.error else f'{document.path}: {_outline(document.content)},'
    raise InputError(f'{what} expected {expected}')


def _outline(content: Any) -> str:
    if isinstance(content, dict):
        return f'has {", ".join(map(str, list(content)[:6])) or "nothing"}'
    if not isinstance(content, list):
        return f'is {reprlib.repr(content)}'
    if not content:
        return 'is an empty list: no person in any frame'
    keys = ', '.join(list(content[0])[:6]) if isinstance(content[0], dict) else type(content[0]).__name__
    return f'is a list whose first entry has {keys or "nothing"}'


def open_document(path: str | os.PathLike[str]) -> Document:
    """Reads a file whatever its name, by the first bytes: npz, npy, HDF5, pickle, JSON or text; or a folder of files.

    Returns:
        The parsed file, or why it is missing, empty, damaged, of another kind,
        or holds what could execute code (pickled objects) or is no JSON (NaN).
    """
    path = Path(path)
    try:
        return _folder(path) if path.is_dir() else _parsed(path)
    except InputError as error:
        return Document(path, error=error)
    except OSError as error:
        return Document(path, error=InputError(f'cannot read {path}: {error.strerror}'))


def _folder(path: Path) -> Document:
    """A folder with one file a frame."""
    for suffix in _FRAME_FILES:
        files = [file for file in path.iterdir() if file.suffix == suffix]
        files.sort(key=lambda file: (frame_number(file)[1] or 0, file.name))
        if files:
            content = _parsed(files[0]).content if suffix == '.json' else None
            return Document(path, content, files=tuple(files))
    raise InputError(f'{path} is a folder without files of frames (.json, .txt)')


def frame_number(path: Path) -> tuple[str, int | None]:
    """The name of a frame's file up to the number at its end, and that number, or ``None`` if there is none."""
    stem = path.stem.removesuffix('_keypoints')
    digits = re.search(r'\d{1,15}$', stem)
    return (stem[: digits.start()], int(digits[0])) if digits else (stem, None)


def _parsed(path: Path) -> Document:
    data = path.read_bytes()
    if not data.strip():
        raise InputError(f'{path} is empty')
    if data.startswith(b'\x93NUMPY'):
        return Document(path, {'keypoints': load_array(path)}, is_arrays=True)
    if data.startswith((b'PK\x03\x04', b'PK\x05\x06')):
        return Document(path, load_arrays(path), is_arrays=True)
    if data.startswith(b'\x89HDF\r\n\x1a\n'):
        return Document(path, _hdf5_arrays(path), is_arrays=True)
    if data.startswith(b'\x80') and data.endswith(b'.'):
        return _pickled(path)
    try:
        text = '' if b'\0' in data[:512] else data.decode('utf-8-sig').lstrip()
    except UnicodeDecodeError:
        text = ''
    if not text:
        return Document(path, data=data, error=InputError(f'{path} is neither text nor a numpy file'))
    if not text.startswith(('[', '{')):
        return Document(path, text=text, error=InputError(f'{path} starts with {text[:12]!r}'))
    return Document(path, json_content(text, path))


def json_content(text: str, path: Path) -> Any:
    """The content of a JSON text.

    Raises:
        InputError: it is damaged, or has NaN or infinite numbers, which are no JSON.
    """

    def refuse(token: str) -> None:
        raise InputError(f'{path} holds {token}, which is no JSON; write missing joints as 0, 0, 0')

    try:
        return json.loads(text, parse_constant=refuse)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # an integer may have too many digits, a list too many levels
        raise InputError(f'{path} is no complete JSON and cannot be read ({error}); it may be cut off') from error


def _pickled(path: Path) -> Document:
    content = load_pickle(path, how='write it again')
    if not isinstance(content, dict) or not any(isinstance(value, np.ndarray) for value in content.values()):
        return Document(path, content)
    arrays = {str(key): value for key, value in content.items()}
    for key, value in arrays.items():
        if not isinstance(value, np.ndarray | str | int | float | bool):
            arrays[key] = np.empty((), object)
            arrays[key][()] = value
    return Document(path, {key: np.asarray(value) for key, value in arrays.items()}, is_arrays=True)


def _hdf5_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of an HDF5 file by its name, and every attribute that is bytes by ``<name>@<attribute>``."""
    try:
        import h5py
    except ImportError:
        raise InputError(f'{path} is HDF5, which needs h5py; run: pip install poselifter[formats]') from None
    arrays: dict[str, np.ndarray] = {}
    room = files.LARGEST

    def visit(name: str, item: Any) -> None:
        nonlocal room
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise InputError(f'{path}: {name} lies in another file, expected a whole file; write it again')
            room -= (item.size or 0) * item.dtype.itemsize
            if room < 0:
                raise InputError(f'{path} holds more than {files.LARGEST / 1e9:.2g} GB of arrays; write a shorter file')
            arrays[name] = np.asarray(item[()])
        for key, value in item.attrs.items():
            if isinstance(value, bytes):
                arrays[f'{name}@{key}'] = np.array(value, object)

    try:
        with h5py.File(path) as file:
            file.visititems(visit)
    except InputError:
        raise
    except Exception as error:  # a damaged file fails in any way
        raise InputError(f'{path} is no whole HDF5 file ({in_short(error)}); copy it again') from error
    return arrays


def entries_of(value: Any, where: str) -> list[Mapping[str, Any]]:
    """A JSON value that is a list of objects; raises InputError that names ``where`` if it is something else."""
    if not isinstance(value, list):
        raise InputError(f'{where} is {type(value).__name__}, expected a list with one entry a person')
    for number, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise InputError(f'{where}, entry {number}: is {type(entry).__name__}, expected an object with keypoints')
    return value


def texts_of(values: Any) -> list[str]:
    """Words of an array or list in one list; bytes are UTF-8."""
    words = np.ravel(values).tolist()
    return [word.decode('utf-8', 'replace') if isinstance(word, bytes) else str(word) for word in words]


def seen_scores(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The scores (..., J), 0 where a point (..., J, 2) is not given: NaN, or (0, 0)."""
    return np.where(np.isfinite(points).all(-1) & ~(points == 0).all(-1), np.nan_to_num(scores), 0)


def looks_normalized(points: np.ndarray, scores: np.ndarray) -> bool:
    """Whether points (N, J, 2) are fractions of a picture; what is out of it may be far beyond 1."""
    seen = points[(scores > 0) & np.isfinite(points).all(-1)]
    return len(seen) > 2 and bool(np.median(np.abs(seen)) <= 1.5)


def uneven_times(times: np.ndarray, frames: np.ndarray) -> np.ndarray | None:
    """Times (N,) of rows in seconds, for ``timestamps``; ``None`` where numbers of frames and a rate say the same.

    Args:
        times: (N,) seconds.
        frames: (N,) numbers of the frames, with which times should rise.
    """
    numbers, first = np.unique(frames, return_index=True)
    moments = times[first]
    if len(numbers) < 3 or (np.diff(moments) <= 0).any():
        return None
    spacing = (moments[-1] - moments[0]) / (numbers[-1] - numbers[0])
    off = np.abs(moments - moments[0] - (numbers - numbers[0]) * spacing).max()
    return None if off < _EVEN * spacing else np.asarray(times, np.float64)


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
