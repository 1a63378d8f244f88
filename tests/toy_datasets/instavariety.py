"""InstaVariety's tracks: a json a frame, joints by BODY-25's names in words."""

import json
from pathlib import Path

import numpy as np

NAMES = (
    'Nose', 'Neck', 'R Shoulder', 'R Elbow', 'R Wrist', 'L Shoulder', 'L Elbow', 'L Wrist', 'Hip', 'R Hip', 'R Knee',
    'R Ankle', 'L Hip', 'L Knee', 'L Ankle', 'R Eye', 'L Eye', 'R Ear', 'L Ear', 'L Big Toe', 'L Small Toe', 'L Heel',
    'R Big Toe', 'R Small Toe', 'R Heel',
)  # fmt: skip


def make_track(frames: int, seed: int = 0, hidden: float = 0.1) -> np.ndarray:
    """(frames, 25, 3) pixels and confidence; a share of the joints was not found, never the hip."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(50, 450, (1, 25, 2)) + np.cumsum(rng.normal(0, 2, (frames, 25, 2)), 0)
    score = rng.uniform(0.3, 1, (frames, 25, 1)) * (rng.random((frames, 25, 1)) >= hidden)
    score[:, 8] = 0.9
    return np.concatenate([xy, score], -1) * (score > 0)


def write_track(folder: Path, track: np.ndarray) -> Path:
    """Writes ``<frame>.json`` files, the frames counted from 8 as somewhere in a video."""
    folder.mkdir(parents=True)
    for k, pose in enumerate(track, 8):
        joints = {
            name: {'x': x, 'y': y, 'logits': score, 'probability': None}
            for name, (x, y, score) in zip(NAMES, pose.tolist(), strict=True)
        }
        box = {'xmin': 1.0, 'ymin': 1.0, 'xmax': 9.0, 'ymax': 9.0}
        record = {'frame': k, 'imloc': f'{k + 1}.png', 'track_id': 0, 'bbox': box, **joints}
        (folder / f'{k}.json').write_text(json.dumps(record))
    return folder
