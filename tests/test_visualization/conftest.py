import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from poselifter.structures import KeypointTable, MovingBody, Result


@pytest.fixture(scope='module')
def clip(data_dir) -> Result:
    """45 frames of a walk, seen by a camera that looks along the world's y axis, 4.5 m away."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('05_01')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + 45)
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    world[..., :2] -= world[0, 0, :2]
    camera = np.stack([world[..., 0], 1.0 - world[..., 2], world[..., 1] + 4.5], -1)
    pixels = camera[..., :2] / camera[..., 2:] * 1100 + (540, 960)
    table = KeypointTable.of_person(pixels, skeleton='h36m17', img_shape=(1920, 1080), fps=30)
    return Result(table, camera - camera[:, :1], 'cmu17')


@pytest.fixture
def with_truth(clip) -> Result:
    return replace(clip, truth=clip.poses + 0.01)


@pytest.fixture
def two_persons(clip) -> Result:
    """The clip, and a second person who comes later and walks likewise."""
    pair = {name: np.concatenate([x, x[:20]]) for name, x in vars(clip.table).items() if isinstance(x, np.ndarray)}
    pair['frame_indices'][45:] += 30
    table = replace(clip.table, **{**pair, 'track_ids': np.repeat(['a', 'b'], [45, 20])})
    return Result(table, np.concatenate([clip.poses, clip.poses[:20]]), 'cmu17')


@pytest.fixture
def with_box(clip) -> Result:
    """A box of 0.4 x 0.8 x 0.2 m with two bones, its upper half turning over 45 frames, as the body of the clip."""
    corners = np.array([(x, y, z) for x in (-0.2, 0.2) for y in (-0.4, 0.4) for z in (-0.1, 0.1)])
    faces = '013 032 467 475 045 051 237 276 026 064 157 173'
    bones = np.tile(np.eye(3, 4), (45, 2, 1, 1))
    angle = np.linspace(0, 1, 45)
    bones[:, 1, 0, 0] = bones[:, 1, 2, 2] = np.cos(angle)
    bones[:, 1, 0, 2], bones[:, 1, 2, 0] = np.sin(angle), -np.sin(angle)
    upper = (corners[:, 1] < 0).astype(float)
    weights, rest = np.stack([1 - upper, upper], 1), np.concatenate([corners, np.ones((8, 1))], 1)
    body = MovingBody(
        model='smpl', gender='neutral', bone_names=('lower', 'upper'), parents=(-1, 0),
        poses=np.zeros((45, 6)), betas=np.zeros(10),
        trans=np.zeros((45, 3)), rest_vertices=corners, rest_joints=np.zeros((2, 3)), weights=weights,
        faces=np.array([[int(corner) for corner in face] for face in faces.split()]), bones=lambda: bones,
        vertices=lambda: np.einsum('vk,tkab,vb->tva', weights, bones, rest),
    )  # fmt: skip
    return replace(clip, body=body)


@pytest.fixture
def data_of():
    """What a page shows: ``data_of(path)``."""

    def read(path):
        text = path.read_text(encoding='utf-8')
        return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])

    return read


@pytest.fixture
def unpack():
    """An array of a page."""

    def unpack(packed):
        numbers = np.frombuffer(base64.b64decode(packed['data']), '<i2').reshape(packed['shape'])
        return np.where(numbers == -32768, np.nan, numbers * packed['unit'])

    return unpack
