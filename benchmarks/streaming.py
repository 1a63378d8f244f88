"""Streaming: milliseconds a frame, the first result, errors and jitter by latency, and frames a second from a film.

    OMP_NUM_THREADS=1 python benchmarks/streaming.py [MODEL ...] [--every 8]    # default: all models of the zoo

A model is a name of the zoo or an exported .onnx file. Keypoints are those of a simulated detector that films CMU's
test subjects at 30 frames a second. Errors and jitter (of accelerations: mm a frame squared) are of what is smoothed as
`poselifter live` does it; `offline` lifts whole clips with `--smooth light`. Frames a second are those of all that
`poselifter live` does for a film of one person: reading 720p, detecting (blazepose-lite), lifting, the picture. Times
are of the CPU, on one thread.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from film import FILM, Clock, prepare
from filmed import MM, filmed
from timing import onnx_operations

from poselifter.apis import ExportedModel, StreamingLifter, init_model, zoo
from poselifter.apis.live import _picture as picture
from poselifter.apis.prediction import predict_table
from poselifter.detection import build_detector, open_frames
from poselifter.detection.blazepose import BlazePose
from poselifter.detection.weights import find_weights
from poselifter.evaluation.functional import p_mpjpe

LATENCIES = (0, 3, 13)
PERSON = Path('../shared/data/videos/pose2sim_single_cam03.mp4')  # one person


def open_any(name):
    """A model as `poselifter live` opens it, on one thread."""
    if name.endswith('.onnx'):
        model = ExportedModel(name, threads=1)
        model.flip_test = False
        return model
    return init_model(name, cfg_options={'model.test_cfg.flip_test': False})


def stream(model, table, latency):
    """Poses of all frames, CPU milliseconds of each call, and milliseconds until the first result at true pace."""
    lifter = StreamingLifter(model, table.skeleton, table.img_shape, latency=latency)
    poses, times, first = [], [], None
    for k, (points, scores) in enumerate(zip(table.keypoints, table.keypoints_visible, strict=True)):
        start = time.process_time()
        result = lifter(k / table.fps, points[None], scores[None], [0])
        times.append((time.process_time() - start) * 1000)
        if result is not None:
            first = first or k / table.fps * 1000 + times[-1]
            poses.append(result.poses[0])
    poses += [result.poses[0] for result in lifter.finish()]
    return np.array(poses), times, first


def scores(pairs):
    """MPJPE, P-MPJPE and error of accelerations of (poses, truth), mean over frames."""
    rows, weights = [], []
    for poses, truth in pairs:
        off = poses - poses[:, :1] - truth
        jitter = np.linalg.norm(np.diff(off, 2, axis=0), axis=-1).mean()
        rows.append((np.linalg.norm(off, axis=-1).mean(), p_mpjpe(poses, truth), jitter))
        weights.append(len(poses))
    return np.average(rows, 0, weights) * MM


def by_latency(model, clips):
    """Median milliseconds a frame, those of the first result and scores (5, 3) by latency, and scores (3,) offline."""
    times, firsts, rows = [], [], []
    for latency in LATENCIES:
        pairs, waits = [], []
        for table, truth in clips:
            poses, took, first = stream(model, table, latency)
            pairs.append((poses, truth))
            times += took[5:]
            waits.append(first)
        rows.append(scores(pairs))
        firsts.append(np.median(waits))
    offline = scores([(predict_table(model, table, ['pose']).poses, truth) for table, truth in clips])
    return np.median(times), firsts, [*rows, offline]


def print_table(names, clips, film):
    """The table, a row for each model; what depends on latency in one cell."""
    ways = ', '.join(map(str, LATENCIES))
    print(f'{len(clips)} clips, {sum(len(truth) for _, truth in clips)} frames; latency {ways} frames, then offline\n')
    head = ['model', 'ms a frame', 'first result, ms', 'MPJPE, mm', 'P-MPJPE, mm', 'jitter', 'frames a second']
    print(f'| {" | ".join(head)} |\n| --- |{" ---: |" * (len(head) - 1)}')
    for name in names:
        model = open_any(name)
        milliseconds, firsts, values = by_latency(model, clips)
        cells = [f'{milliseconds:.1f}', ' / '.join(f'{first:.0f}' for first in firsts)]
        cells += [' / '.join(f'{value:.1f}' for value in column) for column in np.transpose(values)]
        print(f'| {" | ".join([name, *cells, f"{live_parts(model, film).rate:.0f}"])} |', flush=True)


class Live(NamedTuple):
    """How a film went: frames lifted and all, CPU milliseconds a frame of four parts, frames a CPU second.

    ``detecting`` is the operations of the detector's networks a frame.
    """

    lifted: int
    count: int
    parts: list[float]
    rate: float
    detecting: float


def live_parts(model, film):
    """A film through detector, model and all else that `poselifter live` does but the page."""
    clock, lifter = Clock(), None
    finder = build_detector('blazepose-lite')
    assert isinstance(finder, BlazePose)
    networks = finder.networks
    find, place = (patch.object(networks, name, wraps=getattr(networks, name)) for name in ('find', 'place'))
    start, count, lifted = time.process_time(), 0, 0
    with find as finds, place as places:
        for frame, persons in finder.follow(list_timed(clock, open_frames(film)), live=True):
            lifter = lifter or StreamingLifter(model, finder.skeleton, frame.image.shape[:2])
            if persons:
                points, seen = np.array([p.keypoints for p in persons]), np.array([p.visibility for p in persons])
                ids = np.array([p.track for p in persons])
                lifted += clock.timed('lift', lifter)(frame.time, points, seen, ids) is not None
            clock.timed('picture', picture)(frame)
            count += 1
    total = time.process_time() - start
    parts = [clock.seconds[part] for part in ('decode', 'lift', 'picture')]
    parts.insert(1, total - sum(parts))
    passes = {'blazepose-detector': finds.call_count, 'blazepose-lite': places.call_count}
    work = sum(number * onnx_operations(find_weights(name)) for name, number in passes.items())
    return Live(lifted, count, [1000 * p / count for p in parts], count / total, work / count)


def list_timed(clock, frames):
    """The frames, with the time that decoding takes."""
    yield from clock.iterate('decode', frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('models', nargs='*')
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    parser.add_argument('--every', type=int, default=8, help='take every n-th clip')
    parser.add_argument('--film', type=Path, default=PERSON if PERSON.is_file() else FILM)
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = args.models or [model.name for model in zoo.zoo_models().values() if model.lifts]
    clips = [pair for pair in filmed(args.data / 'cmu/cmu_test.npz', every=args.every) if len(pair[1]) > 40]
    for keypoints, _ in clips:
        keypoints.keypoints_visible = keypoints.keypoints_visible.clip(1e-3)  # a lost person has no result
    with tempfile.TemporaryDirectory() as folder:
        print_table(names, clips, prepare(args.film, folder, 5))


if __name__ == '__main__':
    main()
