import numpy as np
import pytest
import torch

from poselifter.codecs import RootRelativeLifting
from poselifter.errors import InputError
from poselifter.skeletons import flip_keypoints


def sample(rng, n_frames=6):
    return {
        'keypoints': rng.uniform(0, 1000, (n_frames, 17, 2)),
        'keypoints_visible': rng.uniform(0.1, 1, (n_frames, 17)), 'img_shape': (1002, 1000),
        'lifting_target': rng.normal(0, 1, (n_frames, 17, 3)) + [0, 0, 4],
        'lifting_target_visible': np.ones((n_frames, 17)), 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17',
    }  # fmt: skip


def test_missing_joints_may_stay_where_they_are(rng):
    """Of MotionBERT's bodies, as released; what is no number is 0 all the same."""
    clip = sample(rng)
    clip['keypoints_visible'][2] = 0
    clip['keypoints'][2, 3] = np.nan
    kept = RootRelativeLifting(confidence=True, keep_missing=True).encode(clip)['inputs']
    assert (kept[2, 3] == 0).all() and (kept[2, :, 2] == 0).all()
    others = np.delete(np.arange(17), 3)
    np.testing.assert_allclose(kept[2, others, 0], clip['keypoints'][2, others, 0] / 500 - 1, atol=1e-6)


def boxed(inputs):
    return RootRelativeLifting(confidence=True, window_box=True).normalize_window(inputs)


def test_box_coordinates_do_not_depend_on_place_and_size(rng):
    inputs = torch.from_numpy(RootRelativeLifting(confidence=True).encode(sample(rng))['inputs'])[None]
    moved = inputs.clone()
    moved[..., :2] = moved[..., :2] * 0.4 + torch.tensor([0.3, -0.1])
    one, other = boxed(inputs), boxed(moved)
    torch.testing.assert_close(one[..., :3], other[..., :3], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other[..., 5], one[..., 5] + np.log(0.4), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other[..., 3:5], one[..., 3:5] * 0.4 + torch.tensor([0.3, -0.1]), atol=1e-5, rtol=1e-5)


def test_box_does_not_see_what_missing_joints_hold(rng):
    inputs = torch.from_numpy(RootRelativeLifting(confidence=True).encode(sample(rng))['inputs'])[None]
    inputs[0, 1, 4] = 0
    changed = inputs.clone()
    changed[0, 1, 4, :2] = 7
    torch.testing.assert_close(boxed(inputs), boxed(changed))
    assert (boxed(inputs)[0, 1, 4, :3] == 0).all()


def test_box_of_the_mirrored_clip_is_mirrored(rng):
    inputs = torch.from_numpy(RootRelativeLifting(confidence=True).encode(sample(rng))['inputs'])[None]
    one, other = boxed(inputs), boxed(flip_keypoints(inputs, 'h36m17'))
    torch.testing.assert_close(other[..., :3], flip_keypoints(one[..., :3], 'h36m17'), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other[..., 3], -one[..., 3], atol=1e-5, rtol=1e-5)


def test_empty_window_stays_finite():
    assert boxed(torch.zeros(1, 4, 17, 3)).isfinite().all()


def test_wrong_settings():
    with pytest.raises(InputError, match='unit'):
        RootRelativeLifting(unit='cm')
    with pytest.raises(InputError, match='confidence'):
        RootRelativeLifting(window_box=True)
