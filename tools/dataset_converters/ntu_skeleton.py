"""Converts the Kinect's files of NTU RGB+D to a pickle in the form of PYSKL.

    python tools/dataset_converters/ntu_skeleton.py SRC_DIR data/ntu/ntu60_kinect.pkl --missing LIST.txt

SRC_DIR holds the ``.skeleton`` files, in any folders. With ``--points 2d`` (the default) the pickle holds where the
colour picture shows the 25 joints, which ``NTUActionDataset(source='ntu25')`` reads; with ``--points 3d`` it holds
metres in the Kinect's axes, as PYSKL's 3D files do. A file that cannot be read, or shows nobody, is named and left out.
"""

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kinect import persons_of, read_skeleton

from poselifter.datasets.ntu import SPLITS, parse_name, read_missing
from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write, run_parallel

IMG_SHAPE = (1080, 1920)


def convert(path: Path, points: str) -> dict[str, Any] | str:
    """The annotation of one clip, or why there is none."""
    try:
        label = parse_name(path.stem).action - 1
        _, bodies = read_skeleton(path)
        persons = persons_of(list(bodies.values())) if bodies else None
    except Exception as error:  # one odd file must not end a run of thousands
        return str(error) if isinstance(error, InputError) else f'{path}: {error!r}'
    if persons is None:
        return f'{path} shows nobody'
    annotation = {'frame_dir': path.stem, 'label': label, 'total_frames': persons.shape[1]}
    columns = slice(3) if points == '3d' else slice(5, 7)
    keypoint = persons[..., columns]
    known = np.isfinite(keypoint).all(-1)
    annotation['keypoint'] = np.where(known[..., None], keypoint, 0).astype(np.float32)
    if points == '3d':
        return annotation
    score = np.where(known, persons[..., 11] / 2, 0).astype(np.float32)  # not tracked 0, inferred 0.5, tracked 1
    return {**annotation, 'img_shape': IMG_SHAPE, 'original_shape': IMG_SHAPE, 'keypoint_score': score}


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', type=Path, metavar='SRC_DIR', help='folder with .skeleton files')
    parser.add_argument('out', type=Path, metavar='OUT.pkl', help='the pickle to write')
    parser.add_argument('--points', choices=['2d', '3d'], default='2d', help='colour pixels or metres')
    parser.add_argument('--missing', type=Path, metavar='LIST.txt', help="the authors' list of incomplete clips")
    parser.add_argument('--workers', type=positive, default=4, help='processes')
    args = parser.parse_args(argv)
    missing = read_missing(args.missing) if args.missing else set()
    paths = sorted(p for p in args.source.rglob('*.skeleton') if p.stem not in missing)
    if not paths:
        raise InputError(f'{args.source} has no .skeleton file, expected S001C001P001R001A001.skeleton and others')
    results = run_parallel(convert, [(path, args.points) for path in paths], args.workers, unit='clip')
    annotations = [entry for entry in results if isinstance(entry, dict)]
    for reason in (entry for entry in results if isinstance(entry, str)):
        print(f'left out: {reason}', file=sys.stderr)
    if not annotations:
        raise InputError(f'{args.source} has no clip that can be read; see the lines above')
    clips = {entry['frame_dir']: parse_name(entry['frame_dir']) for entry in annotations}
    split = {name: [c for c in clips if rule(clips[c])] for name, rule in SPLITS.items() if name.startswith('x')}
    with atomic_write(args.out) as temporary:
        temporary.write_bytes(pickle.dumps({'split': split, 'annotations': annotations}, protocol=4))
    print(f'{args.out}: {len(annotations)} clips, {len(results) - len(annotations)} left out')


if __name__ == '__main__':
    run_program(main)
