"""Fair timing of functions in one process, and the floors that a machine sets."""

import os
import time
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from poselifter.utils.fast_products import FastProducts


def compare(*functions: Callable[[], object], rounds: int = 7, gpu: bool = False) -> tuple[float, ...]:
    """Median seconds of each, run in turns so that other load hits all alike.

    Args:
        functions: they take nothing.
        rounds: how often each is run; one more run of each before is not counted.
        gpu: wait for the GPU, and take the time of the clock on the wall instead of the processor's.

    Returns:
        Seconds of each function.
    """
    times: list[list[float]] = [[] for _ in functions]
    clock = time.perf_counter if gpu else time.process_time
    for _ in range(rounds + 1):
        for function, seconds in zip(functions, times, strict=True):
            start = clock()
            function()
            if gpu:
                torch.cuda.synchronize()
            seconds.append(clock() - start)
    return tuple(median(seconds[1:]) for seconds in times)


@cache
def product_rate(kind: torch.dtype = torch.float32, device: str = 'cpu') -> float:
    """Operations a second of matrix products, by the fastest way that torch has here, as large as DSTformer's."""
    rows, dims = (4131, 512) if device == 'cpu' else (65536, 4096)
    x, weight = torch.randn(rows, dims, device=device, dtype=kind), torch.randn(2 * dims, dims, device=device)
    layer = torch.nn.Linear(dims, 2 * dims, bias=False, device=device, dtype=kind)
    layer.weight.data.copy_(weight)

    def product() -> torch.Tensor:
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16, enabled=kind == torch.bfloat16), FastProducts():
            return layer(x)

    [seconds] = compare(product, rounds=15, gpu=device != 'cpu')
    return 4 * rows * dims**2 / seconds


@cache
def copy_rate() -> float:
    """Bytes a second that are read and written where arrays are larger than the caches."""
    source, target = torch.ones(2**24), torch.empty(2**24)
    [seconds] = compare(lambda: target.copy_(source), rounds=7)
    return 2 * source.nbytes / seconds


def operations(function: Callable[[], object]) -> int:
    """Multiplications and additions in the matrix products and convolutions of a function."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def onnx_operations(path: str | os.PathLike) -> int:
    """Multiplications and additions in the convolutions of an ONNX file, for one picture."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {
        v.name: [d.dim_value or 1 for d in v.type.tensor_type.shape.dim] for v in (*graph.value_info, *graph.output)
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    layers = [node for node in graph.node if node.op_type == 'Conv']
    return sum(2 * np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:]) for node in layers)


def weights_of(model: torch.nn.Module) -> int:
    """Bytes of a model's parameters in float32."""
    return 4 * sum(parameter.numel() for parameter in model.parameters())


class Floor(NamedTuple):
    """The least that something needs: seconds or bytes, and what sets them."""

    least: float
    by: str

    def share(self, measured: float) -> str:
        """Its share of what was measured, in words."""
        return f'{100 * self.least / measured:.2g} % ({self.by})'


def floor(work: float, moved: float = 0, kind: torch.dtype = torch.float32, device: str = 'cpu') -> Floor:
    """Seconds of ``work`` operations at the rate of products, or of ``moved`` bytes at that of copies, if longer."""
    products = Floor(work / product_rate(kind, device), 'products')
    return max(products, Floor(moved / copy_rate(), 'bytes')) if moved else products
