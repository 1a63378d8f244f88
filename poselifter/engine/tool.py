"""What the command-line tools share: options, and errors a user can mend."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from ..errors import InputError
from ..registry import OPTIMIZERS, RUNNERS
from .runner import MotionRunner

_BUILD_ERRORS = (KeyError, TypeError, ValueError, AttributeError, AssertionError, ImportError, OSError)


class ToolParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage."""
        raise InputError(f'{message}; see --help')

    def add_cfg_options(self, *names: str) -> None:
        """Adds ``--cfg-options KEY=VALUE ...``, also under other ``names``."""
        self.add_argument(
            *names,
            '--cfg-options',
            dest='cfg_options',
            nargs='+',
            action=_CfgOptions,
            default={},
            metavar='KEY=VALUE',
            help='change the config: optim_wrapper.optimizer.lr=1e-4, key="[1,2]" or key=1,2 for a list',
        )

    def add_launcher(self) -> None:
        """Adds ``--launcher`` and what launchers add themselves."""
        self.add_argument(
            '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher'
        )
        self.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by the launcher')
        self.add_argument('--debug', action='store_true', help='show the traceback of an error')


class _CfgOptions(DictAction):
    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError) as error:
            parser.error(f'--cfg-options takes KEY=VALUE pairs, found {" ".join(values)} ({error})')


def prepare_launch(config: Config, args: argparse.Namespace) -> None:
    """Writes the work folder and the launcher into a config.

    Args:
        config: changed in place; ``./work_dirs/<config name>`` is the work
            folder unless an option or the config names one.
        args: with ``config``, ``work_dir``, ``launcher`` and ``local_rank``.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config.launcher = args.launcher
    config.work_dir = args.work_dir or config.get('work_dir') or f'./work_dirs/{Path(args.config).stem}'


def build_runner(config: Config, phase: Literal['train', 'test']) -> Runner:
    """Builds the runner that a config names (:class:`MotionRunner` by default) with its data and optimiser.

    Args:
        config: with work folder and launcher in it.
        phase: what is built beside the model; the runner alone would build it
            later, when errors in the config look like errors of the program.

    Raises:
        InputError: a part of the config cannot be built.
    """
    with config_errors(config, *_BUILD_ERRORS):
        runner = RUNNERS.build(config) if 'runner_type' in config else MotionRunner.from_cfg(config)
        for loop in ('train_loop', 'val_loop') if phase == 'train' else ('test_loop',):
            getattr(runner, loop)
        if phase == 'train':
            _check_optimizer(config)
            runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    return runner


def _check_optimizer(config: Config) -> None:
    """mmengine's own message for an unknown optimizer is ``None is not a callable object``."""
    name = config.optim_wrapper.get('optimizer', {}).get('type')
    if isinstance(name, str) and OPTIMIZERS.get(name) is None:
        raise KeyError(f'{name} is not in the optimizer registry')


@contextmanager
def config_errors(config: Config, *kinds: type[Exception]) -> Iterator[None]:
    """Turns errors that a config causes into an :class:`InputError`.

    Args:
        config: to be named in the message.
        *kinds: which errors; without any only names that no registry knows.

    Raises:
        InputError: in place of an error of ``kinds``.
    """
    try:
        yield
    except InputError:
        raise
    except (KeyError, *kinds) as error:
        message = str(error.args[0] if error.args else error)
        unknown = 'registry' in message and ' is not in the ' in message
        if not unknown and not isinstance(error, kinds):
            raise
        reason = message.split('. ')[0] if unknown else f'{type(error).__name__}: {message}'
        advice = 'check the name, or import its module with custom_imports' if unknown else 'mend the config'
        raise InputError(f'the config {config.filename}: {reason}; {advice} (--debug shows where)') from error
