"""Trains the model of a config.

    python tools/train.py configs/mixste/cmu_27.py --work-dir work_dirs/first

Checkpoints, log and scalars go to the work folder. A run that was stopped in
any way goes on with the same command and ``--resume``. ``--dry-run`` tries a few steps and says what all would take.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from mmengine.config import Config

from poselifter.engine import use_amp
from poselifter.engine.config import check_start
from poselifter.engine.tool import ToolParser, build_runner, config_errors, prepare_launch, read_config
from poselifter.errors import InputError, run_program


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = ToolParser(__doc__)
    parser.add_config()
    resume = 'go on from a checkpoint; without a name from the newest complete one of the work folder'
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CKPT', help=resume)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--no-validate', action='store_true', help='no validation while training')
    parser.add_argument('--dry-run', action='store_true', help='a few steps: time, memory, disk; saves nothing')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale lr from auto_scale_lr.base_batch_size')
    parser.add_launcher()
    return parser.parse_args(argv)


def _apply(args: argparse.Namespace, config: Config) -> str | None:
    """Writes the options into the config; returns the weights that the run began from."""
    prepare_launch(config, args)
    if args.amp or config.optim_wrapper.get('type') == 'AmpOptimWrapper':  # a config for GPUs trains on a CPU too
        config.optim_wrapper = use_amp(config.optim_wrapper)
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.auto_scale_lr:
        if 'base_batch_size' not in config.get('auto_scale_lr', {}):
            raise InputError(f'--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in {args.config}')
        config.auto_scale_lr.enable = True
    start = config.get('load_from')
    if args.resume:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
        if config.load_from and not Path(config.load_from).is_file():
            raise InputError(f'no checkpoint {config.load_from}; check the path, or give --resume alone')
    else:
        check_start(start, config)
    return start


def main(argv: list[str] | None = None) -> None:
    """Trains."""
    args = parse_args(argv)
    config = read_config(args, 'training', 'model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
    with config_errors(config):
        start = _apply(args, config)
        if args.dry_run:
            dry_run(config)
            return
        runner = build_runner(config, 'train')
        runner.start_from = start if args.resume == 'auto' else None
        with told_how_to_go_on(config.work_dir):
            runner.train()


def dry_run(config: Config) -> None:
    """Takes a few steps of a training, in a work folder that goes away."""
    loop = {key: value for key, value in config.train_cfg.items() if key != 'by_epoch'}
    config.train_cfg = {**loop, 'type': 'DryRunLoop', 'work_dir': config.work_dir}
    with TemporaryDirectory() as folder:
        config.work_dir = folder
        build_runner(config, 'train').train()
        logging.shutdown()


@contextmanager
def told_how_to_go_on(work_dir: str) -> Iterator[None]:
    """Says how a run that is interrupted, or asked to end (SIGTERM), can go on."""
    asked: list[int] = []

    def ended(number: int, _: object) -> NoReturn:
        asked.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ended)
    try:
        yield
    except BaseException as error:
        if not asked and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        print(f'interrupted; the same command with --resume goes on from {work_dir}', file=sys.stderr)
        if signal.SIGTERM in asked:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise KeyboardInterrupt from None  # mmengine makes a SyntaxError of it while it formats a config


if __name__ == '__main__':
    run_program(main)
