import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import poselifter
from poselifter.registry import DATASETS
from poselifter.structures import MotionDataSample

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


PSTMO = {'type': 'STMO', 'num_frames': 9, 'in_channels': 6, **BACKBONES['STMO'], 'num_heads': 2}


@pytest.fixture
def pstmo(tool, tiny, tmp_path, monkeypatch):
    """Draws attention of an untrained P-STMO of some stage; returns the model, its data set and the figures."""
    drawn = []
    monkeypatch.setattr(Figure, 'savefig', lambda figure, path, **_: drawn.append(figure))

    def run(kind, model, data, *flags):
        given, model, config = tiny(f'type={kind!r}, backbone={PSTMO}, {model}', data)
        tool('analysis_tools/visualize_attention').main([str(a) for a in (*given, '--out', tmp_path / 'out', *flags)])
        loader = config.get('test_dataloader') or config.train_dataloader
        return model, DATASETS.build(loader.dataset), drawn

    return run


STAGE_2 = "neck=dict(type='ManyToOneAggregator', feedforward_dims=8, num_heads=2), "
STAGE_2 += "heads=dict(pose=dict(type='PoseHead', feature='single')), test_cfg=dict(window=dict(stride=1, dilation=2))"


def maps_of(figure):
    return [np.asarray(panel.images[0].get_array()) for panel in figure.axes if panel.images]


def test_windows_leave_frames_out_as_the_model_does(pstmo):
    model, dataset, drawn = pstmo('MotionEstimator', STAGE_2, f'test_dataloader = dict(dataset={DATA})')
    clip = dataset[0]['inputs'][18::2][:9]  # the second of two windows of 9 frames, 2 apart
    with torch.no_grad():
        h = model.backbone.embed(model.codec.normalize_window(clip[None]))
        block = model.backbone.temporal_blocks[0]
        expected = block.attn.weights(block.norm1(h))[0, 0].numpy()
    np.testing.assert_allclose(np.stack(maps_of(drawn[0])[1:]), expected, atol=1e-6)


def test_attention_of_the_neck(pstmo):
    _, _, drawn = pstmo('MotionEstimator', STAGE_2, f'test_dataloader = dict(dataset={DATA})', '--of', 'neck')
    assert [maps_of(figure)[0].shape for figure in drawn] == [(9, 9), (9, 9), (3, 3)]  # strides 1, 3, 3
    assert [figure.axes[0].get_xlabel().split()[0] for figure in drawn] == ['frame', 'frame', 'token']


STAGE_1 = "head=dict(type='MaskedPoseHead', depth=2, feedforward_dims=8, num_heads=2)"
MASKED = f"""
train_dataloader = dict(dataset=dict({DATA}, test_mode=False, window=dict(length=9), pipeline=[
    dict(type='VirtualCamera'), dict(type='Encode', codec=_base_.codec), dict(type='FrameRemoval', rate=0.7),
    dict(type='PackPose', keys=['mask'])]))
test_dataloader = test_evaluator = test_cfg = None
"""


def test_attention_of_the_first_stage_is_of_the_masked_clip(pstmo):
    _, _, drawn = pstmo('MaskedPosePretrainer', STAGE_1, MASKED)
    [figure] = drawn
    assert maps_of(figure)[0].shape == (3, 3) and figure.axes[0].get_xlabel().startswith('visible frame')  # 6 removed
    drawn.clear()
    model, dataset, drawn = pstmo('MaskedPosePretrainer', STAGE_1, MASKED, '--of', 'head', '--layer', 1)
    item, kept = dataset[0], []
    hook = model.head.blocks[0].attn.register_forward_pre_hook(lambda part, args: kept.append(part.weights(*args)))
    with torch.no_grad(), hook:
        model(item['inputs'][None], MotionDataSample(mask=item['data_samples'].mask[None]))
    [figure] = drawn
    np.testing.assert_allclose(np.stack(maps_of(figure)[1:]), kept[0][0, 0].numpy(), atol=1e-6)
    assert all(line.get_xdata()[0] == 2.5 for line in figure.axes[0].lines[1:])  # after the three that are visible


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
    ('visualize_attention', 'STMO', ('--of', 'head'), 'MotionEstimator has no head with attention; choose another'),
    ('visualize_attention', 'STMO', ('--clip', 9), '--clip is 9, expected 0 to 2'),
    ('visualize_fusion', 'DSTformer', (), r'--layer names [3], but DSTformer has AdaptiveFusion in layers 1, 2'),
])  # fmt: skip
def test_mistakes_are_named(start, name, backbone, flags, message):
    with pytest.raises(poselifter.InputError) as error:
        start(name, backbone, *flags)
    assert message in str(error.value)
