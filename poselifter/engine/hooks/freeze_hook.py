"""Keeps frozen modules of a model in evaluation mode."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..switches import select_modules, unwrapped


class FreezeHook(Hook):
    """Keeps frozen modules in evaluation mode while the rest trains: batch norm statistics and dropout stay off.

    :class:`~poselifter.engine.MotionRunner` registers it where a config says ``frozen_modules = ['backbone']``. It also
    takes the gradients away, before the optimiser and the wrapper for several processes look at them.

    Args:
        patterns: see :func:`~poselifter.engine.switches.select_modules`.
    """

    def __init__(self, patterns: str | Sequence[str]) -> None:
        self.patterns = patterns

    def before_train(self, runner: Runner) -> None:
        """Finds the modules."""
        model = unwrapped(runner.model)
        self._modules = list(select_modules(model, self.patterns, 'frozen_modules').values())

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Undoes the loop's ``model.train()``."""
        for module in self._modules:
            module.eval()
