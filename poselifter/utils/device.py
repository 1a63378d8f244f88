"""Devices of torch."""

import torch

from ..errors import InputError


def check_device(device: str) -> None:
    """Checks that tensors can be computed on a device and come back; raises InputError if not."""
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise InputError(f'device {device!r} cannot be used ({str(error).splitlines()[0]}); try cpu') from error
