"""Lifts the clip that ships with poselifter and compares it with the motion that was captured.

The exact commands that made clip and checkpoint stand in demo/README.md.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from poselifter.apis import Pose3DInferencer, fit_body_to_poses
from poselifter.errors import run_program
from poselifter.evaluation.functional import mpjpe, mpjve, p_mpjpe
from poselifter.io import read_keypoints, write_results

CLIP = Path(__file__).with_name('clip.npz')


def main(argv: list[str] | None) -> None:
    """Lifts, prints the error, writes npz, picture, animation and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', default='out')
    parser.add_argument('--formats', default='npz,png,gif,html')
    parser.add_argument('--body', action='store_true', help='also a page and a GLB of a moving body')
    args = parser.parse_args(argv)

    table = read_keypoints(CLIP)
    with np.load(CLIP) as clip:
        truth, about = clip['truth_3d'], str(clip['about'])
    print(f'{about}\n{len(table.keypoints)} frames of {table.skeleton} keypoints, {table.fps:g} fps')

    [result] = Pose3DInferencer().predict(table)
    poses, mm = result.poses, 1000
    print(
        f'error against the captured motion: MPJPE {mpjpe(poses, truth) * mm:.1f} mm, '
        f'P-MPJPE {p_mpjpe(poses, truth) * mm:.1f} mm, MPJVE {mpjve(poses, truth) * mm:.1f} mm a frame'
    )
    formats = args.formats.split(',')
    files = write_results(Path(args.out_dir) / 'clip', replace(result, truth=truth), formats)
    if args.body:
        [person] = fit_body_to_poses(poses, fps=table.fps, skeleton=result.skeleton_3d)
        files += write_results(Path(args.out_dir) / 'clip_body', person['result'], ['html', 'glb'])
    print(*files, sep='\n')


if __name__ == '__main__':
    run_program(main)
