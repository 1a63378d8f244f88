"""Measures how a model's errors grow when its 2D input gets worse, as a table and a picture.

    python tools/analysis_tools/robustness.py configs/mixste/cmu_27.py mixste_cmu_27 --plot robustness.png

Gaussian noise and shuffled frames are the protocol of P-STMO's Table 8; the rest is ours. A corruption comes right
after ``Encode`` in the test pipeline, so that everything before it (cameras, detections) is the same in every row.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from tqdm import tqdm

from poselifter.apis.zoo import resolve
from poselifter.datasets.transforms import Encode
from poselifter.engine.compat import to_plain
from poselifter.engine.tool import ToolParser, build_runner, config_errors, read_test_config
from poselifter.errors import InputError, run_program
from poselifter.evaluation.metrics.group_table import align
from poselifter.models.estimators import MotionEstimator
from poselifter.registry import TRANSFORMS
from poselifter.utils import write_json
from poselifter.visualization.text_motion import check_picture, sheet

# name: what a level means, levels, transform; at the level 'window', its length, the model shuffles what it reads
CORRUPTIONS: dict[str, tuple[str, tuple, Callable[[Any], dict]]] = {
    'gaussian': ('sigma', (0.01, 0.03, 0.05), lambda v: dict(type='GaussianNoise', sigma=v)),
    'shuffle': ('frames of a block', (3, 9, 'window'), lambda v: dict(type='FrameShuffle', block=v)),
    'flicker': ('share dropped', (0.05, 0.1, 0.2), lambda v: dict(type='JointMask', prob=v)),
    'spells': ('share, 30 frames', (0.05, 0.1, 0.2), lambda v: dict(type='JointMask', prob=v, frames=30)),
    'gone': ('share, whole clip', (0.05, 0.1, 0.2), lambda v: dict(type='JointMask', prob=v, frames=None)),
    'frames': ('share dropped', (0.1, 0.3, 0.5), lambda v: dict(type='FrameMask', prob=v)),
    'scores': ('factor', (0.7, 0.4, 0.1), lambda v: dict(type='LowScores', factor=v)),
    'sides': ('share of frames', (0.05, 0.1, 0.2), lambda v: dict(type='SwapSides', prob=v)),
    'rate': ('speed', (0.5, 2, 3), lambda v: dict(type='ChangeFrameRate', speed=v)),
}
CLEAN = 'clean'
UNITS = {'MPJPE': 'mm', 'P-MPJPE': 'mm', 'N-MPJPE': 'mm', 'MPJVE': 'mm a frame', 'PCK': '%', 'AUC': '%'}


def measure(runner: Runner, names: list[str], metrics: list[str]) -> list[dict[str, Any]]:
    """Tests once without and once with every level of the named corruptions.

    Args:
        runner: built for testing, the checkpoint named in it.
        names: which of :data:`CORRUPTIONS`.
        metrics: which keys of the evaluator's report to keep.

    Returns:
        Rows with ``corruption``, ``level`` and the metrics.

    Raises:
        InputError: the pipeline has no ``Encode``, or the report lacks a metric.
    """
    steps = getattr(getattr(runner.test_dataloader.dataset, 'pipeline', None), 'transforms', ())
    place = next((i for i, step in enumerate(steps, 1) if isinstance(step, Encode)), None)
    if place is None:
        raise InputError('the test pipeline has no Encode; corruptions come right after it')
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    window = model.window.length if isinstance(model, MotionEstimator) else None
    bar = tqdm(total=1 + sum(len(CORRUPTIONS[name][1]) for name in names), desc=CLEAN, unit='test')
    report = runner.test()
    bar.update()
    missing = [key for key in metrics if key not in report]
    if missing:
        known = ', '.join(key for key in report if key.count('/') < 2)
        raise InputError(f'the evaluators report no {", ".join(missing)}, but {known}; choose with --metrics')
    rows = [{'corruption': CLEAN, 'level': None, **{key: report[key] for key in metrics}}]
    for name in names:
        _, levels, transform = CORRUPTIONS[name]
        for level in levels:
            bar.set_description(f'{name} {level}')
            if level == 'window':
                level, model.shuffle_frames = window, True
                report = runner.test_loop.run()
                model.shuffle_frames = False
            else:
                steps.insert(place, TRANSFORMS.build(transform(level)))
                report = runner.test_loop.run()
                del steps[place]
            rows.append({'corruption': name, 'level': level, **{key: report[key] for key in metrics}})
            bar.update()
    bar.close()
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as text, the change against the first row in brackets."""
    metrics = list(rows[0])[2:]
    lines = [['corruption', 'level', *(f'{key}, {UNITS[key]}' if key in UNITS else key for key in metrics)]]
    for row in rows:
        name = row['corruption']
        level = f'{CORRUPTIONS[name][0]} {row["level"]:g}' if name in CORRUPTIONS else ''
        lines.append([name, level, *(f'{row[key]:.2f} ({row[key] - rows[0][key]:+.2f})' for key in metrics)])
    return '\n'.join(align(lines))


def plot(rows: list[dict[str, Any]], title: str, path: str | Path) -> None:
    """Draws one column for each corruption, one line of pictures for each metric."""
    metrics, names = list(rows[0])[2:], list(dict.fromkeys(row['corruption'] for row in rows[1:]))
    with sheet(path, title, 1.9 * len(names) + 0.8, 1.9 * len(metrics) + 0.6) as figure:
        panels = figure.subplots(len(metrics), len(names), squeeze=False, sharex='col', sharey='row')
        for line, key in zip(panels, metrics, strict=True):
            for panel, name in zip(line, names, strict=True):
                bars = [row for row in rows if row['corruption'] in (CLEAN, name)]
                labels = [CLEAN if row['level'] is None else f'{row["level"]:g}' for row in bars]
                colours = ['#8a8f98', *['#2f6fb3'] * (len(bars) - 1)]
                panel.bar(range(len(bars)), [row[key] for row in bars], color=colours, tick_label=labels)
                panel.axhline(rows[0][key], color='#8a8f98', linewidth=1, linestyle=':')
                panel.tick_params('x', labelsize=8)
                panel.spines[['top', 'right']].set_visible(False)
            line[0].set_ylabel(f'{key} ({UNITS[key]})' if key in UNITS else key)
        for name, top, bottom in zip(names, panels[0], panels[-1], strict=True):
            top.set_title(name, fontsize=10)
            bottom.set_xlabel(CORRUPTIONS[name][0], fontsize=9)


def main(argv: list[str] | None = None) -> None:
    """Measures, prints, draws."""
    parser = ToolParser(__doc__)
    parser.add_model()
    names = list(CORRUPTIONS)
    parser.add_argument('--corruptions', nargs='+', choices=names, default=names, help='some of these only')
    parser.add_argument('--metrics', nargs='+', default=['MPJPE', 'P-MPJPE', 'MPJVE'], metavar='KEY')
    parser.add_argument('--plot', metavar='FILE', help='picture to write; robustness.png in the work folder by default')
    parser.add_argument('--out', metavar='FILE.json', help='write the rows of the table to this file')
    parser.add_launcher()
    args = parser.parse_args(argv)
    check_picture(args.plot or 'robustness.png')
    config = read_test_config(args, resolve(args.checkpoint))
    config.test_dataloader.persistent_workers = False  # workers are to see each change of the pipeline
    runner = build_runner(config, 'test')
    for handler in runner.logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setLevel(logging.WARNING)  # the tables of every single test go to the log file only
    with config_errors(config):
        rows = measure(runner, args.corruptions, args.metrics)
    if not is_main_process():
        return
    print(table(rows))
    path = args.plot or Path(runner.work_dir) / 'robustness.png'
    plot(rows, f'{args.checkpoint} on {Path(args.config).stem}', path)
    if args.out:
        write_json(args.out, to_plain(rows, 'rows'))


if __name__ == '__main__':
    run_program(main)
