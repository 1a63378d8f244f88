"""Errors with the joints that a detector gives as tokens, and with 17 that are converted from them.

    python benchmarks/joint_sets.py NAME=CONFIG:CHECKPOINT ... [--data ../shared/data] [--every 2]

CONFIG and CHECKPOINT are what `projects/reproduce/run.py` leaves in the folder of a training. Detections are simulated
on bodies of all builds that move as CMU's test subjects do, with cameras and errors as in training, the same for all
models: body23, of which a detector may lack points; models of 17 joints get its first 17. The film is real, with the
keypoints of BlazePose. MPJPE / P-MPJPE in mm, means over frames: of 17 joints, on the film of twelve.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from filmed import film_tables, measure, measure_film

from poselifter.apis import init_model
from poselifter.datasets import CMUSkeletonDataset
from poselifter.errors import run_program
from poselifter.skeletons import convert_keypoints
from poselifter.structures import KeypointTable

DETECTORS = ('mediapipe33', 'halpe26', 'body25', 'coco17')


def detected(data: Path, detector: str, every: int) -> list[tuple[KeypointTable, np.ndarray]]:
    """(table of body23 as far as the detector gives it, truth (T, 17, 3) of cmu17) of 3 s of test clips."""
    steps = [
        {'type': 'BodyDetections', 'detectors': (detector,), 'skeleton': 'body23'},
        {'type': 'WideCamera', 'pitch': (-15, 45), 'roll': 30, 'distance': (1.5, 15), 'focal': (0.5, 4)},
        {'type': 'DetectorErrors', 'strength': (1, 1), 'outside': 0.5},
    ]
    dataset = CMUSkeletonDataset(
        data_root=str(data / 'cmu'),
        ann_file='cmu_test.npz',
        own_body=0.0,
        test_mode=True,
        window={'length': 90, 'stride': 90, 'tail': 'drop'},
        pipeline=steps,
    )
    clips = []
    for number in range(0, len(dataset), every):
        sample = dataset[number]
        if not sample['keypoints_visible'].any():  # outside of the picture all the time
            continue
        known = {key: sample[key] for key in ('img_shape', 'skeleton')}
        table = KeypointTable.of_person(sample['keypoints'], sample['keypoints_visible'], fps=30, **known)
        truth = convert_keypoints(sample['lifting_target'], sample['skeleton_3d'], 'cmu17')
        clips.append((table, truth - truth[:, :1]))
    return clips


def first17(clip: tuple[KeypointTable, np.ndarray]) -> tuple[KeypointTable, np.ndarray]:
    """A clip without ears, heels and toes."""
    table, truth = clip
    keypoints, scores = table.keypoints[:, :17], table.keypoints_visible[:, :17]
    return replace(table, keypoints=keypoints, keypoints_visible=scores, skeleton='h36m17'), truth


def main(argv: list[str] | None = None) -> None:
    """Prints a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=CONFIG:CHECKPOINT')
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    parser.add_argument('--every', type=int, default=2, help='use every so many of the windows of 3 s')
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    clips = {detector: detected(args.data, detector, args.every) for detector in DETECTORS}
    films, tool = film_tables(args.data / 'film')
    print('| model | ' + ' | '.join((*clips, 'film: full', 'film: heavy')) + ' |\n' + '| --- ' * 7 + '|')
    for model in args.models:
        name, _, files = model.partition('=')
        lifter = init_model(*files.split(':'))
        whole = lifter.codec.skeleton.name == 'body23'
        cells = [measure(lifter, part if whole else list(map(first17, part)))[:2] for part in clips.values()]
        cells += [measure_film(lifter, films[kind], tool)[[0, 2]] for kind in ('full', 'heavy')]
        print(f'| {name} | ' + ' | '.join(f'{a:.1f} / {b:.1f}' for a, b in cells) + ' |', flush=True)


if __name__ == '__main__':
    run_program(main)
