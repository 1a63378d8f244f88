"""Files that try to run a program: on every way in nothing runs, and each ends in one sentence."""

import builtins
import gzip
import importlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader

from poselifter.apis import init_model, load_official
from poselifter.checkpoints import load_checkpoint_file
from poselifter.datasets import read_smpl_estimates
from poselifter.engine import load_config
from poselifter.errors import InputError
from poselifter.io import read_keypoints
from poselifter.models.body_models import load_body_model
from poselifter.registry import DATASETS
from poselifter.utils.arrays import load_array, load_arrays
from poselifter.utils.safe_pickle import load_pickle

CONFIG = 'configs/mixste/procedural_27.py'


class Evil:
    """Makes a folder where it is unpickled, by some way to call a function."""

    def __init__(self, way, marker):
        self.way, self.marker = way, str(marker)

    def __reduce__(self):
        return {
            'mkdir': (os.mkdir, (self.marker,)),
            'eval': (eval, (f'__import__("os").mkdir({self.marker!r})',)),
            'exec': (exec, (f'import os; os.mkdir({self.marker!r})',)),
            'getattr': (getattr, (Evil('mkdir', self.marker), 'x')),
            'import': (importlib.import_module, ('antigravity_of_' + Path(self.marker).name,)),
            'system': (os.system, (f'mkdir {self.marker}',)),
            'popen': (subprocess.Popen, (['mkdir', self.marker],)),
            'open': (builtins.open, (self.marker, 'w')),
            'touch': (Path.touch, (Path(self.marker),)),
            'savez': (np.savez, (self.marker,)),
            'torch_save': (torch.save, ({}, self.marker)),
            'rebuild': (
                torch._utils._rebuild_device_tensor_from_numpy,
                (Evil('mkdir', self.marker), 'f', 'cpu', False),
            ),
        }[self.way]


WAYS = (
    'mkdir', 'eval', 'exec', 'getattr', 'import', 'system', 'popen', 'open', 'touch', 'savez', 'torch_save', 'rebuild',
)  # fmt: skip


class State:
    """Runs its evil through the state of an object that pickle builds by itself."""

    def __init__(self, evil):
        self.evil = evil

    def __reduce_ex__(self, protocol):
        return object.__new__, (type(self),), {'evil': self.evil}, iter([self.evil]), iter([('a', self.evil)])


def scripted(path, marker):
    """A TorchScript archive whose code would write a file."""

    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.save(x, 'never')
            return x

    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(path))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x/data.pkl', pickle.dumps(Evil('mkdir', marker)))


def packaged(path, marker):
    with torch.package.PackageExporter(str(path)) as exporter:
        exporter.save_source_string('mine', f'import os; os.mkdir({str(marker)!r})')
        exporter.save_pickle('model', 'model.pkl', {'a': 1})


def zipped(path, content, name='archive/data.pkl'):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(name, content)
        archive.writestr('archive/version', '3\n')


def climbing(path, marker):
    """Archives whose entries have names that lead out of the folder."""
    with zipfile.ZipFile(path, 'w') as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(3))
        archive.writestr(f'../../{marker.name}.npy', buffer.getvalue())
        archive.writestr('keypoints.npy', buffer.getvalue())


def old_tar(path, marker):
    """torch's oldest form, a tar, with a link out of it."""
    with tarfile.open(path, 'w') as archive:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            content = pickle.dumps(Evil('mkdir', marker))
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo('link')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        archive.addfile(link)


def makers(marker):
    """Writers of hostile files by a name."""
    evils = {way: Evil(way, marker) for way in WAYS}
    made = {}
    for way, evil in evils.items():
        for protocol in (0, 2, 4) if way in ('mkdir', 'eval') else (2,):
            content = pickle.dumps({'keypoints': evil, 'state_dict': {'a': evil}, 'annotations': [evil]}, protocol)
            made[f'pickle_{way}_{protocol}'] = lambda path, content=content: path.write_bytes(content)
        made[f'torch_{way}'] = lambda path, evil=evil: torch.save({'state_dict': {'a': evil}, 'meta': evil}, path)
        made[f'objects_{way}'] = lambda path, evil=evil: np.savez(
            path.open('wb'), keypoints=np.array([evil, 1], object)
        )
        made[f'npy_{way}'] = lambda path, evil=evil: np.save(
            path.open('wb'), np.array([evil], object), allow_pickle=True
        )
    evil = evils['mkdir']
    nested = pickle.dumps({'keypoints': pickle.dumps(evil), 'state_dict': {'a': State(evil)}})
    made['state'] = lambda path: path.write_bytes(pickle.dumps([State(evil)]))
    made['nested'] = lambda path: path.write_bytes(nested)
    made['gzip'] = lambda path: path.write_bytes(gzip.compress(pickle.dumps(evil)))
    made['zip'] = lambda path: zipped(path, pickle.dumps({'state_dict': evil}))
    made['zip_npz'] = lambda path: zipped(path, pickle.dumps(evil), 'keypoints.npy')
    made['legacy_torch'] = lambda path: torch.save({'state_dict': evil}, path, _use_new_zipfile_serialization=False)
    made['script'] = lambda path: scripted(path, marker)
    made['package'] = lambda path: packaged(path, marker)
    made['climbing'] = lambda path: climbing(path, marker)
    made['tar'] = lambda path: old_tar(path, marker)
    made['stacked'] = lambda path: path.write_bytes(pickle.dumps(1) + pickle.dumps(evil))
    made['yaml'] = lambda path: path.write_text(f'!!python/object/apply:os.mkdir ["{marker}"]')
    made['python'] = lambda path: path.write_text(f'import os\nos.mkdir({str(marker)!r})')
    return made


def ways_in(folder, repository):
    """Functions of a path that read a file, with the endings that lead to them."""
    config = load_config(repository / CONFIG)

    def dataset(kind, **settings):
        def load(path):
            built = DATASETS.build(
                dict(
                    type=kind,
                    data_root=str(path.parent),
                    ann_file=path.name,
                    test_mode=True,
                    lazy_init=True,
                    **settings,
                )
            )
            built.full_init()

        return load

    return {
        'read_keypoints': (
            read_keypoints,
            ('.pkl', '.npz', '.npy', '.json', '.csv', '.h5', '.txt', '.trc', '.c3d', '.bvh'),
        ),
        'load_checkpoint_file': (load_checkpoint_file, ('.pth', '.pt', '.bin', '.safetensors', '.pkl', '.tar')),
        'mmengine': (lambda path: CheckpointLoader.load_checkpoint(str(path)), ('.pth',)),
        'init_model': (lambda path: init_model(config, str(path)), ('.pth',)),
        'load_official': (load_official, ('.pth', '.bin')),
        'load_arrays': (load_arrays, ('.npz',)),
        'load_array': (load_array, ('.npy',)),
        'load_pickle': (lambda path: load_pickle(path, joblib=True), ('.pkl', '.joblib')),
        'estimates': (read_smpl_estimates, ('.pkl', '.npz')),
        'body_model': (load_body_model, ('.pkl', '.npz')),
        'ntu': (dataset('NTUActionDataset'), ('.pkl',)),
        'mesh': (dataset('MeshDataset', source='h36m'), ('.pkl', '.npz')),
        'cmu': (dataset('CMUMocapDataset'), ('.npz',)),
        'motionbert': (dataset('Human36mMotionBERTDataset', split='test'), ('.pkl',)),
        'config': (load_config, ('.yaml', '.json', '.pkl', '.pth')),
    }


def test_nothing_runs(tmp_path, repository):
    """Every file on every way in; what is no pickle may be read as data, or refused."""
    marker = tmp_path / 'ran'
    left = set(tmp_path.parent.iterdir())
    tried, refused, wrong = 0, 0, []
    for name, write in makers(marker).items():
        for way, (load, endings) in ways_in(tmp_path, repository).items():
            for ending in endings:
                path = tmp_path / f'{name}{ending}'
                write(path)
                tried += 1
                try:
                    load(path)
                except InputError as error:
                    refused += 1
                    if '\n' in str(error).strip():
                        wrong.append(f'{name}{ending} {way}: {len(str(error).splitlines())} lines')
                except Exception as error:
                    wrong.append(f'{name}{ending} {way}: {type(error).__name__} {error}'[:200])
                ran = marker.exists() or Path('never').exists() or not set(tmp_path.parent.iterdir()) <= left
                assert not ran, f'{name}{ending} runs in {way}'
                path.unlink()
    print(f'{tried} hostile files, {refused} refused')
    assert not wrong, '\n'.join(wrong)
    assert tried > 500 and refused > 0.9 * tried
    assert not any('antigravity' in module for module in sys.modules)


def test_links_are_not_followed_out_of_an_archive(tmp_path):
    """Nothing is ever unpacked: what an archive names is not written anywhere."""
    path = tmp_path / 'inner' / 'a.npz'
    path.parent.mkdir()
    climbing(path, tmp_path / 'ran')
    with pytest.raises(InputError):
        read_keypoints(path)
    assert sorted(entry.name for entry in tmp_path.rglob('*')) == ['a.npz', 'inner']


@pytest.mark.parametrize('way', ['mkdir', 'eval', 'exec', 'system', 'open', 'touch'])
def test_the_files_are_hostile(tmp_path, way):
    """A plain unpickler runs them."""
    pickle.loads(pickle.dumps(Evil(way, tmp_path / 'ran')))
    assert (tmp_path / 'ran').exists()
