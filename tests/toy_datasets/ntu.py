"""A tiny NTU RGB+D: pickles in the form of PYSKL, and the Kinect's own files."""

import itertools
import pickle

import numpy as np

_REST = np.array([
    [0, -80], [-4, -86], [4, -86], [-10, -82], [10, -82], [20, -50], [-20, -50], [30, -20], [-30, -20], [35, 10],
    [-35, 10], [12, 10], [-12, 10], [14, 60], [-14, 60], [15, 110], [-15, 110],
], float)  # fmt: skip  # COCO's 17, y down


def annotation(name, label, frames=30, persons=1, seed=0):
    """A clip whose class shows in which joint moves, and how fast; float16 as published."""
    rng = np.random.default_rng([seed, label])
    t = np.arange(frames)
    scale, centre = rng.uniform(2, 3), rng.uniform([500, 400], [1400, 700])
    points = np.tile(_REST * scale, (persons, frames, 1, 1)) + centre + rng.normal(0, 1, (persons, frames, 17, 2))
    points[:, :, 5 + label % 12, 1] -= 60 * (1 - np.cos(2 * np.pi * t * (1 + label // 12) / 30))
    points[1:] += [350, 0]
    return {
        'frame_dir': name, 'label': label, 'img_shape': (1080, 1920), 'original_shape': (1080, 1920),
        'total_frames': frames, 'keypoint': points.astype(np.float16),
        'keypoint_score': rng.uniform(0.3, 1, (persons, frames, 17)).astype(np.float16),
    }  # fmt: skip


def write_pickle(path, names, split=None, **changes):
    """A pickle of clips by their names; their lengths and numbers of persons vary."""
    annotations = [
        annotation(name, int(name[17:]) - 1, frames=20 + i % 15, persons=1 + i % 2, seed=i) | changes
        for i, name in enumerate(names)
    ]
    document = annotations if split is None else {'split': split, 'annotations': annotations}
    path.write_bytes(pickle.dumps(document))
    return path


def names(actions, performers=(1, 3), setups=(1,), cameras=(1, 2), replications=(1,)):
    """Names of all combinations."""
    numbers = itertools.product(setups, cameras, performers, replications, actions)
    return ['S{:03}C{:03}P{:03}R{:03}A{:03}'.format(*five) for five in numbers]


def write_skeleton(path, bodies, frames, mirrored=False, bad=None):
    """A Kinect's file of bodies, id -> (frames, (n, 25, 3) metres); mirrored, the colour column falls with x."""
    lines = [str(frames)]
    for t in range(frames):
        shown = {body: x[list(seen).index(t)] for body, (seen, x) in bodies.items() if t in seen}
        lines.append(str(len(shown)))
        for body, points in shown.items():
            lines += [f'{body} 0 1 1 1 1 0 0.01 -0.2 2', '25']
            for j, (x, y, z) in enumerate(points):
                column = 960 + (-1 if mirrored else 1) * 1050 * x / z
                column = bad if bad and j == 0 else f'{column:.4f}'
                row = 540 - 1050 * y / z
                lines.append(f'{x:.7f} {y:.7f} {z:.7f} 250.1 200.2 {column} {row:.4f} 0.1 0 0.9 -0.2 {j % 3}')
    path.write_text('\r\n'.join(lines) + '\r\n')
    return path
