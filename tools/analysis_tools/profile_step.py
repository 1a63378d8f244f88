"""Profile of a training step: the time of its parts, and the operations that take most.

    python tools/analysis_tools/profile_step.py configs/mixste/cmu_27.py
    python tools/analysis_tools/profile_step.py CONFIG --amp --steps 10 --rows 20

The data are random, of the shapes that the config's model takes, so no data set is needed; what loading a batch costs
`tools/train.py` logs as data_time. On a GPU, host syncs are counted too: operations that wait for a number, of which a
step should have none.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from poselifter.apis import init_model
from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, run_program
from poselifter.models.estimators import MotionEstimator
from poselifter.structures import MotionDataSample

_WAITING = ('aten::_local_scalar_dense', 'aten::item', 'aten::nonzero')  # they bring numbers to the processor


def parts_of_step(model: torch.nn.Module, batch: int, dtype: torch.dtype | None) -> dict[str, Callable[[], Any]]:
    """Forward pass, backward pass and optimiser of a step on random clips, to be called in this order.

    Args:
        model: that lifts, in training.
        batch: clips.
        dtype: of the forward pass under autocast; ``None`` is float32.

    Raises:
        InputError: the model has no head that learns poses.
    """
    if not isinstance(model, MotionEstimator) or 'pose' not in model.heads:
        raise InputError('the model has no head pose; give a config of a model that lifts')
    device, backbone = next(model.parameters()).device, model.backbone
    inputs = torch.rand(batch, backbone.num_frames, backbone.num_joints, model.codec.channels, device=device)
    with torch.no_grad():
        outputs = model(inputs)
    samples = MotionDataSample()
    samples.set_data({'target': torch.rand_like(outputs['pose'].float())})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    losses: list[torch.Tensor] = []

    def forward() -> None:
        with torch.autocast(device.type, dtype) if dtype else nullcontext():
            losses[:] = [sum(v for k, v in model(inputs, samples, mode='loss').items() if 'loss' in k)]

    def update() -> None:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return {'forward': forward, 'backward': lambda: losses[0].backward(), 'optimiser': update}


def measure(parts: dict[str, Callable[[], Any]], steps: int, cuda: bool) -> dict[str, float]:
    """Milliseconds of each part, mean over the steps behind two that warm up."""
    seconds = dict.fromkeys(parts, 0.0)
    for number in range(steps + 2):
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            if cuda:
                torch.cuda.synchronize()
            seconds[name] += (time.perf_counter() - start) * (number >= 2)
    return {name: 1000 * value / steps for name, value in seconds.items()}


def main(argv: list[str] | None = None) -> None:
    """Prints the parts and the operations."""
    parser = ToolParser(__doc__)
    parser.add_config('config')
    parser.add_argument('--amp', action='store_true', help='forward pass in bfloat16')
    parser.add_argument('--batch-size', type=positive, default=4, metavar='N', help='clips')
    parser.add_argument('--steps', type=positive, default=5, metavar='N')
    parser.add_argument('--rows', type=positive, default=15, metavar='N', help='operations that are printed')
    args = parser.parse_args(argv)
    cuda = torch.cuda.is_available()
    model = init_model(args.config, device='cuda' if cuda else 'cpu', cfg_options=args.cfg_options).train()
    parts = parts_of_step(model, args.batch_size, torch.bfloat16 if args.amp else None)
    times = measure(parts, args.steps, cuda)
    total = sum(times.values())
    for name, value in times.items():
        print(f'{name:12}{value:10.1f} ms {100 * value / total:5.0f} %')
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=kinds, profile_memory=True) as profiler:
        for part in parts.values():
            part()
    averages = profiler.key_averages()
    order = 'self_cuda_time_total' if cuda else 'self_cpu_time_total'
    print(averages.table(sort_by=order, row_limit=args.rows, max_name_column_width=40))
    if cuda:
        waits = sum(event.count for event in averages if event.key in _WAITING)
        print(f'operations that wait for a number of the GPU in a step: {waits}')


if __name__ == '__main__':
    run_program(main)
