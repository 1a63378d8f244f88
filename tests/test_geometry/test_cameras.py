import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.geometry import (
    Camera,
    backproject,
    camera_to_world,
    denormalize_screen,
    look_at,
    project,
    quaternion_to_matrix,
    world_to_camera,
)

finite = st.floats(-100, 100)


def _random_camera(seed: int) -> Camera:
    rng = np.random.default_rng(seed)
    quaternion = rng.normal(size=4)
    return Camera(
        focal=rng.uniform(500, 2000, 2), centre=rng.uniform(300, 700, 2), radial=rng.uniform(-0.2, 0.2, 3),
        tangential=rng.uniform(-0.005, 0.005, 2),
        rotation=quaternion_to_matrix(quaternion / np.linalg.norm(quaternion)), position=rng.normal(size=3) * 5,
        size=(1000, 1002),
    )  # fmt: skip


@pytest.mark.parametrize('index', range(4))
@pytest.mark.parametrize('kind', ['numpy', 'torch'])
def test_h36m_cameras_end_to_end(published, h36m_camera, index, kind):
    case = published('videopose3d', f'camera_S1_{index}')
    as_kind = torch.tensor if kind == 'torch' else np.asarray
    camera = h36m_camera(case['intrinsic'], case['orientation'], case['translation'])
    points = as_kind(case['points'])
    seen = world_to_camera(points, camera)
    assert seen.dtype == points.dtype
    np.testing.assert_allclose(seen, case['camera'], atol=1e-5)
    np.testing.assert_allclose(camera_to_world(seen, camera), case['world_again'], atol=1e-5)
    drawn = project(as_kind(case['camera']), camera)
    assert drawn.dtype == points.dtype
    np.testing.assert_allclose(drawn, case['projected'], atol=1e-5)
    np.testing.assert_allclose(project(seen, camera, distort=False), case['projected_linear'], atol=1e-5)
    pixels = denormalize_screen(drawn, int(case['res_w']), int(case['res_h']))
    np.testing.assert_allclose(pixels, case['pixels'], atol=1e-2)


@pytest.mark.parametrize('index', range(4))
def test_a_camera_in_pixels_draws_the_same(shared, published, h36m_camera, index):
    case = published('videopose3d', f'camera_S1_{index}')
    tables = json.loads((shared / 'reference/mocap_cameras.json').read_text())['h36m']['intrinsic'][index]
    camera = Camera(
        tables['focal_length'], tables['center'], tables['radial_distortion'], tables['tangential_distortion'],
        size=(tables['res_w'], tables['res_h']),
    )  # fmt: skip
    np.testing.assert_allclose(project(case['camera'].astype(np.float64), camera), case['pixels'], atol=1e-2)
    vector = h36m_camera(case['intrinsic'])
    for field in ('focal', 'centre', 'radial', 'tangential'):
        np.testing.assert_allclose(getattr(camera.normalized(), field), getattr(vector, field), atol=1e-6)


@pytest.mark.parametrize('distort, out', [(True, 'out'), (False, 'out_linear')])
def test_one_camera_a_clip_and_the_clamp(published, h36m_camera, distort, out):
    case = published('videopose3d', 'project_clamped')
    np.testing.assert_allclose(project(case['X'], h36m_camera(case['camera']), distort), case[out], atol=1e-12)
    case = published('mixste', 'project')
    camera = h36m_camera(case['intrinsic'])
    np.testing.assert_allclose(project(case['camera'], camera, distort), case[out], rtol=1e-6, atol=1e-6)
    drawn = project(torch.tensor(case['camera']), camera, distort)
    np.testing.assert_allclose(drawn, case[out], rtol=1e-6, atol=1e-6)


def test_mixste_world_and_camera(published, h36m_camera):
    case = published('mixste', 'world_camera')
    camera = h36m_camera(np.ones(9), case['q'], case['t'])
    np.testing.assert_allclose(world_to_camera(case['world'], camera), case['camera'], atol=1e-5)
    np.testing.assert_allclose(camera_to_world(case['camera'], camera), case['back'], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), x=st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=4))
def test_world_camera_world(seed, x):
    camera, points = _random_camera(seed), np.array(x)
    np.testing.assert_allclose(camera_to_world(world_to_camera(points, camera), camera), points, atol=1e-9)
    moved = world_to_camera(points, camera)
    lengths = np.linalg.norm(points - points[:1], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(moved - moved[:1], axis=-1), lengths, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), distort=st.booleans(), batch=st.booleans())
def test_projection_and_back(seed, distort, batch):
    rng, camera = np.random.default_rng(seed), _random_camera(seed)
    if batch:
        other = _random_camera(seed + 1)
        names = ('focal', 'centre', 'radial', 'tangential', 'rotation', 'position')
        camera = Camera(**{n: np.stack([getattr(camera, n), getattr(other, n)]) for n in names})
    depth = rng.uniform(2, 8, (2, 3, 17))
    points = np.concatenate([rng.uniform(-0.4, 0.4, (2, 3, 17, 2)), np.ones((2, 3, 17, 1))], -1) * depth[..., None]
    again = backproject(project(points, camera, distort), depth, camera, distort)
    np.testing.assert_allclose(again, points, atol=1e-8)
    world = camera_to_world(points, camera)
    np.testing.assert_allclose(world_to_camera(world, camera), points, atol=1e-9)


def test_projection_is_differentiable():
    camera = _random_camera(0)
    points = (torch.randn(2, 3, dtype=torch.float64) * 0.3 + torch.tensor([0, 0, 4.0])).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: project(world_to_camera(p, camera), camera) / 100, points)
    pixels = project(points.detach(), camera).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: backproject(p, points[:, 2].detach(), camera), pixels)


def test_a_camera_survives_its_file():
    camera = _random_camera(3)
    again = Camera.from_dict(json.loads(json.dumps(camera.to_dict())))
    for field in ('focal', 'centre', 'radial', 'tangential', 'rotation', 'position', 'size'):
        assert np.array_equal(getattr(again, field), getattr(camera, field))
    assert again.size == (1000, 1002) and Camera.from_dict({'focal': (1, 1), 'centre': (0, 0)}).size is None


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), roll=st.floats(-3, 3))
def test_look_at_puts_the_target_in_the_middle(seed, roll):
    rng = np.random.default_rng(seed)
    position, target = rng.normal(size=(2, 3))
    rotation = look_at(position, target, roll)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(rotation), 1)
    camera = Camera((1, 1), (0, 0), rotation=rotation, position=position)
    np.testing.assert_allclose(world_to_camera(target, camera), [0, 0, np.linalg.norm(target - position)], atol=1e-9)
    above = project(world_to_camera(target + [0, 0, 1e-6], camera), camera)
    # a camera turned clockwise by the roll sees "up" turned the other way; y is down in the picture
    np.testing.assert_allclose(np.arctan2(above[0], -above[1]), -roll, atol=1e-3)


@pytest.mark.parametrize(('call', 'message'), [
    (lambda: Camera(focal=(1, 1, 1), centre=(0, 0)), r'focal has shape \(3,\), expected \(2,\)'),
    (lambda: Camera(focal=(1, 1), centre=(0, 0), rotation=np.zeros(9)), 'rotation has shape'),
    (lambda: Camera.from_dict({'focal': (1, 1)}), 'expected focal, centre'),
    (lambda: Camera.from_dict({'focal': (1, 1), 'centre': (0, 0), 'zoom': 1}), 'zoom'),
    (lambda: Camera((1, 1), (0, 0)).normalized(), 'has no size'),
    (lambda: look_at((0, 0, 3), (0, 0, 0)), 'no right side'),
    (lambda: look_at((0, 0, 3), (0, 0, 3)), 'no right side'),
    (lambda: project(np.ones((2, 3)), Camera(np.ones((2, 2)), (0, 0))), 'for as many cameras'),
])  # fmt: skip
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
