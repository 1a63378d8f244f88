"""Training steps of DSTformer-base, and their peak of memory in a process of its own.

python benchmarks/training_step.py [bf16] [checkpointed]    # prints bytes; run.py --only training compares
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from timing import operations

from poselifter.apis import init_model
from poselifter.engine.switches import checkpoint_activations
from poselifter.structures import MotionDataSample


def steps(
    kind: torch.dtype | None, device: str = 'cpu', batch: int = 1, compiled: bool = False, checkpointed: bool = False
) -> tuple[Callable[[], None], Callable[[], float]]:
    """A training step as the runner takes it, and the loss that it begins with.

    Args:
        kind: of numbers under autocast; ``None`` is float32 without it.
        device: of the weights.
        batch: clips.
        compiled: by ``torch.compile``.
        checkpointed: recompute the activations of each layer in the backward pass.
    """
    torch.manual_seed(0)
    model = init_model('configs/motionbert/h36m_243.py', device=device).train()
    if checkpointed:
        checkpoint_activations(model, ['backbone.layers.*'])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    inputs = torch.rand(batch, 243, 17, 3, device=device) * 2 - 1
    samples = MotionDataSample()
    samples.set_data({'target': torch.rand(batch, 243, 17, 3, device=device)})
    forward = torch.compile(model.forward) if compiled else model.forward

    def loss() -> torch.Tensor:
        with torch.autocast(device, kind) if kind else nullcontext():
            return sum(value for value in forward(inputs, samples, mode='loss').values())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step, lambda: float(loss().detach())


def step_work() -> int:
    """Operations of a step: those of the forward pass three times."""
    model = init_model('configs/motionbert/h36m_243.py').eval()
    with torch.no_grad():
        return 3 * operations(lambda: model.pose(torch.zeros(1, 243, 17, 3)))


def memory(*options: str) -> int:
    """Bytes that two steps need beyond what the program and its packages do; options of the command.

    Freed pieces go back to the system (glibc): how many it would keep is chance, up to a gigabyte more in a later run.
    """
    command, setting = [sys.executable, __file__, *options], {'MALLOC_MMAP_THRESHOLD_': '1000000'}
    result = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **setting})
    return int(result.stdout.split()[-1])


def peak() -> int:
    """Bytes that this process had in memory at most; ``resource`` would count its parent in."""
    status = Path('/proc/self/status').read_text()
    return 1024 * int(status.split('VmHWM:')[1].split()[0])


def main() -> None:
    torch.set_num_threads(1)
    before = peak()
    step, _ = steps(torch.bfloat16 if 'bf16' in sys.argv else None, checkpointed='checkpointed' in sys.argv)
    step()
    step()
    print(peak() - before)


if __name__ == '__main__':
    main()
