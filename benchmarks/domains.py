"""Errors of lifters on motion, cameras and films that are far apart: whether a change of the training data helps.

    python benchmarks/domains.py NAME=CONFIG:CHECKPOINT ... [--data ../shared/data] [--every 4]

CONFIG and CHECKPOINT are what `projects/reproduce/run.py` leaves in the folder of a training, or NAME=MODEL one of the
zoo. *Wide cameras*: bodies of all builds that move as CMU's test subjects do, cameras and detector (BlazePose) as in
training; *legs* and *arm* are the same without these joints. HDM05 and the films (BlazePose's keypoints, as they are)
are never in training. MPJPE / P-MPJPE in mm, means over frames.
"""

from filmed import compared, film_tables, filmed, lose, print_errors
from joint_sets import detected, first17

from poselifter.errors import run_program

MISSING = {'legs missing': 'legs', 'arm missing': 'one arm'}  # kinds of `lose`


def main(argv: list[str] | None = None) -> None:
    """Prints a row for each model."""
    args = compared(__doc__, argv, every=4)
    wide = list(map(first17, detected(args.data, 'mediapipe33', args.every)))
    sets = {'wide cameras': wide}
    sets |= {name: [(lose(table, kind, 0), truth) for table, truth in wide] for name, kind in MISSING.items()}
    sets['HDM05'] = filmed(args.data / 'hdm05' / 'hdm05.npz', every=args.every)
    films, tool = film_tables(args.data / 'film')
    print('| model | ' + ' | '.join((*sets, 'film: full', 'film: heavy')) + ' |\n' + '| --- ' * (len(sets) + 3) + '|')
    for name, lifter in args.lifters.items():
        print_errors(name, lifter, sets.values(), films, tool)


if __name__ == '__main__':
    run_program(main)
