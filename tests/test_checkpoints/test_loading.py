import json
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.runner import CheckpointLoader
from safetensors.torch import save_file
from web_server import serve

from poselifter.checkpoints import check_codec, load_checkpoint_file, load_weights, save_checkpoint_file
from poselifter.errors import InputError


@pytest.fixture
def checkpoint():
    """Weights, two of them one storage, and facts."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    weights = model.state_dict()
    weights['0.transposed'] = weights['0.weight'].T
    meta = {'format_version': 1, 'codec': {'type': 'C', 'size': [1, 2]}, 'skeleton': 'h36m17', 'fps': 50.0, 'cfg': 'ä'}
    return {'state_dict': dict(weights), 'meta': meta}


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_round_trip(checkpoint, tmp_path, suffix):
    path = tmp_path / f'new/model{suffix}'
    save_checkpoint_file(checkpoint, path)
    for loaded in (load_checkpoint_file(path), CheckpointLoader.load_checkpoint(str(path), 'cpu', 'silent')):
        assert {key: loaded['meta'][key] for key in checkpoint['meta']} == checkpoint['meta']
        assert loaded['state_dict'].keys() == checkpoint['state_dict'].keys()
        for key, value in loaded['state_dict'].items():
            assert torch.equal(value, checkpoint['state_dict'][key])
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == [] if suffix == '.pth' else True


def test_metadata_of_safetensors_is_text_by_name_and_optimizers_are_refused(checkpoint, tmp_path):
    save_checkpoint_file(checkpoint, tmp_path / 'm.safetensors')
    raw = (tmp_path / 'm.safetensors').read_bytes()
    (length,) = struct.unpack('<Q', raw[:8])
    metadata = json.loads(raw[8 : 8 + length])['__metadata__']
    assert json.loads(metadata['codec']) == {'type': 'C', 'size': [1, 2]} and metadata['format'] == 'pt'
    with pytest.raises(InputError, match='not optimizer'):
        save_checkpoint_file({**checkpoint, 'optimizer': {}}, tmp_path / 'o.safetensors')
    assert not (tmp_path / 'o.safetensors').exists()


def test_the_same_content_gives_the_same_file_and_a_failed_write_leaves_it(checkpoint, tmp_path):
    path = tmp_path / 'm.pth'
    save_checkpoint_file(checkpoint, path)
    before = path.read_bytes()
    save_checkpoint_file(checkpoint, path)
    assert path.read_bytes() == before
    with pytest.raises(Exception, match=r'pickle|local object'):  # the sentence depends on the version of Python
        save_checkpoint_file({'state_dict': lambda: None}, path)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ['m.pth']


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@settings(deadline=None, max_examples=40)
@given(share=st.floats(0, 0.999))
def test_cut_off_files(tmp_path_factory, suffix, share):
    path = tmp_path_factory.mktemp('cut') / f'm{suffix}'
    save_checkpoint_file({'state_dict': {'a': torch.arange(300.0)}, 'meta': {}}, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r'm\.(pth|safetensors) is (empty|cut off|not a checkpoint|no complete)'):
        load_checkpoint_file(path)


@pytest.mark.parametrize('suffix', ['.pth', '.pt', '.bin', '.safetensors', ''])
@settings(deadline=None, max_examples=40)
@given(content=st.binary(min_size=1, max_size=200))
def test_arbitrary_files(tmp_path_factory, suffix, content):
    path = tmp_path_factory.mktemp('wild') / f'm{suffix}'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'is (not a checkpoint|no complete|cut off)|holds (a|objects)'):
        load_checkpoint_file(path)


@pytest.mark.parametrize(('header', 'length'), [
    (b'{}', 10**15),
    (b'{}', 0),
    (b'\xff\xfe', 2),
    (b'[1,2', 4),
    (b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}', 53),
    (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 53),
    (b'{"a":{"dtype":"WRONG","shape":[1],"data_offsets":[0,4]}}', 55),
])  # fmt: skip
def test_broken_safetensors_headers(tmp_path, header, length):
    path = tmp_path / 'm.safetensors'
    path.write_bytes(struct.pack('<Q', length) + header + bytes(4))
    with pytest.raises(InputError, match='no complete safetensors file'):
        load_checkpoint_file(path)


def test_a_gpu_that_is_not_there_is_not_called_damage(checkpoint, tmp_path):
    if torch.cuda.is_available():
        pytest.skip('needs a machine without a GPU')
    save_checkpoint_file(checkpoint, tmp_path / 'm.pth')
    with pytest.raises(InputError, match=r'cannot be read: .*CUDA'):
        load_checkpoint_file(tmp_path / 'm.pth', 'cuda')


def test_files_of_other_programs_and_other_contents(tmp_path):
    torch.save({'epoch': np.float64(3), 'w': torch.ones(1)}, tmp_path / 'numpy.bin')
    with pytest.raises(InputError, match=r'numpy\.bin holds objects of a program \(numpy'):
        load_checkpoint_file(tmp_path / 'numpy.bin')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(InputError, match='holds a list, expected a dict'):
        load_checkpoint_file(tmp_path / 'list.pth')
    np.savez(tmp_path / 'arrays.npz', a=np.ones(3))
    with pytest.raises(InputError, match=r'arrays\.npz'):
        load_checkpoint_file(tmp_path / 'arrays.npz')
    for path in (tmp_path / 'none.pth', tmp_path):
        with pytest.raises(InputError, match='no checkpoint'):
            load_checkpoint_file(path)


def test_weights_that_do_not_fit_are_listed_and_leave_the_model_alone(checkpoint, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(5, 2), torch.nn.Linear(1, 1))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    save_checkpoint_file(checkpoint, tmp_path / 'm.pth')
    with pytest.raises(InputError) as error:
        load_weights(model, tmp_path / 'm.pth')
    message = str(error.value)
    for words in (
        'm.pth does not fit the model',
        '1 of another shape: 1.weight (2, 4) instead of (2, 5)',
        '2 missing: 2.bias, 2.weight',
        '1 unexpected: 0.transposed',
    ):
        assert words in message
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    with pytest.raises(InputError, match='expected tensors by name'):
        load_weights(model, {'state_dict': 3})


def test_loose_loading_wants_equal_shapes_and_one_common_name(checkpoint):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4))
    load_weights(model, {f'module.{key}': value for key, value in checkpoint['state_dict'].items()}, strict=False)
    assert torch.equal(model[0].weight, checkpoint['state_dict']['0.weight'])
    with pytest.raises(InputError, match='of another shape'):
        load_weights(torch.nn.Sequential(torch.nn.Linear(2, 4)), checkpoint, strict=False)
    with pytest.raises(InputError, match='2 missing'):
        load_weights(torch.nn.ModuleDict({'x': torch.nn.Linear(3, 4)}), checkpoint, strict=False)


OUTER = [
    '',
    'module.',
    '_orig_mod.',
    'module._orig_mod.',
    '_orig_mod.module.',
    'model.',
    'model._orig_mod.',
    'ema_model.module.',
]


@pytest.mark.parametrize('container', [None, 'state_dict', 'model', 'ema_state_dict', 'state_dict_ema'])
@pytest.mark.parametrize('prefix', OUTER)
def test_prefixes_and_containers_of_other_trainers(tmp_path, prefix, container):
    """DDP, torch.compile, Lightning and averaged weights, one around the other."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    state = {prefix + key: value for key, value in model.state_dict().items()}
    if prefix.endswith('module.'):
        state['n_averaged'] = torch.tensor(7)
    torch.save(state if container is None else {container: state, 'epoch': 3}, tmp_path / 'm.pth')
    loaded = load_checkpoint_file(tmp_path / 'm.pth')
    assert loaded['state_dict'].keys() == model.state_dict().keys() and loaded['meta'] == {}
    load_weights(model, tmp_path / 'm.pth')
    torch.save({'state_dict': {'_orig_mod.a.model.b': torch.ones(1), 'module.c': torch.ones(1)}}, tmp_path / 'm.pth')
    assert load_checkpoint_file(tmp_path / 'm.pth')['state_dict'].keys() == {'a.model.b', 'module.c'}


@pytest.mark.parametrize('content', [torch.nn.Linear(1, 1), {'model': torch.nn.Linear(1, 1), 'epoch': 1}])
def test_a_whole_pickled_module_is_refused_by_name(tmp_path, content):
    torch.save(content, tmp_path / 'm.pth')
    with pytest.raises(InputError, match=r'objects of a program \(torch.nn.*Linear\).*save its state_dict alone'):
        load_checkpoint_file(tmp_path / 'm.pth')


@pytest.mark.parametrize(('content', 'reason'), [
    ({'meta': 5}, 'meta is not'),
    ({'meta': [1]}, 'meta is not'),
    ({'meta': {'codec': 5}}, 'meta.codec is not'),
    ({'meta': {'skeleton': 5, 'epoch': 'x'}}, 'meta.skeleton, meta.epoch is not'),
    ({'state_dict': {1: torch.zeros(1)}}, 'a dict without tensors by name'),
    ({'state_dict': {'a': 1}}, 'a dict without tensors by name'),
])  # fmt: skip
def test_odd_metadata_and_names(tmp_path, content, reason):
    torch.save({'state_dict': {'a': torch.zeros(1)}, **content}, tmp_path / 'm.pth')
    with pytest.raises(InputError, match=rf'm\.pth.*{reason}.*; save'):
        load_checkpoint_file(tmp_path / 'm.pth')


@pytest.mark.parametrize('text', ['[' * 100_000 + ']' * 100_000, 'NaN', '[1]'])
def test_odd_json_in_safetensors(tmp_path, text):
    save_file({'a': torch.zeros(1)}, tmp_path / 'm.safetensors', metadata={'codec': text})
    with pytest.raises(InputError, match=r'meta\.codec is not of the kind'):
        load_checkpoint_file(tmp_path / 'm.safetensors')


@pytest.mark.parametrize('dtype', [torch.int8, torch.int64, torch.complex64])
def test_weights_of_another_kind_are_no_weights(dtype):
    model = torch.nn.Linear(3, 4)
    state = {key: value.to(dtype) for key, value in model.state_dict().items()}
    with pytest.raises(InputError, match=f'is of {dtype}, expected torch.float32; save the weights'):
        load_weights(model, {'state_dict': state})
    load_weights(model, {'state_dict': {key: value.half() for key, value in model.state_dict().items()}})


def test_a_place_that_cannot_be_written(checkpoint, tmp_path):
    for name in ('m.pth', 'm.safetensors'):
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=f'cannot write .*{name}: Is a directory; make room'):
            save_checkpoint_file(checkpoint, tmp_path / name)


@pytest.fixture
def server(tmp_path):
    """A web server over ``tmp_path/web``."""
    with serve(tmp_path / 'web') as address:
        yield address


def test_addresses_are_fetched_once_and_read_safely(server, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    torch.save({'state_dict': {'a': torch.ones(1)}}, tmp_path / 'web/good.pth')
    torch.save({'x': np.float64(1)}, tmp_path / 'web/evil.pth')
    for _ in range(2):
        loaded = CheckpointLoader.load_checkpoint(f'{server}/good.pth', 'cpu', 'silent')
        assert loaded['state_dict']['a'].item() == 1
        (tmp_path / 'web/good.pth').unlink(missing_ok=True)
    with pytest.raises(InputError, match='holds objects of a program'):
        CheckpointLoader.load_checkpoint(f'{server}/evil.pth', 'cpu', 'silent')
    with pytest.raises(InputError, match=r'none\.pth cannot be fetched'):
        CheckpointLoader.load_checkpoint(f'{server}/none.pth', 'cpu', 'silent')


@pytest.mark.parametrize('address', ['torchvision://resnet50', 's3://bucket/x.pth', 'open-mmlab://x'])
def test_sources_that_would_unpickle_are_closed(address):
    with pytest.raises(InputError, match='checkpoints come from files'):
        CheckpointLoader.load_checkpoint(address, 'cpu', 'silent')


def test_codec_of_the_config_must_be_the_checkpoints():
    checkpoint = {'meta': {'codec': {'type': 'A', 'fps': 30, 'size': [1, 2]}}}
    check_codec(checkpoint, {'type': 'A', 'fps': 30, 'size': (1, 2)}, 'x.pth')
    check_codec({}, {'type': 'A'}, 'x.pth')
    for odd in ({'a': torch.zeros(1)}, {'a': {1, 2}}):
        with pytest.raises(InputError, match=r'x\.pth is no checkpoint of ours: its meta\.codec is odd'):
            check_codec({'meta': {'codec': odd}}, {'type': 'A'}, 'x.pth')
    with pytest.raises(InputError, match=r'x\.pth was trained with another codec .* fps 50 instead of 30'):
        check_codec(checkpoint, {'type': 'A', 'fps': 50, 'size': [1, 2]}, 'x.pth')
