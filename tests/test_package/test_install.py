"""The package as users get it: sdist and wheel are whole and small, and import little.

In a clean environment the wheel lifts, trains and tests: a step of .ci/run.
"""

import os
import re
import subprocess
import sys
import zipfile

import pytest
import yaml

#: Packages of the extras and of other programs, which nothing may need before they are used.
OPTIONAL = (
    'av', 'ezc3d', 'h5py', 'imageio_ffmpeg', 'onnx', 'onnxruntime', 'onnxscript', 'pycocotools', 'rtmlib', 'sklearn',
    'smplx', 'supervision', 'tensorboard', 'trackers', 'transformers', 'trimesh', 'ultralytics', 'xtcocotools',
)  # fmt: skip


def run(*words, **options):
    """Runs a program; returns what it prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_imports_nothing_optional():
    code = f"""
import sys
sys.modules.update(dict.fromkeys({OPTIONAL}))
import poselifter, poselifter.apis, poselifter.cli, poselifter.io, poselifter.detection, poselifter.world
poselifter.register_all_modules()
from poselifter.apis import *
"""
    run(sys.executable, '-c', code)


@pytest.fixture(scope='module')
def wheel(tmp_path_factory, repository):
    """The wheel, made from the sdist."""
    folder = tmp_path_factory.mktemp('dist')
    tracked = run('git', 'ls-files', '-z', cwd=repository).split('\0')[:-1]
    for name in tracked:  # a clean checkout, so that nothing else gets in
        if (repository / name).is_file():
            (folder / 'source' / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(repository / name, folder / 'source' / name)
    run(sys.executable, 'setup.py', '-q', 'sdist', '-d', folder, cwd=folder / 'source')
    [sdist] = folder.glob('*.tar.gz')
    run(sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', folder, sdist)
    [path] = folder.glob('*.whl')
    return path


@pytest.mark.slow
def test_the_wheel_is_whole_and_small(wheel, repository):
    assert wheel.stat().st_size < 40e6
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    about = archive.read(next(name for name in names if name.endswith('.dist-info/METADATA'))).decode()
    assert not re.search(r'\]\((?!http)', about) and 'poselifter lift --world' in about  # as PyPI shows it
    assert not re.search(r"transformers.*'all'|transformers.*\"all\"", about)
    tracked = run('git', 'ls-files', 'poselifter', cwd=repository).split()
    assert set(tracked) <= names
    index = yaml.safe_load((repository / 'model-index.yml').read_text())  # as OpenMMLab's mim reads it
    for metafile in index['Import']:
        content = yaml.safe_load((repository / metafile).read_text())
        collections = {collection['Name'] for collection in content['Collections']}
        for model in content['Models']:
            assert model['In Collection'] in collections and isinstance(model['Metadata']['Architecture'], list)
            assert {f'poselifter/.mim/{model[key]}' for key in ('Config', 'Weights') if key in model} <= names
    assert {f'poselifter/.mim/{name}' for name in ('model-index.yml', 'tools/train.py', 'demo/clip.npz')} <= names
