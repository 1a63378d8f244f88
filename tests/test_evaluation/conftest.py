import json

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from poselifter.structures import MotionDataSample


def evaluate(metric, samples, batch=1):
    """Figures of a metric that gets samples in batches."""
    evaluator = Evaluator(metric)
    for start in range(0, len(samples), batch):
        evaluator.process(samples[start : start + batch])
    return evaluator.evaluate(len(samples))


@pytest.fixture
def parity(shared):
    """Loads one parity case: an npz file, or the arrays and values of a folder."""

    def load(case):
        path = shared / 'fixtures' / 'parity' / case
        if not path.is_dir():
            return dict(np.load(path.with_suffix('.npz')))
        arrays = {file.stem: np.load(file) for file in path.glob('*.npy')}
        return {**arrays, 'meta': json.loads((path / 'meta.json').read_text())}

    return load


@pytest.fixture
def make_samples():
    """Predicted sequences of different lengths, three actions, two source formats."""

    def make(count=11, seed=0):
        rng = np.random.default_rng(seed)
        samples = []
        for index in range(count):
            frames = int(rng.integers(1, 40))
            target = rng.normal(size=(frames, 17, 3)) * 0.3 + [0, 0, 4]
            pred = target - target[:, :1] + rng.normal(size=(frames, 17, 3)) * 0.05
            visible = (rng.random((frames, 17)) > 0.1).astype(np.float32)
            sample = MotionDataSample(
                metainfo={
                    'sequence': f'clip_{index}',
                    'action_name': ('walk', 'run', 'martial_arts')[index % 3],
                    'source_format': ('bvh-daz', 'asf-amc')[index % 2],
                    'skeleton_3d': 'cmu17',
                }
            )
            sample.pred_keypoints_3d = torch.from_numpy(pred.astype(np.float32))
            sample.lifting_target = torch.from_numpy(target.astype(np.float32))
            sample.lifting_target_visible = torch.from_numpy(visible)
            samples.append(sample)
        return samples

    return make
