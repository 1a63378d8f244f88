"""What the fuzz tests share: odd values, spoilt files, and limits of time and memory."""

import contextlib
import io
import json
import os
import pickle
import re
import resource
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from hypothesis import HealthCheck, settings
from machine import SLOWER

from poselifter.errors import InputError, run_program

SECONDS = 2 * 10 * SLOWER  # of processor time: others' programs on the core may take half of its speed
MEMORY = 2 << 30  # beyond what the process holds before
PATIENCE = 200 * SLOWER  # seconds in all, of what waits and does nothing, on however busy a machine
WORDS = [
    *('', 'nope', '-1', '0', '1e9', '1e-300', 'nan', 'inf', '$x', 'a,b', 'None', '\udcff', '../x'),
    *('9' * 400, 'é' * 300),
]
NUMBERS = [0, -1, 1, 2**31, 2**63, 2**64 - 1, 10**30, 0.5, -1e-3, 1e18, 1e300, float('nan'), float('inf'), True]
TRIED: Counter[str] = Counter()  #: inputs by what came of them
VALUES = [None, [], {}, [[]], [{}], {'a': None}, *WORDS, *NUMBERS]


def fuzz(examples: int) -> settings:
    """Settings of a test that draws the same examples in every run; POSELIFTER_FUZZ times as many in the long form."""
    examples *= int(os.environ.get('POSELIFTER_FUZZ', 1))
    unneeded = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=unneeded
    )


class TooSlow(BaseException):
    """Out of time; no ``except Exception`` of the product takes it for an error of the file."""


def _stop(*_: Any) -> None:
    raise TooSlow(f'over {SECONDS:.0f} s of work, or {PATIENCE:.0f} s in all')


@contextlib.contextmanager
def bounded():
    """Limits the time and the address space of a block."""
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    handlers = {number: signal.signal(number, _stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    start = time.process_time()
    try:
        yield
    finally:
        TRIED[f'over {SECONDS // 2:.0f} s'] += time.process_time() - start > SECONDS / 2
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def ends_well(main: Any, *argv: Any) -> int:
    """Runs a program, which must succeed or say one line; returns its status."""
    errors = io.StringIO()
    with bounded(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            run_program(main, [str(a) for a in argv])
            TRIED['done'] += 1
            return 0
        except SystemExit as stop:
            status = stop.code or 0
    said = [line for line in errors.getvalue().splitlines() if line.startswith('error: ')]
    assert status in (0, 2) and 'Traceback' not in errors.getvalue(), errors.getvalue()
    assert (len(said) == 1) == (status == 2), errors.getvalue()
    TRIED['refused' if status else 'done'] += 1
    return status


def reads_well(read: Any, path: Path) -> None:
    """Calls a reader, which must succeed or raise one sentence."""
    with bounded(), contextlib.redirect_stdout(io.StringIO()):
        try:
            read(path)
            TRIED['done'] += 1
        except InputError as error:
            TRIED['refused'] += 1
            assert str(error).strip() and '\n' not in str(error) and len(str(error)) < 1500, str(error)


def spoil(path: Path, target: Path, rng: Random) -> None:
    """Writes a copy of a file with damaged bytes, or with whole bytes and odd content."""
    if rng.random() < 0.4:
        target.write_bytes(_damaged(path.read_bytes(), rng))
        return
    if path.suffix not in FORMATS:
        target.write_bytes(_damaged(path.read_bytes(), rng))
        return
    read, write = FORMATS[path.suffix]
    content = read(path)
    for _ in range(rng.randint(1, 2)):
        content = _odd(content, rng)
    write(target, content)


def _damaged(data: bytes, rng: Random) -> bytes:
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        kind, place = rng.choice(['flip', 'cut', 'insert', 'drop', 'repeat']), rng.randrange(len(data) + 1)
        if kind == 'flip' and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 'cut':
            del data[place:]
        elif kind == 'insert':
            data[place:place] = rng.randbytes(rng.randint(1, 8))
        elif kind == 'drop':
            del data[place : place + rng.randint(1, 8)]
        else:
            data[place:place] = data[place : place + 64]
    return bytes(data)


def _odd(content: Any, rng: Random) -> Any:
    """The content with one odd place, at any depth."""
    if isinstance(content, dict) and content and rng.random() < 0.9:
        key = rng.choice(list(content))
        if rng.random() < 0.2:
            return {k: v for k, v in content.items() if k != key}
        return {**content, key: _odd(content[key], rng)}
    if isinstance(content, list | tuple) and content and rng.random() < 0.8:
        i = rng.randrange(len(content))
        changed = [*content[:i], _odd(content[i], rng), *content[i + 1 :]]
        return changed if isinstance(content, list) else tuple(changed)
    if isinstance(content, torch.Tensor) and rng.random() < 0.8:
        changed = _odd_array(content.numpy(), rng)
        kind = changed.dtype.kind  # torch has no other order of bytes
        return torch.from_numpy(changed.astype(changed.dtype.newbyteorder('='))) if kind in 'fiub' else changed.tolist()
    if isinstance(content, np.ndarray) and rng.random() < 0.9:
        return _odd_array(content, rng)
    return rng.choice(VALUES)


def _odd_array(array: np.ndarray, rng: Random) -> np.ndarray:
    if array.dtype == object and array.ndim == 0:
        return np.array(_odd(array.item(), rng), object)
    kind = rng.choice(['empty', 'short', 'deep', 'turned', 'text', 'objects', 'value', 'type', 'none'])
    if kind == 'value' and array.size and array.dtype.kind in 'fiu':
        changed = array.copy()
        with np.errstate(all='ignore'):
            changed.flat[rng.randrange(array.size)] = np.array(rng.choice(NUMBERS), float).astype(array.dtype)
        return changed
    if kind == 'type' and array.dtype.kind in 'fiu':
        with np.errstate(all='ignore'):
            return array.astype(rng.choice(['f2', 'i1', 'u8', 'c8', '?', '>f8']))
    others = {
        'empty': lambda: array[:0] if array.ndim else np.zeros(0),
        'short': lambda: array[: max(1, len(array) // 2)] if array.ndim else array,
        'deep': lambda: array[None],
        'turned': lambda: array.T,
        'text': lambda: np.array([rng.choice(WORDS[:10])]),
        'objects': lambda: np.array([rng.choice([None, {}, 'a', 1])], object),
    }
    return others.get(kind, lambda: np.array(rng.choice([0, -1, 1e300, float('nan'), True])))()


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=True) as file:
        return dict(file)


def _write_npz(path: Path, content: Any) -> None:
    arrays = content if isinstance(content, dict) else {'arr_0': content}
    with open(path, 'wb') as file, np.errstate(all='ignore'):
        np.savez(file, **{k: v if isinstance(v, np.ndarray) else np.array(v, object) for k, v in arrays.items()})


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, framework='pt') as file:
        return {'metadata': file.metadata() or {}, **{name: file.get_tensor(name) for name in file.keys()}}


def _write_safetensors(path: Path, content: Any) -> None:
    from safetensors.torch import save_file

    content = dict(content) if isinstance(content, dict) else {}
    texts = content.pop('metadata', None)
    metadata = {key: str(text).encode(errors='replace').decode() for key, text in dict(texts or {}).items()}
    tensors = {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}
    save_file({key: tensor.contiguous().clone() for key, tensor in tensors.items()}, path, metadata)


def _read_words(path: Path) -> list[list[str]]:
    return [re.split('([,;\t ])', line) for line in path.read_text().splitlines()]


def _write_words(path: Path, content: Any) -> None:
    lines = content if isinstance(content, list) else [content]
    lines = [''.join(map(str, line)) if isinstance(line, list) else str(line) for line in lines]
    path.write_bytes('\n'.join(lines).encode('utf-8', 'surrogateescape'))


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    import h5py

    content = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: content.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
        for group in file.values():
            content.update({f'{group.name}@{key}': np.array(value) for key, value in group.attrs.items()})
    return content


def _write_h5(path: Path, content: Any) -> None:
    import h5py

    with h5py.File(path, 'w') as file:
        for name, value in (content if isinstance(content, dict) else {}).items():
            value = np.asarray(value)
            with contextlib.suppress(TypeError):  # what HDF5 cannot hold
                if '@' in name:
                    group, key = name.split('@')
                    file.require_group(group).attrs[key] = value
                else:
                    file[name] = np.char.encode(value, 'utf-8', 'replace') if value.dtype.kind == 'U' else value


_WORDS = ('.csv', '.txt', '.trc', '.bvh', '.asf', '.amc', '.skeleton', '.yml', '.toml')
FORMATS = {
    '.json': (lambda path: json.loads(path.read_text()), lambda path, content: path.write_text(json.dumps(content))),
    '.npz': (_read_npz, _write_npz),
    '.npy': (
        lambda path: np.load(path, allow_pickle=True),
        lambda path, content: path.write_bytes(_npy(content)),
    ),
    '.pkl': (
        lambda path: pickle.loads(path.read_bytes(), encoding='latin1'),
        lambda path, content: path.write_bytes(pickle.dumps(content)),
    ),
    '.pth': (
        lambda path: torch.load(path, weights_only=False),
        lambda path, content: torch.save(content, path),
    ),
    '.safetensors': (_read_safetensors, _write_safetensors),
    '.h5': (_read_h5, _write_h5),
    **dict.fromkeys(_WORDS, (_read_words, _write_words)),
}


def _npy(content: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, content if isinstance(content, np.ndarray) else np.array(content, object), allow_pickle=True)
    return buffer.getvalue()
