"""Operations whose names differ between numpy arrays and tensors."""

from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import torch

Array = TypeVar('Array', np.ndarray, torch.Tensor)


def namespace(x: Any) -> ModuleType:
    """``torch`` for a tensor, else ``numpy``."""
    return torch if torch.is_tensor(x) else np


def as_like(values: Any, x: Array) -> Array:
    """``values`` as floats of the kind, dtype and device of ``x``, the default dtype where that holds integers."""
    if torch.is_tensor(x):
        dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
        return torch.as_tensor(values, dtype=dtype, device=x.device)
    return np.asarray(values, x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64)


def cross(a: Array, b: Array) -> Array:
    """Cross product of (..., 3) and (..., 3), broadcast."""
    (ax, ay, az), (bx, by, bz) = (tuple(v[..., i] for i in range(3)) for v in (a, b))
    return namespace(a).stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
