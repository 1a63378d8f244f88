"""Converts 3DPW's sequenceFiles to an npz that ``MeshDataset`` reads.

    python tools/dataset_converters/pw3d.py data/3DPW/sequenceFiles data/mesh/3dpw.npz

The parts are ``train``, ``validation`` and ``test``; a video has a sequence for each actor, ``<sequence>/<actor>``.
Bodies are turned from the world into the camera's frame. ``smpl_weight`` is 0 where the camera's pose is not valid. The
2D is OpenPose's, in the files. Besides, for each frame: ``root`` (3,), the pelvis in the camera's frame in metres
(SMPL's translation plus the pelvis of the rest pose), and ``gender``, since the shapes are those of the gendered
models.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from poselifter.skeletons import convert_keypoints
from poselifter.utils.arrays import save_arrays
from poselifter.utils.safe_pickle import load_pickle

PARTS = ('train', 'validation', 'test')
KEYS = ('poses', 'betas', 'jointPositions', 'poses2d', 'cam_poses', 'campose_valid', 'genders')


def convert(path: Path) -> list[dict[str, np.ndarray]]:
    """The arrays of each actor of one file."""
    data = load_pickle(path, encoding='latin1')
    missing = [key for key in KEYS if key not in data] if isinstance(data, dict) else list(KEYS)
    if missing:
        raise InputError(f'{path} lacks {missing}, expected a sequence file of 3DPW; download it again')
    with reading(f'{path} is no sequence file of 3DPW', 'download it again'):
        rotation, shift = np.split(np.asarray(data['cam_poses'])[:, :3], [3], -1)
        return [_actor(data, actor, path.stem, rotation, shift) for actor in range(len(data['poses']))]


def _actor(data: dict, actor: int, name: str, rotation: np.ndarray, shift: np.ndarray) -> dict[str, np.ndarray]:
    n = len(rotation)
    pose = np.array(data['poses'][actor], np.float64).reshape(n, 72)
    pose[:, :3] = matrix_to_axis_angle(rotation @ axis_angle_to_matrix(pose[:, :3]))
    pelvis = np.asarray(data['jointPositions'][actor])[:, :3, None]
    detected = np.swapaxes(np.asarray(data['poses2d'][actor], np.float64), 1, 2)  # x, y, score lie before the joints
    points, scores = convert_keypoints(detected[..., :2], 'openpose18', 'h36m17', detected[..., 2])
    arrays = {
        'joint_2d': points.reshape(n, 17, 2),
        'confidence': scores,
        'smpl_pose': pose,
        'smpl_shape': np.tile(np.asarray(data['betas'][actor])[:10].reshape(10), (n, 1)),
        'smpl_weight': np.reshape(data['campose_valid'][actor], n),
        'root': (rotation @ pelvis + shift).reshape(n, 3),
    }
    names = {'source': np.full(n, f'{name}/{actor}'), 'gender': np.full(n, str(data['genders'][actor]))}
    return {**{key: np.asarray(array, np.float32) for key, array in arrays.items()}, **names}


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', type=Path, metavar='SRC_DIR', help='folder sequenceFiles')
    parser.add_argument('out', type=Path, metavar='OUT.npz', help='the file to write')
    args = parser.parse_args(argv)
    files = {part: sorted((args.source / part).glob('*.pkl')) for part in PARTS}
    if not any(files.values()):
        how = 'unpack sequenceFiles.zip of virtualhumans.mpi-inf.mpg.de/3DPW there'
        raise InputError(f'{args.source} has no train/*.pkl, validation/*.pkl or test/*.pkl; {how}')
    arrays = {}
    for part, paths in files.items():
        actors = [actor for path in tqdm(paths, desc=part, unit='file') for actor in convert(path)]
        arrays |= {f'{part}_{key}': np.concatenate([actor[key] for actor in actors]) for key in (actors or [{}])[0]}
        print(f'{part}: {len(actors)} persons in {len(paths)} videos')
    save_arrays(args.out, arrays, compressed=False)


if __name__ == '__main__':
    run_program(main)
