"""Converts a published checkpoint to one of ours, or one of ours to an original's layout.

    python tools/model_converters/convert_official.py MB_ft_h36m/best_epoch.bin motionbert_h36m.pth
    python tools/test.py configs/motionbert/procedural_243.py motionbert_h36m.pth
    python tools/model_converters/convert_official.py motionbert_h36m.pth back.bin --system motionbert --export
    python tools/model_converters/convert_official.py PSTMO_no_refine.pth pstmo.pth --refiner PSTMO_refine.pth

Nothing in the source is executed. Missing, unexpected and mis-shaped tensors
are errors that list them; tensors left out are printed.
"""

import torch
from torch import nn

from poselifter import __version__
from poselifter.checkpoints import (
    FORMAT_VERSION,
    SYSTEMS,
    Official,
    export_official,
    load_checkpoint_file,
    read_official,
    save_checkpoint_file,
)
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.models import Lifter
from poselifter.registry import MODELS


def read(source: str, system: str | None = None, task: str | None = None) -> tuple[Official, nn.Module]:
    """A published checkpoint, and a network without values that has the names and shapes of its tensors.

    Raises:
        InputError: the file is no published checkpoint, cannot serve the task, or its tensors are not those of a
            network of their shapes.
    """
    official = read_official(source, system, task).for_task(task)
    config = official.network({}, guess=True)
    with torch.device('meta'):
        network = MODELS.build(config) if 'type' in config else Lifter(**config)
    official.check(network, source)
    return official, network


def convert(
    source: str, target: str, system: str | None = None, task: str | None = None, refiner: str | None = None
) -> list[str]:
    """Writes ``target``, a checkpoint of ours, from a published one of a system.

    Args:
        source: the published file.
        target: where to.
        system, task: see :func:`~poselifter.checkpoints.read_official`.
        refiner: file of P-STMO's refine module, which becomes the head ``refined``.

    Returns:
        The tensors that are left out, as those of heads of other tasks.

    Raises:
        InputError: see :func:`read`.
    """
    official, network = read(source, system, task)
    files = {'': (official, network), **({'heads.refined.': read(refiner, 'pstmo', 'refine')} if refiner else {})}
    state, tensors, count = {}, 0, 0
    for prefix, (file, part) in files.items():
        state |= {prefix + name: value for name, value in file.state_dict.items()}
        tensors += len(file.tensors)
        count += sum(p.numel() for name, p in part.named_parameters() if name in file.state_dict)
    versions = {'format_version': FORMAT_VERSION, 'poselifter_version': __version__}
    origin = {'official': official.system, 'kind': official.kind}
    save_checkpoint_file({'meta': {**versions, **origin}, 'state_dict': state}, target)
    print(f'{target}: {official.kind} file of {official.system}, {tensors} tensors, {count:,} parameters')
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
    parser.add_argument('--refiner', metavar='FILE', help="P-STMO's refine module, which becomes the head refined")
    args = parser.parse_args(argv)
    if args.export:
        dropped = export(args.source, args.target, args.system, args.kind)
    else:
        dropped = convert(args.source, args.target, args.system, args.task, args.refiner)
    if dropped:
        print(f'left out {len(dropped)}: {", ".join(dropped)}')


if __name__ == '__main__':
    run_program(main)
