"""Parameters and multiply-adds (MACs) of models.

    python tools/analysis_tools/get_flops.py mixste_81 configs/mixste/cmu_27.py
    python tools/analysis_tools/get_flops.py videopose3d --input-shape 1242 17 2
    python tools/analysis_tools/get_flops.py --all --out sizes.json
    python tools/analysis_tools/get_flops.py mixste_81 --fps --batch-size 8 --device cpu

Counted are matrix products and convolutions, in a pass on the meta device, by torch's FlopCounterMode: mmengine's
analyser passes over scaled_dot_product_attention and over most of a product (J, J) @ (B, T, J, D).
docs/model_sizes.py sets the counts beside the figures that papers give.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from poselifter.engine import load_config
from poselifter.engine.tool import ToolParser, config_errors, positive
from poselifter.errors import InputError, reading, run_program
from poselifter.models import Lifter, create_model, list_models
from poselifter.utils import write_json
from poselifter.utils.fast_products import linear_with


class LayerMacs(TorchFunctionMode):
    """Adds up the MACs of linear layers and convolutions, whatever products torch makes of them."""

    total = 0

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Calls ``func``; each number that a layer returns takes one output channel's weights."""
        out = func(*args, **(kwargs or {}))
        if func in (F.linear, linear_with, F.conv1d, F.conv2d, F.conv3d):
            weight = args[1] if len(args) > 1 else kwargs['weight']
            self.total += out.numel() * weight.numel() // len(weight)
        return out


def build(name: str, cfg_options: dict[str, Any] | None = None, variant: str | None = None) -> nn.Module:
    """A model of :func:`list_models`, or the network of a config's ``model``, for evaluation.

    Args:
        name: of :func:`list_models`, or a config file.
        cfg_options: changes to the config.
        variant: of the config.

    Raises:
        InputError: an unknown name, or a config without such a network.
    """
    if not Path(name).suffix:
        return create_model(name).eval()
    config = load_config(name, cfg_options, variant)
    model = config.get('model', {})
    if not {'backbone', 'heads'} <= set(model):
        raise InputError(f'the model of {name} has {sorted(model)}, expected backbone and heads; give another config')
    with config_errors(config):
        return Lifter(model.backbone.to_dict(), model.heads.to_dict(), model.get('neck')).eval()


def count(name: str, shape: Sequence[int] | None = None, **changes: Any) -> dict[str, Any]:
    """Counts one model on the meta device, which neither stores nor computes numbers.

    Args:
        name: of :func:`list_models`, or a config file.
        shape: (T, J, C) of a clip of one person; ``None`` is what the model was built for.
        **changes: of the config, see :func:`build`.

    Returns:
        ``model``, ``clip`` [T, J, C], ``frames_out`` of the head ``pose`` or the first one (``None``: one result a
        clip), ``parameters``, ``parameters_in_torch_layers`` (the others are bare, or in norms of poselifter), and for
        a clip ``macs``, ``macs_of_layers``, ``macs_of_products``.

    Raises:
        InputError: see :func:`build`; or the model takes no such clips.
    """
    with torch.device('meta'):
        model = build(name, **changes)
    shape = shape or [model.backbone.num_frames, model.backbone.num_joints, model.backbone.in_channels]
    with (
        reading(f'{name} takes no clips of {tuple(shape)}', 'change --input-shape', (RuntimeError, IndexError)),
        torch.no_grad(),
        FlopCounterMode(display=False) as counter,
        LayerMacs() as layers,
    ):
        model(torch.zeros(1, *shape, device='meta'))
    macs = counter.get_total_flops() // 2
    torch_layers = [m for m in model.modules() if type(m).__module__.startswith('torch.nn')]
    head = model.heads['pose' if 'pose' in model.heads else next(iter(model.heads))]
    frames = None if head.reads == 'clip' else len(model.output_frames(shape[0])[head.feature])
    return {
        'model': name,
        'clip': list(shape),
        'frames_out': frames,
        'parameters': sum(p.numel() for p in model.parameters()),
        'parameters_in_torch_layers': sum(p.numel() for m in torch_layers for p in m.parameters(recurse=False)),
        'macs': macs,
        'macs_of_layers': layers.total,
        'macs_of_products': macs - layers.total,
    }


def frames_per_second(row: dict[str, Any], batch: int, device: str, rounds: int = 5, **changes: Any) -> float:
    """Frames out (in, where there is one result a clip) a second: the median of ``rounds``, after two to warm up."""
    seconds, what = [], f'{row["model"]} cannot be timed with {batch} clips on {device}'
    with reading(what, 'change --device or --batch-size', (RuntimeError, AssertionError)), torch.inference_mode():
        model, x = build(row['model'], **changes).to(device), torch.zeros(batch, *row['clip'], device=device)
        for _ in range(rounds + 2):
            start = time.perf_counter()
            model(x)
            if x.is_cuda:
                torch.cuda.synchronize(x.device)
            seconds.append(time.perf_counter() - start)
    return batch * (row['frames_out'] or row['clip'][0]) / median(seconds[2:])


def short(number: float) -> str:
    """Four digits: ``'147.4 G'``."""
    return f'{number / 1e9:#.4g} G' if number >= 1e9 else f'{number / 1e6:#.4g} M'


def cells(rows: Sequence[dict], layers_only: bool = False) -> list[list[str]]:
    """The cells of a markdown table: headings, their alignment, and a line a model.

    Args:
        rows: of :func:`count`; with ``speed``, frames a second by heading, for further columns.
        layers_only: leaves products of activations out.
    """
    macs, what = ('macs_of_layers', ['MACs of layers']) if layers_only else ('macs', ['MACs', 'of layers'])
    speeds = rows[0].get('speed', {})
    head = ['model', 'clip', 'frames out', 'parameters', *what, f'{what[0]} a frame out', *speeds]
    lines = [head, ['---', '---', *['---:'] * (len(head) - 2)]]
    for row in rows:
        frames = row['frames_out']
        line = [row['model'], ' x '.join(map(str, row['clip'])), str(frames or '-'), f'{row["parameters"]:,}']
        line += [short(row[key]) for key in dict.fromkeys((macs, 'macs_of_layers'))]
        lines.append([*line, short(row[macs] / frames) if frames else '-', *(f'{row["speed"][n]:.4g}' for n in speeds)])
    return lines


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Cells as a markdown table."""
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def main(argv: list[str] | None = None) -> None:
    """Prints the table of the requested models."""
    parser = ToolParser(__doc__)
    parser.add_config('models', nargs='*', metavar='CONFIG_OR_MODEL', help='config file, or a name of list_models()')
    parser.add_argument('--all', action='store_true', help='every name of list_models()')
    parser.add_argument('--input-shape', nargs=3, type=positive, metavar=('T', 'J', 'C'), help="default: the model's")
    parser.add_argument('--linear-only', action='store_true', help='linear layers and convolutions only')
    parser.add_argument('--fps', action='store_true', help='measure frames a second too, at batch 1 and --batch-size')
    parser.add_argument('--batch-size', type=positive, metavar='N', help='by default 64 on a GPU, 4 on a CPU')
    parser.add_argument('--device', help='where --fps measures: by default the GPU, if there is one')
    parser.add_argument('--out', type=Path, metavar='JSON', help='write the numbers')
    args = parser.parse_args(argv)
    names = list_models() if args.all else args.models
    if args.all == bool(args.models) or (args.all and args.input_shape):
        parser.error('give models, with or without --input-shape, or --all alone')
    changes = {'cfg_options': args.cfg_options, 'variant': args.variant}
    rows = [count(name, args.input_shape, **changes) for name in names]
    if args.fps:
        device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
        batches = (1, args.batch_size or (4 if device == 'cpu' else 64))
        for row in rows:
            speeds = {f'frames/s, batch {n}': frames_per_second(row, n, device, **changes) for n in batches}
            row['speed'] = speeds
            chip = torch.cuda.get_device_name(device) if 'cuda' in device else torch.backends.cpu.get_cpu_capability()
            row['device'] = f'{device} ({chip}), {torch.get_num_threads()} CPU threads'
    print(markdown(cells(rows, args.linear_only)) + (f'measured on {rows[0]["device"]}' if args.fps else ''))
    if args.out:
        write_json(args.out, rows)


if __name__ == '__main__':
    run_program(main)
