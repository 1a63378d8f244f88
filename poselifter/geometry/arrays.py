"""Operations whose names differ between numpy arrays and tensors; torch is needed by tensors only."""

import sys
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

Array = TypeVar('Array')  # np.ndarray or torch.Tensor


def namespace(x: Any) -> ModuleType:
    """``torch`` for a tensor, else ``numpy``."""
    torch = sys.modules.get('torch')  # who has a tensor has imported it
    return torch if torch and torch.is_tensor(x) else np


def as_like(values: Any, x: Array) -> Array:
    """``values`` as floats of the kind, dtype and device of ``x``, the default dtype where that holds integers."""
    xp = namespace(x)
    if xp is not np:
        dtype = x.dtype if x.is_floating_point() else xp.get_default_dtype()
        return xp.as_tensor(values, dtype=dtype, device=x.device)
    return np.asarray(values, x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64)


def cross(a: Array, b: Array) -> Array:
    """Cross product of (..., 3) and (..., 3), broadcast."""
    (ax, ay, az), (bx, by, bz) = (tuple(v[..., i] for i in range(3)) for v in (a, b))
    return namespace(a).stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
