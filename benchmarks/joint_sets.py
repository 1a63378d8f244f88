"""Errors with the joints that a detector gives as tokens, and with 17 that are converted from them.

    python benchmarks/joint_sets.py NAME=CONFIG:CHECKPOINT ... [--data ../shared/data] [--every 2]

CONFIG and CHECKPOINT are what `projects/reproduce/run.py` leaves in the folder of a training. Detections are simulated
on bodies of all builds that move as CMU's test subjects do, with cameras and errors as in training, the same for all
models: body23, of which a detector may lack points; models of 17 joints get its first 17. The film is real, with the
keypoints of BlazePose. MPJPE / P-MPJPE in mm, means over frames: of 17 joints, on the film of twelve. Of models whose
poses have more, a second table: mm of pairs of joints, and degrees that the directions from ankle to toe are off.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from filmed import compared, film_tables, print_errors

from poselifter.apis.prediction import predict_table
from poselifter.datasets import CMUSkeletonDataset
from poselifter.errors import run_program
from poselifter.geometry.inverse_kinematics import unit
from poselifter.skeletons import convert_keypoints
from poselifter.structures import KeypointTable

DETECTORS = ('mediapipe33', 'halpe26', 'body25', 'coco17')
PAIRS = {'wrists': (13, 16), 'ankles': (3, 6), 'ears': (17, 18), 'heels': (19, 20), 'toes': (21, 22)}  # of body23


def detected(data: Path, detector: str, every: int, whole: bool = False) -> list[tuple[KeypointTable, np.ndarray]]:
    """(table of body23 as far as the detector gives it, truth (T, J, 3)) of 3 s of test clips.

    The truth is of cmu17, or all of body23 with ``whole``.
    """
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
        truth = convert_keypoints(sample['lifting_target'], sample['skeleton_3d'], 'body23' if whole else 'cmu17')
        clips.append((table, truth - truth[:, :1]))
    return clips


def first17(clip: tuple[KeypointTable, np.ndarray]) -> tuple[KeypointTable, np.ndarray]:
    """A clip without ears, heels and toes."""
    table, truth = clip
    keypoints, scores = table.keypoints[:, :17], table.keypoints_visible[:, :17]
    return replace(table, keypoints=keypoints, keypoints_visible=scores, skeleton='h36m17'), truth


def of_pairs(lifter, clips: list[tuple[KeypointTable, np.ndarray]]) -> list[float]:
    """Mean errors of PAIRS in mm, and degrees between directions from ankle to toe."""
    poses = np.concatenate([predict_table(lifter, table, ['pose']).poses for table, _ in clips])
    truth = np.concatenate([truth for _, truth in clips])
    errors = np.linalg.norm(poses - truth, axis=-1) * 1000
    feet = [unit(x[:, PAIRS['toes'][::-1]] - x[:, PAIRS['ankles']]) for x in (poses, truth)]
    turned = np.degrees(np.arccos((feet[0] * feet[1]).sum(-1).clip(-1, 1)))
    return [*(errors[:, pair].mean() for pair in PAIRS.values()), turned.mean()]


def main(argv: list[str] | None = None) -> None:
    """Prints a row for each model."""
    args = compared(__doc__, argv, every=2)
    clips = {detector: detected(args.data, detector, args.every) for detector in DETECTORS}
    films, tool = film_tables(args.data / 'film')
    print('| model | ' + ' | '.join((*clips, 'film: full', 'film: heavy')) + ' |\n' + '| --- ' * 7 + '|')
    for name, lifter in args.lifters.items():
        whole = lifter.codec.skeleton.name == 'body23'
        parts = (part if whole else list(map(first17, part)) for part in clips.values())
        print_errors(name, lifter, parts, films, tool)
    longer = {name: lifter for name, lifter in args.lifters.items() if lifter.codec.result_skeleton.name == 'body23'}
    if longer:
        print('\n| model, detector | ' + ' | '.join(PAIRS) + ' | direction of feet |\n' + '| --- ' * 7 + '|')
    for name, lifter in longer.items():
        for detector in clips:
            values = of_pairs(lifter, detected(args.data, detector, args.every, whole=True))
            print(f'| {name}, {detector} | ' + ' | '.join(f'{value:.0f}' for value in values) + ' |', flush=True)


if __name__ == '__main__':
    run_program(main)
