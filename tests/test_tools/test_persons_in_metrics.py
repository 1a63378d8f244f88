"""Clips of several persons from file to figure: batches, the order of persons and padding persons do not matter."""

import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from toy_datasets import ntu as toy

import poselifter
from poselifter.apis import lift_table
from poselifter.engine import load_config
from poselifter.evaluation.metrics import ActionMetric, FewShotMetric, PoseMetric
from poselifter.models.estimators import MotionEstimator
from poselifter.registry import DATASETS
from poselifter.structures import KeypointTable, MotionDataSample

CLIPS = [toy.annotation(f'clip{i}', i % 4, frames=12 + i, persons=1 + i % 3, seed=i) for i in range(12)]
BACKBONE = dict(type='DSTformer', num_frames=9, in_channels=3, embed_dims=16, rep_dims=16, depth=1, num_heads=2)
ACTION = dict(type='ActionHead', num_classes=4, hidden_dims=8)
EMBEDDING = dict(type='ActionEmbeddingHead', hidden_dims=8)


def estimator(heads, codec):
    torch.manual_seed(0)
    model = MotionEstimator(BACKBONE, heads, codec, test_cfg=dict(window=dict(stride=4))).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.3)
    return model


def reordered(clip):
    """The last person first."""
    return clip | {key: clip[key][::-1] for key in ('keypoint', 'keypoint_score')}


def evaluate(metrics, samples, batch):
    evaluator = Evaluator(metrics)
    for start in range(0, len(samples), batch):
        evaluator.process(samples[start : start + batch])
    return evaluator.evaluate(len(samples))


@pytest.fixture
def actions(repository, tmp_path):
    """Figures of classes and embeddings by the pipeline of a config of NTU."""
    poselifter.register_all_modules()
    config = load_config(repository / 'configs/motionbert/action_ntu60_xsub.py')
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline[0].length = 9
    weights = {}

    def run(clips=CLIPS, persons=3, batch=5, official=False):
        (tmp_path / 'clips.pkl').write_bytes(pickle.dumps(clips))
        facts = dict(ann_file=str(tmp_path / 'clips.pkl'), num_persons=persons, pipeline=pipeline, test_mode=True)
        dataset = DATASETS.build(dict(type='SkeletonActionDataset', **facts))
        model = estimator({'action': {**ACTION, 'official': official}, 'embedding': EMBEDDING}, config.codec.to_dict())
        samples = []
        with torch.no_grad():
            if not weights:  # the batch norm learns these clips, and on average no class is better: so the best differ
                head, every = model.heads['action'], list(dataset)
                head.bn.momentum = 1
                inputs, given = [clip['inputs'] for clip in every], [clip['data_samples'] for clip in every]
                model.train()(torch.stack(inputs))
                predicted = model.eval()(inputs, given, mode='predict')
                head.fc2.bias.sub_(torch.stack([sample.pred_scores for sample in predicted]).log().mean(0))
                weights.update(model.state_dict())
            model.load_state_dict(weights)
            for start in range(0, len(dataset), batch):
                packed = dataset.__getitems__(range(start, min(start + batch, len(dataset))))
                inputs, given = [p['inputs'] for p in packed], [p['data_samples'] for p in packed]
                samples += model(inputs, given, mode='predict')
        figures = evaluate([ActionMetric(top_k=[1, 2]), FewShotMetric(ways=4, episodes=50)], samples, batch)
        return figures, torch.stack([sample.pred_scores for sample in samples])

    return run


def test_classes_and_embeddings(actions):
    expected, scores = actions()
    assert scores.argmax(1).unique().numel() > 1  # the figures tell something
    changes = {
        'one by one': dict(batch=1),
        'order': dict(clips=[reordered(clip) for clip in CLIPS]),
        'padding': dict(persons=6),
        'padding and order': dict(clips=[reordered(clip) for clip in CLIPS], persons=4, batch=12),
    }
    for name, change in changes.items():
        figures, others = actions(**change)
        assert figures == pytest.approx(expected, abs=1e-6), name
        torch.testing.assert_close(others, scores, rtol=0, atol=1e-5, msg=name)
    counted, padded = (actions(persons=persons, official=True)[1] for persons in (3, 6))
    assert (counted - padded).abs().max() > 1e-3  # as released, those who are not there count


def figures_of_poses(clips, padding=0, batch=64):
    """Every person of a clip is a track that is lifted; those who are not there are tracks without a joint."""
    codec = dict(type='RootRelativeLifting', confidence=True)
    model = estimator({'pose': dict(type='PoseHead'), 'action': ACTION}, codec)
    model.batch_size = batch
    samples = []
    for clip in clips:
        points = np.pad(clip['keypoint'].astype(np.float32), [(0, padding), *[(0, 0)] * 3])
        scores = np.pad(clip['keypoint_score'].astype(np.float32), [(0, padding), *[(0, 0)] * 2])
        persons, frames = scores.shape[:2]
        ids, rows = np.repeat(np.arange(persons), frames), np.tile(np.arange(frames), persons)
        table = KeypointTable(
            points.reshape(-1, 17, 2), scores.reshape(-1, 17), rows, ids, 'h36m17', (1080, 1920), model.codec.fps
        )
        for person, poses in enumerate(lift_table(model, table).reshape(persons, frames, 17, 3)):
            rng = np.random.default_rng(int(points[person].sum()) + 2**32)  # a person's truth, wherever he stands
            facts = {'sequence': clip['frame_dir'], 'action_name': str(clip['label']), 'source_format': 'toy'}
            sample = MotionDataSample(metainfo=facts)
            truth, there = torch.from_numpy(rng.normal(0, 0.3, poses.shape)), torch.from_numpy(scores[person])
            sample.set_data({'lifting_target': truth, 'lifting_target_visible': (there > 0).float()})
            samples.append(sample.set_data({'pred_keypoints_3d': torch.from_numpy(poses)}) or sample)
    return evaluate(PoseMetric(), samples, 7 if batch == 64 else 1)


def test_poses():
    clips = CLIPS[:5]
    expected = figures_of_poses(clips)
    assert {'MPJPE', 'P-MPJPE', 'MPJVE', 'MPJPE/3'} <= set(expected) and expected['MPJPE'] > 100
    assert figures_of_poses(clips, batch=2) == pytest.approx(expected, abs=1e-2)
    assert figures_of_poses([reordered(clip) for clip in clips[::-1]]) == pytest.approx(expected, abs=1e-2)
    assert figures_of_poses(clips, padding=2) == pytest.approx(expected, abs=1e-2)
