import hashlib
import re

import pytest
import torch
from mmengine.config import Config

from poselifter.checkpoints import load_checkpoint_file


@pytest.mark.parametrize(('name', 'options'), [('out.pth', []), ('out', ['--format', 'safetensors'])])
def test_published_file_has_weights_and_facts_only(tool, trained, tmp_path, name, options):
    _, checkpoint = trained
    tool('misc/publish_model').main([str(checkpoint), str(tmp_path / 'zoo' / name), *options])
    (path,) = (tmp_path / 'zoo').iterdir()
    suffix = 'safetensors' if options else 'pth'
    digest = re.fullmatch(rf'out-([0-9a-f]{{8}})_\d{{8}}\.{suffix}', path.name)[1]
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest)
    published, original = load_checkpoint_file(path), load_checkpoint_file(checkpoint)
    assert published.keys() == {'state_dict', 'meta'}
    for key, value in original['state_dict'].items():
        assert torch.equal(value, published['state_dict'][key])
    assert published['meta']['format_version'] == 1 and published['meta']['skeleton'] == 'coco17'
    config = Config.fromstring(published['meta']['cfg'], '.py')
    assert config.model.type == 'ToyLifter' and 'work_dir' not in config
    assert str(tmp_path) not in str(published['meta'])


def test_weights_of_two_bytes(tool, trained, tmp_path):
    """Rounded once, and read by the model in its own precision."""
    _, checkpoint = trained
    tool('misc/publish_model').main([str(checkpoint), str(tmp_path / 'zoo/out.safetensors'), '--bf16'])
    (path,) = (tmp_path / 'zoo').iterdir()
    published, original = (load_checkpoint_file(file)['state_dict'] for file in (path, checkpoint))
    for key, value in original.items():
        rounded = value.bfloat16().float() if value.is_floating_point() else value
        assert torch.equal(published[key].to(value.dtype), rounded)


def test_mistakes_are_one_line(tool, tmp_path, fails):
    main = tool('misc/publish_model').main
    assert 'no checkpoint' in fails(main, tmp_path / 'none.pth', tmp_path / 'out.pth')
    torch.save({'w': torch.ones(1)}, tmp_path / 'foreign.pth')
    assert 'has no state_dict and meta' in fails(main, tmp_path / 'foreign.pth', tmp_path / 'out.pth')


@pytest.mark.parametrize(
    'text', ['x = __import__("os").mkdir("RAN")', 'codec = dict(type="os.mkdir", path="RAN")', 'x = (']
)
def test_the_config_of_a_checkpoint_is_not_executed(tool, tmp_path, monkeypatch, fails, text):
    monkeypatch.chdir(tmp_path)
    meta = {'format_version': 1, 'cfg': f'work_dir = [\n    1,\n]\n{text}\n'}
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': meta}, 'a.pth')
    if text.endswith('('):
        assert 'a.pth: its config is no Python' in fails(tool('misc/publish_model').main, 'a.pth', 'out/a.pth')
        return
    tool('misc/publish_model').main(['a.pth', 'out/a.pth'])
    [path] = (tmp_path / 'out').iterdir()
    assert load_checkpoint_file(path)['meta']['cfg'] == f'{text}\n' and not (tmp_path / 'RAN').exists()
