"""Linear layers and attention at the full speed of a CPU."""

import platform
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode, handle_torch_function, has_torch_function_unary
from torch.utils.weak import WeakIdKeyDictionary

Activation = Literal['gelu', 'relu']
_LARGE = 3_000_000  # multiplications from which a float32 product is worth oneDNN's cost of a call, 50 microseconds
_FEW = 100  # frames, less than which a small network spends more on calls than it gains
_PRODUCTS = 2**19  # numbers of Q K^T at a time in bfloat16, which the second level of cache holds
_TOKENS = 4096  # that a weight is laid out for; it serves any other number too
_PACKED = WeakIdKeyDictionary()  # of each parameter its place in memory and its version, and parts of it by their place


def linear_with(x: Tensor, weight: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """A linear layer and an activation, which :class:`FastProducts` computes as one; GELU is the exact one."""
    if has_torch_function_unary(x):
        return handle_torch_function(linear_with, (x,), x, weight, bias, activation)
    return getattr(F, activation)(F.linear(x, weight, bias))


def std_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Layer norm by the unbiased standard deviation plus epsilon; :class:`FastProducts` makes it of torch's."""
    if has_torch_function_unary(x):
        return handle_torch_function(std_norm, (x,), x, weight, bias, eps)
    std, mean = torch.std_mean(x, -1, keepdim=True)
    return weight * (x - mean) / (std + eps) + bias


def fast_products(frames: int, kind: torch.dtype | None = None) -> AbstractContextManager:
    """:class:`FastProducts` where it is faster: not for a window in float32 on Intel, where MKL is as fast.

    There it would cost 5 microseconds for each function that a network calls, a tenth of a small network's time.

    Args:
        frames: that are predicted at a time.
        kind: of the numbers that ``torch.autocast`` is going to compute with inside, as ``encoder_dtype`` says.
    """
    small = frames <= _FEW and kind is None and not torch.is_autocast_enabled('cpu')
    return nullcontext() if small and _on_intel() else FastProducts()


@cache
def _on_intel() -> bool:
    linux = Path('/proc/cpuinfo')
    return 'GenuineIntel' in (linux.read_text() if linux.is_file() else platform.processor())


class FastProducts(TorchFunctionMode):
    """A context without gradients in which a CPU computes linear layers and attention by oneDNN in place of MKL.

    MKL leaves half of the speed of AMD's processors unused: on a Zen 5 core it reaches 100 GFLOP/s, oneDNN 240 in
    float32 and 480 in bfloat16. The operator of linear layers is the one that ``torch.compile`` makes of them. In
    float32, and in bfloat16 under ``torch.autocast`` where the processor has it; elsewhere nothing changes.
    """

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Calls a function of torch, see ``torch.overrides``."""
        if function not in _FAST or not _faster(args[0]):
            return function(*args, **kwargs or {})
        if function is F.scaled_dot_product_attention:
            if _on_intel() or len(args) != 3 or not _unmasked(**kwargs or {}):
                return function(*args, **kwargs or {})  # torch's own calls MKL, which is as fast as oneDNN on Intel's
            return _attention(*args, (kwargs or {}).get('scale'))
        if kwargs:
            return function(*args, **kwargs)
        if function is Tensor.add and torch.is_tensor(args[1]) and args[1].dtype != args[0].dtype:
            return args[0] + args[1].to(args[0].dtype)  # a sum of two kinds of numbers takes twice as long
        if function is std_norm and args[0].dtype == torch.float32:
            return _std_norm(*args)
        return _linear(*args) if function in (F.linear, linear_with) else function(*args)


_FAST = frozenset({F.linear, linear_with, std_norm, F.scaled_dot_product_attention, Tensor.add})


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, then: str = 'none') -> Tensor:
    kind = torch.bfloat16 if torch.is_autocast_enabled('cpu') else torch.float32
    if kind == torch.float32 and x.numel() * len(weight) < _LARGE:
        return F.linear(x, weight, bias) if then == 'none' else linear_with(x, weight, bias, then)
    return _product(x.to(kind), _packed(weight, kind), None if bias is None else bias.to(kind), then)


def _faster(x: Any) -> bool:
    """Whether what a tensor is part of is faster here."""
    if not torch.is_tensor(x) or x.device.type != 'cpu' or torch.is_grad_enabled():
        return False
    kinds = [torch.float32]
    if torch.is_autocast_enabled('cpu'):
        known = torch.get_autocast_dtype('cpu') == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        kinds = [torch.float32, torch.bfloat16] if known else []
    return x.dtype in kinds and torch.backends.mkldnn.is_available()


def _unmasked(attn_mask: Tensor | None = None, dropout_p: float = 0.0, scale: float | None = None) -> bool:
    return attn_mask is None and dropout_p == 0


def _std_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """(x - mean) / std by torch's layer norm, then std / (std unbiased + epsilon), a factor a row."""
    count, tiny = x.shape[-1], 1e-30
    normed, _, inverse = torch.native_layer_norm(x, [count], weight, None, tiny)
    return torch.addcmul(bias, normed, 1 / ((count / (count - 1)) ** 0.5 + eps * inverse))


def _packed(weight: Tensor, kind: torch.dtype) -> Tensor:
    """A weight, or some rows of one, in the order in which oneDNN reads it; kept until the parameter changes."""
    whole = weight if weight._base is None else weight._base
    if not isinstance(whole, torch.nn.Parameter) or whole.is_inference():  # may change without a trace
        return weight.to(kind)
    state = whole.data_ptr(), whole._version
    if _PACKED.get(whole, (None,))[0] != state:
        _PACKED[whole] = state, {}
    parts, place = _PACKED[whole][1], (weight.storage_offset(), weight.shape, kind)
    if place not in parts:
        parts[place] = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(kind), _TOKENS)
    return parts[place]


def _attention(q: Tensor, k: Tensor, v: Tensor, scale: float | None) -> Tensor:
    """softmax(Q K^T scale) V of (N, heads, tokens, channels), some heads at a time."""
    if q.dtype == torch.float32 and q.shape[2] * k.shape[2] * q.shape[3] < _LARGE:
        return F.scaled_dot_product_attention(q, k, v, scale=scale)
    shape, scale = v.shape, q.shape[-1] ** -0.5 if scale is None else scale
    q, k, v = (x.flatten(0, 1).contiguous() for x in (q * scale, k, v))
    results = torch.empty_like(v)
    if q.dtype == torch.float32:
        for one, keys, values, result in zip(q, k, v, results, strict=True):
            result.copy_(_product(_product(one, keys).softmax(-1), values.T))
        return results.view(shape)
    heads = max(_PRODUCTS // (q.shape[1] * k.shape[1]), 1)
    buffer = q.new_empty(heads, q.shape[1], k.shape[1])
    for one, keys, values, result in zip(*(x.split(heads) for x in (q, k, v, results)), strict=True):
        weights = torch.bmm(one, keys.mT, out=buffer[: len(one)])
        torch.bmm(torch.ops.aten._softmax.out(weights, -1, False, out=weights), values, out=result)
    return results.view(shape)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None, then: str = 'none') -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], 'none' if then == 'gelu' else '')
