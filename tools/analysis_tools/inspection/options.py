"""Options of tools that open a model, and opening it."""

import argparse
from typing import Any

from torch import nn

from poselifter.apis import init_model
from poselifter.engine.tool import ToolParser, config_errors, load_dataset, read_config


def inspection_parser(doc: str, out: str) -> ToolParser:
    """Argument parser of tools that visualize a model; ``out`` is the folder they write to by default."""
    parser = ToolParser(doc)
    parser.add_model()
    parser.add_argument('--out', default=out, metavar='DIR', help=f'folder for the pictures; {out} by default')
    parser.add_argument('--device', default='cpu', help='where the model runs; cpu by default')
    return parser


def open_model(args: argparse.Namespace, *splits: str) -> tuple[nn.Module, Any]:
    """The model in eval mode and the data set of the first of ``splits`` that the config has.

    Raises:
        InputError: no such file or split, or parts of the config are wrong.
    """
    config = read_config(args)
    dataset = load_dataset(config, *splits)
    with config_errors(config):
        return init_model(config, args.checkpoint, args.device), dataset
