"""Converts NeuralAnnot's bodies of Human3.6M to an npz that ``MeshDataset`` reads.

    python tools/dataset_converters/neural_annot.py data/neural_annot data/mesh/h36m_neural_annot.npz

SRC_DIR holds ``Human36M_subject<S>_camera.json``, ``_joint_3d.json`` and ``_SMPL_NeuralAnnot.json`` of any of the
subjects 1, 5, 6, 7, 8, which become the part ``train``, and 9, 11, the part ``test``. Bodies are turned from the world
into each camera's frame. The 2D are the true joints seen by the cameras, without distortion, with confidence 1.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from poselifter.datasets.calibration import mocap_cameras
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from poselifter.utils.arrays import save_arrays

SUBJECTS = {'train': (1, 5, 6, 7, 8), 'test': (9, 11)}
KINDS = ('camera', 'joint_3d', 'SMPL_NeuralAnnot')


def videos(folder: Path, subject: int) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of each take and camera; frames without a body or joints are left out."""
    paths = [folder / f'Human36M_subject{subject}_{kind}.json' for kind in KINDS]
    names = list(mocap_cameras('h36m')['S1'])
    with reading(f'{paths[0]}, {", ".join(KINDS[1:])} are not as NeuralAnnot has them', 'download all three again'):
        cameras, joints, bodies = (json.loads(path.read_text()) for path in paths)
        takes = [(int(a), int(s), f) for a, subs in bodies.items() for s, f in subs.items()]
        for action, take, body in sorted(takes, key=lambda t: t[:2]):
            seen = joints[str(action)][str(take)]
            frames = sorted(body.keys() & seen.keys(), key=int)
            world = np.array([seen[f] for f in frames], np.float64).reshape(len(frames), 17, 3)
            pose, shape = (np.array([body[f][k] for f in frames], np.float64) for k in ('pose', 'shape'))
            for number, camera in sorted(cameras.items()) if frames else ():
                rotation, shift, focal, centre = (np.array(camera[k], np.float64) for k in ('R', 't', 'f', 'c'))
                points = world @ rotation.T + shift.reshape(3)
                turned = pose.reshape(len(frames), 72).copy()
                turned[:, :3] = matrix_to_axis_angle(rotation @ axis_angle_to_matrix(turned[:, :3]))
                source = f's_{subject:02}_act_{action:02}_subact_{take:02}_ca_{int(number):02}'
                arrays = {'joint_2d': points[..., :2] / points[..., 2:] * focal + centre, 'smpl_pose': turned}
                arrays |= {'smpl_shape': shape.reshape(len(frames), 10), 'confidence': np.ones(points.shape[:2])}
                arrays = {key: array.astype(np.float32) for key, array in arrays.items()}
                metadata = {'source': source, 'camera_name': names[int(number) - 1]}
                yield arrays | {key: np.full(len(frames), value) for key, value in metadata.items()}


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', type=Path, metavar='SRC_DIR', help='folder of the json files')
    parser.add_argument('out', type=Path, metavar='OUT.npz', help='the file to write')
    args = parser.parse_args(argv)
    arrays = {}
    for part, subjects in SUBJECTS.items():
        present = [s for s in subjects if (args.source / f'Human36M_subject{s}_{KINDS[-1]}.json').is_file()]
        takes = [video for s in tqdm(present, desc=part, unit='subject') for video in videos(args.source, s)]
        arrays |= {f'{part}_{key}': np.concatenate([video[key] for video in takes]) for key in (takes or [{}])[0]}
        print(f'{part}: {len(takes)} videos of the subjects {present}')
    if not arrays:
        how = 'get them as the README of github.com/mks0601/NeuralAnnot_RELEASE says'
        raise InputError(f'{args.source} has no bodies Human36M_subject1_SMPL_NeuralAnnot.json; {how}')
    save_arrays(args.out, arrays, compressed=False)


if __name__ == '__main__':
    run_program(main)
