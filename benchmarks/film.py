"""From film to npz: frames a second, and what each part of the way takes.

    python benchmarks/film.py [FILM] [--kind full] [--seconds 5] [--threads 1] [--mediapipe PYTHON]

The film (default: the one of the tests) is first made 1280 x 720 with bars at its sides, 30 frames a second, and
repeated to SECONDS by ffmpeg (imageio-ffmpeg). Parts are CPU time of this process, by frame. MediaPipe, whose pins
don't fit ours, is measured in an interpreter of its own (one that has ``mediapipe`` and ``av``), beside the ratio.
"""

import argparse
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch

import poselifter.detection.blazepose as blazepose
from poselifter.apis import init_model
from poselifter.apis.prediction import predict_table
from poselifter.apis.zoo import DEFAULT_MODEL
from poselifter.detection import open_frames
from poselifter.io import write_results
from poselifter.structures import KeypointTable
from poselifter.tracking import link_persons

FILM = Path(__file__).resolve().parents[1] / 'tests' / 'data' / 'two_persons.mp4'


class Clock:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, name, function):
        """The function, whose time counts for a part."""

        def call(*args, **kwargs):
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.process_time() - start

        return call

    def iterate(self, name, items):
        """The items, whose making counts for a part."""
        following = self.timed(name, iter(items).__next__)
        while True:
            try:
                yield following()
            except StopIteration:
                return


def prepare(film: Path, folder: str, seconds: float) -> Path:
    """The film in another size and length."""
    import imageio_ffmpeg

    path = Path(folder) / 'film.mp4'
    shape = 'scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:-1:-1,fps=30'
    command = [imageio_ffmpeg.get_ffmpeg_exe(), '-loglevel', 'error', '-stream_loop', '-1', '-i', str(film)]
    command += ['-vf', shape, '-t', str(seconds), '-c:v', 'libx264', '-pix_fmt', 'yuv420p', str(path)]
    subprocess.run(command, check=True)
    return path


def measure(film: Path, kind: str, threads: int, out: Path) -> tuple[Clock, float, float, KeypointTable, int]:
    """Parts, CPU and wall seconds, the table and the number of frames."""
    clock = Clock()
    detector, model = blazepose.BlazePose(kind, threads), init_model(DEFAULT_MODEL)
    blazepose.cut = clock.timed('crop', blazepose.cut)
    networks = detector.networks
    networks.detector = Session(clock, 'network: detector', networks.detector)
    networks.landmarker = Session(clock, 'network: landmarks', networks.landmarker)
    wall, cpu = time.perf_counter(), time.process_time()
    frames = Timed(open_frames(film), clock)
    table = link_persons(detector(frames))
    result = clock.timed('lift', predict_table)(model, table, ['pose'])
    clock.timed('write', write_results)(out, result, ['npz'])
    return clock, time.process_time() - cpu, time.perf_counter() - wall, table, frames.count


class Session:
    """A network whose time is taken."""

    def __init__(self, clock: Clock, name: str, session) -> None:
        self.run = clock.timed(name, session.run)


class Timed:
    """Frames whose decoding is timed."""

    def __init__(self, frames, clock: Clock) -> None:
        self.frames, self.clock, self.count = frames, clock, 0
        self.path, self.fps, self.img_shape, self.num_frames = (
            frames.path,
            frames.fps,
            frames.img_shape,
            frames.num_frames,
        )

    def __iter__(self):
        for frame in self.clock.iterate('decode', self.frames):
            self.count += 1
            yield frame


MEDIAPIPE = """
import sys, time
import av, mediapipe
from mediapipe.python.solutions import pose
path, complexity = sys.argv[1], int(sys.argv[2])
with pose.Pose(model_complexity=complexity) as network, av.open(path) as film:
    start = time.process_time()
    count = sum(network.process(f.to_ndarray(format="rgb24")) is not None for f in film.decode(video=0))
    print(count / (time.process_time() - start))
"""


def mediapipe_rate(python: str, film: Path, kind: str) -> float:
    """Frames a CPU second of MediaPipe's own pose solution, decoding included, in an interpreter that has it."""
    complexity = ['lite', 'full', 'heavy'].index(kind)
    command = [python, '-c', MEDIAPIPE, str(film), str(complexity)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('film', nargs='?', type=Path, default=FILM)
    parser.add_argument('--kind', default='full', help='lite, full or heavy')
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--mediapipe', metavar='PYTHON', help='an interpreter that has mediapipe and av')
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        film = prepare(args.film, folder, args.seconds)
        clock, cpu, wall, table, count = measure(film, args.kind, args.threads, Path(folder) / 'result')
        h, w = table.img_shape
        persons = len(table.keypoints) / count
        print(f'{count} frames of {w} x {h}, {persons:.1f} persons in each, BlazePose {args.kind}')
        parts = dict(clock.seconds)
        parts['other'] = cpu - sum(parts.values())
        for name, seconds in parts.items():
            print(f'  {name:20} {1e3 * seconds / count:7.2f} ms a frame')
        print(f'from film to npz: {count / cpu:.1f} frames a CPU second, {count / wall:.1f} by the clock')
        if args.mediapipe:
            rate = mediapipe_rate(args.mediapipe, film, args.kind)
            print(f'MediaPipe, decoding and 2D alone: {rate:.1f} frames a CPU second; ratio {count / cpu / rate:.2f}')


if __name__ == '__main__':
    main()
