"""Draws curves from training logs, or reports how long iterations took.

A log is the ``vis_data/scalars.json`` in the folder of a run, or that folder with all of its logs.

    python tools/analysis_tools/analyze_logs.py plot_curve work_dirs/cmu_27/*/vis_data/scalars.json --keys MPJPE --out mpjpe.png
    python tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/cmu_27/*/vis_data/scalars.json
"""  # noqa: E501

import argparse
import json
from pathlib import Path

import numpy as np

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.visualization.text_motion import sheet


def read_log(path: str) -> list[dict[str, float]]:
    """The JSON objects of a log, one a line, or of all logs of a run's folder; those of training have ``iter``.

    Raises:
        InputError: no such file, or it is no log.
    """
    with reading(f'{path} is no scalars.json of a run', 'give one of its folder vis_data'):
        files = sorted(Path(path).glob('*/vis_data/scalars.json')) if Path(path).is_dir() else [Path(path)]
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    rows = [row for row in rows if isinstance(row, dict) and 'step' in row]
    if not rows:
        raise InputError(f'{path} holds no scalars; give the vis_data/scalars.json of a run')
    return rows


def plot_curve(args: argparse.Namespace) -> None:
    """Draws one curve for each log and key."""
    labels = args.legend or [f'{log} {key}' for log in args.logs for key in args.keys]
    if len(labels) != len(args.logs) * len(args.keys):
        raise InputError(f'--legend has {len(labels)} names, expected {len(args.logs) * len(args.keys)}')
    names = iter(labels)
    with sheet(args.out, args.title, 8, 5) as figure:
        panel = figure.subplots()
        panel.set_xlabel('epoch')
        for log in args.logs:
            rows = read_log(log)
            for key in args.keys:
                points = np.array([(row['step'], row[key]) for row in rows if key in row], float)
                if not len(points):
                    known = sorted({name for row in rows for name in row} - {'step'})
                    raise InputError(f'{log} has no {key!r}; it has {", ".join(known)}')
                panel.plot(*points.T, label=next(names), marker='.' if len(points) < 50 else None)
            if any('iter' in row and args.keys[0] in row for row in rows):
                panel.set_xlabel('iteration')
        panel.legend()
        panel.grid(alpha=0.3)


def cal_train_time(args: argparse.Namespace) -> None:
    """Prints the time of an iteration by epoch."""
    for log in args.logs:
        rows = [(row.get('epoch', 1), row['time']) for row in read_log(log) if 'time' in row and 'iter' in row]
        if not rows:
            raise InputError(f'{log} has no training iterations')
        epochs, times = np.array(rows, float).T
        means = {int(epoch): times[epochs == epoch].mean() for epoch in np.unique(epochs)}
        print(f'-----Analyze train time of {log}-----')
        for word, epoch in (('slowest', max(means, key=means.get)), ('fastest', min(means, key=means.get))):
            print(f'{word} epoch {epoch}, average time is {means[epoch]:.4f} s/iter')
        print(f'time std over epochs is {np.std(list(means.values())):.4f}')
        print(f'average iter time: {times.mean():.4f} s/iter\n')


def main(argv: list[str] | None = None) -> None:
    """Runs one of the two tasks."""
    parser = ToolParser(__doc__)
    tasks = parser.add_subparsers(required=True)
    curve = tasks.add_parser('plot_curve', help='draw curves')
    time = tasks.add_parser('cal_train_time', help='report how long iterations took')
    for task, run in ((curve, plot_curve), (time, cal_train_time)):
        task.add_argument('logs', nargs='+', metavar='LOG', help='scalars.json of a run, or its folder')
        task.set_defaults(run=run)
    curve.add_argument('--keys', nargs='+', default=['MPJPE'], help='what to draw: loss, lr, MPJPE, ...')
    curve.add_argument('--legend', nargs='+', help='one name for each curve')
    curve.add_argument('--title', default='')
    curve.add_argument('--out', default='curves.png', help='picture to write (.png, .pdf, .svg)')
    args = parser.parse_args(argv)
    args.run(args)


if __name__ == '__main__':
    run_program(main)
