"""Stops a training whose loss, gradients or weights are no longer numbers, or leaves single bad steps out."""

import functools
import math
from typing import Any, Literal

import torch
from mmengine.dist import all_reduce, is_distributed
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from ...errors import InputError, check_choice
from ...registry import HOOKS
from ...structures import MotionDataSample
from ..switches import unwrapped

_PATIENCE = 10  # iterations; the loss scaling of float16 skips single ones
_NAMED = 4  # clips of a message
_ADVICE = 'lower optim_wrapper.optimizer.lr, clip gradients, or check the data; earlier checkpoints are as they were'


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Makes no step with gradients that are not finite, and stops before weights that are not finite are saved.

    :class:`~poselifter.engine.MotionRunner` always registers this hook. On a GPU it waits for the gradients of each
    step. In float16 the scaler of the loss leaves single steps out itself, whatever the policy; ten without a finite
    loss stop the training.

    Args:
        policy: ``'stop'`` ends the training at the first such step; ``'skip'`` leaves it out and names its clips in
            the log, and ends at the tenth on end.
    """

    def __init__(self, policy: Literal['stop', 'skip'] = 'stop') -> None:
        check_choice('DivergenceHook: policy', policy, ('stop', 'skip'))
        self.policy, self.lost, self.clips, self.bad_step = policy, 0, '', False
        self.checked: Any = None  # the optimiser's wrapper whose step is checked

    def before_train(self, runner: Runner) -> None:
        """Puts the check of gradients before the optimiser's step."""
        wrapper = runner.optim_wrapper
        if wrapper is not self.checked:
            self.checked = wrapper
            for each in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else (wrapper,):
                self._check_steps(each)

    def _check_steps(self, wrapper: OptimWrapper) -> None:
        step, parameters = wrapper.step, [p for group in wrapper.param_groups for p in group['params']]

        @functools.wraps(step)  # by whose attribute schedules see that it is counted
        def checked_step(**settings: Any) -> None:
            scaled = getattr(wrapper, 'loss_scaler', None) is not None  # leaves such steps out, and lowers its scale
            self.bad_step = not scaled and not all_finite([p.grad for p in parameters if p.grad is not None])
            if not self.bad_step:
                step(**settings)

        wrapper.step = checked_step

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Counts losses that are not finite, as mmengine has just noted them, and steps that were left out."""
        scalars = runner.message_hub.log_scalars
        finite = 'train/loss' not in scalars or math.isfinite(scalars['train/loss'].current())
        if finite and not self.bad_step:
            self.lost = 0
            return
        self.lost += 1
        if self.lost == 1:
            self.clips = suspects(data_batch)
        if self.bad_step and self.policy == 'stop':
            raise InputError(f'the gradients of step {runner.iter + 1} are not finite ({self.clips}); {_ADVICE}')
        if self.policy == 'skip':
            runner.logger.warning(f'step {runner.iter + 1} is left out: its gradients are not finite; {self.clips}')
        if self.lost == _PATIENCE:
            raise InputError(
                f'the loss is not finite since iteration {runner.iter + 2 - _PATIENCE} ({self.clips}); {_ADVICE}'
            )
        self.bad_step = False

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Looks at the weights."""
        weights = checkpoint['state_dict']
        names = [name for name, _ in unwrapped(runner.model).named_parameters() if name in weights]
        lost = sum(not bool(weights[name].isfinite().all()) for name in names)
        if lost:
            raise InputError(f'{lost} of {len(names)} weights are not finite in epoch {runner.epoch + 1}; {_ADVICE}')


def all_finite(gradients: list[torch.Tensor]) -> bool:
    """Says whether gradients are finite, in all processes: where weights are spread over them, each has its own."""
    norms = torch._foreach_norm(gradients) if gradients else [torch.zeros(())]
    finite = torch.stack([each.isfinite() for each in norms]).all().float()
    if is_distributed():
        all_reduce(finite, 'min')
    return bool(finite)


def suspects(batch: Any) -> str:
    """Names the clips of a batch that hold numbers which are not finite, or some of all its clips.

    Args:
        batch: as the loader gave it, ``inputs`` (B, ...) and one or B data samples.
    """
    inputs, samples = batch['inputs'], batch['data_samples']
    single = isinstance(samples, MotionDataSample)
    names = samples.get('sequence') if single else [sample.get('sequence') for sample in samples]
    tensors = [value for _, value in samples.items() if torch.is_tensor(value)] if single else []
    bad = {
        row
        for tensor in (inputs, *tensors)
        for row, clip in enumerate(tensor)
        if torch.is_tensor(clip) and clip.is_floating_point() and not clip.isfinite().all()
    }
    names = names if isinstance(names, list) else [names] * len(inputs)
    chosen = [str(names[row]) for row in sorted(bad) or range(len(names))]
    listed = ', '.join(dict.fromkeys(chosen[:_NAMED])) + (', ...' if len(chosen) > _NAMED else '')
    return f'clips with numbers that are not finite: {listed}' if bad else f'clips of that batch: {listed}'
