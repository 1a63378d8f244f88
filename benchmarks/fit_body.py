"""Bodies fitted to joints of known pose and shape: error by noise, and one batch against frame by frame.

usage: python benchmarks/fit_body.py FULL_TEST.npz [--body anny] [--seconds 10] [--every 30] [--told] [--plot FILE.png]

The truth is a body of unusual shape that moves as held-out persons of CMU do (rotations of bones: ``full_test.npz`` of
the shared motion capture, its longest clips, 30 frames a second). Its joints with five levels of noise are what is
fitted, each clip alone, by the settings of the command: as joints of cmu17, which may lie a little off Anny's, with a
noise of 10 mm. ``--told`` says that they mean the same points, and how large the noise is. Frame by frame, every
``--every``-th frame is fitted and the median time multiplied. Seconds are those of the processor, on one thread. Errors
are mean distances relative to the pelvis in millimetres: of the 17 joints, and of all vertices (MPVE).
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import AnnyBody, Articulation, BodyModel, Known, fit_body, load_body_model

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 'tests'), str(ROOT / 'tools/model_converters')]

from pose_prior import common_rotations  # noqa: E402
from toy_human import human_smpl  # noqa: E402


def main() -> None:
    """Prints a table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('motions', type=Path)
    parser.add_argument('--body', default='anny', help='anny, made-up (of the size of SMPL), or a file of SMPL')
    for name, value in (('seconds', 10), ('every', 30)):
        parser.add_argument(f'--{name}', type=int, default=value)
    parser.add_argument('--told', action='store_true')
    parser.add_argument('--plot')
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, shape = body_of_unusual_shape(args.body)
    clips = [posed(body, rotations, shape) for rotations in real_motions(body, args.motions, 30 * args.seconds)]
    draw = torch.Generator().manual_seed(0)
    rows = []
    print('noise (mm)   joints as given   joints   vertices   seconds')
    for noise in (0, 5, 10, 20, 40):
        errors, seconds = [], 0.0
        for truth, surface in clips:
            given = truth + torch.randn(truth.shape, generator=draw) * noise / 1000
            start = time.process_time()
            motion = fit_body(body, given, **settings(body, args.told, noise))
            seconds += time.process_time() - start
            turns = axis_angle_to_matrix(torch.from_numpy(motion.poses).unflatten(1, (-1, 3)))
            fitted = posed(body, turns, torch.from_numpy(motion.betas))
            pairs = ((given, truth), *zip(fitted, (truth, surface), strict=True))
            errors.append([distance(a, b) for a, b in pairs])
        sizes = [len(truth) for truth, _ in clips]
        rows.append((noise, *np.average(errors, 0, sizes), seconds))
        print('{:10} {:17.1f} {:8.1f} {:10.1f} {:9.1f}'.format(*rows[-1]), flush=True)
    if args.plot:
        _plot(args.plot, rows)
    batch, alone = statistics.median(row[-1] for row in rows), []
    frames = torch.cat([truth for truth, _ in clips])
    for frame in frames[:: args.every]:
        start = time.process_time()
        fit_body(body, frame[None], **settings(body, args.told, 0))
        alone.append(time.process_time() - start)
    apart = statistics.median(alone) * len(frames)
    print(f'frame by frame {apart:.0f} s, as a batch {batch:.1f} s: {apart / batch:.0f} times faster')


def settings(body: BodyModel, told: bool, noise: int) -> dict:
    """Arguments of the fit: the command's, or all that is known."""
    same = Known({}, same_joints=told or body.kind != 'anny')  # as the command takes SMPL's joints
    return {'known': same, 'skeleton': joint_set(body)} | ({'noise': max(noise / 1000, 0.003)} if told else {})


def joint_set(body: BodyModel) -> str:
    """The joint set that is fitted."""
    return body.joint_sets[0] if body.joint_sets else 'h36m17'


def body_of_unusual_shape(name: str) -> tuple[BodyModel, Tensor]:
    """A body model and a shape."""
    if name != 'anny':
        body = load_body_model(human_smpl() if name == 'made-up' else name)
        return body, torch.randn(10, generator=torch.Generator().manual_seed(0))
    body = AnnyBody()
    shape = body.default_shape(gender=0.8, age=0.75, weight=0.65, height=0.3, proportions=0.6)
    shape[6:] = torch.tensor([0.3, -0.3, 0.2, 0.3, -0.2, 0.2, -0.3, 0.2, 0.3])
    return body, shape


def real_motions(body: BodyModel, path: Path, count: int) -> list[Tensor]:
    """Rotations (T, K, 3, 3) of a body's bones, camera axes, of the longest clips until ``count`` frames are full."""
    motions, total = [], 0
    flip = torch.diag(torch.tensor([1.0, -1, -1]))  # from y up
    for rotations in sorted(common_rotations(path), key=len, reverse=True):
        part = torch.from_numpy(rotations[: min(300, count - total)]).float()
        part[:, 0] = flip @ part[:, 0]
        motions.append(Articulation(body).to_body(part))
        total += len(part)
        if total == count:
            break
    return motions


@torch.no_grad()
def posed(body: BodyModel, rotations: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    """Joints (T, 17, 3) and vertices (T, V, 3) relative to the pelvis."""
    vertices = torch.cat([body(part, shape)[0] for part in rotations.split(64)])
    joints = body.keypoints(vertices, joint_set(body))
    return joints - joints[:, :1], vertices - joints[:, :1]


def distance(a: Tensor, b: Tensor) -> float:
    """Mean distance of points in millimetres."""
    return float((a - b).norm(dim=-1).mean()) * 1000


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
