"""2D detections simulated on bodies: frames a second of one process, with and without the test of what hides what.

usage: python benchmarks/bodies.py [--data FOLDER] [--clips 16]
"""

import argparse
import copy
import os

import numpy as np
from timing import compare

from poselifter.datasets import CMUSkeletonDataset
from poselifter.datasets.clip_batch import ClipBatch
from poselifter.datasets.transforms import BodyDetections, PoseBody, Transform, WideCamera

FRAMES = 27


def main() -> None:
    """Prints a row for each joint set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', default=os.environ.get('POSELIFTER_DATA', 'data'), help='folder that holds cmu/')
    parser.add_argument('--clips', type=int, default=16, help='in a batch')
    args = parser.parse_args()
    dataset = CMUSkeletonDataset(
        data_root=f'{args.data}/cmu',
        ann_file='cmu_train.npz',
        own_body=0.35,
        window=dict(length=2 * FRAMES, stride=9, tail='shift'),
        pipeline=[dict(type='TimeWarp', length=FRAMES)],
    )
    batch = dataset.__getitems__(np.random.default_rng(0).integers(len(dataset), size=args.clips).tolist())
    camera, joints = WideCamera(), PoseBody()
    print('| joint set | detections | without hidden points | joints alone (`PoseBody`) |\n| --- | --- | --- | --- |')
    for name in ('h36m17', 'mediapipe33', 'coco17', 'halpe26', 'body25'):
        chosen = dict(skeleton=name) if name == 'h36m17' else dict(skeleton=name, detectors=(name,))
        steps = BodyDetections(**chosen), BodyDetections(**chosen, visibility=0), joints
        seconds = compare(*(lambda step=step: _filmed(batch, step, camera) for step in steps))
        print(f'| {name} | ' + ' | '.join(f'{args.clips * FRAMES / s:,.0f}' for s in seconds) + ' |')


def _filmed(batch: ClipBatch, step: Transform, camera: WideCamera) -> None:
    """Bodies of a batch and their pictures."""
    camera.transform_batch(step.transform_batch(copy.deepcopy(batch)))


if __name__ == '__main__':
    main()
