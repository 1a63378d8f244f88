"""Exported files predict what torch does, and say how they are used."""

import inspect
import json

import numpy as np
import pytest
import torch
from tiny_parts import NECKS, tiny_lifter

from poselifter.apis import ExportedModel, Pose3DInferencer, export, export_model, init_model
from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.models.backbones import BaseBackbone
from poselifter.registry import MODELS
from poselifter.structures import KeypointTable

onnx = pytest.importorskip('onnx')
pytestmark = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split('.')[:2])) < (2, 13), reason='older versions of torch write few networks'
)
pytest.importorskip('onnxscript')

FRAMES = 9  # of the tiny lifters
NAMES = sorted(
    name for name, kind in MODELS.module_dict.items() if inspect.isclass(kind) and issubclass(kind, BaseBackbone)
)


def two_persons(walk):
    """Persons of 31 and 20 frames at 24 a second, in whom MotionAGFormer does not have to choose among equal frames."""
    points, tracks = np.concatenate([walk(31, 37), walk(20, 38)]), np.repeat([0, 1], [31, 20])
    frames = np.r_[:31, 5:25]
    return KeypointTable(points, np.ones(points.shape[:2]), frames, tracks, 'h36m17', (1000, 1000), 24)


def lift(model, table):
    [result] = Pose3DInferencer(model)(table)
    return result['result']


def check_export(report, path, model, walk, frames, close, share=1):
    kind = type(model.backbone).__name__
    assert report['difference'] < close
    assert report['frames'] == {'TemporalConvNet': [frames, None]}.get(kind, [frames if kind in NECKS else 1, frames])
    ours, theirs = lift(str(path), two_persons(walk)), lift(model, two_persons(walk))
    off = np.abs(ours.poses - theirs.poses).max((1, 2))
    assert (off < 1e-4).mean() >= share
    assert np.ptp(ours.poses, axis=0).max() > 1e-3 and ours.skeleton_3d == theirs.skeleton_3d


@pytest.mark.parametrize('kind', NAMES)
def test_every_backbone(kind, tmp_path, walk):
    model = tiny_lifter(kind)
    check_export(export_model(model, tmp_path / 'a.onnx'), tmp_path / 'a.onnx', model, walk, FRAMES, 1e-5)


def test_disagreement_of_windows_and_sides(exported, walk):
    model, path, _ = exported
    sequences = [np.random.default_rng(n).normal(size=(n, 17, 3)).astype(np.float32) for n in (5, 30)]
    ours, theirs = (each.predict_sequences(sequences, ['pose'], 3) for each in (ExportedModel(path), model))
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_allclose(a[name], b[name], atol=2e-5)
            assert np.abs(a[name]).max() > 0.01


def test_metadata_says_all_that_is_needed(exported, repository):
    _, path, report = exported
    proto = onnx.load(str(path))
    onnx.checker.check_model(proto)
    texts = {entry.key: json.loads(entry.value) for entry in proto.metadata_props}
    assert texts == {key: report[key] for key in texts}
    assert texts['licence'] == 'CC0' and texts['skeleton_3d'] == 'cmu17' and texts['fps'] == 30 and texts['unit'] == 'm'
    assert texts['codec']['window_box'] and texts['window']['stride'] == 4 and not texts['slides']
    assert [opset.version for opset in proto.opset_import if opset.domain == ''] == [texts['opset']]
    dims = [d.dim_param or d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ['batch', 'frames', 17, 3]
    assert str(repository).encode() not in path.read_bytes() and b'site-packages' not in path.read_bytes()


def test_smaller_weights_cost_little(exported, tmp_path):
    model, path, _ = exported
    for precision, most in (('half', 1.0), ('int8', 20.0)):
        lines, small = [], tmp_path / f'{precision}.onnx'
        cost = export_model(model, small, precision, say=lines.append)['cost_mm']
        assert 0 < cost < most and f'{cost:.2f} mm' in lines[1]
        assert ExportedModel(small).metadata['precision'] == precision
        assert precision == 'int8' or small.stat().st_size < path.stat().st_size


def test_an_export_that_disagrees_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(export, 'AGREES', -1.0)
    with pytest.raises(InputError, match='differs from torch by'):
        export_model(tiny_lifter('TemporalConvNet'), tmp_path / 'a.onnx')
    assert not list(tmp_path.iterdir())


def steps_at_zero(offset=0.0, level=0.0):
    """Decoded poses (T, 1, 3) of clips (1, T): the input, and 1 where it is above zero."""
    return lambda clips: np.repeat((clips[0] + offset > 0) + clips[0] + level, 3).reshape(-1, 1, 3)


@pytest.mark.parametrize(
    ('written', 'near_zero', 'difference', 'left_out'),
    [
        (steps_at_zero(1e-8), 0, 0, 0),
        (steps_at_zero(1e-8), 2, 0, 0.1),  # it jumps, as does what it is compared with, but elsewhere
        (steps_at_zero(1e-8), 3, 3**0.5, 0),  # too many
        (steps_at_zero(level=1e-3), 0, 3e-6**0.5, 0),  # wrong, and nothing jumps
        (lambda clips: steps_at_zero()(clips) + (clips[0] > 17.5)[:, None, None], 2, 3**0.5, 0),  # wrong in one frame
        (lambda clips: steps_at_zero()(clips) * np.nan, 2, np.inf, 0),
        (lambda clips: steps_at_zero()(clips)[1:], 2, np.inf, 0),
    ],
)
def test_only_jumps_are_left_out(written, near_zero, difference, left_out):
    clip = np.arange(-1, 19, dtype=np.float64)[None] + 0.5
    clip[0, :near_zero] = -5e-9
    result = export._difference([(steps_at_zero(), written, clip)])
    np.testing.assert_allclose(result, (difference, left_out), atol=1e-6)


def test_a_pt2_is_the_same_program(tmp_path):
    model, path, extra = tiny_lifter('MixSTE'), tmp_path / 'a.pt2', {'poselifter.json': ''}
    report = export_model(model, path)
    program = torch.export.load(str(path), extra_files=extra).module()
    clips = torch.rand(5, 7, 17, 3)
    torch.testing.assert_close(program(clips), model.pose(clips))
    assert json.loads(extra['poselifter.json'])['codec'] == report['codec']


def test_wrong_requests(tmp_path, exported):
    model, path, _ = exported
    for target, precision, problem in (
        ('a.txt', 'float32', 'expected .onnx or .pt2'),
        ('a.pt2', 'int8', "precision 'int8' cannot be had in .pt2"),
        ('a.onnx', 'int4', "precision 'int4'"),
    ):
        with pytest.raises(InputError, match=problem):
            export_model(model, tmp_path / target, precision)
    with pytest.raises(InputError, match='no head pose'):
        export_model(model.backbone, tmp_path / 'a.onnx')
    with pytest.raises(InputError, match='leave out the checkpoint'):
        Pose3DInferencer(path, 'weights.pth')


def test_files_that_are_no_export(tmp_path, exported):
    _, path, _ = exported
    proto = onnx.load(str(path))
    later = {entry.key: entry.value for entry in proto.metadata_props} | {'poselifter': '{"format": 99}'}
    for name, properties, problem in (
        ('foreign', {}, 'was not exported by poselifter'),
        ('later', later, 'format 99 of a later version'),
        ('odd', later | {'poselifter': '{"format": 1}', 'codec': '{"type": "None"}'}, 'is not in the'),
    ):
        onnx.helper.set_model_props(proto, properties)
        onnx.save(proto, str(tmp_path / f'{name}.onnx'))
        with pytest.raises(InputError, match=problem):
            Pose3DInferencer(tmp_path / f'{name}.onnx')
    (tmp_path / 'broken.onnx').write_bytes(path.read_bytes()[:1000])
    for name, problem in (('broken', 'no whole ONNX file'), ('missing', 'does not exist')):
        with pytest.raises(InputError, match=problem):
            Pose3DInferencer(tmp_path / f'{name}.onnx')
    with pytest.raises(InputError, match="device 'cuda'"):
        Pose3DInferencer(path, device='cuda')


@pytest.mark.slow
@pytest.mark.parametrize('name', ['mixste_bodies_27', 'motionagformer_bodies_27'])
def test_models_of_the_zoo(name, tmp_path, capsys, walk):
    """By the command: the default, and one that chooses frames, of which half must agree."""
    main(['export', name, '-o', str(tmp_path / 'a.onnx'), '--json'])
    report, model = json.loads(capsys.readouterr().out), init_model(name)
    assert report['model'] == name and report['licence'] != 'not stated'
    check_export(report, tmp_path / 'a.onnx', model, walk, 27, 1e-4, 0.5 if 'agformer' in name else 1)


def test_a_config_needs_weights(repository, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['export', str(repository / 'configs/mixste/cmu_27.py'), '-o', str(tmp_path / 'a.onnx')])
    assert 'is a config without weights' in capsys.readouterr().err and not list(tmp_path.iterdir())
