from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope='module')
def clip(data_dir) -> dict:
    """45 frames of a walk, seen by a camera that looks along the world's y axis, 4.5 m away."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('05_01')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + 45)
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    world[..., :2] -= world[0, 0, :2]
    camera = np.stack([world[..., 0], 1.0 - world[..., 2], world[..., 1] + 4.5], -1)
    return {
        'keypoints_2d': camera[..., :2] / camera[..., 2:] * 1100 + (540, 960),
        'keypoints_3d': camera - camera[:, :1],
        'skeleton_2d': 'h36m17',
        'skeleton_3d': 'cmu17',
        'img_shape': (1920, 1080),
    }


@pytest.fixture
def tracks(clip) -> list[dict]:
    """Two persons: one with ground truth and 2D, one who comes later."""
    pose = clip['keypoints_3d']
    first = {
        'id': 1,
        'frame_indices': np.arange(45),
        'keypoints_3d': pose,
        'truth_3d': pose + 0.01,
        'keypoints_2d': clip['keypoints_2d'],
    }
    return [first, {'id': 'b', 'frame_indices': np.arange(30, 50), 'keypoints_3d': pose[:20]}]
