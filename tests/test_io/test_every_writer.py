"""What every registered writer promises; a new one is tested on the day it is registered."""

import re
import sys

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.io import list_formats, write_results
from poselifter.registry import WRITERS
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable, MovingBody, Result

GIVEN = ('poses', 'scores', 'body')
FORMATS = list(list_formats(GIVEN))
KNOWN = {
    'poses': {'amass', 'angles', 'bvh', 'c3d', 'csv', 'gif', 'glb', 'gmr', 'html', 'json', 'mp4', 'npz', 'png', 'trc'},
    'scores': {'gif', 'json', 'mp4'},
    'body': {'gif', 'glb', 'html', 'mp4', 'npz', 'obj', 'ply'},
}
CASES = [(name, field) for name in FORMATS for field in GIVEN if field in WRITERS.get(name).needs]


@pytest.fixture
def result(rng):
    """A result with one field: ``result('poses')``."""

    def make(field):
        table = KeypointTable.of_person(rng.uniform(0, 99, (4, 17, 2)), skeleton='h36m17', img_shape=(99, 99), fps=25)
        if field == 'scores':
            return Result(table, scores=np.full((4, 2), 0.5), classes=('walk', 'run'))
        poses = rng.normal(size=(4, 17, 3))
        if field == 'poses':
            return Result(table, poses, 'h36m17')
        points, smpl = rng.normal(size=(50, 3)), get_skeleton('smpl24')
        body = MovingBody(
            model='smpl', gender='neutral', bone_names=smpl.joint_names, parents=smpl.parents,
            poses=rng.normal(size=(4, 72)), betas=np.zeros(10),
            trans=np.zeros((4, 3)), rest_vertices=points, rest_joints=rng.normal(size=(24, 3)),
            weights=rng.random((50, 24)), faces=rng.integers(0, 50, (90, 3)),
            bones=lambda: np.tile(np.eye(3, 4), (4, 24, 1, 1)), vertices=lambda: np.tile(points, (4, 1, 1)),
        )  # fmt: skip
        return Result(table, poses, 'h36m17', body=body)

    return make


def needs_package(name):
    package = WRITERS.get(name).package
    return package and pytest.importorskip(package[0], reason=f'{name} needs {package[1]}')


def test_the_known_ones_are_there():
    assert all(names <= set(list_formats([field])) for field, names in KNOWN.items())
    assert 'html' not in list_formats(['scores']) and 'json' not in list_formats(['body'])
    assert list(list_formats(GIVEN)) == sorted(FORMATS)


@pytest.mark.parametrize('name', FORMATS)
def test_declares_what_it_needs(name):
    writer = WRITERS.get(name)
    assert name in writer.suffix and writer.suffix[0] in '._'
    assert set(writer.needs) <= {*GIVEN, 'keypoints'}
    assert writer.package is None or all(isinstance(part, str) for part in writer.package)


@pytest.mark.parametrize(('name', 'field'), CASES)
def test_writes_a_whole_file_and_again(result, tmp_path, name, field):
    needs_package(name)
    for _ in range(2):
        [path] = write_results(tmp_path / 'new.folder' / 'a.b', result(field), [name])
        assert path == tmp_path / 'new.folder' / f'a.b{WRITERS.get(name).suffix}'
        assert [p.name for p in path.parent.iterdir()] == [path.name]
    files = list(path.iterdir()) if path.is_dir() else [path]
    assert all(file.stat().st_size > 100 and file.name[0] != '.' for file in files)


@pytest.mark.parametrize('name', FORMATS)
def test_refuses_a_place_that_is_none(result, tmp_path, name):
    needs_package(name)
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        write_results(tmp_path / 'file' / 'a', result(WRITERS.get(name).needs[0]), [name])


@pytest.mark.parametrize('name', [name for name in FORMATS if WRITERS.get(name).package])
def test_a_missing_package_is_named_before_anything_is_written(result, tmp_path, monkeypatch, name):
    module, package = WRITERS.get(name).package
    monkeypatch.setitem(sys.modules, module, None)
    field = WRITERS.get(name).needs[0]
    with pytest.raises(InputError, match=re.escape(f'run: pip install {package}')):
        write_results(tmp_path / 'a', result(field), [*list_formats([field])][:1] + [name])
    assert not list(tmp_path.iterdir())


def test_unknown_formats_are_one_sentence_that_lists_the_known(result, tmp_path):
    with pytest.raises(InputError, match=r"formats \['fbx', 'obj'\] are unknown, expected some of amass, angles, bvh"):
        write_results(tmp_path / 'a', result('poses'), ['npz', 'fbx', 'obj'])
    assert not list(tmp_path.iterdir())


def test_docs_list_them(repository):
    """Pages name the formats that came first, and none that is not there."""
    bodies = (repository / 'docs/user_guides/bodies.md').read_text()
    rows = re.findall(r'^\| (`.*?`) \|', bodies.split('`--formats` | file')[1].split('\n\n')[0], re.M)
    assert KNOWN['body'] <= set(re.findall(r'`(\w+)`', ' '.join(rows))) <= set(list_formats(['body']))
    for page, field in (('lift_your_own', 'poses'), ('actions', 'scores')):
        text = (repository / f'docs/user_guides/{page}.md').read_text()
        [line] = re.findall(r'^\*\*Formats\*\*(?:.|\n)+?\n\n', text, re.M)
        assert KNOWN[field] <= set(re.findall(r'`(\w+)`', line)) <= set(list_formats([field]))
