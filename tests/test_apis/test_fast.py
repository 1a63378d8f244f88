"""The fastest way is measured, close to float32, and made once."""

import shutil

import numpy as np
import pytest
import torch
from tiny_parts import tiny_lifter

from poselifter.apis import ExportedModel, fast
from poselifter.apis.export import example_clip

WAYS = ('float32', 'bfloat16', 'onnxruntime, float32', 'onnxruntime, int8')


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('POSELIFTER_HOME', str(tmp_path))
    return tmp_path / 'exports'


@pytest.mark.parametrize('kind', ['MixSTE', 'TemporalConvNet', 'PoseFormer'])
def test_the_encoder_alone_is_bfloat16(kind):
    model, read = tiny_lifter(kind), []
    clip = example_clip(model)
    model.heads['pose'].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].dtype))
    layer = [m for m in model.backbone.modules() if type(m).__name__ in ('Mlp', 'Conv1d')][-1]
    layer.register_forward_hook(lambda _, __, output: read.append(output.dtype))
    exact = model.predict_sequences([clip], ['pose'])[0]['pose']
    assert set(read) == {torch.float32}
    model.encoder_dtype = torch.bfloat16
    poses = model.predict_sequences([clip], ['pose'])[0]['pose']
    assert torch.bfloat16 in read and read[-1] == torch.float32
    assert 0 < np.abs(poses - exact).max() < 0.1 * np.abs(exact).max()
    with torch.no_grad():
        pairs = model.pose(torch.from_numpy(clip[None, :9]))
    assert pairs.dtype == torch.float32


@pytest.mark.parametrize(
    ('seconds', 'off', 'best'),
    [((4, 2, 1, 0.5), (0, 0.1, 0, 2), 2), ((4, 2, 3, 1), (0, 0.1, 0, 0.4), 3), ((4, 2, 5, 5), (0, 0.1, 0, 1), 1)],
)
def test_the_fastest_that_is_close(home, monkeypatch, seconds, off, best):
    """Of four ways by seconds and mm from float32."""
    model, lines = tiny_lifter('MixSTE'), []
    poses = {name: np.zeros((5, 17, 3)) + (0, 0, mm / 1000) for name, mm in zip(WAYS, off, strict=True)}
    monkeypatch.setattr(fast, '_measure', lambda ways, clip: (poses, dict(zip(ways, seconds, strict=True))))
    monkeypatch.setattr(fast, '_exported', lambda model, precision, say: lambda: precision)
    chosen = fast.pick_fastest(model, say=lines.append)
    assert chosen == {1: model, 2: 'float32', 3: 'int8'}[best]
    assert best != 1 or model.encoder_dtype == torch.bfloat16
    assert f'{WAYS[best]} is taken' in lines[-1] and f'{4 / seconds[3]:.2f} times as fast, {off[3]:.2f} mm' in lines[-2]


def copy_whole(source, path):
    path.parent.mkdir(exist_ok=True)
    shutil.copy(source, path)


def test_exports_are_made_once(home, exported, monkeypatch):
    model, lines = exported[0], []
    monkeypatch.setattr(fast, 'export_model', lambda model, path, *_, **__: copy_whole(exported[1], path))
    for count in (1, 1):
        chosen = fast._exported(model, 'float32', lines.append)()
        assert isinstance(chosen, ExportedModel) and len(lines) == count == len(list(home.iterdir()))
    assert fast.pick_fastest(chosen, say=lines.append) is chosen
    assert lines[1:] == ['fast: this model is run as it is']
    bias = model.heads['pose'].linear.bias.data
    before = bias.clone()
    bias += 1  # other weights are another model
    fast._exported(model, 'float32', lines.append)
    bias.copy_(before)
    assert len(lines) == 3 and len(list(home.iterdir())) == 2
