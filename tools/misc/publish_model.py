"""Makes a small file to share from a training checkpoint: weights and metadata, no optimiser.

    python tools/misc/publish_model.py work_dirs/cmu_27/best_MPJPE_epoch_30.pth zoo/mixste_cmu_27.pth

writes ``zoo/mixste_cmu_27-<first 8 digits of the SHA-256>_<date>.pth``.
"""

import ast
import hashlib
import tempfile
import time
from pathlib import Path

from poselifter.checkpoints import load_checkpoint_file, save_checkpoint_file
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.utils import atomic_write

_OF_ONE_RUN = ('work_dir', 'load_from', 'resume', 'launcher')


def without_run(text: str, source: str | Path) -> str:
    """The text of a config without what belongs to one run; it is edited as text, nothing in it is executed.

    Raises:
        InputError: it is no Python.
    """
    kinds = (SyntaxError, ValueError, TypeError)
    with reading(f'{source}: its config is no Python', 'publish a checkpoint of ours', kinds):
        statements = ast.parse(text).body
    lines = text.splitlines()
    for node in reversed(statements):
        if isinstance(node, ast.Assign) and any(ast.unparse(target) in _OF_ONE_RUN for target in node.targets):
            del lines[node.lineno - 1 : node.end_lineno]
    return '\n'.join(lines) + '\n'


def publish(source: str | Path, target: str | Path, suffix: str, bf16: bool = False) -> Path:
    """Writes ``target``, hash and date put into its name and with a suffix, from a checkpoint; returns the path.

    With ``bf16`` the weights are rounded to two bytes; a model that loads them computes in float32 all the same.

    Raises:
        InputError: the source is no checkpoint of ours.
    """
    checkpoint = load_checkpoint_file(source)
    meta = dict(checkpoint['meta'])
    if 'format_version' not in meta:
        raise InputError(f'{source} has no state_dict and meta of poselifter; give a checkpoint of tools/train.py')
    if 'cfg' in meta:
        meta['cfg'] = without_run(meta['cfg'], source)
    target, state = Path(target), checkpoint['state_dict']
    if bf16:
        state = {key: value.bfloat16() if value.is_floating_point() else value for key, value in state.items()}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, f'draft{suffix}')
        save_checkpoint_file({'meta': meta, 'state_dict': state}, draft)
        content = draft.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:8]
    path = target.with_name(f'{target.stem}-{digest}_{time.strftime("%Y%m%d")}{suffix}')
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path


def main(argv: list[str] | None = None) -> None:
    """Publishes one checkpoint."""
    parser = ToolParser(__doc__)
    parser.add_argument('in_file', metavar='IN', help='training checkpoint')
    parser.add_argument('out_file', metavar='OUT', help='name of the published file; hash and date are added')
    parser.add_argument('--format', choices=['pth', 'safetensors'], help="by default that of OUT's suffix, else pth")
    parser.add_argument('--bf16', action='store_true', help='round the weights to two bytes')
    args = parser.parse_args(argv)
    suffix = f'.{args.format}' if args.format else Path(args.out_file).suffix
    path = publish(args.in_file, args.out_file, suffix if suffix in ('.pth', '.safetensors') else '.pth', args.bf16)
    print(f'wrote {path} ({path.stat().st_size / 1e6:.1f} MB)')


if __name__ == '__main__':
    run_program(main)
