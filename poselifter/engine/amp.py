"""Mixed precision on GPU or CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ..errors import InputError
from ..registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Trains on the CPU with the forward pass in bfloat16, which needs no loss scaling.

    mmengine's ``AmpOptimWrapper`` refuses to be built without a GPU.

    Args:
        **kwargs: of mmengine's ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast around the forward pass."""
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield


def use_amp(optim_wrapper: dict[str, Any]) -> dict[str, Any]:
    """Turns mixed precision on.

    Args:
        optim_wrapper: of a config; its type must be ``OptimWrapper`` (the default) or ``AmpOptimWrapper``.

    Returns:
        A changed copy: ``AmpOptimWrapper`` with a GPU, else :class:`CPUAmpOptimWrapper`.

    Raises:
        InputError: the config asks for another wrapper.
    """
    kind = optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'CPUAmpOptimWrapper'):
        raise InputError(f'--amp needs optim_wrapper.type OptimWrapper, found {kind}; leave --amp out')
    if torch.cuda.is_available():
        return {'loss_scale': 'dynamic', **optim_wrapper, 'type': 'AmpOptimWrapper'}
    rest = {key: value for key, value in optim_wrapper.items() if key not in ('loss_scale', 'dtype', 'use_fsdp')}
    return {**rest, 'type': 'CPUAmpOptimWrapper'}
