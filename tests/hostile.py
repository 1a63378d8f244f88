"""Files that run a program where they are unpickled, unpacked or read as a config: each would make a folder."""

import builtins
import copyreg
import gzip
import importlib
import io
import operator
import os
import pickle
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import timeit
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

DEEPLABCUT = Path(__file__).parent / 'data/dlc_single.h5'
WAYS = (
    *('mkdir', 'eval', 'exec', 'getattr', 'import', 'system', 'popen', 'open', 'touch', 'savez', 'torch_save'),
    *('rebuild', 'methodcaller', 'timeit', 'pickle', 'torch_load', 'runstring', 'config'),
)


class Evil:
    """Makes a folder or a file where it is unpickled, by some function that a pickle may name and call."""

    def __init__(self, way: str, marker: Any) -> None:
        self.way, self.marker = way, str(marker)

    def __reduce__(self) -> tuple:
        program, inner = f'import os; os.mkdir({self.marker!r})', Evil('mkdir', self.marker)
        if self.way == 'pickle':
            return pickle.loads, (pickle.dumps([inner]),)
        if self.way == 'torch_load':
            return torch.storage._load_from_bytes, (torch_bytes(inner),)
        return {
            'mkdir': (os.mkdir, (self.marker,)),
            'eval': (eval, (f'__import__("os").mkdir({self.marker!r})',)),
            'exec': (exec, (program,)),
            'getattr': (getattr, (inner, 'x')),
            'import': (importlib.import_module, ('antigravity_of_' + Path(self.marker).name,)),
            'system': (os.system, (f'mkdir {self.marker}',)),
            'popen': (subprocess.Popen, (['mkdir', self.marker],)),
            'open': (builtins.open, (self.marker, 'w')),
            'touch': (Path.touch, (Path(self.marker),)),
            'savez': (np.savez, (self.marker,)),
            'torch_save': (torch.save, ({}, self.marker)),
            'rebuild': (torch._utils._rebuild_device_tensor_from_numpy, (inner, 'f', 'cpu', False)),
            'methodcaller': (Called, (operator.methodcaller('mkdir'), Path(self.marker))),
            'timeit': (timeit.timeit, (program, 'pass', timeit.default_timer, 1)),
            'runstring': (np.testing.runstring, (program, {})),
            'config': (Config.fromstring, (f'a = __import__("os").mkdir({self.marker!r})', '.py')),
        }[self.way]


class Called:
    """Calls its first argument with the second, as ``functools.partial`` and others do in the end."""

    def __new__(cls, function: Callable, value: Any) -> Any:
        return function(value)


class Newborn:
    """Acts when it is made, which the opcodes NEWOBJ and NEWOBJ_EX do."""

    def __new__(cls, marker: str, **_: Any) -> 'Newborn':
        os.mkdir(marker)
        return object.__new__(cls)


class Rebuilt:
    """Acts when it gets its state (BUILD)."""

    def __init__(self, marker: Any) -> None:
        self.marker = str(marker)

    def __getstate__(self) -> str:
        return self.marker

    def __setstate__(self, state: str) -> None:
        os.mkdir(state)


class Filled(list):
    """Acts when it gets its items (APPENDS)."""

    def extend(self, items: Any) -> None:
        os.mkdir(next(iter(items)))

    def append(self, item: Any) -> None:
        os.mkdir(item)


class Keyed(dict):
    """Acts when it gets its items (SETITEMS)."""

    def __setitem__(self, key: str, value: Any) -> None:
        os.mkdir(value)


class State:
    """Holds its evil in the state and the items of an object that pickle builds by itself."""

    def __init__(self, evil: Any) -> None:
        self.evil = evil

    def __reduce_ex__(self, protocol: int) -> tuple:
        return object.__new__, (type(self),), {'evil': self.evil}, iter([self.evil]), iter([('a', self.evil)])


def torch_bytes(content: Any) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def opcodes(marker: Path) -> dict[str, bytes]:
    """Pickles that act by each opcode that can call something."""
    text = b'X' + struct.pack('<I', len(str(marker))) + str(marker).encode()
    word = lambda name: b'\x8c' + bytes([len(name)]) + name.encode()  # noqa: E731
    newborn, empty = f'c{Newborn.__module__}\nNewborn\n'.encode(), b'}'
    if ('os', 'mkdir') not in copyreg._extension_registry:
        copyreg.add_extension('os', 'mkdir', 240)
    return {
        'global': b'cos\nmkdir\n' + text + b'\x85R.',
        'stack_global': b'\x80\x04' + word('os') + word('mkdir') + b'\x93' + text + b'\x85R.',
        'dotted': b'\x80\x04' + word('os') + word('path.os.mkdir') + b'\x93' + text + b'\x85R.',
        'inst': b'(' + text + b'ios\nmkdir\n.',
        'obj': b'(cos\nmkdir\n' + text + b'o.',
        'newobj': b'\x80\x02' + newborn + text + b'\x85\x81.',
        'newobj_ex': b'\x80\x04' + newborn + text + b'\x85' + empty + b'\x92.',
        'extension': b'\x80\x02\x82\xf0' + text + b'\x85R.',
        'build': pickle.dumps(Rebuilt(marker)),
        'appends': b'c' + f'{Filled.__module__}\nFilled\n'.encode() + b')\x81(' + text + b'e.',
        'setitems': b'c' + f'{Keyed.__module__}\nKeyed\n'.encode() + b')\x81(' + text + text + b'u.',
    }


def zipped(path: Path, **entries: bytes) -> None:
    """A zip with entries below ``archive``, as torch writes it; ``__`` in a name stands for a dot."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in {**entries, 'version': b'3\n'}.items():
            archive.writestr(f'archive/{name.replace("__", ".")}', content)


def climbing(path: Path, marker: Path, link: bool = False) -> None:
    """An npz with an entry whose name leads out of the folder, or that is a link out of it."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(f'../../{marker.name}.npy', buffer.getvalue())
        entry = zipfile.ZipInfo('keypoints.npy')
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16 if link else 0
        archive.writestr(entry, b'/etc/passwd' if link else buffer.getvalue())


def tarred(path: Path, contents: dict[str, bytes], mode: str = 'w', **links: str) -> None:
    """A tar with files, and with symbolic links to places."""
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, place in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, place
            archive.addfile(entry)


def scripted(path: Path, evil: Evil) -> None:
    """A TorchScript archive, which runs nothing when it is loaded, with a pickle added to it."""
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(path))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x/data.pkl', pickle.dumps(evil))


def packaged(path: Path, marker: Path) -> None:
    """A torch.package with a program and an object of a class in it, for whose sake its reader runs the program."""
    name = 'mine_of_a_package'
    module = sys.modules[name] = types.ModuleType(name)
    module.Model = type('Model', (), {'__module__': name})
    try:
        with torch.package.PackageExporter(str(path)) as exporter:
            program = f'import os\nos.makedirs({str(marker)!r}, exist_ok=True)\nclass Model: pass\n'
            exporter.save_source_string(name, program)
            exporter.intern(name)
            exporter.save_pickle('model', 'model.pkl', module.Model())
    finally:
        del sys.modules[name]


def hdf5(path: Path, evil: Any, kind: str) -> None:
    """A table of DeepLabCut whose attributes are pickles, as pandas writes them; or data that lie in other files."""
    import h5py

    shutil.copy(DEEPLABCUT, path)
    with h5py.File(path, 'a') as file:
        group = file[next(iter(file))]
        if kind == 'attributes':
            for key in list(group.attrs):
                group.attrs[key] = np.void(pickle.dumps(evil, 0)) if key == 'TITLE' else pickle.dumps(evil, 0)
        elif kind == 'objects':  # as PyTables writes a list of objects
            data = np.frombuffer(pickle.dumps(evil), np.uint8)
            group.create_dataset('more', (1,), h5py.vlen_dtype(np.uint8))[0] = data
            group['more'].attrs.update({'CLASS': 'VLARRAY', 'PSEUDOATOM': 'object'})
        elif kind == 'links':
            group['link'], group['soft'] = h5py.ExternalLink('/etc/passwd', '/x'), h5py.SoftLink('/')
        else:
            group.create_dataset('outside', (64,), 'u1', external=[('/etc/passwd', 0, 64)])


def makers(marker: Path) -> dict[str, Callable[[Path], None]]:
    """Writers of hostile files by a name."""
    evils = {way: Evil(way, marker) for way in WAYS}
    made: dict[str, Callable[[Path], None]] = {}
    for way, evil in evils.items():
        held = {'keypoints': evil, 'state_dict': {'a': evil}, 'annotations': [evil]}
        for protocol in (0, 2, 4) if way in ('mkdir', 'eval') else (2,):
            made[f'pickle_{way}_{protocol}'] = lambda p, x=held, n=protocol: p.write_bytes(pickle.dumps(x, n))
        made[f'torch_{way}'] = lambda p, x=evil: torch.save({'state_dict': {'a': x}, 'meta': x}, p)
        made[f'objects_{way}'] = lambda p, x=evil: np.savez(p.open('wb'), keypoints=np.array([x, 1], object))
        made[f'npy_{way}'] = lambda p, x=evil: np.save(p.open('wb'), np.array([x], object), allow_pickle=True)
    for code, content in opcodes(marker).items():
        made[f'opcode_{code}'] = lambda p, x=content: p.write_bytes(x)
        made[f'torch_opcode_{code}'] = lambda p, x=content: zipped(p, data__pkl=x)
    evil = evils['mkdir']
    nested = pickle.dumps({'keypoints': pickle.dumps(evil), 'state_dict': {'a': State(evil)}})
    arrays, legacy = {'a': np.zeros(9), 'evil': evil}, {'_use_new_zipfile_serialization': False}
    plain = torch_bytes({'state_dict': {'a': evil}})
    tar = {name: pickle.dumps(evil) for name in ('sys_info', 'pickle', 'storages', 'tensors')}
    made |= {
        'state': lambda p: p.write_bytes(pickle.dumps([State(evil)])),
        'nested': lambda p: p.write_bytes(nested),
        'stacked': lambda p: p.write_bytes(pickle.dumps(1) + pickle.dumps(evil)),
        'gzip': lambda p: p.write_bytes(gzip.compress(pickle.dumps(evil))),
        'gzip_torch': lambda p: p.write_bytes(gzip.compress(plain)),
        'zip': lambda p: zipped(p, data__pkl=pickle.dumps({'state_dict': evil})),
        'zip_npz': lambda p: zipped(p, keypoints__npy=pickle.dumps(evil)),
        'zip_of_torch': lambda p: zipped(p, data__pkl=plain, keypoints__npy=plain),
        'tar_of_torch': lambda p: tarred(p, {'pickle': plain}, 'w:gz', storages='/etc/passwd'),
        'legacy_torch': lambda p: torch.save({'state_dict': evil}, p, **legacy),
        'script': lambda p: scripted(p, evil),
        'package': lambda p: packaged(p, marker),
        'climbing': lambda p: climbing(p, marker),
        'link': lambda p: climbing(p, marker, link=True),
        'tar': lambda p: tarred(p, tar, link='/etc/passwd'),
        'yaml': lambda p: p.write_text(f'!!python/object/apply:os.mkdir ["{marker}"]'),
        'python': lambda p: p.write_text(f'import os\nos.mkdir({str(marker)!r})'),
    }
    try:
        import joblib
    except ImportError:
        return made
    for way in ('mkdir', 'exec', 'torch_load'):
        held = {**arrays, 'evil': evils[way], 'objects': np.array([evils[way]], object)}
        made |= {
            f'joblib_{way}_{kind}': lambda p, x=held, n=kind: p.write_bytes(joblib_bytes(joblib, x, n))
            for kind in (0, 'zlib', 'gzip', 'bz2', 'lzma')
        }
        made[f'joblib_{way}_array'] = lambda p, x=held: p.write_bytes(joblib_bytes(joblib, x['objects'], 0))
    return made


def joblib_bytes(joblib: Any, content: Any, compress: Any) -> bytes:
    """What joblib.dump writes."""
    buffer = io.BytesIO()
    joblib.dump(content, buffer, compress=(compress, 3) if compress else 0)
    return buffer.getvalue()
