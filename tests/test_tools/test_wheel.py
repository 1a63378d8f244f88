"""What a wheel has in it, and that all of it may be passed on."""

import re
import subprocess
import sys

import pytest

from poselifter.models.body_models import anny, fitting

_TEXT = {'.py', '.md', '.yml', '.json', '.txt', '.sh', '.js', '.css', '.html', '.LICENSE', '.typed'}
_OWN = (
    '*_27-*.safetensors',
    'motionbert_action_cmu-*.safetensors',
    'motionbert_mesh_anny_cmu-*.safetensors',
    'clip.npz',
)  # made here: weights learned from CMU, whose terms allow it; a clip of them


@pytest.fixture(scope='module')
def files(repository, tmp_path_factory):
    """The files of a wheel, as setup.py lays them out."""
    folder = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, 'setup.py', '-q', 'build_py', '--build-lib', str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    return [path for path in folder.rglob('*') if path.is_file()]


def test_each_file_of_others_has_a_notice_and_each_licence_is_there(files):
    notices = [path for path in files if path.name.startswith('NOTICE.')]
    named = {part.strip(',.') for path in notices for part in path.read_text().split() if '*' in part}
    data = [path for path in files if path.suffix not in _TEXT]
    assert {path.suffix for path in data} == {'.safetensors', '.onnx', '.npz', '.mjs', '.wasm'}
    for path in data:
        beside = path.suffix in ('.mjs', '.wasm') and any(path.parent.glob('*.LICENSE'))
        assert beside or any(path.match(pattern) for pattern in {*named, *_OWN}), f'{path.name} has no notice'
    for path in notices:
        text = path.read_text()
        for licence in re.findall(r'LICENSE\.\w+\.\w+', text):
            assert path.with_name(licence) in files, licence
        assert re.search(r'Apache License|also commercial', text) and not re.search(r'(?i)non-?commercial', text)


def test_bodies_that_may_not_be_passed_on_are_not_there(files):
    names = [path.name.lower() for path in files if path.suffix not in _TEXT]
    assert not [name for name in names if re.search('smpl|mano|flame|star', name)]
    shipped = {path.name for path in files}
    for used in (anny.FILE, fitting.PRIOR):  # all that the default body reads
        assert used.rpartition('/')[2] in shipped
