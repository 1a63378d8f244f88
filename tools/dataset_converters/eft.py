"""Joins EFT's fits to COCO's keypoints, in an npz that ``MeshDataset`` reads.

    python tools/dataset_converters/eft.py COCO2014-Part-ver01.json person_keypoints_train2014.json data/mesh/eft.npz

EFT's rotation matrices become axis-angle; they are in the frame of a camera that looks straight at the person. The 2D
is COCO's, joined by the id of the annotation, with visibility as confidence; fits of people who are not in the
annotations are left out.
"""

import json
from pathlib import Path

import numpy as np

from poselifter.datasets.coco_keypoints import read_people
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.geometry import matrix_to_axis_angle
from poselifter.skeletons import convert_keypoints
from poselifter.utils.arrays import save_arrays


def read_fits(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Annotation ids (N,), axis-angle poses (N, 72) and shapes (N, 10) of EFT's file."""
    how = 'give COCO2014-Part-ver01.json or the like of github.com/facebookresearch/eft'
    with reading(f'{path} has no fits of COCO', how):
        fits = json.loads(path.read_text())['data']
        ids = np.array([fit['annotId'] for fit in fits], np.int64)
        rotations = np.array([fit['parm_pose'] for fit in fits], np.float64).reshape(len(fits), 24, 3, 3)
        shapes = np.array([fit['parm_shape'] for fit in fits], np.float64).reshape(len(fits), 10)
        return ids, matrix_to_axis_angle(rotations).reshape(len(fits), 72), shapes


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('fits', type=Path, metavar='EFT.json', help='fits of people in COCO')
    parser.add_argument('annotations', type=Path, metavar='COCO.json', help="keypoints of COCO's train2014 or val2014")
    parser.add_argument('out', type=Path, metavar='OUT.npz', help='the file to write')
    parser.add_argument('--split', default='train', help="name of the part in the file, say 'test' for val2014")
    args = parser.parse_args(argv)
    ids, pose, shape = read_fits(args.fits)
    people = read_people(args.annotations)
    _, fit, person = np.intersect1d(ids, people['id'], return_indices=True)
    if not len(fit):
        raise InputError(f'{args.annotations} has nobody of {args.fits}; take the annotations of the same part of COCO')
    shown = people['keypoints_visible'][person]
    points, scores = convert_keypoints(people['keypoints'][person], 'coco17', 'h36m17', shown)
    arrays = {'joint_2d': points, 'confidence': scores, 'smpl_pose': pose[fit], 'smpl_shape': shape[fit]}
    arrays = {key: array.astype(np.float32) for key, array in arrays.items()}
    arrays |= {'source': ids[fit].astype(str), 'img_hw': people['size'][person]}
    save_arrays(args.out, {f'{args.split}_{key}': array for key, array in arrays.items()}, compressed=False)
    print(f'{args.out}: {len(fit)} people, {len(ids) - len(fit)} fits without keypoints left out')


if __name__ == '__main__':
    run_program(main)
