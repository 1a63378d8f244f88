"""Inference: any length, gaps, frame rates, joint sets; checked by what must not matter."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from poselifter.apis import Pose3DInferencer, inference_lifter, init_model, lift_table
from poselifter.errors import InputError
from poselifter.structures import KeypointTable
from poselifter.tracking import interpolate


@pytest.fixture(scope='module')
def model(repository):
    torch.manual_seed(0)
    return init_model(Config.fromfile(repository / 'configs/mixste/procedural_27.py'))


@pytest.mark.parametrize('n_frames', [1, 5, 27, 28, 100])
def test_any_length(model, n_frames, walk):
    poses = inference_lifter(model, walk(n_frames), img_shape=(1000, 1000))
    assert poses.shape == (n_frames, 17, 3)
    assert poses.dtype == np.float32
    assert np.isfinite(poses).all()
    assert (poses[:, 0] == 0).all()


def test_mirrored_input_gives_the_mirrored_pose(model, walk):
    """Exactly, since test-time averaging sees both anyway; pixels mirror about the middle of the picture."""
    order = model.codec.skeleton.flip_indices
    keypoints = walk(40)
    mirrored = (np.array([1000, 0]) + np.array([-1, 1]) * keypoints)[:, order]
    one = inference_lifter(model, keypoints, img_shape=(1000, 1000))
    other = inference_lifter(model, mirrored, img_shape=(1000, 1000))
    np.testing.assert_allclose(other, (one * [-1, 1, 1])[:, order], atol=1e-4)


def test_missing_joints_may_hold_anything(model, walk):
    keypoints, visible = walk(30), np.ones((30, 17))
    visible[4, 3] = visible[9] = 0
    one = inference_lifter(model, keypoints, visible, (1000, 1000))
    changed = keypoints.copy()
    changed[4, 3], changed[9] = np.nan, 0
    np.testing.assert_array_equal(inference_lifter(model, changed, visible, (1000, 1000)), one)


def test_frame_rate_is_resampled(model, walk):
    """A clip at twice the rate is lifted as the clip at the model's rate, and comes back at its own."""
    slow = walk(41)
    fast = interpolate(slow, np.arange(81) / 2)
    at_30 = inference_lifter(model, slow, img_shape=(1000, 1000), fps=30)
    at_60 = inference_lifter(model, fast, img_shape=(1000, 1000), fps=60)
    assert at_60.shape == (81, 17, 3)
    np.testing.assert_allclose(at_60[::2][:30], at_30[:30], atol=2e-3)


def test_persons_do_not_see_each_other_and_order_does_not_matter(model, walk):
    a, b = walk(35, 1), walk(20, 2)
    keypoints = np.concatenate([b, a])
    frames = np.concatenate([np.arange(20) + 7, np.arange(35)])
    tracks = np.array(['b'] * 20 + ['a'] * 35)
    shuffled = np.random.default_rng(0).permutation(55)
    table = KeypointTable(
        keypoints[shuffled], np.ones((55, 17)), frames[shuffled], tracks[shuffled], img_shape=(1000, 1000)
    )
    poses = lift_table(model, table)
    np.testing.assert_allclose(poses[:35], inference_lifter(model, a, img_shape=(1000, 1000)), atol=1e-5)
    np.testing.assert_allclose(poses[35:], inference_lifter(model, b, img_shape=(1000, 1000)), atol=1e-5)


def test_gap_is_time_that_passes(model, walk):
    """Frames that are absent are seen as empty: the same as present with nothing visible."""
    keypoints, visible = walk(30), np.ones((30, 17))
    visible[10:13] = 0
    kept = np.r_[0:10, 13:30]
    table = KeypointTable.of_person(keypoints[kept], visible[kept], kept, img_shape=(1000, 1000))
    whole = inference_lifter(model, keypoints, visible, (1000, 1000))
    np.testing.assert_allclose(lift_table(model, table), whole[kept], atol=1e-5)


def test_long_gap_starts_a_new_walk(model, walk):
    keypoints = walk(40)
    frames = np.r_[0:20, 10**9 : 10**9 + 20]
    table = KeypointTable.of_person(keypoints, None, frames, img_shape=(1000, 1000))
    expected = inference_lifter(model, keypoints[20:], img_shape=(1000, 1000))
    np.testing.assert_allclose(lift_table(model, table)[20:], expected, atol=1e-5)


def test_joint_sets_are_converted(model, walk):
    poses = inference_lifter(model, walk(10, joints=26), img_shape=(1000, 1000), skeleton='halpe26')
    assert poses.shape == (10, 17, 3)
    with pytest.raises(InputError, match='26'):
        inference_lifter(model, walk(10, joints=25), skeleton='halpe26')
    with pytest.raises(InputError, match='halpe62'):
        inference_lifter(model, walk(10, joints=26), skeleton='halpe62')


def test_batch_size_does_not_matter_and_does_not_stay(model, walk):
    table = KeypointTable.of_person(walk(100), img_shape=(1000, 1000), fps=30)
    seen = []
    hook = model.backbone.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    inferencer = Pose3DInferencer(model)
    small, usual = (next(inferencer(table, batch_size=size))['predictions']['keypoints_3d'] for size in (3, None))
    hook.remove()
    np.testing.assert_allclose(small, usual, atol=1e-5)
    assert seen[0] == 6 and len(set(seen[-1:])) == 1 and seen[-1] > 6  # plain and mirrored windows


def test_wrong_inputs(model, tmp_path, walk):
    keypoints = walk(10)
    keypoints[3, 5, 0] = np.nan
    with pytest.raises(InputError, match='row 3, joint 5'):
        inference_lifter(model, keypoints)
    with pytest.raises(InputError, match=r'expected \(N, J, 2\)'):
        inference_lifter(model, np.zeros((10, 34)))
    with pytest.raises(InputError, match='no model of the zoo'):
        init_model('no_such_model')
    with pytest.raises(InputError, match='device'):
        init_model(model.cfg, device='cuda:99')
    (tmp_path / 'empty.pth').write_bytes(b'')
    with pytest.raises(InputError, match=r'empty\.pth'):
        init_model(model.cfg, tmp_path / 'empty.pth')
