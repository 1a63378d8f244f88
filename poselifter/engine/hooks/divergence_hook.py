"""Stops a training whose loss, gradients or weights are no longer numbers, or leaves single bad steps out."""

import functools
from typing import Any, Literal

import torch
from mmengine.dist import all_gather_object, all_reduce, is_distributed
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from ...errors import InputError, check_choice
from ...registry import HOOKS
from ...structures import MotionDataSample
from ..switches import unwrapped

_PATIENCE = 10  # steps; the loss scaling of float16 skips single ones
_NAMED = 4  # clips of each process in a message
_ADVICE = 'lower optim_wrapper.optimizer.lr, clip gradients, or check the data; earlier checkpoints are as they were'


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Makes no step with a loss or gradients that are not finite, and saves no weights that are not finite.

    :class:`~poselifter.engine.MotionRunner` always registers this hook. The processes decide together. On a GPU it
    waits for the gradients of each step. In float16 the scaler of the loss leaves single steps with bad gradients out
    itself, whatever the policy; ten without a finite loss stop the training.

    Args:
        policy: ``'stop'`` ends the training at the first such step; ``'skip'`` leaves it out and names its clips in
            the log, and ends at the tenth on end.
    """

    def __init__(self, policy: Literal['stop', 'skip'] = 'stop') -> None:
        check_choice('DivergenceHook: policy', policy, ('stop', 'skip'))
        self.policy, self.lost, self.first = policy, 0, ''
        self.batch: Any = None
        self.stepped, self.left_out, self.fault, self.clips = False, False, '', ''  # in this iteration
        self.checked: Any = None  # the optimiser's wrapper whose steps are checked

    def before_train(self, runner: Runner) -> None:
        """Puts the check of loss and gradients before the optimiser's step."""
        wrapper = runner.optim_wrapper
        if wrapper is not self.checked:
            self.checked = wrapper
            for each in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else (wrapper,):
                self._check_steps(each)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Keeps the batch, whose clips a message may name."""
        self.batch = data_batch
        self.stepped, self.left_out, self.fault = False, False, ''

    def _check_steps(self, wrapper: OptimWrapper) -> None:
        update, step = wrapper.update_params, wrapper.step
        parameters = [p for group in wrapper.param_groups for p in group['params']]
        batches: list[tuple[Any, torch.Tensor]] = []  # since the last step, each with its loss in this process

        @functools.wraps(update)
        def noting_update(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
            batches.append((self.batch, loss.detach()))  # before it is multiplied by those of other processes
            update(loss, *args, **kwargs)

        @functools.wraps(step)  # by whose attribute schedules see that it is counted
        def checked_step(**settings: Any) -> None:
            losses = [loss for _, loss in batches]
            good_loss, good_gradients = all_finite(losses, [p.grad for p in parameters if p.grad is not None])
            scaled = getattr(wrapper, 'loss_scaler', None) is not None
            by_scaler = scaled and not good_gradients  # which lowers its scale too
            left_out = not (good_loss and good_gradients) and not by_scaler
            self.stepped, self.left_out = True, self.left_out or left_out
            if not good_loss or left_out:
                self.fault = 'loss' if not good_loss else 'gradients'
                suspected = [batch for batch, loss in batches if good_loss or not loss.isfinite().all()]
                self.clips = suspects(suspected if batches else [self.batch], self.fault)
            batches.clear()
            if not left_out:
                step(**settings)

        wrapper.update_params, wrapper.step = noting_update, checked_step

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Counts steps without finite loss and gradients, and stops the training."""
        if not self.stepped:  # the gradients of several batches are summed
            return
        if not self.fault:
            self.lost = 0
            return
        self.lost += 1
        verb = 'is' if self.fault == 'loss' else 'are'
        if self.lost == 1:
            self.first = f'since iteration {runner.iter + 1} ({self.clips})'
        if self.left_out and self.policy == 'stop':
            raise InputError(f'the {self.fault} of step {runner.iter + 1} {verb} not finite ({self.clips}); {_ADVICE}')
        if self.policy == 'skip':
            runner.logger.warning(
                f'step {runner.iter + 1} is left out: its {self.fault} {verb} not finite; {self.clips}'
            )
        if self.lost == _PATIENCE:
            raise InputError(f'the {self.fault} {verb} not finite {self.first}; {_ADVICE}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Looks at the weights."""
        weights = checkpoint['state_dict']
        names = [name for name, _ in unwrapped(runner.model).named_parameters() if name in weights]
        lost = sum(not bool(weights[name].isfinite().all()) for name in names)
        if lost:
            raise InputError(f'{lost} of {len(names)} weights are not finite in epoch {runner.epoch + 1}; {_ADVICE}')


def all_finite(losses: list[torch.Tensor], gradients: list[torch.Tensor]) -> list[bool]:
    """Says whether losses, and gradients, are finite in all processes.

    Where weights are spread over the processes, each has its own gradients.
    """
    norms = list(torch._foreach_norm(gradients)) if gradients else []
    yes = torch.ones((), dtype=torch.bool)
    found = [torch.stack([x.isfinite().all() for x in group]).all() if group else yes for group in (losses, norms)]
    device = found[1 if norms else 0].device
    finite = torch.stack([each.to(device) for each in found]).float()
    if is_distributed():
        all_reduce(finite, 'min')
    return [bool(each) for each in finite.tolist()]


def suspects(batches: list[Any], fault: Literal['loss', 'gradients']) -> str:
    """Names the clips of all processes that hold numbers which are not finite, or else some of all their clips.

    Args:
        batches: of this process, as the loader gave them, ``inputs`` (B, ...) and one or B data samples; where the
            loss is at fault those with a bad loss only.
        fault: of the step.
    """
    found = [_clips_of(batch) for batch in batches]
    bad, names = ([name for each in found for name in each[kind]] for kind in (0, 1))
    everywhere = all_gather_object((bad, names))
    kind = 0 if any(bad for bad, _ in everywhere) else 1
    lists = [list(dict.fromkeys(each[kind])) for each in everywhere]
    listed = ', '.join(dict.fromkeys(name for each in lists for name in each[:_NAMED]))
    listed += ', ...' if any(len(each) > _NAMED for each in lists) else ''
    if kind == 0:
        return f'clips with numbers that are not finite: {listed}'
    if fault == 'loss':
        return f'clips of the batch with that loss: {listed}'
    return f'clips of that step{" in all processes" if len(lists) > 1 else ""}: {listed}'


def _clips_of(batch: Any) -> tuple[list[str], list[str]]:
    """Names of the clips of a batch that hold numbers which are not finite, and of all its clips."""
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
    names = [str(name) for name in (names if isinstance(names, list) else [names] * len(inputs))]
    return [names[row] for row in sorted(bad)], names
