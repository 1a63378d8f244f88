"""BlazePose on the films with 3D truth: agreement with stored keypoints, and a folder for evaluate.py.

    python benchmarks/detection.py ../shared/data/film OUT [--kinds lite,full,heavy]
    python ../shared/data/film/evaluate.py OUT --kinds lite,full,heavy

Medians over joints and frames in pixels. Two runs never agree to the pixel, since each region follows from the
landmarks before: `again` is the distance of a second run whose first region is moved by a thousandth of a pixel. `bias`
is the larger of the medians of the signed differences from the stored keypoints in x and y. `same region`: distance in
a frame of which the stored run's region was found by search; `next`: in the frame after it, whose region follows.
`truth` is the distance from the projected 3D truth over twelve limb joints, of ours and of the stored ones.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from poselifter.detection import open_frames
from poselifter.detection.blazepose import BlazePose, Person

_REGIONS = Path(__file__).resolve().parents[1] / 'tests' / 'data' / 'blazepose_regions.json'
LIMBS = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
NAMES = [
    f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle') for side in ('left', 'right')
]


def project(camera: dict, world: np.ndarray) -> np.ndarray:
    """Points (..., 3) of the world in pixels (..., 2), OpenCV's lens with k1, k2, p1, p2."""
    x = world @ np.array(camera['R']).T + camera['t']
    u, v = np.moveaxis(x[..., :2] / x[..., 2:], -1, 0)
    k1, k2, p1, p2 = camera['dist']
    r2 = u**2 + v**2
    radial = 1 + k1 * r2 + k2 * r2**2
    u, v = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u**2), v * radial + p1 * (r2 + 2 * v**2) + 2 * p2 * u * v
    return np.stack([u * camera['fx'] + camera['cx'], v * camera['fy'] + camera['cy']], -1)


def detect(detector: BlazePose, film: Path, stored: np.ndarray) -> tuple[list[Person | None], int]:
    """In each frame the person of the track nearest to the stored keypoints; and how many tracks there are."""
    frames = [persons for _, persons in detector.follow(open_frames(film))]
    tracks = sorted({person.track for persons in frames for person in persons})
    rows = [[next((p for p in persons if p.track == track), None) for persons in frames] for track in tracks]

    def apart(row: list) -> float:
        return np.median(
            [1e6 if p is None else np.abs(p.keypoints - s).mean() for p, s in zip(row, stored, strict=True)]
        )

    return min(rows, key=apart), len(tracks)


def again(detector: BlazePose, film: Path, first: np.ndarray) -> np.ndarray:
    """Keypoints (T, 33, 2) that follow from a first region alone."""
    keypoints, region = [], first
    for frame in open_frames(film):
        person = detector.networks.place(frame.image, region)
        keypoints.append(person.keypoints)
        region = person.region
    return np.array(keypoints)


def from_region(detector: BlazePose, film: Path, number: int, region: list[float], stored: np.ndarray) -> list[float]:
    """Distances from stored keypoints in the frame of a region, and in the next one, whose region follows."""
    frames = [frame for frame in open_frames(film) if frame.index in (number, number + 1)]
    person = detector.networks.place(frames[0].image, np.array(region))
    after = detector.networks.place(frames[1].image, person.region)
    return [distance(person.keypoints, stored[number]), distance(after.keypoints, stored[number + 1])]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Median over frames and joints; NaN are left out."""
    return float(np.nanmedian(np.linalg.norm(one - other, axis=-1)))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--kinds', default='lite,full,heavy')
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ('truth.npz', 'calibration.json'):
        shutil.copyfile(args.folder / name, args.out / name)
    cameras = json.loads((args.folder / 'calibration.json').read_text())['cameras']
    with np.load(args.folder / 'truth.npz') as truth:
        joints = [list(truth['joints']).index(name) for name in NAMES]
        world = truth['world'][0].astype(np.float64)[:, joints]
    regions = json.loads(_REGIONS.read_text())
    titles = ('stored', 'again', 'bias', 'same region', 'next', 'truth', 'stored to truth', 'frames', 'tracks')
    print('kind   camera ' + ''.join(f'{title:>16}' for title in titles))
    for kind in args.kinds.split(','):
        detector, arrays = BlazePose(kind), {'keypoints': [], 'score': [], 'world': []}
        with np.load(args.folder / f'blazepose_{kind}.npz') as file:
            stored = file['keypoints'][:, 0]
        for camera, keypoints, known in zip(cameras, stored, regions[kind], strict=True):
            film = args.folder / f'{camera["name"]}.mp4'
            row, tracks = detect(detector, film, keypoints)
            found = sum(person is not None for person in row)
            row = [person or next(filter(None, row)) for person in row]
            ours = np.array([person.keypoints for person in row])
            first, second = (again(detector, film, row[0].region + [shift, 0, 0, 0]) for shift in (0, 1e-3))
            true = project(camera, world)
            medians = [distance(ours, keypoints), distance(first, second)]
            medians.append(np.abs(np.median(ours - keypoints, axis=(0, 1))).max())
            medians += from_region(detector, film, *known[1:], keypoints)
            medians += [distance(points[:, LIMBS], true) for points in (ours, keypoints)]
            figures = [f'{figure:16.2f}' for figure in medians] + [f'{found:16}', f'{tracks:16}']
            print(f'{kind:6} {camera["name"]:6} ' + ''.join(figures), flush=True)
            arrays['keypoints'].append(ours)
            arrays['score'].append([person.visibility for person in row])
            arrays['world'].append([person.world for person in row])
        columns = {name: np.array(part)[:, None] for name, part in arrays.items()}
        np.savez(args.out / f'blazepose_{kind}.npz', **columns)


if __name__ == '__main__':
    main()
