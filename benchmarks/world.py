"""Persons in the world against the truth: paths, gravity, feet, with true poses and with lifted ones.

    python benchmarks/world.py [--data ../shared/data] [--sets cmu hdm05 film] [--sweep]

Mocap (CMU's and HDM05's test clips, where the floor is flat) is seen by a camera at a random place, tilted by -5 to 30
degrees and rolled by up to 8, with noise of 1 % of the person's size; films are those of four calibrated cameras with
the keypoints of BlazePose heavy. Columns, means over clips: `path` distance of the root from the truth without the
mean difference, `place` with it (mm); `up` error of gravity (degrees); `slide` motion of an ankle in 1/30 s while it
truly stands (mm); `below` mean depth of ankles under the usual height of standing ones (mm); `jitter` acceleration of
the root (m/s2); `contact` F1 score of feet that stand; `pose` MPJPE (mm).
"""

import argparse
import json
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poselifter.apis import init_model
from poselifter.apis.prediction import predict_table
from poselifter.apis.zoo import DEFAULT_MODEL
from poselifter.geometry import look_at
from poselifter.geometry.root import fit_root
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable, Result
from poselifter.world import FilmCamera, World, persons, place, place_in_world

ROOT = Path(__file__).resolve().parents[1]
CMU17 = get_skeleton('cmu17').joint_names
ANKLES = [CMU17.index('left_ankle'), CMU17.index('right_ankle')]
UNEVEN = ('climb', 'lie_down')
COLUMNS = ('path', 'place', 'up', 'slide', 'below', 'jitter', 'contact', 'pose')


@dataclass
class Case:
    """A clip seen by a camera; ``world`` (T, 17, 3) is the truth, NaN where it is not known."""

    table: KeypointTable
    world: np.ndarray
    camera: FilmCamera
    lifted: np.ndarray | None = None

    @property
    def truth(self) -> np.ndarray:
        """(T, 17, 3) in camera axes."""
        return self.world @ self.camera.rotation.T + self.camera.translation

    def contacts(self) -> np.ndarray:
        """(T, 2) whether an ankle stands: slower than 0.3 m/s and less than 7 cm above its usual lowest place."""
        ankles = self.world[:, ANKLES]
        usual = np.nanmedian(np.nanmin(ankles[..., 2], 1))
        metres_a_second = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * self.table.fps
        return (metres_a_second < 0.3) & (ankles[..., 2] < usual + 0.07)


def mocap(path: Path, split: str) -> Iterator[Case]:
    """Clips of at most 300 frames, each with a camera of its own."""
    data, rng, size = np.load(path), np.random.default_rng(0), (1920, 1080)
    for k, (start, length) in enumerate(zip(data['clip_start'], data['clip_len'], strict=True)):
        if data['split'][k] != split or data['action'][k] in UNEVEN:
            continue
        rows = slice(start, start + min(length, 300))
        world = data['poses'][rows] * float(data['unit_m']) + data['root'][rows][:, None].astype(float)
        low, high = world.min((0, 1)), world.max((0, 1))
        reach = float(np.ptp(world[..., :2], axis=(0, 1)).max()) / 2
        pitch, roll, turn = np.radians([rng.uniform(-5, 30), rng.uniform(-8, 8), rng.uniform(0, 360)])
        focal = size[0] * rng.uniform(0.75, 1.3)
        away = max((1.95 * reach + 0.9) * focal / size[0] + reach, 2.7 * focal / size[1], 2.5) * rng.uniform(1, 1.4)
        middle = (low + high) / 2
        at = middle + away * np.array([np.cos(turn) * np.cos(pitch), np.sin(turn) * np.cos(pitch), np.sin(pitch)])
        rotation = look_at(at, middle, roll)
        matrix = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])
        case = Case(None, world, FilmCamera(matrix, size, None, False, rotation, -rotation @ at))
        pixels = case.truth @ matrix.T
        pixels = pixels[..., :2] / pixels[..., 2:]
        extent = np.linalg.norm(np.ptp(pixels, axis=1), axis=-1).mean()
        knots, times = rng.normal(size=(len(world) // 5 + 2, 17, 2)), np.arange(len(world)) / 5
        lower, part = times.astype(int), (times % 1)[:, None, None]
        slow = knots[lower] * (1 - part) + knots[lower + 1] * part
        pixels += (0.006 * rng.normal(size=pixels.shape) + 0.008 * slow) * extent
        case.table = KeypointTable.of_person(pixels, skeleton='cmu17', img_shape=size[::-1], fps=float(data['fps']))
        yield case


def films(folder: Path) -> Iterator[Case]:
    """The four films with the keypoints of BlazePose heavy."""
    truth, detections = np.load(folder / 'truth.npz'), np.load(folder / 'blazepose_heavy.npz')
    names = list(truth['joints'])
    world = np.full((truth['world'].shape[1], 17, 3), np.nan)
    for j, name in enumerate(CMU17):
        if name in names and name != 'nose':
            world[:, j] = truth['world'][0, :, names.index(name)]
    world[:, 0] = world[:, [1, 4]].mean(1)
    for k, record in enumerate(json.loads((folder / 'calibration.json').read_text())['cameras']):
        size = record['width'], record['height']
        matrix = np.array([[record['fx'], 0, record['cx']], [0, record['fy'], record['cy']], [0, 0, 1]])
        camera = FilmCamera(matrix, size, np.array(record['dist']), False, np.array(record['R']), np.array(record['t']))
        table = KeypointTable.of_person(
            detections['keypoints'][k, 0],
            detections['score'][k, 0],
            skeleton='mediapipe33',
            img_shape=size[::-1],
            fps=60,
        )
        yield Case(table, world, camera)


@contextmanager
def camera_file(camera: FilmCamera, extrinsics: bool) -> Iterator[Path]:
    """A JSON of the camera, with or without its place."""
    record = {'K': camera.matrix.tolist(), 'size': camera.size}
    if camera.distortion is not None:
        record['dist'] = camera.distortion.tolist()
    if extrinsics:
        record |= {'R': camera.rotation.tolist(), 't': camera.translation.tolist()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'camera.json'
        path.write_text(json.dumps(record))
        yield path


def in_world(case: Case, poses: np.ndarray, known: str) -> Result:
    """The clip in the world; ``known`` is '', 'focal', 'height' (and the focal length) or 'camera'."""
    result = Result(case.table, poses, 'cmu17')
    if not known:
        return place_in_world(result, World())[0]
    truth = case.truth - case.truth[:, :1]
    height = persons.body_height(truth, persons.landmarks(get_skeleton('cmu17'))) if known == 'height' else None
    with camera_file(case.camera, known == 'camera') as path:
        return place_in_world(result, World(height=height, camera=path))[0]


def nailed(case: Case, poses: np.ndarray) -> Result:
    """The root at one place, with the true camera."""
    root = np.tile(np.nanmean(case.truth[:, 0], 0), (len(poses), 1))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = case.camera.rotation.T, -case.camera.rotation.T @ case.camera.translation
    return Result(case.table, poses, 'cmu17', root=root, world_from_camera=matrix)


def of_picture(case: Case, poses: np.ndarray, cutoff: float | None) -> Result:
    """The path fitted to the picture alone, with the true camera; feet are left where they are."""
    result = Result(case.table, poses, 'cmu17')
    known = np.isfinite(poses).all(-1)
    track = persons.track_of(result, case.camera, np.nan_to_num(poses), known, known.all(1), result.segments[0])
    root = fit_root(track.poses, track.rays, track.weights, case.table.fps, cutoff)
    return replace(nailed(case, poses), root=root)


def measure(case: Case, result: Result) -> list[float]:
    """The columns of a result."""
    truth, stands, fps = case.truth, case.contacts(), case.table.fps
    off = result.root - truth[:, 0]
    path = np.linalg.norm(off - np.nanmean(off, 0), axis=-1)
    up = result.world_from_camera[2, :3] @ case.camera.rotation[:, 2]
    ankles = result.world_positions()[:, ANKLES]
    still = stands[1:] & stands[:-1]
    slide = np.linalg.norm(np.diff(ankles, axis=0), axis=-1)[still] * fps / 30
    level = np.median(ankles[..., 2][stands]) if stands.any() else np.nan
    below = 1000 * np.maximum(level - ankles[..., 2], 0).mean()
    contact = np.nan
    if result.contacts is not None and stands.any():
        found = result.contacts[:, [0, 2]]
        contact = 2 * (found & stands).sum() / (found.sum() + stands.sum())
    jitter = np.linalg.norm(np.diff(result.root, 2, axis=0), axis=-1).mean() * fps**2
    pose = np.nanmean(np.linalg.norm(result.poses - (truth - truth[:, :1]), axis=-1))
    mean_slide = 1000 * slide.mean() if len(slide) else np.nan
    place_error = np.nanmean(np.linalg.norm(off, axis=-1))
    degrees = np.degrees(np.arccos(np.clip(up, -1, 1)))
    return [1000 * np.nanmean(path), 1000 * place_error, degrees, mean_slide, below, jitter, contact, 1000 * pose]


def row(cases: list[Case], kind: str, name: str, run) -> None:
    """Prints the means of a method over the clips."""
    values = []
    for case in cases:
        truth = case.truth
        poses = truth - truth[:, :1] if kind == 'truth' else case.lifted
        values.append(measure(case, run(case, poses)))
    with warnings.catch_warnings():  # a column that a method does not have
        warnings.simplefilter('ignore', RuntimeWarning)
        means = np.nanmean(values, 0)
    cells = ['-' if np.isnan(v) else f'{v:.2f}' if k in (2, 6) else f'{v:.1f}' for k, v in enumerate(means)]
    print(f'| {name} | {" | ".join(cells)} |', flush=True)


def table(name: str, cases: list[Case]) -> None:
    """The methods beside each other on one set."""
    jitter = np.mean(
        [np.nanmean(np.linalg.norm(np.diff(c.world[:, 0], 2, axis=0), axis=-1)) * c.table.fps**2 for c in cases]
    )
    frames = sum(len(c.world) for c in cases)
    for kind, poses in (('truth', 'true poses'), ('lifted', 'lifted poses')):
        print(f'\n**{name}, {poses}** ({len(cases)} clips, {frames} frames; jitter of the truth {jitter:.1f})\n')
        print('| | ' + ' | '.join(COLUMNS) + ' |\n|' + ' --- |' * (len(COLUMNS) + 1))
        row(cases, kind, 'root fixed', nailed)
        row(cases, kind, 'picture, each frame, true camera', lambda case, poses: of_picture(case, poses, None))
        row(cases, kind, 'picture, smooth, true camera', lambda case, poses: of_picture(case, poses, persons.CUTOFF))
        for label, known in (
            ('--world', ''),
            ('--world, focal length known', 'focal'),
            ('--world, and --height', 'height'),
            ('--world --camera with extrinsics', 'camera'),
        ):
            row(cases, kind, label, lambda case, poses, known=known: in_world(case, poses, known))


def sweep(sets: dict[str, list[Case]]) -> None:
    """The constants, one after the other, with lifted poses and the focal length known."""
    for constant, choices in (
        ('CUTOFF', (1.5, 2, 3, 4, 6)),
        ('STEPS', (0, 1, 4, 16)),
        ('STILL', (0.15, 0.25, 0.4)),
        ('SETTLE', (0.25, 0.5, 1, 2)),
    ):
        home = place if constant == 'SETTLE' else persons
        default = getattr(home, constant)
        for choice in choices:
            setattr(home, constant, choice)
            for name, cases in sets.items():
                row(cases, 'lifted', f'{constant} {choice}, {name}', lambda case, poses: in_world(case, poses, 'focal'))
        setattr(home, constant, default)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=ROOT.parent / 'shared' / 'data')
    parser.add_argument('--sets', nargs='+', default=['cmu', 'hdm05', 'film'])
    parser.add_argument('--model', default=DEFAULT_MODEL)
    parser.add_argument('--sweep', action='store_true', help='try other constants in place of the tables')
    args = parser.parse_args()
    readers = {
        'cmu': lambda: mocap(args.data / 'cmu' / 'cmu_test.npz', 'test'),
        'hdm05': lambda: mocap(args.data / 'hdm05' / 'hdm05.npz', 'test'),
        'film': lambda: films(args.data / 'film'),
    }
    model, sets = init_model(args.model), {name: list(readers[name]()) for name in args.sets}
    for case in (case for cases in sets.values() for case in cases):
        case.lifted = predict_table(model, case.table, ['pose']).poses
    if args.sweep:
        sweep(sets)
    else:
        for name, cases in sets.items():
            table({'cmu': 'CMU', 'hdm05': 'HDM05', 'film': 'Film'}[name], cases)


if __name__ == '__main__':
    main()
