"""Streaming: milliseconds a frame, the first result, jitter and errors by latency; live from film to page.

    python benchmarks/streaming.py [MODEL ...] [--every 8] [--data ../shared/data]    # default: all models of the zoo
    taskset -c 1 python benchmarks/streaming.py --live [MODEL ...] [--film FILM]    # one person, blazepose-lite

A model is a name of the zoo or an exported .onnx file. Keypoints are those of a simulated detector that films CMU's
test subjects at 30 frames a second. Errors and jitter (of accelerations: mm a frame squared) are of what is smoothed as
`poselifter live` does it; `offline` lifts whole clips with `--smooth light`. Times are of the CPU, on one thread.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from film import FILM, Clock, prepare
from filmed import MM, filmed
from lifting_options import show

from poselifter.apis import ExportedModel, StreamingLifter, init_model, zoo
from poselifter.apis.live import _picture as picture
from poselifter.apis.prediction import predict_table
from poselifter.detection import build_detector, open_frames
from poselifter.detection.blazepose import BlazePose
from poselifter.evaluation.functional import p_mpjpe

LATENCIES = (0, 1, 3, 7, 13)


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


def by_latency(names, data, every):
    """The table of the first command."""
    clips = [(table, truth) for table, truth in filmed(data / 'cmu/cmu_test.npz', every=every) if len(truth) > 40]
    for name in names:
        model, rows = open_any(name), []
        for latency in LATENCIES:
            pairs, times, firsts = [], [], []
            for table, truth in clips:
                table.keypoints_visible = table.keypoints_visible.clip(1e-3)  # a lost person has no result
                poses, took, first = stream(model, table, latency)
                pairs.append((poses, truth))
                times += took[5:]
                firsts.append(first)
            rows.append((f'{latency} frames', [np.median(times), np.median(firsts), *scores(pairs)]))
        offline = scores([(predict_table(model, table, ['pose']).poses, truth) for table, truth in clips])
        rows.append(('offline', [np.nan, np.nan, *offline]))
        show(name, ['latency', 'ms a frame', 'first result, ms', 'MPJPE', 'P-MPJPE', 'jitter'], rows)


def live(names, film):
    """The table of the second command: what each part takes of a frame, and frames a CPU second."""
    rows = []
    for name in names:
        lifted, count, milliseconds, rate = live_parts(open_any(name), film)
        rows.append((f'{name} ({lifted} of {count} frames lifted)', [*milliseconds, rate]))
    show(f'live: {film}', ['', 'decode, ms', 'detect, ms', 'lift, ms', 'picture, ms', 'frames a second'], rows)


def live_parts(model, film):
    """Frames lifted, all frames, CPU milliseconds a frame of four parts, and frames a CPU second."""
    clock, lifter = Clock(), None
    finder = build_detector('blazepose-lite')
    assert isinstance(finder, BlazePose)
    start, count, lifted = time.process_time(), 0, 0
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
    return lifted, count, [1000 * p / count for p in parts], count / total


def list_timed(clock, frames):
    """The frames, with the time that decoding takes."""
    yield from clock.iterate('decode', frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('models', nargs='*')
    parser.add_argument('--data', type=Path, default=Path('../shared/data'))
    parser.add_argument('--every', type=int, default=8, help='take every n-th clip')
    parser.add_argument('--live', action='store_true')
    parser.add_argument('--film', type=Path, default=FILM)
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = args.models or [model.name for model in zoo.zoo_models().values() if model.lifts]
    if not args.live:
        return by_latency(names, args.data, args.every)
    with tempfile.TemporaryDirectory() as folder:
        return live(names, prepare(args.film, folder, 5))


if __name__ == '__main__':
    main()
