"""Lifts any number of films or keypoint files on one machine or a cluster, with Ray Data.

    python tools/ray_lift.py INPUT OUTPUT [--address auto] [--detector NAME] [--model NAME]

INPUT is a pattern of files (``'films/*.mp4'``, ``'s3://bucket/films/*.mp4'``), a folder, or a text file ``NAME.list``
with one path a line; OUTPUT a folder. Both may be addresses of any kind that fsspec knows. Each input becomes one
parquet file, a row for each person and frame, with the poses of ``poselifter lift``; all together are one table:
``pyarrow.dataset.dataset(OUTPUT)``. Inputs that have their file are not lifted again, so that a run that was stopped
goes on with the same command. One that fails is listed in ``OUTPUT/_failed.json`` and keeps no other from it.

Detectors, trackers and lifters are actors, spread over all cores that Ray has; a lost one is replaced, and what it
worked on is done again. Without ``--address`` (or ``RAY_ADDRESS``) Ray runs on this machine alone.
"""

import argparse
import hashlib
import json
import logging
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

try:
    from ray import cloudpickle  # between its own processes
except ImportError:
    cloudpickle = None

from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, in_short, run_program

CORES = {'detect': 0.75, 'track': 0.05, 'lift': 0.15}  # actors of each stage for each core, as films need them
BEGUN = '.begun'  # folder of what is not whole yet, emptied when a run starts
SETTINGS = ('detector', 'tracker', 'model', 'checkpoint', 'smooth')
STALE = 8  # times that an input is begun and never ended before it fails: it may end its process, or machines are lost


def part_of(name: str) -> str:
    """The file of an input's result: its name, and what tells it from others of that name."""
    return f'{PurePosixPath(name).stem}-{hashlib.sha1(name.encode()).hexdigest()[:10]}.parquet'


def list_inputs(place: str) -> list[str]:
    """Addresses of the inputs, sorted.

    Raises:
        InputError: there are none.
    """
    import fsspec

    files, path = fsspec.core.url_to_fs(place)
    if path.endswith('.list') and files.isfile(path):
        names = [line.strip() for line in files.cat_file(path).decode().splitlines() if line.strip()]
    else:
        # a name with brackets is no pattern where it exists
        found = files.find(path, maxdepth=1) if files.exists(path) else files.glob(path)
        names = [files.unstrip_protocol(name) for name in found if files.isfile(name)]
    names = [name.removeprefix('file://') for name in names if not PurePosixPath(name).name.startswith('.')]
    if not names:
        raise InputError(f'{place} has no files; give a folder, a pattern such as "films/*.mp4" or a file NAME.list')
    return sorted(set(names))


class _Stage:
    """A step for one input after the other; what fails goes on as an error."""

    def __init__(self, args: argparse.Namespace) -> None:
        from poselifter.utils import import_without_training

        import_without_training()
        self.args = args

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[bytes]]:
        return {'item': [cloudpickle.dumps(self._safe(cloudpickle.loads(item))) for item in batch['item']]}

    def _safe(self, item: dict[str, Any]) -> dict[str, Any]:
        if 'error' in item:
            return item
        try:
            self._count_attempts(item['input'])
            return self.step(item)
        except Exception as error:  # of any input, which must not end the others
            message = str(error) if isinstance(error, InputError) else in_short(error)
            return {'input': item['input'], 'error': message}

    def _count_attempts(self, name: str) -> None:
        """Raises InputError for an input that ended the process of this stage again and again."""
        import fsspec

        files, folder = fsspec.core.url_to_fs(self.args.output)
        path = f'{folder}/{BEGUN}/{part_of(name)}.{type(self).__name__}'
        begun = len(files.cat_file(path)) if files.exists(path) else 0
        if begun >= STALE:
            raise InputError(f'{name} was begun {begun} times and never ended: it may take too much memory')
        files.pipe_file(path, b'.' * (begun + 1))


class Detector(_Stage):
    """Films and files to keypoints."""

    def step(self, item: dict[str, Any]) -> dict[str, Any]:
        """Fetches and reads an input."""
        import fsspec

        from poselifter.detection import detect_keypoints, is_film
        from poselifter.io import read_keypoints

        name, start = item['input'], time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            path = name
            if '://' in name:
                path = str(Path(folder) / PurePosixPath(name).name)
                files, remote = fsspec.core.url_to_fs(name)
                files.get_file(remote, path)
            options = {'detector': self.args.detector} if self.args.detector else {}
            table = detect_keypoints(path, **options) if is_film(path) else read_keypoints(path)
        return {**item, 'table': table, 'detect_s': time.perf_counter() - start}


class Tracker(_Stage):
    """Persons over time."""

    def step(self, item: dict[str, Any]) -> dict[str, Any]:
        """Links the rows of a table."""
        from poselifter.tracking import link_persons
        from poselifter.tracking.box_trackers import track_boxes

        table = item['table']
        return {**item, 'table': link_persons(track_boxes(table, self.args.tracker) if self.args.tracker else table)}


class Lifter(_Stage):
    """Keypoints to poses, and to a parquet file."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__(args)
        from poselifter.apis import Pose3DInferencer
        from poselifter.apis.zoo import DEFAULT_MODEL

        self.inferencer = Pose3DInferencer(args.model or DEFAULT_MODEL, args.checkpoint, args.device)

    def step(self, item: dict[str, Any]) -> dict[str, Any]:
        """Lifts a table and writes its rows."""
        start = time.perf_counter()
        [entry] = self.inferencer(item['table'], smoothing=self.args.smooth)
        self._write(item['input'], entry['result'])
        seconds = {'detect_s': item['detect_s'], 'lift_s': time.perf_counter() - start}
        return {'input': item['input'], 'rows': len(entry['result'].poses), **seconds}

    def _write(self, name: str, result: Any) -> None:
        import fsspec
        import pyarrow
        import pyarrow.parquet

        table = result.table
        arrays = {'keypoints': table.keypoints, 'keypoints_visible': table.keypoints_visible}
        arrays |= {'keypoints_3d': result.poses.astype(np.float32), 'uncertainty': result.uncertainty}
        columns = {'input': np.full(len(result.poses), name), 'track_id': table.track_ids.astype(str)}
        columns |= {'frame': table.frame_indices, 'timestamp': table.timestamps}
        columns |= {key: list(a.reshape(len(a), -1)) for key, a in arrays.items() if a is not None}
        facts = {'skeleton': table.skeleton, 'skeleton_3d': result.skeleton_3d, 'fps': result.fps}
        facts |= {'img_shape': table.img_shape, **result.frame_of_reference()}
        made = pyarrow.table({key: pyarrow.array(value) for key, value in columns.items() if value is not None})
        made = made.replace_schema_metadata({key: json.dumps(value) for key, value in facts.items()})
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(made, sink, compression='zstd')
        files, folder = fsspec.core.url_to_fs(self.args.output)
        begun = f'{folder}/{BEGUN}/{part_of(name)}'  # from which it appears whole or not at all
        files.pipe_file(begun, sink.getvalue().to_pybytes())
        files.mv(begun, f'{folder}/{part_of(name)}')


def lift_all(args: argparse.Namespace, names: list[str]) -> Iterator[dict[str, Any]]:
    """Lifts inputs in Ray's order; gives of each ``input``, and ``rows`` with seconds, or ``error``."""
    import ray

    cores = ray.cluster_resources().get('CPU', 1)
    items = [{'item': cloudpickle.dumps({'input': name})} for name in names]
    data = ray.data.from_items(items, override_num_blocks=min(len(names), 10_000))
    for name, stage in (('detect', Detector), ('track', Tracker), ('lift', Lifter)):
        count = args.workers if args.workers and name == 'detect' else math.ceil(cores * CORES[name])
        needs = {'num_cpus': 0.9 if name == 'detect' else 0.01}  # so that a machine always has room for the others
        if name == 'lift' and args.device.startswith('cuda'):
            count, needs = int(ray.cluster_resources().get('GPU', 1)), {'num_gpus': 1}
        size, pool = args.batch if name == 'lift' else 1, ray.data.ActorPoolStrategy(size=count)
        data = data.map_batches(stage, fn_constructor_args=(args,), batch_size=size, compute=pool, **needs)
    for row in data.iter_rows():
        yield cloudpickle.loads(row['item'])


def main(argv: list[str] | None = None) -> None:
    """Lifts."""
    parser = ToolParser(__doc__)
    parser.add_argument('input', help='folder, pattern, or NAME.list')
    parser.add_argument('output', help='folder of the parquet files')
    parser.add_argument('--address', help='of a Ray cluster; auto: the one of this machine')
    parser.add_argument('--detector', help='of persons in films, as in `poselifter lift`')
    parser.add_argument('--tracker', help='of persons without ids, as in `poselifter lift`')
    parser.add_argument('--model', help='as in `poselifter lift`')
    parser.add_argument('--checkpoint', help='weights of a config')
    parser.add_argument('--smooth', default='light', help='off, light, strong or hertz')
    parser.add_argument('--device', default='cpu', help='of the lifters: cpu or cuda')
    parser.add_argument('--workers', type=positive, help='detectors (default: one for each core, nearly)')
    parser.add_argument(
        '--batch',
        type=positive,
        default=4,
        help='clips that Ray hands to a lifter at once; each goes through the model alone, in batches of the '
        'windows of all its persons, so that no pose depends on the other clips',
    )
    args = parser.parse_args(argv)
    try:
        import fsspec
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(f'this needs {error.name}; run: pip install "poselifter[ray]"') from None
    names = list_inputs(args.input)
    files, folder = fsspec.core.url_to_fs(args.output)
    keep_settings(args, files, f'{folder}/_settings.json')
    clear(files, f'{folder}/{BEGUN}')
    files.makedirs(f'{folder}/{BEGUN}', exist_ok=True)
    args.output = files.unstrip_protocol(folder).removeprefix('file://')
    done = {PurePosixPath(path).name for path in files.find(folder, maxdepth=1)}
    todo = [name for name in names if part_of(name) not in done]
    print(f'{len(names)} inputs, {len(names) - len(todo)} done before')
    failed = run(args, todo, ray) if todo else []
    clear(files, f'{folder}/{BEGUN}')
    files.pipe_file(f'{folder}/_failed.json', json.dumps(failed, indent=1).encode())
    if failed:
        raise InputError(f'{len(failed)} of {len(names)} inputs could not be lifted, see {args.output}/_failed.json')


def keep_settings(args: argparse.Namespace, files: Any, path: str) -> None:
    """Notes what decides the rows beside them.

    Raises:
        InputError: the folder has rows of other settings.
    """
    now = {key: getattr(args, key) for key in SETTINGS}
    before = json.loads(files.cat_file(path)) if files.exists(path) else now
    other = [key for key in SETTINGS if before.get(key) != now[key]]
    if other:
        said = ', '.join(f'{key} {before.get(key)}' for key in other)
        raise InputError(f'{args.output} holds poses that were made with {said}; choose another folder')
    files.makedirs(path.rpartition('/')[0], exist_ok=True)
    files.pipe_file(path, json.dumps(now, indent=1).encode())


def clear(files: Any, folder: str) -> None:
    """Removes a folder; object stores have none where nothing lies in it."""
    files.invalidate_cache()  # actors have written to it
    if files.exists(folder):
        files.rm(folder, recursive=True)


def run(args: argparse.Namespace, names: list[str], ray: Any) -> list[dict[str, Any]]:
    """Lifts, shows how far it is, and says what it took; returns the failures."""
    from tqdm import tqdm

    logging.getLogger('ray').setLevel(logging.ERROR)
    environment = {'env_vars': {'PYTHONPATH': os.pathsep.join(filter(None, sys.path)), 'OMP_NUM_THREADS': '1'}}
    address = args.address or os.environ.get('RAY_ADDRESS', 'local')  # else it joins what runs on this machine
    ray.init(address, runtime_env=environment, log_to_driver=False, logging_level='ERROR')
    ray.data.DataContext.get_current().enable_progress_bars = False  # ours counts clips
    logging.getLogger('ray.data').setLevel(logging.ERROR)
    failed, rows, seconds, start = [], 0, {'detect_s': 0.0, 'lift_s': 0.0}, time.perf_counter()
    pause = 0.1 if sys.stderr.isatty() else 30.0  # of a log, which keeps every line
    for item in tqdm(lift_all(args, names), total=len(names), unit='clip', mininterval=pause):
        if 'error' in item:
            failed.append(item)
            print(f'failed: {item["input"]}: {item["error"]}')
        else:
            rows += item['rows']
            seconds = {key: value + item[key] for key, value in seconds.items()}
    ray.shutdown()
    took = ', '.join(f'{value:.1f} core-seconds of {key[:-2]}ing' for key, value in seconds.items())
    print(f'{len(names) - len(failed)} clips, {rows} poses in {time.perf_counter() - start:.1f} s: {took}')
    return failed


if __name__ == '__main__':
    run_program(main)
