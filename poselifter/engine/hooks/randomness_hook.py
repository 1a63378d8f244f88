"""Makes every random draw of training a function of (seed, rank, iteration)."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...registry import HOOKS


@HOOKS.register_module()
class StatelessRandomHook(Hook):
    """Reseeds torch (all devices), numpy and ``random`` before each iteration.

    Dropout and whatever else draws in the training process then depends on no state, so a resumed run equals an
    uninterrupted one and no checkpoint needs to hold a generator's state. The epoch is reseeded too, since its first
    batch is fetched before its first iteration. :class:`~poselifter.engine.MotionRunner` always registers this hook.
    """

    priority = 'HIGHEST'  # other hooks may draw after it

    def before_train_epoch(self, runner: Runner) -> None:
        """Reseeds for the first batch of the epoch."""
        self._reseed(runner, 0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Reseeds for this iteration."""
        self._reseed(runner, 1)

    def _reseed(self, runner: Runner, stage: int) -> None:
        words = np.random.SeedSequence([runner.seed, runner.rank, runner.iter, stage]).generate_state(4)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))
        np.random.seed(words[2])  # noqa: NPY002  other people's transforms use the global generator
        random.seed(int(words[3]))
