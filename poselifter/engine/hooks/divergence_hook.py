"""Stops a training whose loss or weights are no longer numbers."""

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...errors import InputError
from ..switches import unwrapped

_PATIENCE = 10  # iterations; the loss scaling of float16 skips single ones
_ADVICE = 'lower optim_wrapper.optimizer.lr, clip gradients, or check the data; earlier checkpoints are as they were'


class DivergenceHook(Hook):
    """Stops after some iterations without a finite loss, and before weights that are not finite are saved.

    :class:`~poselifter.engine.MotionRunner` always registers this hook.
    """

    def __init__(self) -> None:
        self.lost = 0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Counts losses that are not finite, as mmengine has just noted them."""
        scalars = runner.message_hub.log_scalars
        finite = 'train/loss' not in scalars or math.isfinite(scalars['train/loss'].current())
        self.lost = 0 if finite else self.lost + 1
        if self.lost == _PATIENCE:
            raise InputError(f'the loss is not finite since iteration {runner.iter + 2 - _PATIENCE}; {_ADVICE}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Looks at the weights."""
        weights = checkpoint['state_dict']
        names = [name for name, _ in unwrapped(runner.model).named_parameters() if name in weights]
        lost = sum(not bool(weights[name].isfinite().all()) for name in names)
        if lost:
            raise InputError(f'{lost} of {len(names)} weights are not finite in epoch {runner.epoch + 1}; {_ADVICE}')
