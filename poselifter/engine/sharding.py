"""Models whose weights, gradients and optimiser state are spread over the processes (FSDP)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from mmengine.utils import apply_to
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel


def is_sharded(model: nn.Module) -> bool:
    """True if a model is wrapped by ``MMFullyShardedDataParallel``."""
    return isinstance(model, FullyShardedDataParallel)


def clip_as_a_whole(model: nn.Module, optim_wrapper: OptimWrapper) -> None:
    """Clips by the norm of all gradients; mmengine takes that of the part on this process."""
    if optim_wrapper.clip_grad_kwargs and optim_wrapper.grad_name == 'grad_norm':
        optim_wrapper.clip_func = lambda params, **kwargs: model.clip_grad_norm_(**kwargs)


@contextmanager
def gathered(model: nn.Module, optim_wrapper: OptimWrapper | None) -> Iterator[None]:
    """Context in which mmengine saves the states of the whole model; all processes must enter.

    Args:
        model: wrapped; ``use_orig_params`` is mmengine's default.
        optim_wrapper: its optimiser's state is as one process would have it.
    """
    weights, patched = model.state_dict(), [model.module]
    model.module.state_dict = lambda: weights
    if isinstance(optim_wrapper, OptimWrapper):
        optimizer = optim_wrapper.optimizer
        state = _whole_state(model, optimizer, weights)
        optimizer.state_dict = lambda: state
        patched.append(optimizer)
    try:
        yield
    finally:
        for item in patched:
            del item.state_dict


def local_state(model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """This process's part of an optimiser's state that :func:`gathered` or a run on one process saved."""
    local = [p for group in optimizer.param_groups for p in group['params']]
    before = _all_gathered(model, [p.numel() for p in local])[: dist.get_rank(model.process_group)]

    def part(value: Any, number: int) -> Any:
        if not torch.is_tensor(value) or not value.ndim:
            return value
        size, shape = local[number].numel(), local[number].shape
        start = sum(sizes[number] for sizes in before) if value.numel() > size else 0
        return value.flatten()[start : start + size].view(shape)

    parts = {n: {key: part(value, n) for key, value in entry.items()} for n, entry in state['state'].items()}
    return {**state, 'state': parts}


def _whole_state(model: nn.Module, optimizer: torch.optim.Optimizer, weights: dict[str, torch.Tensor]) -> dict:
    state = optimizer.state_dict()
    names = {id(p): name.replace('_fsdp_wrapped_module.', '') for name, p in model.named_parameters()}
    shapes = [weights[names[id(p)]].shape for group in optimizer.param_groups for p in group['params']]
    gathered_states, whole = _all_gathered(model, apply_to(state['state'], torch.is_tensor, torch.Tensor.cpu)), {}
    for number, shape in enumerate(shapes):
        parts = [entries[number] for entries in gathered_states if number in entries]
        if parts:  # a process that holds nothing of a parameter may have no state for it
            whole[number] = {key: _join([part[key] for part in parts], shape) for key in parts[0]}
    return {**state, 'state': whole}


def _join(values: Sequence[Any], shape: torch.Size) -> Any:
    if not torch.is_tensor(values[0]) or not values[0].ndim:
        return max(values)  # a process that holds nothing of a parameter does not count its steps
    joined = torch.cat([value.flatten() for value in values])
    return (joined if joined.numel() == shape.numel() else values[0]).view(shape)  # else every process has all of it


def _all_gathered(model: nn.Module, value: Any) -> list:
    values: list = [None] * dist.get_world_size(model.process_group)
    dist.all_gather_object(values, value, group=model.process_group)
    return values
