"""Anny fitted to bodies of known pose and shape: error by noise, and one batch against frame by frame.

usage: python benchmarks/fit_body.py [--clip FILE.npz] [--seconds 10] [--every 30] [--threads 1] [--plot FILE.png]

The motion is real: Anny is fitted to one of the held-out clips of CMU that ship with the tests, played forth and back
for 10 s at 30 frames a second. Those poses, on a body of another shape, are the truth; its joints with five levels of
noise are what is fitted. Frame by frame, every ``--every``-th frame is fitted and the median time multiplied. Seconds
are those of the processor. Errors are mean distances relative to the pelvis in millimetres: of the 17 joints, and of
all vertices.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import AnnyBody, BodyMotion, fit_anny

_CLIP = Path(__file__).resolve().parents[1] / 'tests/data/cmu_tiny.npz'
_CAMERA = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from z up


def main() -> None:
    """Prints a table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (('seconds', 10), ('every', 30), ('threads', 1)):
        parser.add_argument(f'--{name}', type=int, default=value)
    parser.add_argument('--clip', default=_CLIP)
    parser.add_argument('--plot')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    body = AnnyBody()
    motion = fit_anny(body, real_motion(args.clip, 30 * args.seconds))
    shape = body.default_shape(gender=0.8, age=0.75, weight=0.65, height=0.3, proportions=0.6)
    shape[6:] = torch.tensor([0.3, -0.3, 0.2, 0.3, -0.2, 0.2, -0.3, 0.2, 0.3])
    truth, surface = posed(body, BodyMotion(motion.poses, shape.numpy(), motion.trans))
    draw = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    rows = []
    print('noise (mm)   joints as given   joints   vertices   seconds')
    for noise in (0, 5, 10, 20, 40):
        given = truth + draw * noise / 1000
        start = time.process_time()
        motion = fit_anny(body, given, noise=max(noise / 1000, 0.003), same_joints=True)
        seconds = time.process_time() - start
        pairs = ((given, truth), *zip(posed(body, motion), (truth, surface), strict=True))
        rows.append((noise, *(float((a - b).norm(dim=-1).mean()) * 1000 for a, b in pairs), seconds))
        print('{:10} {:17.1f} {:8.1f} {:10.1f} {:9.1f}'.format(*rows[-1]), flush=True)
    if args.plot:
        _plot(args.plot, rows)
    batch, frames = statistics.median(row[-1] for row in rows), []
    for frame in truth[:: args.every]:
        start = time.process_time()
        fit_anny(body, frame[None], noise=0.003, same_joints=True)
        frames.append(time.process_time() - start)
    alone = statistics.median(frames) * len(truth)
    print(f'frame by frame {alone:.0f} s, as one batch {batch:.1f} s: {alone / batch:.0f} times faster')


def real_motion(path: str, count: int) -> Tensor:
    """Joints (T, 17, 3), camera axes, of the longest held-out clip, played forth and back."""
    with np.load(path) as z:
        held = np.flatnonzero(z['split'] == 'test')
        clip = held[np.argmax(z['clip_len'][held])]
        start = z['clip_start'][clip]
        joints = z['poses'][start : start + z['clip_len'][clip]] * float(z['unit_m'])
    there = np.arange(len(joints))
    order = np.resize(np.concatenate([there, there[-2:0:-1]]), count)
    return torch.from_numpy(joints[order]).float() @ _CAMERA.T


@torch.no_grad()
def posed(body: AnnyBody, motion: BodyMotion) -> tuple[Tensor, Tensor]:
    """Joints (T, 17, 3) and vertices (T, V, 3) relative to the pelvis."""
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).float().unflatten(1, (-1, 3)))
    vertices = torch.cat([body(part, torch.from_numpy(motion.betas))[0] for part in rotations.split(64)])
    joints = body.keypoints(vertices)
    return joints - joints[:, :1], vertices - joints[:, :1]


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
