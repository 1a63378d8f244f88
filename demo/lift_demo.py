"""Lifts the clip that ships with poselifter and compares it with the motion that was captured.

The exact commands that made clip and checkpoint stand in demo/README.md.
"""

import argparse
from pathlib import Path

import numpy as np

from poselifter.apis import Pose3DInferencer
from poselifter.errors import run_program
from poselifter.evaluation.functional import mpjpe, mpjve, p_mpjpe
from poselifter.io import read_keypoints

CLIP = Path(__file__).with_name('clip.npz')


def main(argv: list[str] | None) -> None:
    """Lifts, prints the error, writes npz, picture, animation and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', default='out')
    parser.add_argument('--formats', default='npz,png,gif,html')
    args = parser.parse_args(argv)

    table = read_keypoints(CLIP)
    with np.load(CLIP) as clip:
        truth, about = clip['truth_3d'], str(clip['about'])
    print(f'{about}\n{len(table.keypoints)} frames of {table.skeleton} keypoints, {table.fps:g} fps')

    inferencer = Pose3DInferencer()
    [result] = inferencer(table)
    poses = result['predictions']['keypoints_3d']
    mm = 1000
    print(
        f'error against the captured motion: MPJPE {mpjpe(poses, truth) * mm:.1f} mm, '
        f'P-MPJPE {p_mpjpe(poses, truth) * mm:.1f} mm, MPJVE {mpjve(poses, truth) * mm:.1f} mm a frame'
    )
    for path in inferencer.write(Path(args.out_dir) / 'clip', table, poses, args.formats.split(','), truth):
        print(path)


if __name__ == '__main__':
    run_program(main)
