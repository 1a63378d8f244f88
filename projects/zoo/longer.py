"""Gives a MixSTE checkpoint windows of more frames.

    python projects/zoo/longer.py work_dirs/bodies_27_wide/epoch_150.pth work_dirs/bodies_81/start.pth --frames 81

The embeddings of the frames are stretched, with linear interpolation; all else is kept. A window of 81 frames then
tells its frames apart as one of 27 did, and a short training takes it to the new speed.
"""

import argparse

import torch
from torch import Tensor
from torch.nn import functional

from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import run_program


def stretched(embedding: Tensor, frames: int) -> Tensor:
    """Embeddings (1, T, C) for so many frames; the first and the last stay."""
    return functional.interpolate(embedding.mT, size=frames, mode='linear', align_corners=True).mT.contiguous()


def main(argv: list[str] | None = None) -> None:
    """Reads a checkpoint and writes the other one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='of a MixSTE with a pose head')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--frames', type=int, default=81, help='of a window')
    args = parser.parse_args(argv)
    state = load_checkpoint_file(args.checkpoint)['state_dict']
    state['backbone.frame_embedding.weight'] = stretched(state['backbone.frame_embedding.weight'], args.frames)
    torch.save({'state_dict': state}, args.out)


if __name__ == '__main__':
    run_program(main)
