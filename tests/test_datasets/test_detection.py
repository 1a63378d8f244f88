import numpy as np
import pytest

from poselifter.datasets.transforms import DetectedJoints, KeypointNoise, VirtualCamera


@pytest.fixture
def filmed(data_dir):
    with np.load(data_dir / 'cmu_tiny.npz') as file:
        world = (file['poses'] * file['unit_m'] + file['root'][:, None])[:60].astype(np.float32)

    def film(seed):
        return VirtualCamera()({'world_keypoints': world, 'skeleton_3d': 'cmu17', 'random_key': [seed, 0, 0, 0]})

    return film


def test_trunk_lies_where_converted_coco_keypoints_put_it(filmed, rng):
    """As the conversion table has it: pelvis and thorax are means, the spine is the mean of both."""
    pose = filmed(0)['lifting_target']
    points = DetectedJoints.surface_points(pose, rng)
    np.testing.assert_allclose(points[:, 0], (points[:, 1] + points[:, 4]) / 2, atol=1e-6)
    np.testing.assert_allclose(points[:, 8], (points[:, 11] + points[:, 14]) / 2, atol=1e-6)
    np.testing.assert_allclose(points[:, 7], (points[:, 0] + points[:, 8]) / 2, atol=1e-6)


def test_offsets_are_anatomical(filmed):
    """Hips never inside the joint centres, nose in front of the face, nothing further off than a hand's breadth."""
    for seed in range(20):
        pose = filmed(seed)['lifting_target']
        points = DetectedJoints.surface_points(pose, np.random.default_rng(seed))
        wide = np.linalg.norm(points[:, 1] - points[:, 4], axis=-1) / np.linalg.norm(pose[:, 1] - pose[:, 4], axis=-1)
        assert (wide > 0.75).all()
        assert (wide < 1.75).all()
        assert np.linalg.norm(points - pose, axis=-1)[:, [2, 3, 5, 6, 12, 13, 15, 16]].max() < 0.05
        left = pose[:, 11] - pose[:, 14]
        up = pose[:, 10] - pose[:, 9]
        forward = np.cross(left, up)  # the data's README: forward = left x up
        assert (((points[:, 9] - pose[:, 9]) * forward).sum(-1) > 0).all()


def test_target_stays(filmed):
    sample = filmed(0)
    moved = DetectedJoints(prob=1)(dict(sample))
    np.testing.assert_array_equal(moved['lifting_target'], sample['lifting_target'])
    assert moved['skeleton'] == 'h36m17'
    assert not np.allclose(moved['keypoints'], sample['keypoints'])
    kept = DetectedJoints(prob=0)(dict(filmed(0)))
    np.testing.assert_array_equal(kept['keypoints'], sample['keypoints'])


def test_noise_scales_with_the_person(filmed):
    sample = filmed(1)
    small = {**sample, 'keypoints': sample['keypoints'] / 4, 'random_key': list(sample['random_key'])}
    noise = KeypointNoise()
    big_error = noise(dict(sample, random_key=list(sample['random_key'])))['keypoints'] - sample['keypoints']
    small_error = noise(small)['keypoints'] - sample['keypoints'] / 4
    np.testing.assert_allclose(small_error, big_error / 4, atol=1e-3)


def test_noise_statistics(filmed):
    """Median error of about 1 % of the person; confidence falls with the error; some joints are missing."""
    errors, visible = [], []
    for seed in range(40):
        sample = filmed(seed)
        noisy = KeypointNoise()(dict(sample))
        size = np.median(np.ptp(sample['keypoints'], axis=1).max(-1))
        errors.append(np.linalg.norm(noisy['keypoints'] - sample['keypoints'], axis=-1) / size)
        visible.append(noisy['keypoints_visible'])
    errors, visible = np.concatenate(errors), np.concatenate(visible)
    assert 0.005 < np.median(errors) < 0.02
    assert 0.005 < (visible == 0).mean() < 0.06
    found = visible > 0
    assert np.corrcoef(errors[found], visible[found])[0, 1] < -0.5
    assert visible.max() <= 1


def test_missing_stays_missing(filmed):
    sample = filmed(2)
    sample['keypoints_visible'][5, 3] = 0
    assert KeypointNoise()(sample)['keypoints_visible'][5, 3] == 0
