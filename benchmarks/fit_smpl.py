"""Fitting SMPL to a clip as one batch against frame by frame, and error by noise.

usage: python benchmarks/fit_smpl.py [--seconds 10] [--every 10] [--threads 1] [--body-model FILE] [--plot FILE.png]

The body is a made-up one with 6,890 vertices unless a file is given; the clip is 30 frames a second of a made-up
motion. As one batch it is fitted with five levels of noise, and the median of their times counts. Frame by frame, every
``--every``-th frame is fitted and the median time multiplied; both run with the same settings, after a first fit.
Errors are mean distances relative to the pelvis in millimetres: of the 17 joints, and of all vertices.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))

from toy_human import human_motion, human_smpl

from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import fit_body, load_body_model


def main() -> None:
    """Prints a table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (('seconds', 10), ('every', 10), ('threads', 1)):
        parser.add_argument(f'--{name}', type=int, default=value)
    parser.add_argument('--body-model')
    parser.add_argument('--plot')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    body = load_body_model(args.body_model or human_smpl())

    @torch.no_grad()
    def posed(poses: torch.Tensor, betas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rotations = axis_angle_to_matrix(torch.as_tensor(poses).float().unflatten(-1, (24, 3)))
        vertices = torch.cat([body(part, torch.as_tensor(betas).float())[0] for part in rotations.split(64)])
        keypoints = body.keypoints(vertices)
        return keypoints - keypoints[:, :1], vertices - keypoints[:, :1]

    truth, surface = posed(*human_motion(30 * args.seconds))
    draw = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    rows = []
    fit_body(body, truth[:2])
    print('noise (mm)   joints as given   joints   vertices   seconds')
    for noise in (0, 5, 10, 20, 40):
        given = truth + draw * noise / 1000
        start = time.perf_counter()
        motion = fit_body(body, given)
        seconds = time.perf_counter() - start
        fitted = posed(motion.poses, motion.betas)
        errors = [
            float((a - b).norm(dim=-1).mean()) * 1000
            for a, b in ((given, truth), *zip(fitted, (truth, surface), strict=True))
        ]
        rows.append((noise, *errors, seconds))
        print('{:10} {:17.1f} {:8.1f} {:10.1f} {:9.1f}'.format(*rows[-1]), flush=True)
    if args.plot:
        _plot(args.plot, rows)
    batch, frames = statistics.median(row[-1] for row in rows), []
    for frame in truth[:: args.every]:
        start = time.perf_counter()
        fit_body(body, frame[None])
        frames.append(time.perf_counter() - start)
    alone = statistics.median(frames) * len(truth)
    print(f'frame by frame {alone:.0f} s, as one batch {batch:.1f} s: {alone / batch:.0f} times faster')


def _plot(path: str, rows: list[tuple]) -> None:
    from matplotlib.figure import Figure

    axes = (figure := Figure((6, 4), layout='constrained')).subplots()
    noise, given, joints, surface, _ = zip(*rows, strict=True)
    for values, label in ((given, 'joints as given'), (joints, 'fitted joints'), (surface, 'fitted vertices')):
        axes.plot(noise, values, 'o-', label=label)
    axes.set(xlabel='noise, standard deviation of each coordinate (mm)', ylabel='mean error (mm)', ylim=0)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == '__main__':
    main()
