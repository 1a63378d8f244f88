"""The validation that a checkpoint was saved before."""

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

from ...registry import HOOKS


@HOOKS.register_module()
class ResumedValidationHook(Hook):
    """Validates a resumed model first, where that was due.

    A checkpoint is saved before the validation of its epoch. A training that goes on from it would not know that score:
    a later, worse epoch would be called the best. :class:`~poselifter.engine.MotionRunner` always registers this hook.
    """

    priority = 'LOWEST'  # after hooks that prepare what they do at a validation

    def before_train(self, runner: Runner) -> None:
        """Validates."""
        loop = runner.train_loop
        if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop | IterBasedTrainLoop):
            return
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        done, end = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
        loop._decide_current_val_interval()
        if runner._resume and done >= max(loop.val_begin, 1) and (done % loop.val_interval == 0 or done == end):
            runner.val_loop.run()
