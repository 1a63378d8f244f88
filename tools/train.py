"""Trains the model of a config.

    python tools/train.py configs/mixste/cmu_27.py --work-dir work_dirs/first

Checkpoints, log and scalars go to the work folder. A run that was stopped in
any way goes on with the same command and ``--resume``.
"""

import argparse
from pathlib import Path

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
        runner = build_runner(config, 'train')
        runner.start_from = start if args.resume == 'auto' else None
        runner.train()


if __name__ == '__main__':
    run_program(main)
