"""Commands for models: the zoo, training and testing, export, and whether all is installed."""

import argparse
import json
import runpy
import sys

from .commands import JSON, command, option, to_stderr
from .errors import InputError
from .utils import shipped_root


@command('zoo list')
def list_zoo(args: argparse.Namespace) -> None:
    """Lists all published models."""
    from .apis import zoo
    from .detection.weights import MEMBERS, PACKAGE, SHIPPED

    for model in zoo.zoo_models().values():
        state = 'ships with poselifter' if model.weights and '://' not in model.weights else model.weights or '-'
        print(f'{model.name:24} {state}')
    for name in MEMBERS:
        print(f'{name:24} {"ships with poselifter" if name in SHIPPED else PACKAGE}')


@command('zoo info', option('name'))
def show_model(args: argparse.Namespace) -> None:
    """Config, weights and results of a model."""
    from .apis import zoo

    model = zoo.find(args.name)
    variant = f' --variant {model.variant}' if model.variant else ''
    print(f'{model.name}\n  config   {model.config}{variant}\n  weights  {model.weights or "-"}')
    for result in model.metadata.get('Results', []):
        figures = ', '.join(f'{k} {v}' for k, v in result['Metrics'].items())
        print(f'  {result["Dataset"]}: {figures}')


@command('zoo download', option('name'))
def download_model(args: argparse.Namespace) -> None:
    """Puts the weights of a model or detector on this machine."""
    from .apis import zoo
    from .detection.weights import MEMBERS, find_weights

    print(find_weights(args.name) if args.name in MEMBERS else zoo.download(zoo.find(args.name)))


@command('train', option('arguments', nargs='*', help='CONFIG and options: `poselifter train --help`'))
def train(args: argparse.Namespace) -> None:
    """Trains the model of a config: tools/train.py, which is part of the package."""
    _run_tool('train', args.arguments)


@command('test', option('arguments', nargs='*', help='CONFIG, CHECKPOINT and options: `poselifter test --help`'))
def test(args: argparse.Namespace) -> None:
    """Evaluates a checkpoint on the test data of a config: tools/test.py, which is part of the package."""
    _run_tool('test', args.arguments)


def _run_tool(name: str, arguments: list[str]) -> None:
    program = runpy.run_path(str(shipped_root() / f'tools/{name}.py'))
    sys.argv[0] = f'poselifter {name}'  # for its usage line
    program['main'](arguments)


@command(
    'export',
    option('model', help='a name of the zoo or a config file'),
    option('checkpoint', nargs='?', help="weights (default: the zoo model's own)"),
    option('-o', '--out', required=True, metavar='FILE', help='FILE.onnx, or FILE.pt2 of torch.export'),
    option('--int8', dest='precision', action='store_const', const='int8', default='float32', help='8-bit weights'),
    option('--half', dest='precision', action='store_const', const='half', help='16-bit weights'),
    option('--licence', metavar='TEXT', help="of the weights (default: the zoo model's own)"),
    JSON,
)
def export(args: argparse.Namespace) -> None:
    """Writes a model as one file that runs without torch, and compares it with torch."""
    from .apis import export_model, init_model
    from .io import check_target

    check_target(args.out, [args.model, args.checkpoint])
    if args.checkpoint is None and args.model.endswith('.py'):
        raise InputError(f'{args.model} is a config without weights; give them: poselifter export CONFIG CHECKPOINT')
    model = init_model(args.model, args.checkpoint)
    report = export_model(model, args.out, args.precision, args.licence, to_stderr if args.json else print)
    print(json.dumps(report) if args.json else args.out)


@command('doctor', JSON)
def doctor(args: argparse.Namespace) -> None:
    """Prints versions, devices, and which extras work."""
    from .utils.doctor import examine, report

    facts = examine()
    print(json.dumps(facts) if args.json else '\n'.join(report(facts)))
