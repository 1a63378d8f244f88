import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.evaluation.functional import auc_3d, mpjae, mpjpe, mpjve, n_mpjpe, p_mpjpe, pck_3d
from poselifter.evaluation.functional.distances import joint_distances
from poselifter.evaluation.metrics import Measure, PoseMetric
from poselifter.registry import MEASURES, METRICS
from poselifter.structures import MotionDataSample

from .conftest import evaluate

EVERY = ('mpjpe', 'p_mpjpe', 'n_mpjpe', 'mpjve', 'mpjae', 'pck', 'auc')
LABELS = ('MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJAE', 'PCK', 'AUC')
FUNCTIONS = (mpjpe, p_mpjpe, n_mpjpe, mpjve, mpjae, pck_3d, auc_3d)

RANK_SCRIPT = """
import json, pickle, sys
import torch.distributed as dist
from mmengine.evaluator import Evaluator
from poselifter.evaluation.metrics import PoseMetric

samples_file, store, out, rank, world, batch, device, options = sys.argv[1:]
rank, world, batch = int(rank), int(world), int(batch)
dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=world)
samples = pickle.load(open(samples_file, 'rb'))
padded = samples + samples[: -len(samples) % world]  # as DefaultSampler rounds up
mine = padded[rank::world]
evaluator = Evaluator(PoseMetric(collect_device=device, **json.loads(options)))
for start in range(0, len(mine), batch):
    evaluator.process(mine[start : start + batch])
figures = evaluator.evaluate(len(samples))
json.dump(figures, open(f'{out}.{rank}', 'w'))
dist.destroy_process_group()
"""


def _evaluate(samples, batch=1, **kwargs):
    return evaluate(PoseMetric(**kwargs), samples, batch)


def _arrays(sample):
    """Prediction and root-relative target in mm, and the labelled joints, written out by hand."""
    pred, target = sample.pred_keypoints_3d.double().numpy(), sample.lifting_target.double().numpy()
    visible = sample.lifting_target_visible.numpy() * sample.lifting_target_visible.numpy()[:, :1]
    pred[:, 0] = 0
    return pred * 1000, (target - target[:, :1]) * 1000, visible


def _sample(pred, target, visible=None, **facts):
    sample = MotionDataSample(metainfo={'sequence': 'clip', 'action_name': 'walk', 'source_format': 'bvh', **facts})
    sample.pred_keypoints_3d = torch.as_tensor(pred)
    sample.lifting_target = torch.as_tensor(target)
    sample.lifting_target_visible = torch.as_tensor(np.ones(np.shape(target)[:2]) if visible is None else visible)
    return sample


def test_one_sequence_agrees_with_the_functions(make_samples):
    sample = max(make_samples(), key=lambda s: len(s.lifting_target))
    figures = _evaluate([sample], metrics=EVERY)
    pred, target, visible = _arrays(sample)
    for label, function in zip(LABELS, FUNCTIONS, strict=True):
        assert figures[label] == pytest.approx(function(pred, target, visible=visible), rel=1e-12)


def test_groups_and_average(make_samples):
    samples = make_samples()
    figures = _evaluate(samples)
    means = {}
    for action in ('walk', 'run', 'martial_arts'):
        parts = [_arrays(s) for s in samples if s.action_name == action]
        joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        means[action] = mpjpe(*joined)
        assert figures[f'MPJPE/{action}'] == pytest.approx(means[action], rel=1e-12)
        # A difference across the border of two sequences would be no velocity.
        moving = [part for part in parts if (part[2][1:] * part[2][:-1]).any()]
        counts = [(visible[1:] * visible[:-1]).sum() for _, _, visible in moving]
        velocity = np.average([mpjve(*part) for part in moving], weights=counts)
        assert figures[f'MPJVE/{action}'] == pytest.approx(velocity, rel=1e-12)
    assert figures['MPJPE'] == pytest.approx(np.mean(list(means.values())), rel=1e-12)
    joined = [np.concatenate(a) for a in zip(*map(_arrays, samples), strict=True)]
    assert figures['all_frames/MPJPE'] == pytest.approx(mpjpe(*joined), rel=1e-12)
    daz = [np.concatenate(a) for a in zip(*(_arrays(s) for s in samples[::2]), strict=True)]
    assert figures['source_format/bvh-daz/MPJPE'] == pytest.approx(mpjpe(*daz), rel=1e-12)
    assert next(iter(figures)) == 'MPJPE'
    assert all(isinstance(value, float) for value in figures.values())


@pytest.mark.parametrize('batch', [2, 3, 11, 64])
def test_batch_size_and_order_do_not_change_a_digit(make_samples, batch):
    samples = make_samples()
    expected = _evaluate(samples, metrics=EVERY)
    assert _evaluate(samples, batch, metrics=EVERY) == expected
    assert _evaluate(samples[::-1], batch, metrics=EVERY) == expected


def test_samples_and_their_dicts_are_the_same(make_samples):
    samples = make_samples()
    metric = PoseMetric()
    metric.process(None, samples)
    assert metric.evaluate(len(samples)) == _evaluate(samples)
    assert metric.results == []


@pytest.mark.parametrize(('device', 'options'), [('cpu', {}), ('gpu', {}), ('gpu', {'protocol': 'motionbert'})])
def test_two_processes_give_the_same_figures_as_one(make_samples, tmp_path, device, options, repository):
    samples = make_samples(11)
    samples[4].set_metainfo({'sequence': 's_09_act_10_subact_02_ca_01'})  # one that MotionBERT leaves out
    (tmp_path / 'samples.pkl').write_bytes(pickle.dumps(samples))
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(repository)}
    arguments = [str(tmp_path / name) for name in ('samples.pkl', 'store', 'out')]
    command, last = [sys.executable, '-c', RANK_SCRIPT, *arguments], [device, json.dumps(options)]
    ranks = [subprocess.Popen([*command, str(r), '2', '2', *last], env=environment, cwd=tmp_path) for r in range(2)]
    assert [rank.wait(120) for rank in ranks] == [0, 0]
    figures = [json.loads((tmp_path / f'out.{rank}').read_text()) for rank in range(2)]
    assert figures[0] == figures[1] == _evaluate(samples, **options)


def test_every_action_and_format_is_in_the_printed_tables(make_samples, monkeypatch):
    printed = []
    monkeypatch.setattr(
        'poselifter.evaluation.metrics.grouped_metric.print_log', lambda text, logger: printed.append(text)
    )
    samples = make_samples()
    figures = _evaluate(samples, metrics=EVERY)
    actions, formats = printed
    frames = sum(int((_arrays(s)[2].sum(-1) > 0).sum()) for s in samples)
    for text, groups in ((actions, ['martial_arts', 'run', 'walk']), (formats, ['asf-amc', 'bvh-daz'])):
        rows = [line.split() for line in text.splitlines()]
        assert [row[0] for row in rows[3:-3]] == groups
        assert [row[:3] for row in rows[-2:]] == [[a, '11', str(frames)] for a in ('mean_of_groups', 'all_frames')]
    assert 'overall figure: mean_of_groups' in actions.splitlines()[0]
    assert actions.splitlines()[1].split()[3:] == list(LABELS)
    for row, prefix in ((-2, ''), (-1, 'all_frames/')):
        assert actions.splitlines()[row].split()[3:] == [f'{figures[prefix + label]:.2f}' for label in LABELS]


def test_names_that_are_missing_are_unknown(rng):
    target = rng.normal(size=(3, 17, 3))
    figures = _evaluate([_sample(target, target, action_name='', source_format='')])
    assert {'MPJPE/unknown', 'source_format/unknown/MPJPE'} <= set(figures)


def test_a_sequence_of_one_frame_has_no_velocity(rng):
    target = rng.normal(size=(8, 17, 3))
    single, longer = _sample(target[:1], target[:1]), _sample(target + rng.normal(size=(8, 17, 3)), target)
    assert _evaluate([single, longer])['MPJVE'] == _evaluate([longer])['MPJVE']
    figures = _evaluate([single])
    assert 'MPJVE' not in figures
    assert 'MPJPE' in figures


def test_it_is_built_by_name_and_takes_a_prefix(make_samples):
    metric = METRICS.build({'type': 'PoseMetric', 'metrics': ['mpjpe'], 'group_by': ['subject'], 'prefix': 'test'})
    samples = make_samples(2)
    metric.process(None, samples)
    assert set(metric.evaluate(2)) == {'test/MPJPE', 'test/all_frames/MPJPE', 'test/MPJPE/unknown'}


@pytest.mark.parametrize(('change', 'words'), [
    ({'pred_keypoints_3d': torch.zeros(4, 16, 3)}, r'clip_0: pred_keypoints_3d has shape \(4, 16, 3\)'),
    ({'pred_keypoints_3d': torch.full((3, 17, 3), torch.nan)}, 'clip_0: pred has NaN'),
    ({'lifting_target_visible': torch.ones(3)}, r'lifting_target_visible \(3,\)'),
    ({'pred_skeleton': 'smpl24'}, 'no conversion from smpl24 to cmu17|shape'),
    ({'pred_keypoints_3d': None}, 'clip_0: the sample has no pred_keypoints_3d'),
])  # fmt: skip
def test_bad_samples_are_named(change, words):
    sample = {
        'sequence': 'clip_0', 'skeleton_3d': 'cmu17', 'pred_keypoints_3d': torch.zeros(3, 17, 3),
        'lifting_target': torch.zeros(3, 17, 3), 'lifting_target_visible': torch.ones(3, 17), **change,
    }  # fmt: skip
    with pytest.raises(InputError, match=words):
        PoseMetric().process(None, [sample])


def test_predictions_are_converted_to_the_joints_of_the_label(make_samples):
    """By name: a joint set of the same layout gives the same figures."""
    [sample] = make_samples(1)
    figures = []
    for name in ('cmu17', 'body17'):
        metric = PoseMetric()
        sample.set_metainfo({'pred_skeleton': name})
        metric.process(None, [sample])
        figures.append(metric.evaluate(1))
    assert figures[0] == figures[1]


def test_a_plugin_adds_a_measure(rng, monkeypatch):
    """The furthest joint of a pose, and how errors change between frames: each by a name, with a label and a unit."""

    def furthest(pred, target, visible=None):
        distances, counted = joint_distances(pred, target, visible)
        return (distances * counted).max(-1, keepdims=True), counted.any(-1, keepdims=True)

    def jump(pred, target, visible=None):
        distances, counted = joint_distances(pred, target, visible)
        return np.abs(np.diff(distances, axis=-2)), counted[..., 1:, :] & counted[..., :-1, :]

    monkeypatch.setattr(MEASURES, '_module_dict', {**MEASURES.module_dict})
    MEASURES.register_module('furthest', module=Measure('FURTHEST', furthest))
    MEASURES.register_module('jump', module=Measure('JUMP', jump, 'mm a frame', over_time=True))
    target = rng.normal(size=(3, 17, 3))
    pred = target - target[:, :1]
    pred[:, 5, 0] += [0.01, 0.03, 0.02]
    pred[:, 7, 1] += 0.005
    sample = _sample(pred, target)
    figures = _evaluate([sample], metrics=['furthest', 'mpjpe', 'jump'])
    assert figures['FURTHEST'] == pytest.approx(20) and figures['JUMP/walk'] == pytest.approx(30 / 2 / 17)
    metric = PoseMetric(metrics=['furthest', 'mpjpe', 'jump'])
    assert metric.units == 'protocol clean; FURTHEST, MPJPE in mm; JUMP in mm a frame'
    clips = _evaluate([sample], metrics=['jump'], protocol='motionagformer', clip_len=3)
    assert clips['motionagformer/JUMP'] == pytest.approx(30 / 3 / 17)  # what a clip lacks at its end counts as 0


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match=r"expected some of \['mpjpe', 'p_mpjpe'"):
        PoseMetric(metrics=['mpjpe', 'mpve'])
    with pytest.raises(InputError, match='group_by is empty'):
        PoseMetric(group_by=[])
    with pytest.raises(InputError, match='saw no sequence'):
        PoseMetric().compute_metrics([])
    with pytest.raises(InputError, match="protocol is 'cvpr', expected 'clean', 'videopose3d'"):
        PoseMetric(protocol='cvpr')
