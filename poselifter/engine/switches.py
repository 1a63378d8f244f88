"""Switches of a config that act on named parts of a model."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

import torch
from mmengine.model import is_model_wrapper
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from ..errors import InputError


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside a wrapper for several processes, or the model itself."""
    return model.module if is_model_wrapper(model) else model


def select_modules(model: nn.Module, patterns: str | Sequence[str], switch: str) -> dict[str, nn.Module]:
    """Modules by name.

    Args:
        model: whose modules.
        patterns: names; ``*`` stands for one part, ``'backbone.layers.*'``.
        switch: name of the config's key, for the message.

    Returns:
        Modules by name, in the model's order.

    Raises:
        InputError: a pattern fits no module.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    expressions = {p: re.compile(re.escape(p).replace(r'\*', r'[^.]+')) for p in patterns}
    modules = dict(model.named_modules())
    for pattern, expression in expressions.items():
        if not any(expression.fullmatch(name) for name in modules):
            known = ', '.join(name for name, _ in model.named_children())
            raise InputError(
                f'{switch}: {type(model).__name__} has no module {pattern!r}, only {known} and what is below them; '
                f'name one, * stands for one part'
            )
    return {n: m for n, m in modules.items() if any(e.fullmatch(n) for e in expressions.values())}


def freeze(model: nn.Module, patterns: str | Sequence[str]) -> None:
    """Freezes all parameters of the modules; see :func:`select_modules`."""
    for module in select_modules(model, patterns, 'frozen_modules').values():
        module.requires_grad_(False)


def checkpoint_activations(model: nn.Module, patterns: str | Sequence[str]) -> None:
    """Activation checkpointing: recompute activations in the backward pass, all but the results of large products.

    These take most of the time and a third of the memory. mmengine's takes no keyword arguments and no patterns, finds
    no gradient behind inputs that need none, and counts a batch twice in batch norms.

    Args:
        model: changed in place.
        patterns: see :func:`select_modules`.

    Raises:
        InputError: a pattern fits no module.
    """
    for module in select_modules(model, patterns, 'activation_checkpointing').values():
        module.forward = _checkpointed(module)


def compile_losses(model: nn.Module, options: dict[str, Any]) -> None:
    """Compiles the forward pass of ``loss`` mode; names of weights stay, predictions are made as before.

    mmengine compiles ``train_step``, samples and optimiser included: anew for each batch, until torch gives up.

    Args:
        model: changed in place.
        options: of ``torch.compile``.
    """
    plain, compiled = model.forward, torch.compile(model.forward, **options)

    @wraps(plain)
    def forward(*args: Any, mode: str = 'tensor', **kwargs: Any) -> Any:
        return (compiled if mode == 'loss' else plain)(*args, mode=mode, **kwargs)

    model.forward = forward


def _checkpointed(module: nn.Module) -> Callable:
    forward = module.forward

    def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
        first, again = create_selective_checkpoint_contexts(_keep_products)
        return first, _recomputing(again, module)

    @wraps(forward)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)

    return wrapper


def _keep_products(context: Any, operator: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    """Keeps products with weights, and attention where one operator makes all of it; the rest is recomputed."""
    name = operator.name().partition('::')[2]
    kept = name in ('mm', 'addmm') or name.startswith(('convolution', '_scaled_dot_product'))
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE


@contextmanager
def _recomputing(selective: AbstractContextManager, module: nn.Module) -> Iterator[None]:
    """The context of the second forward pass, in which batch norms learn nothing."""
    with _KeepBatchNormStatistics(module), selective:
        yield


class _KeepBatchNormStatistics:
    """Context that restores the statistics of a module's batch norms on exit."""

    def __init__(self, module: nn.Module) -> None:
        self.norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]

    def __enter__(self) -> None:
        self.before = [(buffer, buffer.clone()) for norm in self.norms for buffer in norm.buffers()]

    def __exit__(self, *_: object) -> None:
        for buffer, before in self.before:
            buffer.data.copy_(before)
