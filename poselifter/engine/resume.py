"""Checks of a checkpoint's training state before it is resumed."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer


def optimizer_difference(optimizer: Optimizer, state: Mapping[str, Any]) -> str | None:
    """The difference that keeps an optimiser from going on with a saved state; ``None`` where there is none.

    torch loads a state of other shapes without a word, and fused optimisers then write past the end of its tensors.

    Args:
        optimizer: of the training, before anything is loaded into it.
        state: ``optimizer`` of the checkpoint; a damaged one raises errors of any kind.

    Returns:
        How the groups, the settings or a tensor's shape or kind differ.
    """
    saved, groups = state['param_groups'], optimizer.param_groups
    sizes = [[len(group['params']) for group in side] for side in (saved, groups)]
    if sizes[0] != sizes[1]:
        return f'it has {sum(sizes[0])} parameters in groups of {sizes[0]}, the training {sum(sizes[1])} in {sizes[1]}'
    for old in saved:
        missing = sorted(set(optimizer.defaults) - set(old))
        if missing:
            return f'it was left by another optimiser than {type(optimizer).__name__} (no {", ".join(missing)})'
    numbers = [number for group in saved for number in group['params']]
    parameters = [parameter for group in groups for parameter in group['params']]
    for number, parameter in zip(numbers, parameters, strict=True):
        for key, value in state['state'].get(number, {}).items():
            if not isinstance(value, torch.Tensor):
                continue
            if value.numel() != 1 and value.shape != parameter.shape:
                return f'{key} of parameter {number} has shape {tuple(value.shape)}, expected {tuple(parameter.shape)}'
            if value.is_floating_point() != parameter.is_floating_point() or value.is_complex():
                return f'{key} of parameter {number} is of {value.dtype}, expected numbers like {parameter.dtype}'
    unknown = set(state['state']) - set(numbers)
    return f'it has a state of the parameters {sorted(map(str, unknown))[:3]}, which no group has' if unknown else None
