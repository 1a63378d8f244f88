"""The list of licences: nothing without one, each licence file is there."""

import json
import re
from importlib.util import find_spec

import licences


def test_lists_what_is_needed_and_brought(capsys, repository, fails):
    licences.main(['--json'])
    listed = json.loads(capsys.readouterr().out)
    packages = {name.lower(): text for name, text in listed['packages'].items()}
    assert {'torch', 'numpy', 'mmengine', 'mmcv-lite', 'scipy', 'tqdm', 'addict'} <= packages.keys()
    assert 'poselifter' not in packages and 'BSD' in packages['numpy'] and 'Apache' in packages['mmengine']
    packages.pop('cuda-toolkit', None)  # of torch with CUDA; it states none
    assert not [text for text in packages.values() if 'not stated' in text or re.search(r'(?<!L)GPL|Affero', text)]
    weights = [f'zoo/{path.name}' for path in (repository / 'zoo').iterdir() if path.suffix not in ('.txt', '.md')]
    assert set(weights) < listed['files'].keys()
    folders = ('demo', 'docs/images', 'poselifter', 'tests/data', 'zoo')
    data = ('.npz', '.npy', '.png', '.webp', '.mp4', '.h5', '.pth', '.safetensors', '.onnx', '.wasm', '.mjs')
    shipped = [path for folder in folders for path in (repository / folder).rglob('*') if path.suffix in data]
    assert {path.relative_to(repository).as_posix() for path in shipped if '.mim' not in path.parts} <= listed[
        'files'
    ].keys()
    assert not [text for text in [*packages.values(), *listed['files'].values()] if 'UNKNOWN' in text]
    assert 'without commerce' in packages['smplx'] if 'smplx' in packages else True
    for text in listed['files'].values():
        for name in re.findall(r'(?:LICENSE|NOTICE)\.\w+\.\w+', text):
            assert any((repository / folder / name).is_file() for folder in folders)
    absent = [name for name in ('ray', 'anny') if find_spec(name) is None]
    assert all('not installed' in packages[name] for name in absent)
    assert '--extra' in fails(licences.main, '--extra', 'nope')
