import re

import numpy as np
import pytest
import torch
from inspection.rows import keypoint_rows
from PIL import Image

import poselifter
from poselifter.datasets import stack_clips
from poselifter.registry import DATASETS
from poselifter.visualization.panels import COLOURS

STREAMS = "backbone=dict(type='DSTformer', num_frames=12, in_channels=6, embed_dims=8, depth=2, num_heads=2, {})"
STMO = "backbone=dict(type='STMO', num_frames=12, in_channels=6, embed_dims=8, depth=1, num_heads=2)"
POSE = "heads=dict(pose=dict(type='PoseHead', losses=[dict(type='MPJPELoss')]))"
MODELS_OF = {
    'masked': f"type='MaskedPosePretrainer', {STMO}, head=dict(type='MaskedPoseHead', depth=1, num_heads=2)",
    'unified': f"type='UnifiedMotionPretrainer', {STREAMS.format('rep_dims=8')}, {POSE}",
    'context': f"type='ContextPretrainer', {STREAMS.format('rep_dims=None')}, top_layers=2",
    'frames': f"type='ContextPretrainer', {STMO.replace('depth=1', 'depth=2')}, top_layers=2",
}
MASKS = {
    'masked': "dict(type='FrameRemoval', rate=0.5), dict(type='JointReplacement', count=2), dict(type='PackPose')",
    'unified': "dict(type='JointMask', prob=0.2), dict(type='FrameMask', prob=0.3), dict(type='PackPose')",
    'context': "dict(type='FrameRemoval', rate=0.5, copies=1), dict(type='PackPose')",
}
MASKS['frames'] = MASKS['context']


@pytest.fixture
def start(tool, tiny, tmp_path, capsys):
    """Runs the tool; returns what it printed (number and mean at hidden, visible places), the model, the data set."""

    def run(kind, *flags, masks=None):
        steps = "dict(type='VirtualCamera'), dict(type='Encode', codec={{_base_.codec}})"
        data = (
            'train_dataloader = dict(dataset=dict(n_sequences=1, n_frames=12, window=dict(length=12, stride=12), '
            f'pipeline=[{steps}, {masks or MASKS[kind]}]))'
        )
        given, model, config = tiny(MODELS_OF[kind], data)
        main = tool('analysis_tools/visualize_pretraining').main
        main([str(a) for a in (*given, '--out', tmp_path / 'out', *flags)])
        lines = re.findall(r'mean error at (\d+) \w+ places: ([\d.]+|none) \((.*)\)', capsys.readouterr().out)
        dataset = DATASETS.build(config.train_dataloader.dataset)
        return [(int(count), float(mean)) for count, mean, _ in lines], lines[0][2], model, dataset

    return run


def losses(model, dataset):
    """The model's own losses on the only clip, by the way that training takes."""
    batch = stack_clips(dataset.__getitems__([0]))
    torch.manual_seed(0)
    with torch.no_grad():
        found = model(batch['inputs'], batch['data_samples'], mode='loss')
    return {name: float(value) for name, value in found.items()}, batch['data_samples']


def test_masked_pose(start, tmp_path):
    [(hidden, a), (visible, b)], unit, model, dataset = start('masked', '--clips', 1, '--frames', 4)
    loss, samples = losses(model, dataset)
    assert (hidden, visible) == (6 * 17 + 6 * 2, 6 * 15) == (int(samples.mask.sum()), int((~samples.mask).sum()))
    assert (a * hidden + b * visible) / 204 == pytest.approx(loss['loss_reconstruction'], abs=1e-4)
    assert unit == 'network units'
    assert Image.open(tmp_path / 'out/clip_00.png').size == (28 * 2 + 4 * 274 - 14, 54 * 2 + 3 * 274 - 14)


def test_unified(start, tmp_path):
    [(hidden, a), (visible, b)], unit, model, dataset = start('unified', '--clips', 1, '--frames', 3)
    loss, _ = losses(model, dataset)
    inputs = dataset[0]['inputs']
    assert hidden == int((inputs == 0).all(-1).sum()) > 0 and hidden + visible == 12 * 17
    assert (a * hidden + b * visible) / 204 == pytest.approx(next(iter(loss.values())), abs=1e-4)
    assert unit == 'm' and Image.open(tmp_path / 'out/clip_00.png').size[0] == 28 * 2 + 3 * 274 - 14


@pytest.mark.parametrize('kind', ['context', 'frames'])
def test_context(start, tmp_path, kind):
    [(hidden, a), (visible, _)], unit, model, dataset = start(kind, '--clips', 1)
    loss, _ = losses(model, dataset)
    tokens = 17 if kind == 'context' else 1
    assert (hidden, visible) == (6 * tokens, 6 * tokens)
    assert a == pytest.approx(loss['loss_context'], abs=1e-4)
    assert unit == 'the loss' and (tmp_path / 'out/clip_00.png').is_file()


def test_clips_without_3d_labels_and_a_seed(start, tmp_path):
    masks = "dict(type='TargetFrom2D'), " + MASKS['unified']
    tables = []
    for seed in (0, 0, 1):
        found = start('unified', '--clips', 2, '--seed', seed)[0]
        tables.append((found, (tmp_path / 'out/clip_01.png').read_bytes()))
    assert tables[0] == tables[1] and tables[0] != tables[2]
    with pytest.raises(ValueError, match='none'):
        start('unified', '--clips', 1, masks=masks)  # pictures, but no number
    assert (tmp_path / 'out/clip_00.png').is_file()


def test_mistakes_are_named(start, tool, fails, trained, repository):
    with pytest.raises(poselifter.InputError, match=r"MaskedPosePretrainer needs 'mask', which no step"):
        start('masked', masks="dict(type='PackPose')")
    main, (config, checkpoint) = tool('analysis_tools/visualize_pretraining').main, trained
    assert 'ToyLifter recovers neither' in fails(main, config, checkpoint)
    assert '--clips: 0 is given' in fails(main, config, checkpoint, '--clips', 0)
    assert 'no config none.py' in fails(main, 'none.py', checkpoint)


def test_rows_hide_what_the_network_is_not_shown():

    points = np.random.default_rng(0).random((3, 17, 2))
    hidden, shown = np.zeros((3, 17), bool), np.ones((3, 17))
    hidden[1], hidden[2, 9] = True, True
    rows = keypoint_rows('h36m17', {'in': (points, shown * ~hidden), 'out': (points, shown)}, hidden)
    assert np.array_equal(rows['in'](0), rows['out'](0))
    middle = rows['in'](1)[100]
    assert (middle == COLOURS['line']).all() and not np.array_equal(rows['in'](2), rows['out'](2))
    assert (np.abs(rows['out'](2).astype(int) - COLOURS['muted']).max(-1) > 0).all()
    assert (np.abs(rows['in'](2).astype(int) - COLOURS['muted']).max(-1) == 0).any()  # the ring
