import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.datasets.transforms import VirtualCamera
from poselifter.structures import check_sample


@pytest.fixture(scope='module')
def world(data_dir):
    with np.load(data_dir / 'cmu_tiny.npz') as file:
        clips = [slice(s, s + n) for s, n in zip(file['clip_start'], file['clip_len'], strict=True)]
        poses = file['poses'] * file['unit_m'] + file['root'][:, None]
    return [poses[clip].astype(np.float32) for clip in clips]


def film(world, seed):
    key = [seed, 0, 0, 0]
    return VirtualCamera()({'world_keypoints': world, 'skeleton_3d': 'cmu17', 'random_key': key})


@pytest.mark.parametrize('seed', range(5))
def test_every_joint_is_inside_the_picture(world, seed):
    for clip in world:
        sample = film(clip, seed)
        check_sample(sample)
        height, width = sample['img_shape']
        assert (sample['keypoints'] >= 0).all()
        assert (sample['keypoints'] <= [width, height]).all()
        assert (sample['lifting_target'][..., 2] > 0.5).all()


def test_distances_are_kept_and_the_camera_stands_upright(world):
    for seed, clip in enumerate(world):
        sample = film(clip, seed)
        pairs = np.linalg.norm(clip[:, :, None] - clip[:, None], axis=-1)
        seen = sample['lifting_target']
        np.testing.assert_allclose(np.linalg.norm(seen[:, :, None] - seen[:, None], axis=-1), pairs, atol=1e-3)
        up = clip[0, 0] + [0, 0, 1]
        camera = sample['camera_param']
        down_in_picture = np.asarray(camera['rotation']) @ (up - clip[0, 0])
        assert down_in_picture[1] < -0.5  # y points down, so what is higher has a smaller y


def test_values_are_those_of_people_with_cameras(world):
    cameras = [film(clip, seed)['camera_param'] for seed in range(10) for clip in world]
    height = np.array([c['position'][2] for c in cameras])
    assert height.min() >= 0.5
    assert height.max() <= 2.2
    focal = np.array([c['focal'][0] / max(c['size']) for c in cameras])
    assert (focal < 0.5 / np.tan(np.radians(35) / 2) + 1e-6).all()
    assert (focal > 0.8 * 0.5 / np.tan(np.radians(80) / 2)).mean() > 0.99


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.floats(0.1, 10))
def test_any_cloud_of_points_is_seen(seed, scale):
    points = np.random.default_rng(seed).normal(0, scale, (1, 17, 3)).astype(np.float32)
    sample = film(points, seed)
    height, width = sample['img_shape']
    assert (sample['keypoints'] > -1).all()
    assert (sample['keypoints'] < np.array([width, height]) + 1).all()


@pytest.mark.parametrize(('side', 'axis'), [(0, 0), (180, 0), (90, 2), (270, 2)])
def test_it_stands_where_the_front_of_the_body_points(world, side, axis):
    camera = VirtualCamera(facing=[side], roll=0, height=(1, 1), distance=(1000, 1000), fov=(0.4, 0.4))
    for clip in world:
        sample = {'world_keypoints': clip, 'skeleton_3d': 'cmu17', 'random_key': [0, 0, 0, 0]}
        left, right = camera(sample)['lifting_target'][0, [4, 1]]  # hips; x to the right of the picture, z away
        across = left - right
        assert abs(across[2 - axis]) < 2e-2 * np.linalg.norm(across)  # seen along, or across, the line of the hips
        # from the front the left hip is on the right of the picture; from the body's left side the left one is nearer
        assert (across[axis] > 0) == (side in (0, 270))


def test_sides_are_drawn(world):
    camera, seen = VirtualCamera(facing=(0, 90), roll=0), set()
    for seed in range(20):
        sample = {'world_keypoints': world[0], 'skeleton_3d': 'cmu17', 'random_key': [seed, 0, 0, 0]}
        left, right = camera(sample)['lifting_target'][0, [4, 1]]
        seen.add(abs(left[0] - right[0]) > abs(left[2] - right[2]))
    assert seen == {True, False}
