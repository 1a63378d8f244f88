"""Errors of lifters on motion, cameras and films that are far apart: whether a change of the training data helps.

    python benchmarks/domains.py NAME=CONFIG:CHECKPOINT ... [--data ../shared/data] [--every 4]

CONFIG and CHECKPOINT are what `projects/reproduce/run.py` leaves in the folder of a training, or NAME=MODEL one of the
zoo. *Wide cameras*: bodies of all builds that move as CMU's test subjects do, cameras and detector (BlazePose) as in
training; *legs* and *arm* are the same without these joints. HDM05 and the films (BlazePose's keypoints, as they are)
are never in training. MPJPE / P-MPJPE in mm, means over frames.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from filmed import film_tables, filmed, measure, measure_film
from joint_sets import detected, first17

from poselifter.apis import init_model
from poselifter.errors import run_program
from poselifter.structures import KeypointTable

MISSING = {'legs': [2, 3, 5, 6], 'arm': [12, 13]}  # joints of h36m17


def without(clip: tuple[KeypointTable, np.ndarray], joints: list[int]) -> tuple[KeypointTable, np.ndarray]:
    """A clip whose detector never saw some joints."""
    table, truth = clip
    scores = table.keypoints_visible.copy()
    scores[:, joints] = 0
    return replace(table, keypoints_visible=scores), truth


def main(argv: list[str] | None = None) -> None:
    """Prints a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=CONFIG:CHECKPOINT')
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    parser.add_argument('--every', type=int, default=4, help='use every so many of the clips')
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    wide = list(map(first17, detected(args.data, 'mediapipe33', args.every)))
    sets = {'wide cameras': wide} | {
        f'{part} missing': [without(clip, joints) for clip in wide] for part, joints in MISSING.items()
    }
    sets['HDM05'] = filmed(args.data / 'hdm05' / 'hdm05.npz', every=args.every)
    films, tool = film_tables(args.data / 'film')
    print('| model | ' + ' | '.join((*sets, 'film: full', 'film: heavy')) + ' |\n' + '| --- ' * (len(sets) + 3) + '|')
    for name, _, files in (text.partition('=') for text in args.models):
        lifter = init_model(*files.split(':'))
        cells = [measure(lifter, clips)[:2] for clips in sets.values()]
        cells += [measure_film(lifter, films[kind], tool)[[0, 2]] for kind in ('full', 'heavy')]
        print(f'| {name} | ' + ' | '.join(f'{a:.1f} / {b:.1f}' for a, b in cells) + ' |', flush=True)


if __name__ == '__main__':
    run_program(main)
