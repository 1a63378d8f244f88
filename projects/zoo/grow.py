"""Doubles the channels of a MixSTE checkpoint; the grown network predicts the same, and has room to learn more.

    python projects/zoo/grow.py work_dirs/bodies_27/epoch_9.pth work_dirs/grown.pth

Every channel stands twice, and what reads it takes half of each (Chen et al., Net2Net, ICLR 2016). Random numbers that
are added to one half and taken from the other leave the function as it is, and let the twins learn different things.
"""

import argparse

import torch
from torch import Tensor

from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import run_program


def twice(x: Tensor, axis: int) -> Tensor:
    """Each entry along an axis followed by its copy."""
    return x.repeat_interleave(2, axis)


def halved(weight: Tensor, noise: float) -> Tensor:
    """Weights (out, in) of a layer that reads twins (out, 2 in)."""
    half = twice(weight / 2, 1)
    difference = noise * weight.std() * torch.randn_like(weight)
    half[:, ::2] += difference
    half[:, 1::2] -= difference
    return half


def grow(state: dict[str, Tensor], noise: float = 0.5) -> dict[str, Tensor]:
    """The state dict of a network with twice the channels, equal in what it computes.

    Args:
        state: of a ``MotionEstimator`` of :class:`~poselifter.models.backbones.MixSTE` and ``PoseHead``.
        noise: spread of the twins' difference, in units of the spread of a layer's weights.
    """
    grown = {}
    for name, x in state.items():
        if 'embedding' in name:
            grown[name] = twice(x, -1)
            continue
        if x.ndim == 2 and 'input_projection' not in name:
            x = halved(x, noise)
        if not name.startswith('heads.pose.linear'):
            x = twice(x, 0)
        if '.attn.qkv.' in name:  # products of twice as many channels are divided by the root of it
            x[: len(x) // 3] /= 2**0.5
        grown[name] = x
    return grown


def main(argv: list[str] | None = None) -> None:
    """Reads a checkpoint and writes the grown one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='of a MixSTE with a pose head')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--noise', type=float, default=0.5, help='spread of the difference between twins')
    args = parser.parse_args(argv)
    torch.manual_seed(0)
    checkpoint = load_checkpoint_file(args.checkpoint)
    torch.save({'state_dict': grow(checkpoint['state_dict'], args.noise), 'meta': checkpoint.get('meta', {})}, args.out)


if __name__ == '__main__':
    run_program(main)
