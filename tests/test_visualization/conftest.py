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


@pytest.fixture
def box_mesh() -> dict:
    """A box of 0.4 x 0.8 x 0.2 m with two bones, its upper half turning over 45 frames."""
    corners = np.array([(x, y, z) for x in (-0.2, 0.2) for y in (-0.4, 0.4) for z in (-0.1, 0.1)])
    faces = [
        (0, 1, 3),
        (0, 3, 2),
        (4, 6, 7),
        (4, 7, 5),
        (0, 4, 5),
        (0, 5, 1),
        (2, 3, 7),
        (2, 7, 6),
        (0, 2, 6),
        (0, 6, 4),
        (1, 5, 7),
        (1, 7, 3),
    ]
    bones = np.tile(np.eye(3, 4), (45, 2, 1, 1))
    angle = np.linspace(0, 1, 45)
    bones[:, 1, 0, 0] = bones[:, 1, 2, 2] = np.cos(angle)
    bones[:, 1, 0, 2], bones[:, 1, 2, 0] = np.sin(angle), -np.sin(angle)
    upper = (corners[:, 1] < 0).astype(float)
    return {'vertices': corners, 'faces': np.array(faces), 'weights': np.stack([1 - upper, upper], 1), 'bones': bones}
