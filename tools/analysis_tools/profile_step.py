"""Profile of a training step: the time of its parts, and the operations that take most.

    python tools/analysis_tools/profile_step.py configs/mixste/procedural_27.py
    python tools/analysis_tools/profile_step.py CONFIG --amp --steps 10 --rows 20

Steps are those of tools/train.py from fresh weights: model, losses, optimiser and batches of any config whose data are
at hand, loaded in this process. On a GPU, host syncs are counted too: operations that wait for a number, of which a
step should have none.
"""

import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch.profiler import ProfilerActivity, profile

from poselifter.engine import use_amp
from poselifter.engine.tool import ToolParser, build_runner, config_errors, positive, read_config
from poselifter.errors import run_program

_WAITING = ('aten::_local_scalar_dense', 'aten::item', 'aten::nonzero')  # they bring numbers to the processor


def build(config: Config, folder: str, batch_size: int | None, amp: bool) -> Runner:
    """The runner of a config, for steps alone.

    Args:
        config: changed in place.
        folder: for what the runner writes.
        batch_size: clips; ``None`` is that of the config.
        amp: mixed precision.
    """
    config.update({'work_dir': folder, 'launcher': 'none', 'load_from': None, 'resume': False})
    config.update({f'val_{key}': None for key in ('cfg', 'dataloader', 'evaluator')})
    config.train_dataloader.update({'num_workers': 0, 'persistent_workers': False})
    if batch_size:
        config.train_dataloader.batch_size = batch_size
    if amp or config.optim_wrapper.get('type') == 'AmpOptimWrapper':
        config.optim_wrapper = use_amp(config.optim_wrapper)
    return build_runner(config, 'train')


def parts_of_step(runner: Runner) -> dict[str, Callable[[], Any]]:
    """Loading, forward pass, backward pass and optimiser of a step, to be called in this order."""
    runner.call_hook('before_train')
    runner.call_hook('before_train_epoch')
    model, wrapper, batches = runner.model.train(), runner.optim_wrapper, _endless(runner.train_dataloader)
    batch: list[Any] = []
    losses: list[torch.Tensor] = []

    def load() -> None:
        batch[:] = [next(batches)]
        runner.call_hook('before_train_iter', batch_idx=0, data_batch=batch[0])

    def forward() -> None:
        with wrapper.optim_context(model):
            data = model.data_preprocessor(batch[0], True)
            losses[:] = [model.parse_losses(model(**data, mode='loss'))[0]]

    def update() -> None:
        wrapper.step()
        wrapper.zero_grad()

    return {'data': load, 'forward': forward, 'backward': lambda: wrapper.backward(losses[0]), 'optimiser': update}


def _endless(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


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


def report(runner: Runner, steps: int, rows: int) -> None:
    """Prints the parts and the operations."""
    cuda, parts = torch.cuda.is_available(), parts_of_step(runner)
    times = measure(parts, steps, cuda)
    total = sum(times.values())
    for name, value in times.items():
        print(f'{name:12}{value:10.1f} ms {100 * value / total:5.0f} %')
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=kinds, profile_memory=True) as profiler:
        for part in parts.values():
            part()
    averages = profiler.key_averages()
    order = 'self_cuda_time_total' if cuda else 'self_cpu_time_total'
    print(averages.table(sort_by=order, row_limit=rows, max_name_column_width=40))
    if cuda:
        waits = sum(event.count for event in averages if event.key in _WAITING)
        print(f'operations that wait for a number of the GPU in a step: {waits}')


def main(argv: list[str] | None = None) -> None:
    """Profiles."""
    parser = ToolParser(__doc__)
    parser.add_config('config')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--batch-size', type=positive, metavar='N', help='clips; by default that of the config')
    parser.add_argument('--steps', type=positive, default=5, metavar='N')
    parser.add_argument('--rows', type=positive, default=15, metavar='N', help='operations that are printed')
    args = parser.parse_args(argv)
    config = read_config(args, 'profiling', 'model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
    with TemporaryDirectory() as folder, config_errors(config):
        runner = build(config, folder, args.batch_size, args.amp)
        # what comes before it is as in a training
        runner.train_loop.run = lambda: report(runner, args.steps, args.rows)
        runner.train()


if __name__ == '__main__':
    run_program(main)
