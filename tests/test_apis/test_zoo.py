import hashlib

import pytest
from web_server import serve

from poselifter.apis import zoo
from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import InputError


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """A published model whose weights are 100 kB of bytes on the server."""
    folder = tmp_path / 'www'
    content = bytes(range(250)) * 400
    right = hashlib.sha256(content).hexdigest()
    monkeypatch.setenv('POSELIFTER_HOME', str(tmp_path / 'home'))
    with serve(folder) as address:
        (folder / 'model.safetensors').write_bytes(content)

        def model(sha256=right, name='model.safetensors'):
            return zoo.ZooModel('remote', tmp_path / 'c.py', f'{address}/{name}', sha256, {})

        yield model, content


def test_every_entry_has_config_and_weights():
    models = zoo.zoo_models()
    assert zoo.DEFAULT_MODEL in models
    for model in models.values():
        assert model.config.is_file()
        if model.weights and '://' not in model.weights:
            path = zoo.download(model)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256 and path.stat().st_size < 16e6


@pytest.mark.parametrize(('name', 'most'), [(zoo.DEFAULT_MODEL, 3e6), (zoo.TINY_MODEL, 0.3e6)])
def test_sizes(name, most):
    weights = load_checkpoint_file(zoo.resolve(name))['state_dict']
    assert 0.1e6 < sum(tensor.numel() for tensor in weights.values()) < most


def test_old_names_keep_working():
    assert zoo.find('mixste_tiny_27').name == 'mixste_tiny_bodies_27'


def test_download_once(remote):
    make, content = remote
    path = zoo.download(make())
    assert path.read_bytes() == content
    written = path.stat().st_mtime_ns
    assert zoo.download(make()) == path
    assert path.stat().st_mtime_ns == written
    assert list(path.parent.iterdir()) == [path] and path.name.endswith('-model.safetensors')


def test_a_file_that_went_bad_is_fetched_again_or_named(remote, tmp_path, monkeypatch):
    make, content = remote
    zoo.download(make()).write_bytes(b'cut off')
    assert zoo.download(make()).read_bytes() == content
    monkeypatch.setattr(zoo, 'shipped_root', lambda: tmp_path)
    (tmp_path / 'm.pth').write_bytes(b'cut off')
    with pytest.raises(InputError, match=r'm\.pth has another SHA-256 than expected .*; reinstall'):
        zoo.download(zoo.ZooModel('m', tmp_path / 'c.py', 'm.pth', hashlib.sha256(content).hexdigest(), {}))


def test_a_wrong_hash_or_no_file_leaves_nothing(remote, tmp_path):
    with pytest.raises(InputError, match='SHA-256'):
        zoo.download(remote[0](sha256='0' * 64))
    with pytest.raises(InputError, match=r'nothing\.pth cannot be fetched'):
        zoo.download(remote[0](name='nothing.pth'))
    assert list((tmp_path / 'home').iterdir()) == []


def test_resolve(tmp_path):
    file = tmp_path / 'a.pth'
    file.write_bytes(b'x')
    assert zoo.resolve(str(file)) == file
    assert zoo.resolve(zoo.DEFAULT_MODEL).is_file()
    with pytest.raises(InputError, match=r'b\.pth does not exist'):
        zoo.resolve(str(tmp_path / 'b.pth'))
    with pytest.raises(InputError, match='mixste_cmu_27'):
        zoo.resolve('mixste_cmu_72')
