"""Common parts of the command-line tools: options, and errors a user can mend."""

import argparse
import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

import torch
from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from ..checkpoints import check_codec, load_checkpoint_file
from ..errors import InputError
from ..registry import DATASETS, OPTIMIZERS, RUNNERS
from ..utils import register_all_modules
from ..utils.files import hold_folder
from .compat import rank_of
from .config import load_config
from .failures import reason_of_start
from .runner import MotionRunner


class ToolParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others.

    Args:
        description: of the program, shown as it is written.
        **settings: see :class:`argparse.ArgumentParser`.
    """

    def __init__(self, description: str | None = None, **settings: Any) -> None:
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self.add_argument('--debug', action='store_true', help='show the traceback of an error')

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage."""
        raise InputError(f'{message}; see --help')

    def add_config(self, name: str = 'config', *options: str, **settings: Any) -> None:
        """Adds a config and what changes it: ``--variant`` and ``--cfg-options``.

        Args:
            name: of the argument.
            *options: other names of ``--cfg-options``.
            **settings: of the argument.
        """
        self.add_argument(name, **{'help': 'config file', **settings})
        self.add_argument('--variant', metavar='NAME', help='variant of the config (print_config.py --variants)')
        text = 'change the config: optim_wrapper.optimizer.lr=1e-4, key="[1,2]" or key=1,2 for a list'
        entries = {'nargs': '+', 'default': {}, 'metavar': 'KEY=VALUE', 'help': text}
        self.add_argument('--cfg-options', *options, action=_CfgOptions, **entries)

    def add_model(self) -> None:
        """Adds a config, see :meth:`add_config`, and a checkpoint of its model."""
        self.add_config()
        self.add_argument('checkpoint', help='checkpoint file, or name of a model of the zoo')

    def add_launcher(self) -> None:
        """Adds ``--work-dir``, ``--launcher`` and what launchers add themselves."""
        self.add_argument('--work-dir', help='folder for logs and checkpoints; ./work_dirs/<config name> by default')
        launchers = ['none', 'pytorch', 'slurm', 'mpi']
        self.add_argument('--launcher', choices=launchers, default='none', help='job launcher')
        self.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by the launcher')


def positive(text: str) -> int:
    """A whole number from 1 on, as the ``type`` of an option."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """A whole number from 0 on, as the ``type`` of an option."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or not least <= int(text[:20]) < 2**31:
        raise argparse.ArgumentTypeError(f'{text[:80]} is given, expected a whole number from {least} on')
    return int(text)


class _CfgOptions(DictAction):
    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        try:
            super().__call__(parser, namespace, values, option_string)
        except Exception as error:  # mmengine's parser fails in any way
            parser.error(f'--cfg-options takes KEY=VALUE pairs, found {" ".join(values)} ({error})')


def read_config(args: argparse.Namespace, purpose: str = '', *needed: str) -> Config:
    """Reads the config of a command line, after all registered classes have been made known.

    Args:
        args: of :meth:`ToolParser.add_config`.
        purpose: what ``needed`` is for.
        *needed: keys that the config must have at its top level.

    Raises:
        InputError: see :func:`load_config`; or a key is missing.
    """
    register_all_modules()
    config = load_config(args.config, args.cfg_options, args.variant)
    missing = [key for key in needed if config.get(key) is None]
    if missing:
        raise InputError(f'the config {args.config} has no {", ".join(missing)}; {purpose} needs it')
    return config


def read_test_config(args: argparse.Namespace, checkpoint: Path) -> Config:
    """Reads the config of a command line for testing a checkpoint.

    Args:
        args: of :meth:`ToolParser.add_config` and :meth:`ToolParser.add_launcher`, with ``work_dir``.
        checkpoint: the file.

    Raises:
        InputError: see :func:`read_config`; or the checkpoint was trained with another codec.
    """
    config = read_config(args, 'testing', 'model', 'test_dataloader', 'test_evaluator', 'test_cfg')
    prepare_launch(config, args)
    config.load_from, config.resume = str(checkpoint), False
    check_codec(load_checkpoint_file(checkpoint), config.get('codec'), checkpoint)
    return config


def load_dataset(config: Config, *splits: str) -> Any:
    """Builds the data set of the first of ``splits`` (``'train'``, ...) that a config has, and has it read its files.

    Raises:
        InputError: the config has none of them, or parts of it or files of the data set are wrong.
    """
    loaders = [loader for split in splits if (loader := config.get(f'{split}_dataloader'))]
    if not loaders:
        raise InputError(f'the config {config.filename} has no {" or ".join(splits)}_dataloader, whose data are needed')
    with config_errors(config):
        dataset = DATASETS.build(loaders[0]['dataset'])
        len(dataset)  # some read their files no earlier
    return dataset


def prepare_launch(config: Config, args: argparse.Namespace) -> None:
    """Writes the work folder and the launcher into a config.

    Args:
        config: changed in place; ``./work_dirs/<config name>`` is the work
            folder unless an option or the config names one.
        args: with ``config``, ``work_dir``, ``launcher`` and ``local_rank``.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config.launcher = args.launcher
    if args.launcher != 'none':
        atexit.register(_leave_group)
    config.work_dir = args.work_dir or config.get('work_dir') or f'./work_dirs/{Path(args.config).stem}'


def _leave_group() -> None:
    """Ends the threads of the process group; a process that ends before them may abort."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def build_runner(config: Config, phase: Literal['train', 'test']) -> Runner:
    """Builds the runner that a config names (:class:`MotionRunner` by default) with its data and optimiser.

    Args:
        config: with work folder and launcher in it.
        phase: what is built beside the model; the runner alone would build it
            later, when errors in the config look like errors of the program.

    Raises:
        InputError: a part of the config cannot be built, or another process trains in the work folder.
    """
    with config_errors(config):
        if phase == 'train' and rank_of(config.get('launcher')) == 0:
            hold_folder(config.work_dir)
        runner = RUNNERS.build(config) if 'runner_type' in config else MotionRunner.from_cfg(config)
        for loop in ('train_loop', 'val_loop') if phase == 'train' else ('test_loop',):
            getattr(runner, loop)
        if phase == 'train':
            _check_optimizer(config)
            runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    return runner


def _check_optimizer(config: Config) -> None:
    """Checks the type of the optimizer; mmengine's message is ``None is not a callable object``."""
    name = config.optim_wrapper.get('optimizer', {}).get('type')
    if isinstance(name, str) and OPTIMIZERS.get(name) is None:
        raise KeyError(f'{name} is not in the optimizer registry')


@contextmanager
def config_errors(config: Config) -> Iterator[None]:
    """Turns errors while a config is built or run into an :class:`InputError`.

    Args:
        config: to be named in the message.

    Raises:
        InputError: in place of any other error; of the system (``OSError``) it names the file, not the config;
            where processes do not come together, neither.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            reason = f'cannot use {error.filename or config.get("work_dir")}: {error.strerror}'
            raise InputError(f'{reason}; check the path, its rights and the room on the disk') from error
        reason = reason_of_start(error)
        if reason is not None:
            raise InputError(reason) from error
        message = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        unknown = 'registry' in message and ' is not in the ' in message
        reason = message.split('. ')[0] if unknown else f'{type(error).__name__}: {message[:500]}'
        advice = 'check the name, or import its module with custom_imports' if unknown else 'mend the config'
        raise InputError(f'the config {config.filename}: {reason}; {advice} (--debug shows where)') from error
