"""Reads and writes checkpoints; nothing in a file is ever executed.

A checkpoint is a dict with ``state_dict`` and ``meta`` (format version, codec, joint sets, fps, unit, text of the
config). Two containers hold it: ``.pth`` (torch, plain data and tensors only) and ``.safetensors`` (tensors; each entry
of ``meta`` is a JSON string in the file's metadata).
"""

import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import InputError, reading
from ..utils import atomic_write
from ..utils.download import fetch
from ..utils.files import check_unpacked
from ..utils.pickle_size import check_tuples
from .official import CONTAINERS, Official, convert_official, find_system, misfit, official_weights

FORMAT_VERSION = 1
_PICKLES = 5  # one after the other, in files of torch before 1.6
_METADATA = dict.fromkeys(('codec', 'dataset_meta'), dict) | dict.fromkeys(('skeleton', 'cfg'), str)
_METADATA |= dict.fromkeys(('epoch', 'iter', 'format_version'), int)


def load_checkpoint_file(path: str | os.PathLike[str], map_location: Any = 'cpu') -> dict[str, Any]:
    """Reads a ``.pth`` or ``.safetensors`` file, also one that a published system wrote.

    Args:
        path: the file, or an http(s) address.
        map_location: device for the tensors, as in ``torch.load``.

    Returns:
        What the file holds, ``state_dict`` and ``meta`` always; the tensors of a published system have our names, all
        others theirs without the prefixes that :func:`~poselifter.checkpoints.official.plain_names` takes off.

    Raises:
        InputError: the file is missing, empty, cut off, no checkpoint, has odd metadata, or could only be read by
            running code of another program.
    """
    path = local_file(path)
    checkpoint, foreign = _read(path, map_location)
    state = official_weights(checkpoint) if isinstance(checkpoint, dict) else None
    if state and find_system(state):
        official = convert_official(state, path=str(path)).for_task()
        return {'state_dict': official.state_dict, 'meta': {'official': official.system}}
    if foreign is not None:
        raise InputError(_reason(path, foreign)) from foreign
    if state is None:
        kind = 'dict without tensors by name' if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise InputError(f'{path} holds a {kind}, expected a dict with state_dict; save the state_dict of a model')
    bare = not any(isinstance(checkpoint.get(key), dict) for key in CONTAINERS)
    rest = {} if bare else {key: value for key, value in checkpoint.items() if key not in CONTAINERS[:-1]}
    meta = {} if rest.get('meta') is None else rest['meta']
    _check_metadata(meta, path)
    return {**rest, 'state_dict': state, 'meta': meta}


def _check_metadata(meta: Any, path: Path) -> None:
    """Checks the kinds of what is read from a checkpoint's ``meta``."""
    kinds = _METADATA if isinstance(meta, dict) else {}
    odd = [f'meta.{key}' for key, kind in kinds.items() if not isinstance(meta.get(key, kind()), (kind, type(None)))]
    if odd or not kinds:
        what = ', '.join(odd) or 'meta'
        raise InputError(f'{path}: {what} is not of the kind that poselifter writes; save state_dict and meta anew')


def read_official(path: str | os.PathLike[str], system: str | None = None, task: str | None = None) -> Official:
    """Reads a published checkpoint.

    Args:
        path: the file, as its authors wrote it.
        system: folder name of the system; ``None`` goes by the tensors' names.
        task: what it shall serve; ``'trajectory'`` may lie beside the pose model in one file.

    Raises:
        InputError: the file cannot be read without running its code, or is no published checkpoint; see also
            :func:`convert_official`. Unexpected tensors are left to :meth:`Official.check`.
    """
    path = local_file(path)
    checkpoint, _ = _read(path, 'cpu')
    state = official_weights(checkpoint, task) if isinstance(checkpoint, dict) else None
    if state is None:
        raise InputError(f'{path} holds no state dict; expected a checkpoint as its authors published it')
    return convert_official(state, system, str(path), strict=False)


def _read(path: Path, map_location: Any) -> tuple[Any, Exception | None]:
    """Content of a file, and torch's error where objects of other programs had to be left out.

    Raises:
        InputError: it cannot be read without running its code.
    """
    if path.suffix == '.safetensors':
        return _load_safetensors(path, map_location), None
    check_unpacked(path)
    _check_pickles(path)
    try:
        return torch.load(path, map_location=map_location, weights_only=True), None
    except Exception as error:  # a damaged file makes torch fail in any way
        try:
            with torch.serialization.safe_globals([(_Inert, name) for name in _foreign_names(path)]):
                return torch.load(path, map_location=map_location, weights_only=True), error
        except Exception:
            raise InputError(_reason(path, error)) from error


def _check_pickles(path: Path) -> None:
    """Refuses a checkpoint whose pickle would keep C busy for ever; what is damaged is left to torch.

    Raises:
        InputError: it would.
    """
    try:
        with path.open('rb') as file:
            zipped = file.read(4) == b'PK\3\4'  # as torch tells; a zip may also follow a pickle
        if zipped:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if entry.filename.endswith('.pkl'):
                        check_tuples(archive.read(entry))
        else:
            data, place = path.read_bytes(), 0
            for _ in range(_PICKLES):
                place = check_tuples(data, place)
    except InputError as error:
        raise InputError(f'{path} is not read: {error}') from error
    except Exception:  # as torch will say
        return


def local_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file that is present and not empty; an http(s) address is fetched once into torch's hub folder.

    Raises:
        InputError: the file does not exist, the address cannot be reached, or is of another kind.
    """
    if str(path).startswith(('http://', 'https://')):
        path = fetch(str(path), Path(torch.hub.get_dir()) / 'checkpoints')
    elif '://' in str(path):
        raise InputError(f'{path}: checkpoints come from files or http(s) addresses; fetch this one first')
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f'no checkpoint {path}; check the path')
    if path.stat().st_size == 0:
        raise InputError(f'the checkpoint {path} is empty; copy or download it again')
    return path


class _Inert:
    """Stands for objects of other programs beside the tensors of a file; nothing of them is run or kept."""

    def __new__(cls, *args: Any, **kwargs: Any) -> '_Inert':
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


def _foreign_names(path: Path) -> Iterable[str]:
    """Objects of other programs in a torch file, such as numpy scalars and random states."""
    if _is_zip(path):
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    from torch._weights_only_unpickler import get_globals_in_pkl  # private; torch has no public way in

    with open(path, 'rb') as file:  # torch < 1.6 wrote pickles one after another; the fourth is the content
        return set().union(*(get_globals_in_pkl(file) for _ in range(4)))


def _is_zip(path: Path) -> bool:
    """True if the file begins as those of torch >= 1.6 do, even if its end is missing."""
    with open(path, 'rb') as file:
        return file.read(4) == b'PK\x03\x04'


def _reason(path: Path, error: Exception) -> str:
    foreign = re.search(r'GLOBAL (\S+)', str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if foreign:
        return (
            f'{path} holds objects of a program ({foreign[1]}), and poselifter executes nothing from a checkpoint; '
            f'load it where it came from and save its state_dict alone'
        )
    if isinstance(error, PermissionError) or 'CUDA' in str(error):
        return f'the checkpoint {path} cannot be read: {str(error).splitlines()[0]}'
    if _is_zip(path):
        size = path.stat().st_size
        return f'the checkpoint {path} is cut off or damaged after {size} bytes; copy or download it again'
    return f'{path} is not a checkpoint; expected a file that torch.save wrote'


def _load_safetensors(path: Path, map_location: Any) -> dict[str, Any]:
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise InputError(f'{path} is no complete safetensors file ({error}); copy or download it again') from error
    if map_location is not None:
        tensors = {key: value.to(map_location) for key, value in tensors.items()}
    return {'state_dict': tensors, 'meta': {key: _from_json(text) for key, text in metadata.items()}}


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # written by another program, which need not use JSON


def save_checkpoint_file(checkpoint: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Writes a checkpoint whole or not at all.

    Args:
        checkpoint: tensors and plain data; for ``.safetensors`` only ``state_dict`` and ``meta``.
        path: where to; the suffix chooses the container.

    Raises:
        InputError: the folder cannot be written to, or a ``.safetensors`` file
            was asked for and the checkpoint holds more than it can.
    """
    path = Path(path)
    if path.suffix != '.safetensors':
        content = io.BytesIO()  # torch would write the temporary name into the file, and hides errors of the disk
        torch.save(checkpoint, content)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.getbuffer())
        return
    more = sorted(set(checkpoint) - {'state_dict', 'meta'})
    if more:
        raise InputError(f'{path}: a safetensors file holds state_dict and meta, not {", ".join(more)}; leave them out')
    tensors = {key: value.detach().clone().contiguous() for key, value in checkpoint['state_dict'].items()}
    metadata = {key: json.dumps(value) for key, value in checkpoint.get('meta', {}).items()}
    content = save(tensors, metadata={'format': 'pt', **metadata})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load_weights(model: nn.Module, checkpoint: dict[str, Any] | str | os.PathLike[str], strict: bool = True) -> None:
    """Puts the weights of a checkpoint into a model.

    Args:
        model: changed in place, or left as it was if an error is raised.
        checkpoint: from :func:`load_checkpoint_file`, or the file itself.
        strict: every tensor of either side must have its counterpart; else
            only shapes must agree, and at least one name.

    Raises:
        InputError: the tensors do not fit; the message shows the first of each kind.
    """
    source = 'the checkpoint' if isinstance(checkpoint, dict) else f'the checkpoint {checkpoint}'
    weights = official_weights(checkpoint if isinstance(checkpoint, dict) else load_checkpoint_file(checkpoint))
    if weights is None:
        raise InputError(f'{source} has no state_dict, expected tensors by name')
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    if not strict and expected.keys() & given.keys():
        given = {key: shape for key, shape in given.items() if key in expected}
        expected = {key: expected[key] for key in given}
    problems = misfit(expected, given, limit=2)
    if problems:
        raise InputError(
            f'{source} does not fit the model: {problems}; use the config that the checkpoint was trained with'
        )
    check_kinds(model.state_dict(), weights, source)
    model.load_state_dict(weights, strict=False)


def check_codec(checkpoint: dict[str, Any], codec: dict[str, Any] | None, source: str | os.PathLike[str]) -> None:
    """Makes sure that a model is decoded by the codec it was trained with.

    Args:
        checkpoint: from :func:`load_checkpoint_file`; without a codec in its
            ``meta`` (other people's files) nothing is compared.
        codec: the codec's config that shall decode.
        source: the file, for the message.

    Raises:
        InputError: they differ; the message shows in what.
    """
    trained = checkpoint.get('meta', {}).get('codec')
    if not trained or codec is None:
        return
    with reading(f'{source} is no checkpoint of ours: its meta.codec is odd', 'save state_dict and meta anew'):
        trained, codec = (json.loads(json.dumps(dict(c))) for c in (trained, codec))
    keys = sorted(k for k in trained.keys() | codec.keys() if trained.get(k) != codec.get(k))
    if keys:
        differs = ', '.join(f'{k} {codec.get(k)!r} instead of {trained.get(k)!r}' for k in keys)
        raise InputError(f'{source} was trained with another codec than the config has: {differs}; use its own config')


def check_kinds(
    model_state: Mapping[str, Tensor], weights: Mapping[str, Tensor], source: str | os.PathLike[str]
) -> None:
    """Checks that tensors are numbers of the kind that a model has: torch takes quantised ones for floats.

    Raises:
        InputError: one is of another kind.
    """
    for key in model_state.keys() & weights.keys():
        expected, given = model_state[key], weights[key]
        if expected.is_floating_point() != given.is_floating_point() or given.is_complex():
            advice = 'save the weights as they were before they were quantised'
            raise InputError(f'{source}: {key} is of {given.dtype}, expected {expected.dtype}; {advice}')


# mmengine's loaders unpickle what they fetch
@CheckpointLoader.register_scheme(prefixes=list(CheckpointLoader._schemes), force=True)
def load_from_address(filename: str, map_location: Any = None) -> dict[str, Any]:
    """:func:`load_checkpoint_file` for mmengine's ``load_from`` and ``resume``."""
    return load_checkpoint_file(filename, map_location)
