"""Converts the CMU motion capture database to the format of ``CMUMocapDataset``.

    python tools/dataset_converters/cmu_mocap.py SRC_DIR OUT_DIR [--index FILE] [--workers N]

SRC_DIR holds the database's files (``subjects/NN/NN.asf``, ``NN_TT.amc``) or its BVH conversions (``NN_TT.bvh``:
MotionBuilder, 3ds Max or Daz), in any folders. OUT_DIR receives ``cmu_train.npz``, ``cmu_val.npz``, ``cmu_test.npz``
and ``index.json``. Finished recordings are kept in ``OUT_DIR/.clips``: a run that was stopped goes on where it was, and
a later run converts only what changed. A file that cannot be read is listed in ``index.json`` under ``dropped`` and
does not stop the run.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cmu.acclaim import read_amc, read_asf
from cmu.bodies import BODIES, body_of, to_cmu17
from cmu.clips import FPS, UNIT_M, cut_clips
from cmu.index import BROKEN, CREDIT, action_of, parse_clip_id, read_index, source_fps, split_of

from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, run_program
from poselifter.io.readers.bvh import read_bvh
from poselifter.utils import CacheFile, run_parallel, write_json
from poselifter.utils.arrays import save_arrays

SPLIT_NAMES = ('train', 'val', 'test')
VERSION = 1  # of what is kept in .clips; a new number converts everything again


class Recording(NamedTuple):
    """One source file.

    Attributes:
        id: CMU's subject and trial, ``SS_TT``.
        path: AMC or BVH.
        asf: the subject's skeleton, if there is one.
    """

    id: str
    path: Path
    asf: Path | None

    def cache(self, folder: Path) -> CacheFile:
        """The file that keeps the clips; it counts until one of the source files changes."""
        stats = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in (self.path, self.asf) if p]
        return CacheFile(folder / f'{self.id}.npz', json.dumps([VERSION, *stats]))


def find_recordings(source: Path) -> tuple[list[Recording], list[dict]]:
    """The recordings of a folder at any depth, one file for each clip id, sorted; and records of files left out.

    Raises:
        InputError: the folder is missing or has no file of the database.
    """
    if not source.is_dir():
        raise InputError(f'{source} is no folder, expected the CMU database with .asf, .amc or .bvh files')
    files = sorted(p for p in source.rglob('*') if p.suffix.lower() in ('.asf', '.amc', '.bvh') and p.is_file())
    skeletons = {ids[0]: p for p in files if p.suffix.lower() == '.asf' and (ids := parse_clip_id(f'{p.stem}_01'))}
    recordings: dict[str, Recording] = {}
    dropped = []
    motions = [p for p in files if p.suffix.lower() != '.asf']
    for path in sorted(motions, key=lambda p: p.suffix.lower() != '.amc'):  # the original before its conversions
        ids, reason = parse_clip_id(path.stem), None
        clip_id = '_'.join(ids or ())
        if ids is None:
            reason = 'file name is not SS_TT (subject, trial)'
        elif clip_id in recordings:
            reason = f'same clip as {recordings[clip_id].path.relative_to(source)}'
        elif path.suffix.lower() == '.amc' and ids[0] not in skeletons:
            reason = f'no skeleton {ids[0]}.asf for it'
        else:
            recordings[clip_id] = Recording(clip_id, path, skeletons.get(ids[0]))
        if reason:
            dropped.append({'id': path.stem, 'reason': reason, 'source_file': str(path.relative_to(source))})
    if not recordings:
        expected = 'NN.asf with NN_TT.amc, or NN_TT.bvh; name the folder of the unpacked database'
        raise InputError(f'{source} has no recording among {len(files)} motion capture files, expected {expected}')
    return [recordings[clip_id] for clip_id in sorted(recordings)], dropped


def convert(recording: Recording, kept: CacheFile) -> None:
    """Converts one recording and keeps ``poses`` and ``root``, the clips end to end, or why there are none."""
    metadata, arrays = {'id': recording.id}, {}
    try:
        metadata['sha1'] = hashlib.sha1(recording.path.read_bytes()).hexdigest()
        if recording.id in BROKEN:
            raise InputError(BROKEN[recording.id])
        skeleton = read_asf(recording.asf) if recording.asf else None
        is_amc = recording.path.suffix.lower() == '.amc'
        motion = read_amc(recording.path, skeleton) if is_amc else read_bvh(recording.path)
        body, fps = body_of(motion), source_fps(recording.id.split('_')[0], motion.fps)
        metadata.update(source_format=body, source_fps=fps, source_frames=len(motion.positions))
        thorax = skeleton.bones.get('thorax') if skeleton else None
        clips = cut_clips(*to_cmu17(motion, thorax and thorax.offset), fps, BODIES[body].first_frame)
        if not clips:
            raise InputError('no segment without glitches that is long enough')
        metadata['clips'] = [[len(c.poses), c.first_frame, c.floor_shift_m] for c in clips]
        arrays = {name: np.concatenate([getattr(c, name) for c in clips]) for name in ('poses', 'root')}
    except Exception as error:  # one bad file must not end a run of thousands
        kind = '' if isinstance(error, InputError) else f'{type(error).__name__}: '
        metadata['reason'] = ' '.join(f'{kind}{error}'.replace(f'{recording.path.parent}{os.sep}', '').split())
    kept.save(arrays, metadata)


def assemble(
    results: Iterable[dict], descriptions: dict[str, tuple[str, str]], origin: str
) -> tuple[list[tuple[dict, np.ndarray, np.ndarray]], list[dict]]:
    """Describes the clips that :func:`convert` kept, sorted by id, and drops duplicates.

    Args:
        results: metadata and arrays of the recordings.
        descriptions: id -> (description, category).
        origin: what ``source_repository`` says.

    Returns:
        (record, poses and root of each clip; records of what was dropped).
    """
    clips, dropped, seen = [], [], {}
    for result in results:
        twin = seen.setdefault(result.get('sha1', result['id']), result['id'])
        reason = f'byte-for-byte duplicate of {twin}' if twin != result['id'] else result.get('reason')
        if reason:
            dropped.append({'id': result['id'], 'reason': reason, 'source_frames': result.get('source_frames')})
            continue
        subject, trial = result['id'].split('_')
        description, category = descriptions.get(result['id'], ('', ''))
        ends = np.cumsum([frames for frames, _, _ in result['clips']])[:-1]
        parts = zip(result['clips'], np.split(result['poses'], ends), np.split(result['root'], ends), strict=True)
        for number, ((frames, first_frame, floor), poses, root) in enumerate(parts):
            letter = chr(ord('a') + number) if len(result['clips']) > 1 else ''
            record = {'id': result['id'] + letter, 'subject': subject, 'trial': trial}
            record |= {'frames': frames, 'fps': FPS, 'duration_s': round(frames / FPS, 2)}
            record |= {'description': description, 'category': category, 'action': action_of(description, category)}
            record |= {'split': split_of(subject), 'source_format': result['source_format']}
            record |= {'source_repository': origin, 'source_fps': result['source_fps']}
            record |= {'source_first_frame': first_frame, 'floor_shift_m': floor}
            clips.append((record, poses, root))
    return clips, dropped


def write_split(path: Path, clips: list[tuple[dict, np.ndarray, np.ndarray]]) -> None:
    """Writes the clips of one split, perhaps none, to an npz file."""
    records = [record for record, _, _ in clips]
    lengths = np.array([record['frames'] for record in records], np.int64)
    arrays = {
        'poses': np.concatenate([np.zeros((0, 17, 3), np.int16), *(poses for _, poses, _ in clips)]),
        'root': np.concatenate([np.zeros((0, 3), np.float32), *(root for _, _, root in clips)]),
        'clip_start': np.cumsum(lengths) - lengths,
        'clip_len': lengths,
    }
    for key in ('id', 'subject', 'action', 'description', 'split'):
        arrays['clip_id' if key == 'id' else key] = np.array([record[key] for record in records], str)
    save_arrays(path, {**arrays, 'fps': np.int64(FPS), 'unit_m': np.float64(UNIT_M)})


def main(argv: list[str] | None = None) -> None:
    """Converts the database."""
    parser = ToolParser(__doc__)
    parser.add_argument('src_dir', type=Path, help='folder of the database')
    parser.add_argument('out_dir', type=Path, help='folder for the converted files')
    parser.add_argument('--index', type=Path, help='text "id<TAB>description" or CSV with the descriptions')
    parser.add_argument('--workers', type=positive, default=os.cpu_count(), help='processes (default: all cores)')
    args = parser.parse_args(argv)
    recordings, left_out = find_recordings(args.src_dir)
    descriptions = read_index(args.index) if args.index else {}
    jobs = [(r, r.cache(args.out_dir / '.clips')) for r in recordings]
    todo = [job for job in jobs if 'clips' not in (job[1].load() or {})]  # those that failed are tried again
    run_parallel(convert, todo, args.workers, len(jobs) - len(todo), 'clip')
    clips, dropped = assemble((kept.load() for _, kept in jobs), descriptions, args.src_dir.resolve().name)
    if not clips:
        reason = f'the first, {dropped[0]["id"]}: {dropped[0]["reason"]}'
        raise InputError(f'none of {len(jobs)} recordings in {args.src_dir} could be converted; {reason}')
    for split in SPLIT_NAMES:
        write_split(args.out_dir / f'cmu_{split}.npz', [clip for clip in clips if clip[0]['split'] == split])
    records = [record for record, _, _ in clips]
    dropped = sorted(dropped + left_out, key=lambda record: record['id'])
    write_json(args.out_dir / 'index.json', {'credit': CREDIT, 'clips': records, 'dropped': dropped})
    counts = Counter(record['split'] for record in records)
    minutes = sum(record['frames'] for record in records) / FPS / 60
    parts = ', '.join(f'{split} {counts[split]}' for split in SPLIT_NAMES)
    print(f'{len(records)} clips ({parts}), {minutes:.1f} minutes in {args.out_dir}')
    print(f'{len(dropped)} dropped (see index.json)')
    print(CREDIT)


if __name__ == '__main__':
    run_program(main)
