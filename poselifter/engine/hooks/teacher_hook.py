"""Updates the teacher of self-distillation."""

from typing import Any

import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from ...errors import InputError
from ...registry import HOOKS
from ..switches import unwrapped

_SPREADS = ('target_std', 'prediction_std')
_MIN_STD, _BEGIN = 0.01, 0.1


@HOOKS.register_module()
class TeacherUpdateHook(Hook):
    """Updates ``model.teacher`` from ``model.backbone`` after each step that the optimiser really made.

    With accumulated gradients that is not every iteration, and float16's loss scaling skips some steps. A teacher that
    was never updated starts as a copy of the student as it was loaded. :class:`~poselifter.engine.MotionRunner`
    registers this hook for every :class:`~poselifter.models.parts.DistillingModel`.

    The log warns once where ``target_std`` or ``prediction_std`` of a step is below 0.01: teacher and student then
    predict the same for every input. It looks after a tenth of the run; at the start, a student predicts the same for
    every hidden token.

    Raises:
        InputError: an ``EMAHook`` is registered too; it would average the teacher.
    """

    def __init__(self) -> None:
        self._stepped = self._warned = False

    def before_train(self, runner: Runner) -> None:
        """Sets the number of steps of the whole run, and registers a hook of the optimiser."""
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise InputError('custom_hooks has an EMAHook, but the model moves a teacher itself; take the EMAHook out')
        model = unwrapped(runner.model)
        model.teacher.total_steps = -(-runner.max_iters // runner.optim_wrapper._accumulative_counts)
        if int(model.teacher.steps) <= 1:
            model.teacher.module.load_state_dict(model.backbone.state_dict())
        self._handle = runner.optim_wrapper.optimizer.register_step_post_hook(self._note)

    def _note(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        found_inf = getattr(optimizer, 'found_inf', None)  # fused optimisers are called by the scaler all the same
        self._stepped = found_inf is None or not found_inf.item()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Updates the teacher, and looks for a collapse."""
        if self._stepped:
            model = unwrapped(runner.model)
            model.teacher.update_parameters(model.backbone)
            self._stepped = False
        for key in _SPREADS if runner.iter >= _BEGIN * runner.max_iters else ():
            if not self._warned and key in (outputs or {}) and float(outputs[key]) < _MIN_STD:
                self._warned = True
                runner.logger.warning(
                    f'collapse: {key} is {float(outputs[key]):.2g} in iteration {runner.iter + 1}, below '
                    f'{_MIN_STD:g}; features hardly differ between inputs'
                )

    def after_train(self, runner: Runner) -> None:
        """Removes the hook of the optimiser."""
        self._handle.remove()
