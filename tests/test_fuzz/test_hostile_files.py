"""Files that try to run a program: on every way in nothing runs, and each ends in one sentence."""

import io
import os
import pickle
import shutil
import sys
import tarfile
import urllib.request
from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from hostile import WAYS, Evil, climbing, hdf5, joblib_bytes, makers, opcodes, packaged, scripted
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.runner import CheckpointLoader, load_checkpoint

from poselifter.apis import init_model, load_official
from poselifter.apis.zoo import resolve
from poselifter.checkpoints import load_checkpoint_file, save_checkpoint_file
from poselifter.checkpoints.loading import load_from_address
from poselifter.datasets import read_smpl_estimates
from poselifter.detection.weights import MEMBERS, convert_network
from poselifter.engine import load_config
from poselifter.errors import InputError
from poselifter.io import read_keypoints, read_result
from poselifter.io.amass import read_amass
from poselifter.models.body_models import load_body_model
from poselifter.registry import DATASETS
from poselifter.utils.arrays import load_array, load_arrays, load_tensors
from poselifter.utils.cache import CacheFile
from poselifter.utils.safe_pickle import load_pickle
from poselifter.world.camera_file import read_camera

CONFIG = 'configs/mixste/procedural_27.py'
#: Data sets by the file that they read.
SETS = {
    'NTUActionDataset': '.pkl',
    'CMUMocapDataset': '.npz',
    'Human36mMMPoseDataset': '.npz',
    'MPIINF3DHPDataset': '.npz',
    'HumanEvaDataset': '.npz',
    'COCOKeypointsDataset': '.json',
    'InstaVarietyDataset': '.npy',
    'CMUSkeletonDataset': '.npz',
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where a program would leave something; nothing is fetched."""

    def offline(*_, **__):
        raise AssertionError('something is fetched')

    monkeypatch.setattr(urllib.request, 'urlopen', offline)
    monkeypatch.setattr(urllib.request, 'urlretrieve', offline)
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')


def dataset(kind, **settings):
    def load(path):
        place = {'data_root': str(path.parent), 'ann_file': path.name}
        DATASETS.build(dict(type=kind, **place, test_mode=True, lazy_init=True, **settings)).full_init()

    return load


def refusing(load):
    """A loader of others, or one that only gives nothing, whose refusals become ours."""

    def load_file(path):
        try:
            content = load(path)
        except (TypeError, ValueError) as error:
            raise InputError('not read') from error
        if content is None:
            raise InputError('nothing in it')

    return load_file


def ways_in(repository, load_module):
    """Functions of a path that read a file, with the endings that lead to them."""
    config, model = load_config(repository / CONFIG), torch.nn.Linear(2, 2)
    evaluate = load_module('tools/analysis_tools/evaluate_predictions.py')
    pw3d = load_module('tools/dataset_converters/pw3d.py')
    endings = ('.pkl', '.npz', '.npy', '.json', '.csv', '.h5', '.txt', '.trc', '.c3d', '.bvh')
    return {
        'read_keypoints': (read_keypoints, endings),
        'read_result': (read_result, ('.npz', '.bvh')),
        'load_checkpoint_file': (load_checkpoint_file, ('.pth', '.pt', '.bin', '.safetensors', '.pkl', '.tar')),
        'mmengine': (lambda path: CheckpointLoader.load_checkpoint(str(path)), ('.pth',)),
        'mmengine_model': (lambda path: load_checkpoint(model, str(path), strict=True), ('.pth', '.pkl')),
        'mmengine_load': (refusing(mmengine.load), ('.pkl', '.pickle', '.yml', '.yaml')),
        'mmengine_dataset': (refusing(lambda path: BaseDataset(str(path))), ('.pkl', '.yaml')),
        'init_model': (lambda path: init_model(config, str(path)), ('.pth',)),
        'load_official': (load_official, ('.pth', '.bin')),
        'load_arrays': (load_arrays, ('.npz',)),
        'load_array': (load_array, ('.npy',)),
        'load_tensors': (load_tensors, ('.safetensors',)),
        'load_pickle': (lambda path: load_pickle(path, joblib=True), ('.pkl', '.joblib')),
        'estimates': (read_smpl_estimates, ('.pkl', '.npz')),
        'amass': (read_amass, ('.npz',)),
        '3dpw': (pw3d.convert, ('.pkl',)),
        'predictions': (lambda path: evaluate.read_predictions(path, 1.0), ('.pkl', '.npz')),
        'cache': (refusing(lambda path: CacheFile(path, 'a').load()), ('.npz',)),
        'body_model': (load_body_model, ('.pkl', '.npz')),
        'camera': (lambda path: read_camera(path, ''), ('.yml', '.json', '.toml')),
        'mesh': (dataset('MeshDataset', source='h36m'), ('.pkl', '.npz')),
        'motionbert': (dataset('Human36mMotionBERTDataset', split='test'), ('.pkl',)),
        'keypoints_of_h36m': (dataset('Human36mDataset', keypoint_file='a.npz'), ('.npz',)),
        **{kind: (dataset(kind), (ending,)) for kind, ending in SETS.items()},
        'config': (load_config, ('.yaml', '.yml', '.json', '.toml', '.pkl', '.pth', '.txt', '')),
    }


def test_nothing_runs(tmp_path, repository, load_module, told):
    """Every file on every way in; what is no pickle may be read as data, or refused."""
    marker, files = tmp_path / 'ran', tmp_path / 'files'
    files.mkdir()
    left, tried, refused, wrong = set(os.listdir(tmp_path.parent)), 0, 0, []
    ways = ways_in(repository, load_module)
    for name, write in makers(marker).items():
        write(files / 'whole')
        for way, (load, endings) in ways.items():
            for ending in endings:
                path = files / f'{name}{ending}'
                shutil.copy(files / 'whole', path)
                tried += 1
                try:
                    load(path)
                except InputError as error:
                    refused += 1
                    if '\n' in str(error).strip():
                        wrong.append(f'{name}{ending} {way}: {len(str(error).splitlines())} lines')
                except Exception as error:
                    wrong.append(f'{name}{ending} {way}: {type(error).__name__} {error}'[:200])
                assert not marker.exists() and not list(Path().iterdir()), f'{name}{ending} runs in {way}'
                path.unlink()
        assert set(os.listdir(tmp_path.parent)) <= left, f'{name} runs'  # thousands, where all tests run
    told(f'{tried} hostile files, {refused} refused')
    assert not wrong, '\n'.join(wrong)
    assert tried > 5000 and refused > 0.95 * tried
    assert not any('antigravity' in module for module in sys.modules)
    assert [path.name for path in files.iterdir()] == ['whole']


@pytest.mark.parametrize('way', [*WAYS, 'package'])
def test_the_files_are_hostile(tmp_path, way):
    """A plain unpickler runs them, or torch's reader of packages."""
    marker = tmp_path / 'ran'
    if way == 'package':
        packaged(tmp_path / 'a.pt', marker)
        assert not marker.exists()
        torch.package.PackageImporter(str(tmp_path / 'a.pt')).load_pickle('model', 'model.pkl')
        assert marker.exists()
        return
    if way in ('import', 'rebuild'):  # the function is called, and finds no module; no array
        with pytest.raises((ImportError, AttributeError, TypeError)):
            pickle.loads(pickle.dumps(Evil(way, marker)))
        return
    plain = torch.load if way == 'torch_load' else None
    with pytest.MonkeyPatch.context() as patch:
        if plain:  # newer versions of torch refuse inside of it
            patch.setattr(torch.storage.torch, 'load', lambda *a, **k: plain(*a, **{**k, 'weights_only': False}))
        try:
            made = pickle.loads(pickle.dumps(Evil(way, marker)))
            made.wait() if way == 'popen' else None
        except (TypeError, AttributeError):  # of what comes after it
            pass
    assert marker.exists() or marker.with_suffix('.npz').exists()


def test_a_script_is_refused_though_it_runs_nothing(tmp_path):
    """TorchScript by itself runs no Python on loading: neither its code nor a pickle that was added."""
    scripted(tmp_path / 'a.pth', Evil('mkdir', tmp_path / 'ran'))
    torch.jit.load(tmp_path / 'a.pth')
    assert not (tmp_path / 'ran').exists()
    with pytest.raises(InputError):
        load_checkpoint_file(tmp_path / 'a.pth')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('code', sorted(opcodes(Path('x'))))
def test_the_opcodes_are_hostile(tmp_path, code):
    pickle.loads(opcodes(tmp_path / 'ran')[code])
    assert (tmp_path / 'ran').exists()


def test_mmengine_has_no_loader_of_its_own_left():
    """Addresses of any kind go through the one door, which takes files and http(s)."""
    assert set(CheckpointLoader._schemes.values()) == {load_from_address}
    for scheme in ('s3', 'pavi', 'open-mmlab', 'modelzoo', 'torchvision', 'petrel', 'file', 'ftp'):
        with pytest.raises(InputError):
            CheckpointLoader.load_checkpoint(f'{scheme}://somewhere/a.pth')


@pytest.mark.parametrize('kind', ['attributes', 'objects', 'links', 'outside'])
@pytest.mark.parametrize('way', ['mkdir', 'exec'])
def test_hdf5(tmp_path, kind, way):
    """Pickles in a table of pandas are not run; what lies in other files is not read."""
    pytest.importorskip('h5py', reason='needs h5py')
    hdf5(tmp_path / 'a.h5', Evil(way, tmp_path / 'ran'), kind)
    if kind in ('attributes', 'outside'):
        with pytest.raises(InputError, match=r'a\.h5|the pickle'):
            read_keypoints(tmp_path / 'a.h5')
    else:
        assert len(read_keypoints(tmp_path / 'a.h5').keypoints)
    assert not (tmp_path / 'ran').exists()


def test_joblib_is_real(tmp_path):
    """The same file without the evil is read."""
    joblib = pytest.importorskip('joblib', reason='needs joblib')
    (tmp_path / 'a.pkl').write_bytes(joblib_bytes(joblib, {'a': np.arange(9.0), 'b': 1}, 0))
    content = load_pickle(tmp_path / 'a.pkl', joblib=True)
    np.testing.assert_array_equal(content['a'], np.arange(9.0))
    (tmp_path / 'a.pkl').write_bytes(joblib_bytes(joblib, {'evil': Evil('mkdir', tmp_path / 'ran')}, 0))
    joblib.load(tmp_path / 'a.pkl')
    assert (tmp_path / 'ran').exists()


def test_links_are_not_followed_out_of_an_archive(tmp_path):
    """Nothing is ever unpacked: what an archive names is not written anywhere."""
    path = tmp_path / 'inner' / 'a.npz'
    path.parent.mkdir()
    for link in (False, True):
        climbing(path, tmp_path / 'ran', link)
        with pytest.raises(InputError):
            read_keypoints(path)
        assert sorted(entry.name for entry in tmp_path.rglob('*')) == ['a.npz', 'here', 'inner']


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.REGTYPE])
def test_the_package_of_networks(tmp_path, kind):
    """The one archive that is opened: an entry that is a link, a device or no network is no network."""
    with tarfile.open(tmp_path / 'a.tgz', 'w:gz') as archive:
        entry = tarfile.TarInfo(MEMBERS['blazepose-heavy'])
        entry.type, entry.linkname, entry.size = kind, '../../../etc/passwd', 0
        archive.addfile(entry, io.BytesIO())
    with pytest.raises(InputError):
        convert_network('blazepose-heavy', tmp_path / 'a.onnx', tmp_path / 'a.tgz')
    assert sorted(entry.name for entry in tmp_path.rglob('*')) == ['a.tgz', 'here']


@pytest.mark.parametrize('ending', ['.pth', '.safetensors'])
def test_what_a_checkpoint_says_of_itself_is_data(tmp_path, repository, ending, load_module):
    """The config in it is text that is not run; a codec in it makes no objects."""
    program = f'import os\nos.mkdir({str(tmp_path / "ran")!r})\nmodel = dict()'
    config = load_config(repository / CONFIG)
    for codec in ({'type': 'os.mkdir', 'path': str(tmp_path / 'ran')}, {'type': 'Popen', 'args': ['mkdir', 'ran']}):
        content = {
            'state_dict': init_model(config).state_dict(),
            'meta': {'cfg': program, 'codec': codec, 'format_version': 1},
        }
        save_checkpoint_file(content, tmp_path / f'a{ending}')
        load_checkpoint_file(tmp_path / f'a{ending}')
        with pytest.raises(InputError, match='codec'):
            init_model(config, tmp_path / f'a{ending}')
        with pytest.raises(InputError):
            load_config(tmp_path / f'a{ending}')
    load_module('tools/misc/publish_model.py').main([str(tmp_path / f'a{ending}'), str(tmp_path / 'b.safetensors')])
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('name', ['os.mkdir', 'subprocess.Popen', 'builtins.eval', 'poselifter.os.mkdir'])
def test_what_an_exported_model_says_of_itself_is_data(tmp_path, name):
    onnx = pytest.importorskip('onnx', reason='needs onnx')
    pytest.importorskip('onnxruntime', reason='needs onnxruntime')
    from poselifter.apis import ExportedModel

    values = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in ('x', 'y')]
    graph = onnx.helper.make_graph([onnx.helper.make_node('Identity', ['x'], ['y'])], 'a', *([v] for v in values))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 17)], ir_version=8)
    codec = f'{{"type": "{name}", "path": "{tmp_path / "ran"}"}}'
    texts = {'poselifter': '{"format": 1}', 'codec': codec, 'window': '{}', 'test': '{}'}
    onnx.helper.set_model_props(model, texts)
    onnx.save(model, str(tmp_path / 'a.onnx'))
    with pytest.raises(InputError, match='metadata'):
        ExportedModel(tmp_path / 'a.onnx')
    assert not (tmp_path / 'ran').exists()


def test_a_text_encoder_is_data(tmp_path):
    """A folder as of the hub, with a program that its configs name and weights that are a pickle."""
    pytest.importorskip('transformers', reason='needs transformers')
    from poselifter.models.text_encoders.bert import BertTextEncoder

    marker, folder = tmp_path / 'ran', tmp_path / 'hub'
    folder.mkdir()
    (folder / 'mine.py').write_text(f'import os\nos.mkdir({str(marker)!r})\n')
    mapped = '"auto_map": {"AutoConfig": "mine.A", "AutoModel": "mine.B", "AutoTokenizer": ["mine.C", null]}'
    (folder / 'config.json').write_text(f'{{"model_type": "bert", {mapped}, "vocab_size": 9, "num_hidden_layers": 1}}')
    (folder / 'tokenizer_config.json').write_text(f'{{"tokenizer_class": "C", {mapped}}}')
    (folder / 'vocab.txt').write_text('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n')
    torch.save({'bert.pooler.dense.weight': Evil('mkdir', marker)}, folder / 'pytorch_model.bin')
    with pytest.raises(InputError, match='no BERT can be read'):
        BertTextEncoder(str(folder))
    assert not marker.exists()


def test_configs_come_from_where_the_user_says(repository, monkeypatch, tmp_path):
    """No address is a config; a model of the zoo has the one that ships with the project, whatever its weights say."""
    read, plain = [], Config.fromfile
    monkeypatch.setattr(Config, 'fromfile', lambda path, *a, **k: read.append(Path(path)) or plain(path, *a, **k))
    for address in ('https://somewhere/a.py', 's3://somewhere/a.py', 'file:///a.py'):
        with pytest.raises(InputError):
            load_config(address)
    init_model('mixste_cmu_27')
    weights = load_checkpoint_file(resolve('mixste_cmu_27'))
    assert read and all(path.resolve().is_relative_to(repository / 'configs') for path in read)
    program = f'import os\nos.mkdir({str(tmp_path / "ran")!r})'
    save_checkpoint_file({**weights, 'meta': {**weights['meta'], 'cfg': program}}, tmp_path / 'a.pth')
    init_model('mixste_cmu_27', tmp_path / 'a.pth')
    assert not (tmp_path / 'ran').exists()
