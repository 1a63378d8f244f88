import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import poselifter
from poselifter.registry import DATASETS

DATA = {'n_sequences': 3, 'n_frames': 36}
BACKBONES = {
    'DSTformer': {'embed_dims': 8, 'rep_dims': 8, 'depth': 2, 'num_heads': 2},
    'ActionPose': {'embed_dims': 8, 'rep_dims': 8, 'depth': 2, 'num_heads': 2, 'align_layer': 1},
    'STMO': {'embed_dims': 8, 'depth': 1, 'feedforward_dims': 8, 'num_heads': 2},
}


@pytest.fixture
def start(tool, tiny, tmp_path):
    """Runs a tool on an untrained network whose fusions have random weights; returns (the model, the data set)."""

    def run(name, backbone, *flags):
        parts = {'type': backbone, 'num_frames': 12, 'in_channels': 6, **BACKBONES[backbone]}
        model = f"type='MotionEstimator', backbone={parts}, heads=dict(pose=dict(type='PoseHead'))"
        given, model, config = tiny(model, f'test_dataloader = dict(dataset={DATA})')
        tool(f'analysis_tools/{name}').main([str(a) for a in (*given, '--out', tmp_path / 'out', *flags)])
        return model, DATASETS.build(config.test_dataloader.dataset)

    return run


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('backbone', ['DSTformer', 'ActionPose'])
def test_attention_of_two_streams(start, tmp_path, backbone):
    start('visualize_attention', backbone, '--clip', 2)
    expected = [f'layer0{i}_{part}_{k}.png' for i in (1, 2) for part in ('spatial', 'temporal') for k in (1, 2)]
    assert files(tmp_path / 'out') == expected
    for path in (tmp_path / 'out').iterdir():
        assert min(Image.open(path).size) > 500


def test_what_attention_draws(start, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, 'savefig', lambda figure, path, **_: drawn.append(figure))
    start('visualize_attention', 'ActionPose', '--layer', 2)
    for figure, size in zip(drawn, (17, 13, 13, 17), strict=True):
        maps = [panel.images[0].get_array() for panel in figure.axes if panel.images]  # colour bars have none
        assert [np.shape(m) for m in maps] == [(size, size)] * 3
        for values in maps:
            np.testing.assert_allclose(np.sum(values, 1), 1, rtol=1e-5)
        np.testing.assert_allclose(maps[0], (maps[1] + maps[2]) / 2, rtol=1e-6)
    names = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert names[:2] == ['pelvis', 'right hip'] and 'class token' in drawn[2].get_suptitle()
    left, right, bottom, top = drawn[2].axes[0].images[0].get_extent()
    assert (left, right, top, bottom) == (-1.5, 11.5, -1.5, 11.5)  # frame -1 is the class token


def test_fusion_numbers(start, tmp_path):
    model, dataset = start('visualize_fusion', 'DSTformer', '--layer', 2)
    assert files(tmp_path / 'out') == ['correlation.png', 'fusion.json', 'weights.png']
    found = json.loads((tmp_path / 'out/fusion.json').read_text())

    # the same by the formula: softmax of the layer's linear map, in the three windows of a sequence
    shares, names, kept = [], [], []
    fusion = model.backbone.fusions[1]
    fusion.register_forward_hook(lambda _, args, __: kept.append(torch.cat(args[0], -1)))
    for item in dataset:
        with torch.no_grad():
            model.backbone(model.codec.normalize_window(item['inputs'].unflatten(0, (3, 12))))
            both = (kept[-1] @ fusion.linear.weight.T + fusion.linear.bias).exp()
        shares.append((both[..., 0] / both.sum(-1)).flatten(0, 1).numpy())
        names.append(item['data_samples'].action_name)
    assert found['layer'] == 2 and found['frames'] == 3 * DATA['n_frames']
    assert set(found['by_action']) == set(names) and list(found['by_joint'])[:2] == ['pelvis', 'right_hip']
    assert np.shape(found['correlation']) == (17, 17)
    np.testing.assert_allclose(np.diag(found['correlation']), 1, rtol=1e-6)
    means = [value for value, _ in found['by_joint'].values()]
    assert found['mean'] == pytest.approx(np.mean(means), abs=2e-6)
    np.testing.assert_allclose(means, np.concatenate(shares).mean(0), atol=2e-6)
    for name, (value, _) in found['by_action'].items():
        own = [share for share, other in zip(shares, names, strict=True) if other == name]
        assert value == pytest.approx(np.mean(own), abs=2e-6)
    np.testing.assert_allclose(found['correlation'], np.corrcoef(np.concatenate(shares).T), atol=1e-3)


def test_weights_that_never_change_have_no_correlation(tool):
    same = tool('analysis_tools/visualize_fusion').summary([np.full((4, 2), 0.5)], ['a'], ('x', 'y'))
    assert same['correlation'] == [[None, None], [None, None]]


@pytest.mark.parametrize(('name', 'backbone', 'flags', 'message'), [
    ('visualize_attention', 'STMO', ('--part', 'spatial'), 'STMO has no Attention over joints'),
    ('visualize_attention', 'STMO', ('--clip', 9), '--clip is 9, expected 0 to 2'),
    ('visualize_fusion', 'DSTformer', (), r'--layer names [3], but DSTformer has AdaptiveFusion in layers 1, 2'),
])  # fmt: skip
def test_mistakes_are_named(start, name, backbone, flags, message):
    with pytest.raises(poselifter.InputError) as error:
        start(name, backbone, *flags)
    assert message in str(error.value)
