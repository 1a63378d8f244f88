"""A project of its own that plugs into poselifter: small data, a model with dropout, a metric.

The truth is a linear map of the input, so a linear model can learn it.
"""

import os
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from torch.utils.data import Dataset

from poselifter.registry import DATASETS, HOOKS, METRICS, MODELS
from poselifter.skeletons import Skeleton, add_skeleton
from poselifter.structures import MotionDataSample

FRAMES, JOINTS = 4, 3
add_skeleton(Skeleton('toy', ('base', 'middle', 'tip'), (-1, 0, 1), ((0, 1), (1, 2))))


@DATASETS.register_module(force=True)
class ToyClips(Dataset):
    def __init__(self, n=16, seed=0):
        rng = np.random.default_rng(seed)
        lift = np.random.default_rng(7).normal(size=(2, 3)).astype(np.float32)
        self.inputs = rng.normal(size=(n, FRAMES, JOINTS, 2)).astype(np.float32)
        self.targets = self.inputs @ lift
        self.metainfo = {'dataset_name': 'toy', 'sigmas': np.ones(JOINTS)}

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        sample = MotionDataSample(
            metainfo={'sequence': f'clip/{index}', 'skeleton': 'toy', 'skeleton_3d': 'toy', 'fps': 25}
        )
        sample.set_metainfo({'action_name': 'abc'[index % 3]})
        sample.lifting_target = torch.from_numpy(self.targets[index])
        return {'inputs': torch.from_numpy(self.inputs[index]), 'data_samples': sample}


@MODELS.register_module(force=True)
class ToyLifter(BaseModel):
    def __init__(self, dropout=0.5, width=16, **kwargs):
        super().__init__(**kwargs)
        self.hidden = torch.nn.Linear(2, width)
        self.dropout = torch.nn.Dropout(dropout)
        self.out = torch.nn.Linear(width, 3)

    def forward(self, inputs, data_samples, mode='tensor'):
        prediction = self.out(self.dropout(self.hidden(torch.stack(list(inputs)))))
        if mode == 'loss':
            target = torch.stack([sample.lifting_target for sample in data_samples])
            return {'loss_mpjpe': (prediction - target).norm(dim=-1).mean()}
        for sample, keypoints_3d in zip(data_samples, prediction, strict=True):
            sample.pred_keypoints_3d = keypoints_3d
        return data_samples


@MODELS.register_module(force=True)
class ToyLostLoss(ToyLifter):
    """The loss of a batch with clip 5 is ``value``, its gradients are as always."""

    def __init__(self, value='inf', **kwargs):
        super().__init__(**kwargs)
        self.value = float(value)

    def forward(self, inputs, data_samples, mode='tensor'):
        found = super().forward(inputs, data_samples, mode)
        if mode == 'loss' and any(sample.sequence == 'clip/5' for sample in data_samples):
            found['loss_mpjpe'] = found['loss_mpjpe'] + self.value
        return found


@MODELS.register_module(force=True)
class ToyBodies(ToyLifter):
    """Predicts 17 joints, a body of 20 vertices and scores of 3 classes, all made of the toy's poses."""

    def forward(self, inputs, data_samples, mode='tensor'):
        if mode != 'predict':
            return super().forward(inputs, data_samples, mode)
        spread = torch.randn(3 * JOINTS, 37 * 3, generator=torch.Generator().manual_seed(0)).to(inputs[0])
        for sample in super().forward(inputs, data_samples, mode):
            number = int(sample.sequence.split('/')[1])
            for points, vertices in (('pred_keypoints_3d', 'pred_vertices'), ('lifting_target', 'vertices')):
                body = sample.get(points)[number % 2 :].flatten(1) @ spread  # every second clip is a frame shorter
                body = body.unflatten(1, (37, 3))
                sample.set_data({points: body[:, :17], vertices: body[:, 17:]})
            sample.set_metainfo({'skeleton_3d': 'h36m17'})
            sample.set_data({'lifting_target_visible': torch.ones(len(body), 17)})
            sample.set_data({'pred_scores': sample.pred_keypoints_3d[0, 0], 'action': torch.tensor(number % 3)})
        return data_samples


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    reports = ('MPJPE', 'P-MPJPE', 'MPJVE', 'clips')

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            self.results.append(float((sample['pred_keypoints_3d'] - sample['lifting_target']).norm(dim=-1).mean()))

    def compute_metrics(self, results):
        mean = 1000 * float(np.mean(results))
        return {'MPJPE': mean, 'P-MPJPE': mean / 2, 'MPJVE': mean / 4, 'clips': len(results)}


@HOOKS.register_module(force=True)
class StopAfter(Hook):
    """Ends the run early, as if it had been interrupted; the config still asks for all of it."""

    priority = 'LOWEST'

    def __init__(self, iterations):
        self.iterations = iterations

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.train_loop.stop_training = runner.iter + 1 >= self.iterations


@HOOKS.register_module(force=True)
class WaitInThirdEpoch(Hook):
    """Makes the file ``$TOY_WAIT`` in mid-epoch and stays there, of several the second in the fourth epoch."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        files = [Path(name) for name in os.environ.get('TOY_WAIT', '').split(os.pathsep) if name]
        made = sum(path.exists() for path in files)
        if made < len(files) and runner.epoch == 2 + made and batch_idx == 1:
            files[made].touch()
            time.sleep(600)


@HOOKS.register_module(force=True)
class SpoilBatches(Hook):
    """Puts a NaN into the second clip of the batches of some iterations, of one process if ``rank`` is given."""

    def __init__(self, iterations, rank=None):
        self.iterations, self.rank = iterations, rank

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter in self.iterations and self.rank in (None, runner.rank):
            data_batch['inputs'][1] = data_batch['inputs'][1] * torch.nan
            if os.environ.get('TOY_SPOILED'):
                Path(os.environ['TOY_SPOILED']).write_text(data_batch['data_samples'][1].sequence)


def loader(n, batch_size, shuffle, seed=0):
    return {
        'dataset': {'type': 'ToyClips', 'n': n, 'seed': seed},
        'sampler': {'type': 'DefaultSampler', 'shuffle': shuffle},
        'batch_size': batch_size,
        'num_workers': 0,
    }


def config(work_dir, **changes):
    """A whole config; ``changes`` replace top-level entries."""
    return {
        'custom_imports': {'imports': ['toy_project'], 'allow_failed_imports': False},
        'default_scope': 'poselifter',
        'codec': {'type': 'RootRelativeLifting', 'skeleton': 'coco17', 'fps': 25},
        'model': {'type': 'ToyLifter'},
        'train_dataloader': loader(16, 4, True),
        'val_dataloader': loader(9, 4, False, seed=1),
        'test_dataloader': loader(9, 4, False, seed=2),
        'train_cfg': {'by_epoch': True, 'max_epochs': 2, 'val_interval': 1},
        'val_cfg': {},
        'test_cfg': {},
        'val_evaluator': {'type': 'ToyMetric'},
        'test_evaluator': {'type': 'ToyMetric'},
        'optim_wrapper': {'optimizer': {'type': 'AdamW', 'lr': 0.01}},
        'param_scheduler': [{'type': 'CosineAnnealingLR', 'T_max': 10, 'convert_to_iter_based': True}],
        'default_hooks': {
            'logger': {'type': 'LoggerHook', 'interval': 2},
            'checkpoint': {'type': 'CheckpointHook', 'interval': 1, 'save_best': 'MPJPE', 'rule': 'less'},
        },
        'randomness': {'seed': 3},
        'env_cfg': {'mp_cfg': {'mp_start_method': 'fork'}},
        'work_dir': work_dir and str(work_dir),
        **changes,
    }
