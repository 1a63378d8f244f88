"""The table of the commands of the shell, and options that several have."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

Option = tuple[tuple[str, ...], dict[str, Any]]
#: By name, which may have two words: the function, whose docstring is the help, and the options.
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], None], tuple[Option, ...]]] = {}


def option(*names: str, **settings: Any) -> Option:
    """An option as ``argparse`` takes it; ``{inputs}``, ``{poses}``, ``{body}`` in a help are lists of formats."""
    return names, settings


def command(name: str, *options: Option) -> Callable:
    """Registers a function of the parsed arguments as a command."""

    def register(function: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
        COMMANDS[name] = function, options
        return function

    return register


def strength(text: str) -> str | float:
    """A frequency in hertz, or the name of one."""
    try:
        return float(text)
    except ValueError:
        return text


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


DEVICE = option('--device', default='cpu', help='cpu, cuda:0, ... (default: %(default)s)')
DEBUG = option('--debug', action='store_true', help='show the traceback of an error')
OUT_DIR = option('-o', '--out-dir', default='out', help='where results go (default: out)')
JSON = option('--json', action='store_true', help='print the result as one line of JSON')
IMAGE_SIZE = option('--image-size', nargs=2, type=int, metavar=('W', 'H'), help='picture size in pixels')
SKELETON = option('--skeleton', help='joint set of the input, where the file does not say')
