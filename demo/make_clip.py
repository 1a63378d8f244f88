"""Makes demo/clip.npz: a test clip of CMU motion capture as a detector would see it.

usage: python demo/make_clip.py CONFIG SEQUENCE [--view N] [--frames START STOP]
"""

import argparse
from pathlib import Path

import numpy as np
from mmengine.config import Config

from poselifter import register_all_modules
from poselifter.errors import InputError, run_program
from poselifter.registry import DATASETS
from poselifter.utils import atomic_write

CREDIT = (
    'The data used in this project was obtained from mocap.cs.cmu.edu. '
    'The database was created with funding from NSF EIA-0196217.'
)


def main(argv: list[str] | None) -> None:
    """Films one sequence of the config's test set and writes it as an exchange file with its 3D truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('sequence')
    parser.add_argument('--view', type=int, default=0)
    parser.add_argument('--frames', type=int, nargs=2, default=(0, 120))
    parser.add_argument('--out', default=Path(__file__).with_name('clip.npz'))
    args = parser.parse_args(argv)

    register_all_modules()
    cfg = Config.fromfile(args.config).test_dataloader.dataset
    film = [step for step in cfg.pipeline if step.type in ('VirtualCamera', 'DetectedJoints', 'KeypointNoise')]
    dataset = DATASETS.build({**cfg, 'pipeline': film})
    for sample in (dataset[i] for i in range(len(dataset))):
        if sample['sequence'] == args.sequence and sample['camera'] == f'view{args.view}':
            break
    else:
        raise InputError(f'{args.config} has no test sequence {args.sequence} with view {args.view}')

    part = slice(*args.frames)
    pose = sample['lifting_target'][part]
    [caption] = [dataset.metainfo['texts'][i] for i in sample['captions']] or ['no description']
    with atomic_write(args.out) as path:
        np.savez_compressed(
            path,
            keypoints=sample['keypoints'][part],
            keypoints_visible=sample['keypoints_visible'][part],
            img_shape=sample['img_shape'],
            fps=sample['fps'],
            skeleton=sample['skeleton'],
            truth_3d=pose - pose[:, :1],
            truth_skeleton=sample['skeleton_3d'],
            about=f'CMU {args.sequence} ({caption}), filmed by a virtual camera. {CREDIT}',
        )
    print(f'{args.out}: {len(pose)} frames, {caption}')


if __name__ == '__main__':
    run_program(main)
