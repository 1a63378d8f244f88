"""Errors of the zoo's models where motion, camera, rate or joints are not those they were trained with.

    python benchmarks/out_of_distribution.py [--data FOLDER] [--models NAME ...] [--kinds KIND ...] [--gallery FOLDER]

Beside them the mean training pose, a linear regression of single frames (both fitted on the training clips of CMU, as
the cameras of configs/_base_/datasets/cmu.py see them) and, on the film, BlazePose's own 3D. Everything goes the way
of `poselifter lift` (defaults; sides are not mended). MPJPE / P-MPJPE in mm, means over frames: of cmu17 on motion
capture, of twelve joints on the film, which is one man of 1.7 s. Cells that were measured stand in --ledger, a line
each: what was stopped goes on with the same command. --gallery draws the worst clips of each kind as small pictures.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from filmed import LOST, film_tables, filmed, lose, measure, measure_film
from joint_sets import DETECTORS, detected, first17
from PIL import Image

from poselifter.apis import init_model
from poselifter.apis.prediction import predict_table
from poselifter.apis.zoo import DEFAULT_MODEL, find, zoo_models
from poselifter.datasets.transforms.detection import KeypointNoise
from poselifter.datasets.transforms.virtual_camera import VirtualCamera
from poselifter.errors import run_program
from poselifter.geometry import Camera, look_at
from poselifter.io import write_results
from poselifter.models.estimators import baselines

ROOT = Path(__file__).resolve().parents[1]
SIMPLE = {'mean training pose': baselines.MeanPose, 'linear regression': baselines.LinearRegression}
OWN = "BlazePose's own 3D"
LEVELS: dict[str, tuple[Any, ...]] = {
    'motion': ('CMU, Daz body', 'CMU, real bodies', 'HDM05', 'film: lite', 'film: full', 'film: heavy'),
    'camera looks down, degrees': (-15, 0, 15, 30, 45, 60),
    'camera rolled, degrees': (0, 15, 30, 45, 90),
    'camera away, m': (1.5, 2.5, 5, 10, 20),
    'frames a second': (15, 30, 60, 120),
    'never seen': tuple(LOST),
    'detector': DETECTORS,
    'joints': ('true', 'true, all scores 1', "as a detector's", 'and noise', 'twice the noise'),
}


class OrbitCamera(VirtualCamera):
    """A camera at a random side that looks at the middle of the motion from a given pitch, roll and distance."""

    def __init__(self, pitch: float = 10, roll: float = 0, distance: float = 4) -> None:
        super().__init__()
        self.pitch, self.tilt, self.away = np.radians(pitch), np.radians(roll), distance

    def place(self, points: np.ndarray, rng: np.random.Generator, side: float | None = None) -> Camera:
        """See :class:`VirtualCamera`; further away where the motion would come within 0.8 m."""
        middle, side, size = (points.min(0) + points.max(0)) / 2, rng.uniform(0, 2 * np.pi), (1920, 1080)
        level = np.cos(self.pitch)
        outwards = np.array([np.cos(side) * level, np.sin(side) * level, np.sin(self.pitch)])
        distance = max(self.away, 0.8 + ((points - middle) @ outwards).max())
        position = middle + distance * outwards
        rotation = look_at(position, middle, roll=self.tilt)
        seen = (points - position) @ rotation.T
        centre = np.array(size) / 2
        focal = (0.9 * centre * seen[:, 2:] / np.abs(seen[:, :2]).clip(min=1e-6)).min()
        return Camera(np.array([focal, focal]), centre, rotation=rotation, position=position, size=size)


class LoudNoise(KeypointNoise):
    """The simulated detector at its worst, twice."""

    strength = (2.0, 3.4)


class Quiet:
    """No errors; scores as they are after the camera, 1."""

    def __init__(self, score: float) -> None:
        self.score = np.float32(score)

    def apply(self, sample: dict, _: np.random.Generator) -> dict:
        """Scores only."""
        return {**sample, 'keypoints_visible': sample['keypoints_visible'] * self.score}


def clips_of(kind: str, level: Any, data: Path) -> list:
    """(table, truth) of each clip of a cell on motion capture."""
    test, some = data / 'cmu' / 'cmu_test.npz', {'every': 2, 'longest': 60}
    if kind == 'motion':
        if level == 'HDM05':
            return filmed(data / 'hdm05' / 'hdm05.npz', every=3)
        formats = {c['id']: c['source_format'] for c in json.loads((data / 'cmu' / 'index.json').read_text())['clips']}
        with np.load(test) as z:
            daz = [formats[str(name)] == 'bvh-daz' for name in z['clip_id']]
        return [clip for clip, one in zip(filmed(test), daz, strict=True) if one == (level == 'CMU, Daz body')]
    if kind == 'never seen':
        clips = filmed(test, camera=OrbitCamera(), **some)
        return [(lose(table, level, i), truth) for i, (table, truth) in enumerate(clips)]
    if kind == 'frames a second':
        return filmed(test, camera=OrbitCamera(), fps=level, apart=True, **some)
    if kind == 'detector':
        return [first17(clip) for clip in detected(data, level, every=4)]
    if kind == 'joints':
        detectors = [Quiet(0.95), Quiet(1), Quiet(0.95), KeypointNoise(), LoudNoise()]
        place = LEVELS['joints'].index(level)
        return filmed(test, camera=OrbitCamera(), surface=place > 1, detector=detectors[place], apart=True, **some)
    option = {'camera looks down, degrees': 'pitch', 'camera rolled, degrees': 'roll', 'camera away, m': 'distance'}
    return filmed(test, camera=OrbitCamera(**{option[kind]: level}), **some)


def fitted(kind: type, data: Path, config: Any) -> torch.nn.Module:
    """A simple lifter fitted on CMU's training clips."""
    model = kind(config.codec, {'window': {'length': 27, 'stride': 27}, 'flip_test': False})

    def batches() -> Iterator[dict]:
        for table, truth in filmed(data / 'cmu' / 'cmu_train.npz', longest=180, views=2):
            sample = {'keypoints': table.keypoints, 'keypoints_visible': table.keypoints_visible}
            sample |= {'skeleton': 'h36m17', 'img_shape': table.img_shape, 'skeleton_3d': 'cmu17'}
            sample |= {'lifting_target': truth, 'lifting_target_visible': np.ones(truth.shape[:2], np.float32)}
            encoded = model.codec.encode(sample)
            starts = range(0, len(truth) - 26, 27)
            if starts:
                cut = [
                    torch.from_numpy(np.stack([encoded[k][s : s + 27] for s in starts])) for k in ('inputs', 'target')
                ]
                yield {'inputs': cut[0], 'data_samples': SimpleNamespace(target=cut[1])}

    model.fit(batches())
    return model.eval()


def film_cell(model: torch.nn.Module | None, level: str, data: Path) -> list[float]:
    """MPJPE and P-MPJPE of a detector's keypoints lifted, or of its own 3D."""
    detector = level.removeprefix('film: ')
    tables, tool = film_tables(data / 'film')
    if model is not None:
        return measure_film(model, tables[detector], tool)[[0, 2]].tolist()
    with np.load(data / 'film' / f'blazepose_{detector}.npz') as z:
        own = z['world'][:, 0][:, :, tool.BLAZE].astype(float)
    rows = [tool.scores(poses, truth)[0] for poses, (_, truth) in zip(own, tables[detector], strict=True)]
    return np.mean(rows, 0)[[0, 2]].tolist()


def lifters() -> list[str]:
    """Models of the zoo whose weights ship and give the joints of cmu17; the default is the last."""
    sets = ('cmu17', 'body23')  # which begins with the joints of cmu17
    models = [m for m in zoo_models().values() if m.lifts and m.metadata['Metadata']['Output Skeleton'] in sets]
    return sorted((model.name for model in models), key=lambda name: name == DEFAULT_MODEL)


def read_ledger(path: Path) -> dict[tuple[str, str, str], list[float]]:
    """Measured cells by method, kind and level."""
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    return {(row['method'], row['kind'], row['level']): row['mm'] for row in rows}


def table(kind: str, methods: list[str], cells: dict[tuple[str, str, str], list[float]]) -> str:
    """A markdown table of a kind, a row a method."""
    levels = [str(level) for level in LEVELS[kind]]
    lines = [f'**By {kind}**', '', f'| | {" | ".join(levels)} |', f'| --- |{" --- |" * len(levels)}']
    for method in methods:
        found = [cells.get((method, kind, level)) for level in levels]
        if any(found):
            texts = [f'{value[0]:.0f} / {value[1]:.0f}' if value else '' for value in found]
            lines.append(f'| {method} | {" | ".join(texts)} |')
    return '\n'.join(lines) + '\n'


def gallery(name: str, data: Path, folder: Path) -> None:
    """The worst clip of each set, and of hard cameras and missing parts: keypoints, poses, truth in grey."""
    model = init_model(name)
    for kind, level in (
        ('motion', 'CMU, real bodies'), ('motion', 'HDM05'), ('camera looks down, degrees', 60),
        ('camera rolled, degrees', 90), ('never seen', 'all below the chest'),
    ):  # fmt: skip
        clips = clips_of(kind, level, data)
        errors = [measure(model, [clip])[0] if len(clip[1]) > 4 else 0 for clip in clips]
        clip, truth = clips[int(np.argmax(errors))]
        result = predict_table(model, clip, ['pose'])
        result.truth = truth
        path = folder / f'{kind.split()[0]}_{"".join(c if c.isalnum() else "_" for c in str(level))}'
        for file in write_results(path, result, ['png']):
            picture = Image.open(file).convert('RGB')
            small = picture.resize((960, round(960 * picture.height / picture.width)), Image.LANCZOS)
            small.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, optimize=True)
        print(f'{path}.png: MPJPE {max(errors):.0f} mm')


def main(argv: list[str] | None = None) -> None:
    """Measures what the ledger lacks, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=ROOT.parent / 'shared' / 'data')
    parser.add_argument('--models', nargs='+', default=lifters(), help='names of the zoo')
    parser.add_argument('--kinds', nargs='+', default=list(LEVELS), choices=list(LEVELS), metavar='KIND', help='tables')
    parser.add_argument('--ledger', type=Path, default=ROOT / 'out' / 'out_of_distribution.jsonl')
    parser.add_argument('--gallery', type=Path, metavar='FOLDER', help='draw failures of the last of the models only')
    args = parser.parse_args(argv)
    if args.gallery:
        return gallery(args.models[-1], args.data, args.gallery)
    config = init_model('mixste_cmu_27').cfg
    makers: dict[str, Callable] = {
        name: lambda kind=kind: fitted(kind, args.data, config) for name, kind in SIMPLE.items()
    }
    makers |= {OWN: lambda: None} | {name: lambda name=name: init_model(name) for name in args.models}
    keys = {name: find(name).sha256 if name in args.models else name for name in makers}  # other weights, other cells
    cells, built = read_ledger(args.ledger), {}
    args.ledger.parent.mkdir(parents=True, exist_ok=True)
    for kind in args.kinds:
        for level in LEVELS[kind]:
            film = str(level).startswith('film')
            lacking = [n for n in makers if (keys[n], kind, str(level)) not in cells and (film or n != OWN)]
            clips = clips_of(kind, level, args.data) if lacking and not film else None
            for name in lacking:
                if name not in built:
                    built[name] = makers[name]()
                way = built[name]
                value = film_cell(way, level, args.data) if film else measure(way, clips)[:2].tolist()
                cells[keys[name], kind, str(level)] = value
                with args.ledger.open('a', encoding='utf-8') as file:
                    row = {'method': keys[name], 'kind': kind, 'level': str(level), 'mm': np.round(value, 2).tolist()}
                    file.write(json.dumps(row) + '\n')
    for kind in args.kinds:
        named = {(name, *key[1:]): value for name in makers for key, value in cells.items() if key[0] == keys[name]}
        print(table(kind, list(makers), named))
    return None


if __name__ == '__main__':
    run_program(main)
