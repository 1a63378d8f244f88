"""Bodies by a network beside bodies fitted to lifted poses: on held-out subjects of CMU, and on the real film.

usage: python benchmarks/mesh.py CHECKPOINT [--variant scratch] [--film FOLDER] [--every 4]

Both ways see the same simulated detections, of the test clips of ``configs/motionbert/mesh_anny_cmu.py``; *fitted* is
``poselifter lift`` with the default model and ``fit-body``. Errors in mm relative to the pelvis: MPVE of all vertices,
MPJPE and P-MPJPE of the 17 joints of the body; on the film, whose truth has no surface, of 12 limb joints by its
``evaluate.py`` (FOLDER: the shared films), beside the lifted joints themselves. One view of each clip.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from filmed import film_tables
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from poselifter.apis import fit_body_to_poses, init_model, recover_smpl
from poselifter.apis.prediction import predict_table
from poselifter.apis.zoo import DEFAULT_MODEL
from poselifter.engine import load_config
from poselifter.evaluation.functional import p_mpjpe
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import AnnyBody
from poselifter.structures import MotionDataSample

CONFIG = Path(__file__).resolve().parents[1] / 'configs/motionbert/mesh_anny_cmu.py'


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('--variant')
    parser.add_argument('--film', type=Path)
    parser.add_argument('--every', type=int, default=4, help='use every so many of the test clips')
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, lifter = init_model(CONFIG, args.checkpoint, variant=args.variant), init_model(DEFAULT_MODEL)
    held_out(model, lifter, args.variant, args.every)
    if args.film:
        on_film(model, lifter, args.film)


@torch.no_grad()
def held_out(model, lifter, variant, every) -> None:
    """Errors by frames on clips of the test subjects."""
    init_default_scope('poselifter')
    loader = load_config(CONFIG, variant=variant).test_dataloader
    loader.dataset.indices = None
    errors, frames = defaultdict(lambda: np.zeros(3)), 0
    for number, batch in enumerate(Runner.build_dataloader(loader)):
        if number % every:
            continue
        [sample] = model.test_step(batch)
        truth = [sample.vertices, sample.lifting_target]
        errors['network'] += distances(*truth, sample.pred_vertices, sample.pred_keypoints_3d)
        data = lifter.data_preprocessor(batch)
        [lifted] = lifter.predict(data['inputs'], [MotionDataSample() for _ in data['data_samples']])
        [person] = fit_body_to_poses(lifted.pred_keypoints_3d.numpy(), skeleton='cmu17', fps=30)
        errors['fitted'] += distances(*truth, *body_of(person))
        frames += len(sample.vertices)
    print(f'held-out subjects, {frames} frames   MPVE  MPJPE  P-MPJPE')
    for name, sums in errors.items():
        print(f'{name:34}' + ''.join(f'{value:7.1f}' for value in sums / frames))


def body_of(person) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices and joints of h36m17 relative to joint 0 of what a fit or a network gave."""
    body, motion = AnnyBody(), person['motion']
    turns = axis_angle_to_matrix(torch.from_numpy(motion.poses).unflatten(1, (-1, 3)))
    vertices = torch.cat([body(part, torch.from_numpy(motion.betas))[0] for part in turns.split(64)])
    joints = body.keypoints(vertices)
    return vertices - joints[:, :1], joints - joints[:, :1]


def distances(surface, joints, other_surface, other_joints) -> np.ndarray:
    """Sums over frames of MPVE, MPJPE and P-MPJPE, mm."""
    mpve = (surface - other_surface).norm(dim=-1).mean(1).sum()
    mpjpe = (joints - other_joints).norm(dim=-1).mean(1).sum()
    aligned = p_mpjpe(other_joints.numpy(), joints.numpy()) * len(joints)
    return 1000 * np.array([float(mpve), float(mpjpe), float(aligned)])


def on_film(model, lifter, folder) -> None:
    """Errors of limbs in the four cameras of the real film, keypoints of two detectors."""
    print('film                   detector  MPJPE  P-MPJPE')
    tables, tool = film_tables(folder)
    for kind, cameras in tables.items():
        rows = defaultdict(list)
        for table, truth in cameras:
            lifted = predict_table(lifter, table, ['pose'])
            [person] = fit_body_to_poses(lifted.poses, skeleton='cmu17', fps=table.fps)
            ways = {'lifted joints': lifted.poses, 'fitted': body_of(person)[1].numpy()}
            [person] = recover_smpl(model, table)
            ways['network'] = body_of(person)[1].numpy()
            for name, poses in ways.items():
                rows[name].append(tool.scores(poses[:, tool.CMU17].astype(float), truth)[0])
        for name, values in rows.items():
            mean = np.mean(values, 0)
            print(f'{name:22} {kind:8} {mean[0]:6.1f} {mean[2]:7.1f}')


if __name__ == '__main__':
    main()
