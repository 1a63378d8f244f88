"""Gives a MixSTE checkpoint of 17 joints the embeddings of the further joints of another joint set.

    python projects/zoo/more_joints.py work_dirs/bodies_27_wide/epoch_150.pth work_dirs/surface_27/start.pth

A further joint starts as the one that carries it, an ear as the nose and a heel as the ankle; all else is kept.
"""

import argparse

import torch

from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import run_program
from poselifter.skeletons import get_skeleton


def main(argv: list[str] | None = None) -> None:
    """Reads a checkpoint and writes the other one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='of a MixSTE with a pose head')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--skeleton', default='body23', help='joint set whose first joints the checkpoint has')
    args = parser.parse_args(argv)
    state = load_checkpoint_file(args.checkpoint)['state_dict']
    old = state['backbone.joint_embedding.weight']
    further = list(get_skeleton(args.skeleton).parents[old.shape[1] :])
    state['backbone.joint_embedding.weight'] = torch.cat([old, old[:, further]], 1)
    torch.save({'state_dict': state}, args.out)


if __name__ == '__main__':
    run_program(main)
