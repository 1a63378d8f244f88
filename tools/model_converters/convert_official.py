"""Converts a published checkpoint to one of ours, or one of ours to an original's layout.

    python tools/model_converters/convert_official.py MB_ft_h36m/best_epoch.bin motionbert_h36m.pth
    python tools/test.py configs/motionbert/procedural_243.py motionbert_h36m.pth
    python tools/model_converters/convert_official.py motionbert_h36m.pth back.bin --system motionbert --export

Nothing in the source is executed. Missing, unexpected and mis-shaped tensors
are errors that list them; tensors left out are printed.
"""

import torch

from poselifter import __version__
from poselifter.checkpoints import (
    FORMAT_VERSION,
    SYSTEMS,
    export_official,
    load_checkpoint_file,
    read_official,
    save_checkpoint_file,
)
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.models import Lifter
from poselifter.registry import MODELS


def convert(source: str, target: str, system: str | None = None, task: str | None = None) -> list[str]:
    """Writes ``target``, a checkpoint of ours, from a published one of a system.

    Returns:
        The tensors that are left out, as those of heads of other tasks.

    Raises:
        InputError: the file is no published checkpoint, or its tensors are not those of a network of their shapes.
    """
    official = read_official(source, system, task).for_task(task)
    config = official.network({}, guess=True)
    with torch.device('meta'):  # a network to hold the names and shapes against
        network = MODELS.build(config) if 'type' in config else Lifter(**config)
    official.check(network, source)
    versions = {'format_version': FORMAT_VERSION, 'poselifter_version': __version__}
    origin = {'official': official.system, 'kind': official.kind}
    save_checkpoint_file({'meta': {**versions, **origin}, 'state_dict': official.state_dict}, target)
    count = sum(p.numel() for name, p in network.named_parameters() if name in official.state_dict)
    print(f'{target}: {official.kind} file of {official.system}, {len(official.tensors)} tensors, {count:,} parameters')
    return official.dropped


def export(source: str, target: str, system: str | None, kind: str | None = None) -> list[str]:
    """Writes ``target``, which an original system can load, from a checkpoint of ours; returns the tensors left out.

    Raises:
        InputError: the system is not named or unknown, or no tensor has a name there.
    """
    if system is None:
        raise InputError(f'--export needs --system, one of {", ".join(SYSTEMS)}')
    checkpoint = load_checkpoint_file(source)
    theirs, kind, dropped = export_official(checkpoint['state_dict'], system, kind)
    if not theirs:
        raise InputError(f'{source} has no tensor that {system} has; check --system')
    container, prefix = SYSTEMS[system].kinds[kind].container, SYSTEMS[system].prefix
    state = {prefix + name: value for name, value in theirs.items()}
    save_checkpoint_file({container: state} if container else state, target)
    print(f'{target}: {kind} file of {system}, {len(theirs)} tensors')
    return dropped


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', metavar='SRC', help='checkpoint to read')
    parser.add_argument('target', metavar='DST', help='checkpoint to write')
    parser.add_argument('--system', help=f'whose it is: {", ".join(SYSTEMS)}; by the keys by default')
    parser.add_argument('--task', help='what it shall serve: pose, action, trajectory, ...; by the keys by default')
    parser.add_argument('--export', action='store_true', help='from ours to the original')
    parser.add_argument('--kind', help='with --export, the kind of file: pose, action, pretrain, ...')
    args = parser.parse_args(argv)
    run, kind = (export, args.kind) if args.export else (convert, args.task)
    if dropped := run(args.source, args.target, args.system, kind):
        print(f'left out {len(dropped)}: {", ".join(dropped)}')


if __name__ == '__main__':
    run_program(main)
