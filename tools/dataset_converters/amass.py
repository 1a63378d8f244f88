"""Converts AMASS to the joints of Human3.6M, as ``AMASSDataset`` reads them.

    python tools/dataset_converters/amass.py SRC_DIR OUT_DIR --body-models DIR --regressor FILE [--fps 60] [--workers N]

SRC_DIR holds the unpacked archives ("SMPL+H G": ``SubSet/subject/*_poses.npz``); DIR holds ``male/model.npz`` and
``female/model.npz`` (and ``neutral``) of the "Extended SMPL+H model"; FILE is ``J_regressor_h36m_correct.npy``. OUT_DIR
gets a folder a subset with ``poses.npy``, ``root.npy`` (to be memory-mapped) and ``index.json``. Finished recordings
are kept in ``OUT_DIR/.parts``: a run that was stopped goes on where it was. A file that cannot be read is listed under
``dropped`` and does not stop the run.
"""

import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, run_program
from poselifter.io.amass import amass_joints, load_body, read_amass, resample
from poselifter.utils import CacheFile, atomic_write, run_parallel, write_json

UNIT_M = 1e-4
VERSION = 1  # of what is kept in .parts; a new number converts everything again
_body = lru_cache(maxsize=3)(load_body)


def convert(path: Path, kept: CacheFile, bodies: Path, regressor: Path, fps: float, official: bool) -> None:
    """Converts one recording and keeps the joints at a frame rate, or the reason why there are none."""
    try:
        sequence = read_amass(path)
        if sequence is None:
            raise InputError('a shape without motion')
        # MotionBERT gives the female body to whom the file calls neither
        gender = sequence.gender if sequence.gender in ('male', 'female') else 'female'
        joints = amass_joints(sequence, _body(bodies / gender / 'model.npz', regressor))
        joints = resample(joints, sequence.fps, fps, official)
    except Exception as error:  # one bad file must not end a run of thousands
        kept.save({}, {'reason': str(error) if isinstance(error, InputError) else f'{path}: {error!r}'})
        return
    poses = np.rint((joints - joints[:, :1]) / UNIT_M).clip(-32767, 32767).astype(np.int16)
    arrays = {'poses': poses, 'root': joints[:, 0].astype(np.float32)}
    kept.save(arrays, {'source_fps': sequence.fps, 'gender': sequence.gender})


def cache_of(path: Path, source: Path, folder: Path, settings: tuple) -> CacheFile:
    """Cache file of the conversion of a recording; it counts while the file and the settings stay the same."""
    stat, name = path.stat(), path.relative_to(source).with_suffix('.part.npz')  # which is no name of a recording
    return CacheFile(folder / name, json.dumps([VERSION, stat.st_size, stat.st_mtime_ns, *settings]))


def write_subset(folder: Path, parts: dict[str, CacheFile], fps: float) -> tuple[int, list[dict]]:
    """Lays the recordings of a subset end to end; returns the number of frames and records of what is left out."""
    kept, dropped, poses, root = [], [], [np.zeros((0, 17, 3), np.int16)], [np.zeros((0, 3), np.float32)]
    for name, part in parts.items():
        result = part.load()
        if 'reason' in result:
            dropped.append({'sequence': name, **result})
            continue
        poses.append(result.pop('poses'))
        root.append(result.pop('root'))
        kept.append({'sequence': name, 'length': len(poses[-1]), **result})
    for name, arrays in (('poses', poses), ('root', root)):
        with atomic_write(folder / f'{name}.npy') as temporary:
            np.save(temporary, np.concatenate(arrays))
    index = {'fps': fps, 'unit_m': UNIT_M, 'skeleton': 'h36m17', 'sequences': kept, 'dropped': dropped}
    write_json(folder / 'index.json', index)
    return sum(record['length'] for record in kept), dropped


def main(argv: list[str] | None = None) -> None:
    """Runs the program."""
    parser = ToolParser(__doc__)
    parser.add_argument('src_dir', type=Path, help='folder of the unpacked archives')
    parser.add_argument('out_dir', type=Path, help='folder for the converted files')
    parser.add_argument('--body-models', type=Path, required=True, help='folder with male/model.npz, female/model.npz')
    parser.add_argument('--regressor', type=Path, required=True, help='J_regressor_h36m_correct.npy')
    parser.add_argument('--fps', type=float, default=60, help='frames a second of the result')
    parser.add_argument('--official-stride', action='store_true', help="thin out as MotionBERT's program does")
    parser.add_argument('--workers', type=positive, default=os.cpu_count(), help='processes (default: all cores)')
    args = parser.parse_args(argv)
    for gender in ('male', 'female'):  # a wrong file ends the run before it starts
        _body(args.body_models / gender / 'model.npz', args.regressor)
    recordings = sorted(p for kind in ('poses', 'stageii') for p in args.src_dir.rglob(f'*_{kind}.npz'))
    if not recordings:
        raise InputError(f'{args.src_dir} has no *_poses.npz; get the "SMPL+H G" archives of amass.is.tue.mpg.de')
    settings = (args.fps, args.official_stride)
    parts = {path: cache_of(path, args.src_dir, args.out_dir / '.parts', settings) for path in recordings}
    todo = [path for path in recordings if parts[path].load() is None]
    jobs = [(path, parts[path], args.body_models, args.regressor, *settings) for path in todo]
    run_parallel(convert, jobs, args.workers, done=len(recordings) - len(todo))
    names = {path: path.relative_to(args.src_dir) for path in recordings}
    for subset in sorted({name.parts[0] for name in names.values()}):
        members = {str(names[path]): parts[path] for path in recordings if names[path].parts[0] == subset}
        frames, dropped = write_subset(args.out_dir / subset, members, args.fps)
        print(f'{subset}: {len(members) - len(dropped)} recordings, {frames / args.fps / 60:.1f} minutes')
        for record in dropped:
            print(f'  left out {record["sequence"]}: {record["reason"]}')


if __name__ == '__main__':
    run_program(main)
