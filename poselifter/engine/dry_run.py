"""A training tried out: a few steps of each phase, with their time, memory and room on the disk."""

import itertools
import resource
import shutil
import time
from pathlib import Path

import torch
from mmengine.hooks import EMAHook
from mmengine.runner import BaseLoop, Runner

from ..registry import LOOPS
from .hooks import CheckpointHook
from .switches import unwrapped

_STEPS = 3  # the first warms up and is not timed


@LOOPS.register_module()
class DryRunLoop(BaseLoop):
    """Takes a few steps of training, of validation and of test, and logs what the whole training would take.

    Nothing is saved. It stands in for the loop of a config (``train_cfg.type``), whose arguments it takes.

    Args:
        runner: of the training.
        dataloader: of the training.
        max_epochs: length of the training in epochs, or
        max_iters: in iterations.
        val_begin: epoch or iteration from which on there are validations.
        val_interval: epochs or iterations between them; 1 or 1000 if it is not given, as in the loop.
        work_dir: where its checkpoints would lie.
        **_: of the loop that it stands in for; ``dynamic_intervals`` are not counted.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: dict,
        max_epochs: int = 0,
        max_iters: int = 0,
        val_begin: int = 1,
        val_interval: int | None = None,
        work_dir: str = '.',
        **_: object,
    ) -> None:
        super().__init__(runner, dataloader)
        self.work_dir = work_dir
        self._max_iters = max_iters or max_epochs * len(self.dataloader)
        self._max_epochs = max_epochs or 1
        end, interval = max_epochs or max_iters, val_interval or (1 if max_epochs else 1000)
        times = {*range(interval, end + 1, interval), end}  # a last validation ends the training
        self.validations = sum(time >= val_begin for time in times) if runner.val_loop else 0
        self.iter = self.epoch = 0

    @property
    def max_epochs(self) -> int:
        """Epochs of the training."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """Iterations of the training."""
        return self._max_iters

    def run(self) -> torch.nn.Module:
        """Steps, and logs."""
        runner = self.runner
        runner.model.train()
        times, batches = [], itertools.cycle(self.dataloader)
        for _ in range(_STEPS):
            start = time.perf_counter()
            batch = next(batches)
            loaded = time.perf_counter()
            losses = runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
            losses = {name: float(value.detach()) for name, value in losses.items()}  # waits for a GPU
            times.append((loaded - start, time.perf_counter() - loaded))
        loading, step = (sum(part) / (_STEPS - 1) for part in zip(*times[1:], strict=True))
        hours = self._max_iters * (loading + step) / 3600
        runner.logger.info(
            f'a training step takes {step:.3g} s and {loading:.3g} s of loading; loss {losses["loss"]:.4g}; '
            f'{self._max_iters:,} steps take about {hours:.3g} h'
        )
        of_one, _ = [self._evaluate(phase) for phase in ('validation', 'test')]
        validating = self.validations * of_one / 3600
        runner.logger.info(
            f'{self.validations:,} validations take about {validating:.3g} h; the whole training takes about '
            f'{hours + validating:.3g} h'
        )
        runner.logger.info(f'memory: {_memory()}; checkpoints: {disk_line(runner, self.work_dir)}')
        return runner.model

    def _evaluate(self, phase: str) -> float:
        """Takes up to two steps, and logs and returns the seconds of all, as of the second: the first warms up."""
        loop = self.runner.val_loop if phase == 'validation' else self.runner.test_loop
        if loop is None:
            return 0.0
        self.runner.model.eval()
        batches, count = iter(loop.dataloader), len(loop.dataloader)
        for _ in range(min(count, 2)):
            start = time.perf_counter()
            batch = next(batches)
            with torch.no_grad():
                self.runner.model.val_step(batch)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds = time.perf_counter() - start
        self.runner.logger.info(
            f'a step of {phase} takes {seconds:.3g} s with loading, all {count}: {seconds * count:.3g} s'
        )
        return seconds * count


def checkpoint_bytes(runner: Runner) -> tuple[int, int]:
    """Bytes of a checkpoint, and how many more come into the work folder at most, one that is being written among them.

    Adam keeps two numbers for each weight that is trained, averaged weights are a copy.
    """
    model = unwrapped(runner.model)
    weights = sum(x.numel() * x.element_size() for x in (*model.parameters(), *model.buffers()))
    trained = sum(p.numel() * p.element_size() for p in runner.model.parameters() if p.requires_grad)
    averaged = any(isinstance(hook, EMAHook) for hook in runner.hooks)
    size = weights * (1 + averaged) + 2 * trained
    hook = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    if hook is None:
        return size, 0
    steps = runner.train_loop.max_epochs if hook.by_epoch else runner.train_loop.max_iters
    kept = steps // hook.interval if hook.interval > 0 else 0
    kept = min(kept, hook.max_keep_ckpts) if hook.max_keep_ckpts > 0 else kept
    there = len(hook.saved_checkpoints(runner.work_dir))  # where a training goes on
    return size, max(kept - there, 0) + 1 + bool(hook.save_best)


def disk_line(runner: Runner, folder: str) -> str:
    """Room that the checkpoints of a training take, and that there is."""
    size, count = checkpoint_bytes(runner)
    return f'{count} of {size / 1e6:.1f} MB at most, {free_bytes(folder) / 1e9:.1f} GB are free'


def free_bytes(folder: str) -> int:
    """Bytes that are free where a folder is, or will be."""
    path = Path(folder).absolute()
    return shutil.disk_usage(next(parent for parent in (path, *path.parents) if parent.exists())).free


def _memory() -> str:
    """The most memory so far."""
    used = f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB'
    if torch.cuda.is_available():
        used += f', {torch.cuda.max_memory_allocated() / 1e9:.2f} GB on the GPU'
    return used
