"""Small files in each input format, made here so that the tests run anywhere."""

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def two_persons(rng) -> np.ndarray:
    """(4, 2, 17, 3) pixels and scores: two persons 500 px apart, walking 5 px a frame."""
    body = rng.uniform(100, 500, (1, 1, 17, 2)) + np.array([0, 500])[:, None, None] * [1, 0]
    body = body + np.arange(4)[:, None, None, None] * [5, 0]
    scores = rng.uniform(0.5, 1, (4, 2, 17, 1))
    return np.concatenate([body, scores], -1).round(3)


@pytest.fixture
def write_json(tmp_path):
    """Writes a JSON document, or text as it is, and gives the path."""

    def write(content, name: str = 'file.json') -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def write_npz(tmp_path):
    """Writes arrays and gives the path."""

    def write(name: str = 'file.npz', **arrays) -> Path:
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    return write


@pytest.fixture
def coco_results(two_persons) -> list[dict]:
    """COCO results: images 100 to 103, the persons swapped in frame 1, the second absent in frame 2."""
    order = {0: (0, 1), 1: (1, 0), 2: (0,), 3: (0, 1)}
    return [
        {'image_id': 100 + t, 'category_id': 1, 'keypoints': two_persons[t, p].ravel().tolist(), 'score': 0.9}
        for t, persons in order.items()
        for p in persons
    ]


@pytest.fixture
def mmpose_demo(two_persons) -> dict:
    """MMPose demo: frames from 1, an empty frame 3."""
    frames = [
        {'frame_id': t + 1, 'instances': [_instance(person) for person in two_persons[t]] if t != 2 else []}
        for t in range(4)
    ]
    return {'meta_info': {}, 'instance_info': frames}


def _instance(person: np.ndarray) -> dict:
    return {'keypoints': person[:, :2].tolist(), 'keypoint_scores': person[:, 2].tolist(), 'bbox': [[0, 0, 9, 9]]}
