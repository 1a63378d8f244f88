"""Draws curves from training logs, or reports how long iterations took.

A log is the ``vis_data/scalars.json`` in the folder of a run.

    python tools/analysis_tools/analyze_logs.py plot_curve work_dirs/cmu_27/*/vis_data/scalars.json --keys MPJPE --out mpjpe.png
    python tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/cmu_27/*/vis_data/scalars.json
"""  # noqa: E501

import argparse
import json
from pathlib import Path

import numpy as np

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write


def read_log(path: str) -> list[dict[str, float]]:
    """Reads a log.

    Args:
        path: a file with one JSON object a line.

    Returns:
        The lines; those of training have ``iter``.

    Raises:
        InputError: no such file, or it is no log.
    """
    try:
        rows = [json.loads(line) for line in Path(path).read_text().splitlines() if line.strip()]
    except OSError as error:
        raise InputError(f'the log {path} cannot be read: {error.strerror}') from error
    except ValueError as error:
        raise InputError(f'{path} is no scalars.json of a run: {error}') from error
    rows = [row for row in rows if isinstance(row, dict) and 'step' in row]
    if not rows:
        raise InputError(f'{path} holds no scalars; give the vis_data/scalars.json of a run')
    return rows


def plot_curve(args: argparse.Namespace) -> None:
    """Draws one curve for each log and key."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib.figure import Figure

    labels = args.legend or [f'{log} {key}' for log in args.logs for key in args.keys]
    if len(labels) != len(args.logs) * len(args.keys):
        raise InputError(f'--legend has {len(labels)} names, expected {len(args.logs) * len(args.keys)}')
    axes = Figure(figsize=(8, 5)).add_subplot()
    for number, label in enumerate(labels):
        log, key = args.logs[number // len(args.keys)], args.keys[number % len(args.keys)]
        rows = read_log(log)
        points = np.array([(row['step'], row[key]) for row in rows if key in row], float)
        if not len(points):
            known = sorted({name for row in rows for name in row} - {'step'})
            raise InputError(f'{log} has no {key!r}; it has {", ".join(known)}')
        axes.plot(*points.T, label=label, marker='.' if len(points) < 50 else None)
    axes.set_xlabel('iteration' if any('iter' in row and args.keys[0] in row for row in rows) else 'epoch')
    axes.set_title(args.title or '')
    axes.legend()
    axes.grid(alpha=0.3)
    with atomic_write(args.out) as temporary:
        axes.figure.savefig(temporary)
    print(f'wrote {args.out}')


def cal_train_time(args: argparse.Namespace) -> None:
    """Prints the time of an iteration by epoch."""
    for log in args.logs:
        rows = [row for row in read_log(log) if 'time' in row and 'iter' in row]
        if not rows:
            raise InputError(f'{log} has no training iterations')
        epochs = np.array([row.get('epoch', 1) for row in rows])
        times = np.array([row['time'] for row in rows], float)
        names = np.unique(epochs)
        means = np.array([times[epochs == epoch].mean() for epoch in names])
        print(f'-----Analyze train time of {log}-----')
        print(f'slowest epoch {names[means.argmax()]}, average time is {means.max():.4f} s/iter')
        print(f'fastest epoch {names[means.argmin()]}, average time is {means.min():.4f} s/iter')
        print(f'time std over epochs is {means.std():.4f}')
        print(f'average iter time: {times.mean():.4f} s/iter\n')


def main(argv: list[str] | None = None) -> None:
    """Runs one of the two tasks."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(dest='task', required=True)
    curve = tasks.add_parser('plot_curve', help='draw curves')
    curve.add_argument('logs', nargs='+', metavar='LOG', help='scalars.json of a run')
    curve.add_argument('--keys', nargs='+', default=['MPJPE'], help='what to draw: loss, lr, MPJPE, ...')
    curve.add_argument('--legend', nargs='+', help='one name for each curve')
    curve.add_argument('--title')
    curve.add_argument('--out', default='curves.png', help='picture to write (.png, .pdf, .svg)')
    time = tasks.add_parser('cal_train_time', help='report how long iterations took')
    time.add_argument('logs', nargs='+', metavar='LOG', help='scalars.json of a run')
    args = parser.parse_args(argv)
    {'plot_curve': plot_curve, 'cal_train_time': cal_train_time}[args.task](args)


if __name__ == '__main__':
    run_program(main)
