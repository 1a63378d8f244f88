"""PoseTrack18's annotations of a made-up video."""

import json
from pathlib import Path

import numpy as np

NAMES = (
    'nose', 'head_bottom', 'head_top', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder', 'left_elbow',
    'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle',
    'right_ankle',
)  # fmt: skip
_FIGURE = np.array([
    [0, -70], [0, -60], [0, -85], [0, 0], [0, 0], [15, -50], [-15, -50], [25, -25], [-25, -25], [30, 0], [-30, 0],
    [10, 0], [-10, 0], [12, 40], [-12, 40], [14, 80], [-14, 80],
])  # fmt: skip


def make_track(frames: int, seed: int = 0) -> np.ndarray:
    """(frames, 17, 3) of a figure that walks to the right; ears are never annotated."""
    rng = np.random.default_rng(seed)
    xy = _FIGURE * 2.0 + [400, 300] + np.arange(frames)[:, None, None] * [3, 0] + rng.normal(0, 4, (frames, 17, 2))
    track = np.concatenate([xy.round(2), np.ones((frames, 17, 1))], -1)
    track[:, 3:5] = 0
    return track


def annotations(tracks: dict[int, np.ndarray], video: int = 342) -> dict:
    """The document of one video; frame by frame, as published, a track at frames 0, 1, ..."""
    first = 10**10 + video * 10**4
    frames = max(map(len, tracks.values()))
    images = [{
        'file_name': f'images/train/{video:06}_mpii_train/{k:06}.jpg', 'id': first + k, 'frame_id': first + k,
        'vid_id': f'{video:06}', 'nframes': frames, 'is_labeled': True, 'ignore_regions_x': [[1, 2, 3]],
    } for k in range(frames)]  # fmt: skip
    people = [{
        'id': (first + k) * 100 + track, 'image_id': first + k, 'track_id': track, 'category_id': 1,
        'keypoints': [float(v) for v in poses[k].reshape(-1)], 'bbox': [], 'bbox_head': [1, 2, 3, 4],
    } for k in range(frames) for track, poses in tracks.items() if k < len(poses)]  # fmt: skip
    people.insert(1, {**people[0], 'track_id': 99, 'keypoints': []})  # as a few of the published ones
    return {
        'images': images,
        'annotations': people,
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(NAMES), 'skeleton': [[16, 14]]}],
    }


def write_file(folder: Path, tracks: dict[int, np.ndarray], video: int = 342) -> Path:
    """Writes ``posetrack18_annotations/train/<video>_mpii_train.json`` below a folder."""
    path = folder / f'posetrack18_annotations/train/{video:06}_mpii_train.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(annotations(tracks, video)))
    return path
