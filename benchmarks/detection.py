"""BlazePose on the films with 3D truth: agreement with stored keypoints, and a folder for evaluate.py.

    python benchmarks/detection.py ../shared/data/film OUT [--kinds lite,full,heavy]
    python ../shared/data/film/evaluate.py OUT --kinds lite,full,heavy

Medians over joints and frames in pixels. Two runs never agree to the pixel, since each region follows from the
landmarks before: `again` is the distance of a second run whose first region is moved by a thousandth of a pixel. `bias`
is the larger of the medians of the signed differences from the stored keypoints in x and y. `fitted`: distance of ours
of the region, four numbers, that fits the stored keypoints best; `next`: of the region that follows from the one fitted
to the frame before; then both for the second run, whose regions are known to exist. `truth` is the distance from the
projected 3D truth over twelve limb joints, of ours and of the stored ones.
"""

import argparse
import json
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from poselifter.detection import Frame, open_frames
from poselifter.detection.blazepose import BlazePose, Person

_LED, _SETTLED = range(40, 54), 6  # frames in which the regions are led, and after how many they are counted
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


def again(detector: BlazePose, film: Path, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T, 33, 2) that follow from a first region alone, and all regions (T, 4)."""
    keypoints, regions, region = [], [], first
    for frame in open_frames(film):
        person = detector.networks.place(frame.image, region)
        keypoints.append(person.keypoints)
        regions.append(region)
        region = person.region
    return np.array(keypoints), np.array(regions)


def fitted(detector: BlazePose, image: np.ndarray, start: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The region near another from which our keypoints are nearest to others (33, 2)."""
    scale = np.array([1, 1, 1, 1e-3])  # of a region's numbers: a pixel each at the edge

    def off(moved: np.ndarray) -> np.ndarray:
        return (detector.networks.place(image, start + moved * scale).keypoints - given).ravel()

    def slopes(moved: np.ndarray) -> np.ndarray:
        return np.stack([(off(moved + 1.5 * step) - off(moved - 1.5 * step)) / 3 for step in np.eye(4)], 1)

    return start + scale * least_squares(off, np.zeros(4), slopes, loss='soft_l1', max_nfev=6).x


def led(detector: BlazePose, frames: list[Frame], region: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Medians of the distances from others (T, 33, 2): of the region fitted to them, and of the one that follows."""
    distances = []
    for frame in frames:
        follows = detector.networks.place(frame.image, region)
        region = fitted(detector, frame.image, region, given[frame.index])
        fits = detector.networks.place(frame.image, region)
        distances.append([distance(person.keypoints, given[frame.index]) for person in (fits, follows)])
        region = fits.region
    return np.median(distances[_SETTLED:], axis=0)


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
    titles = (
        'stored',
        'again',
        'bias',
        'fitted',
        'next',
        'again: fitted',
        'next',
        'truth',
        'stored to truth',
        'frames',
        'tracks',
    )
    print('kind   camera ' + ''.join(f'{title:>16}' for title in titles))
    for kind in args.kinds.split(','):
        detector, arrays = BlazePose(kind), {'keypoints': [], 'score': [], 'world': []}
        with np.load(args.folder / f'blazepose_{kind}.npz') as file:
            stored = file['keypoints'][:, 0]
        for camera, keypoints in zip(cameras, stored, strict=True):
            film = args.folder / f'{camera["name"]}.mp4'
            row, tracks = detect(detector, film, keypoints)
            found = sum(person is not None for person in row)
            row = [person or next(filter(None, row)) for person in row]
            ours = np.array([person.keypoints for person in row])
            (first, regions), (second, _) = (again(detector, film, row[0].region + [x, 0, 0, 0]) for x in (0, 1e-3))
            frames = list(islice(open_frames(film), _LED.start, _LED.stop))
            fits = [led(detector, frames, regions[_LED.start], points) for points in (keypoints, second)]
            true = project(camera, world)
            medians = [distance(ours, keypoints), distance(first, second)]
            medians += [np.abs(np.median(ours - keypoints, axis=(0, 1))).max(), *fits[0], *fits[1]]
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
