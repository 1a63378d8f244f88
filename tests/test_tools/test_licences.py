"""The list of licences: nothing without one, each licence file is there."""

import json
import re
from importlib import metadata

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
    everything = [*packages.values(), *listed['files'].values()]
    assert not [text for text in everything if 'UNKNOWN' in text or 'not known' in text]
    assert 'without commerce' in packages['smplx'] if 'smplx' in packages else True
    for text in listed['files'].values():
        for name in re.findall(r'(?:LICENSE|NOTICE)\.\w+\.\w+', text):
            assert any((repository / folder / name).is_file() for folder in folders)
    assert '--extra' in fails(licences.main, '--extra', 'nope')


def test_packages_that_are_not_installed(monkeypatch, repository):
    """All that ray and anny need has a licence where neither is installed, and stands in the pinned versions."""

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(licences.metadata, 'metadata', absent)
    plain = metadata.requires
    monkeypatch.setattr(
        licences.metadata, 'requires', lambda name: plain(name) if name == 'poselifter' else absent(name)
    )
    names = licences.needed_packages(['anny', 'ray'])
    assert {'anny', 'roma', 'warp-lang', 'ray', 'pyarrow', 'pandas', 'rpds-py', 'tzdata', 'certifi'} <= set(names)
    pinned = (repository / 'requirements/constraints.txt').read_text().lower().replace('_', '-')
    added = set(names) - set(licences.needed_packages())
    for name in added:
        assert f'\n{name}==' in pinned, name
        assert 'not known' not in licences.stated_licence(name), name
    assert licences.stated_licence('nope') == 'not installed here  not known'
