"""The 2.5D image space by its own inverse; MotionBERT's reader and evaluation are in tests/test_codecs."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.geometry import Camera, backproject, camera_to_image_space, project


def test_factor_is_the_distance_over_the_focal_length():
    camera = Camera((1150, 1148), (510, 505))
    pose = np.array([[0.3, -0.2, 5.0], [0.3, -0.2, 5.5]])
    image, factor = camera_to_image_space(pose, camera)
    np.testing.assert_allclose(factor, 5000 / 1150, rtol=1e-5)  # mm per pixel at the root
    np.testing.assert_allclose(image[:, :2], project(pose, camera))
    np.testing.assert_allclose(image[:, 2], [0, 500 * 1150 / 5000], rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), root=st.integers(0, 16))
def test_image_space_and_back(seed, root):
    rng = np.random.default_rng(seed)
    camera = Camera(rng.uniform(500, 2000, 2), rng.uniform(300, 700, 2), rng.uniform(-0.2, 0.2, 3))
    pose = rng.uniform(-0.8, 0.8, (2, 3, 17, 3)) + [0, 0, 4]
    image, factor = camera_to_image_space(pose, camera, root)
    assert factor.shape == (2, 3) and (image[:, :, root, 2] == 0).all()
    depth = image[..., 2] * factor[..., None] / 1000 + pose[..., root, 2][..., None]
    np.testing.assert_allclose(backproject(image[..., :2], depth, camera), pose, atol=1e-9)
    tensor = camera_to_image_space(torch.tensor(pose), camera, root)
    np.testing.assert_allclose(tensor[0], image, atol=1e-9)
    np.testing.assert_allclose(tensor[1], factor, atol=1e-12)


def test_the_factor_alone_is_exact_in_the_root_plane(rng):
    camera, pose = Camera((1000, 1000), (500, 500)), rng.normal(size=(3, 17, 3)) * [1, 1, 0] + [0, 0, 6]
    image, factor = camera_to_image_space(pose, camera)
    relative = (image - image[:, :1]) * factor[:, None, None] / 1000
    np.testing.assert_allclose(relative, pose - pose[:, :1], rtol=1e-5, atol=1e-6)
