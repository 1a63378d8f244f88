"""Roots, gravity and feet against closed forms and invariances."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poselifter.geometry import look_at
from poselifter.geometry.feet import bend_legs, bone_lengths, constant_bones, find_contacts, hold_feet, standing_levels
from poselifter.geometry.ground import Landmarks, tilt_of_camera, up_of_camera, up_of_persons, upright_axes
from poselifter.geometry.root import fit_root, smooth_path

RNG = np.random.default_rng(0)


def moving_person(count=90, fps=30.0):
    """Poses (T, 6, 3), a path (T, 3) in front of a camera, and where the joints are seen."""
    times = np.arange(count) / fps
    poses = RNG.normal(size=(1, 6, 3)) * [0.2, 0.5, 0.2] * (1 + 0.1 * np.sin(2 * times)[:, None, None])
    poses[:, 0] = 0
    path = np.stack([np.sin(times), 0.2 * times, 4 + times], -1)
    points = poses + path[:, None]
    return poses, path, points[..., :2] / points[..., 2:]


@pytest.mark.parametrize('cutoff', [None, 3.0])
def test_root_of_exact_projections(cutoff):
    poses, path, rays = moving_person()
    root = fit_root(poses, rays, np.ones(rays.shape[:2]), 30, cutoff)
    assert np.abs(root - path)[10:-10].max() < (1e-6 if cutoff is None else 5e-3)


def test_root_is_robust_and_fills_gaps():
    poses, path, rays = moving_person()
    weights, far = np.ones(rays.shape[:2]), rays.copy()
    far[::3, 2] += 0.3  # a joint that jumps away
    weights[40:48] = 0
    far[40:48] = np.nan
    root = fit_root(poses, far, weights, 30)
    assert np.linalg.norm(root - path, axis=-1)[5:-5].max() < 0.03


def test_root_scales_with_the_pose():
    poses, _, rays = moving_person()
    weights = RNG.uniform(0.2, 1, rays.shape[:2])
    noisy = rays + 0.003 * RNG.normal(size=rays.shape)
    np.testing.assert_allclose(
        fit_root(2 * poses, noisy, weights, 30), 2 * fit_root(poses, noisy, weights, 30), rtol=1e-6
    )


def test_root_at_another_rate():
    poses, path, rays = moving_person(180, 60)
    noisy = rays + 0.004 * RNG.normal(size=rays.shape)
    ones = np.ones(rays.shape[:2])
    both, half = fit_root(poses, noisy, ones, 60), fit_root(poses[::2], noisy[::2], ones[::2], 30)
    errors = [np.linalg.norm(a - b, axis=-1).mean() for a, b in ((both, path), (half, path[::2]))]
    assert errors[0] < errors[1] < 0.06


def test_steps_of_a_standing_foot_improve_depth():
    poses, path, rays = moving_person()
    noisy = rays + 0.01 * RNG.normal(size=rays.shape)
    alone = fit_root(poses, noisy, np.ones(rays.shape[:2]), 30)
    helped = fit_root(poses, noisy, np.ones(rays.shape[:2]), 30, 3.0, np.diff(path, axis=0), np.full(89, 4.0))
    off, less = (np.std((root - path)[:, 2]) for root in (alone, helped))
    assert less < 0.6 * off


def test_smooth_path_halves_the_cutoff_and_passes_slow_motion():
    times = np.arange(600) / 60
    for hertz, gain in ((0.5, 1), (3, 0.5), (15, 0)):
        wave = np.repeat(np.sin(2 * np.pi * hertz * times)[:, None], 3, 1)
        passed = smooth_path(np.tile(np.diag([1, 1, 0.0]), (600, 1, 1)), wave * [1, 1, 0], 60, 3.0)
        assert np.abs(passed[200:400]).max() == pytest.approx(gain, abs=0.03)


@pytest.mark.parametrize(('pitch', 'roll'), [(0, 0), (25, -10), (-30, 170), (80, 5)])
def test_tilt_there_and_back(pitch, roll):
    up = up_of_camera(pitch, roll)
    assert tilt_of_camera(up) == pytest.approx((pitch, roll))
    axes = upright_axes(up)
    np.testing.assert_allclose(axes @ up, [0, 0, 1], atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1) and (axes @ [0, 0, 1])[1] == pytest.approx(np.cos(np.radians(pitch)))


def test_tilt_is_that_of_look_at():
    at = np.array([0, -4, 4 * np.tan(np.radians(20))])
    rotation = look_at(at, (0, 0, 0), roll=np.radians(7))
    assert tilt_of_camera(rotation[:, 2]) == pytest.approx((20, 7))


def test_axes_of_a_camera_that_looks_down():
    axes = upright_axes(np.array([0, 0, -1.0]))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(axes @ [0, -1, 0], [0, 1, 0], atol=1e-12)


JOINTS = Landmarks((0, 1), (2, 3), (4, 5), (6, 7))
STANDING = np.array(  # z up
    [
        [0.1, 0, 0.9],
        [-0.1, 0, 0.9],
        [0.1, 0, 0.5],
        [-0.1, 0, 0.5],
        [0.1, 0, 0.1],
        [-0.1, 0, 0.1],
        [0.2, 0, 1.4],
        [-0.2, 0, 1.4],
    ]
)


def test_up_of_standing_persons_turns_with_them():
    sitting = STANDING.copy()
    sitting[2:6, 1] = -0.4  # the thighs are level, and the trunk leans
    sitting[6:] += [0, 0.3, -0.1]
    poses = np.concatenate([np.tile(STANDING, (20, 1, 1)), np.tile(sitting, (60, 1, 1))])
    turn = Rotation.from_euler('xyz', [100, 20, 5], degrees=True).as_matrix()
    up, standing = up_of_persons(poses @ turn.T, JOINTS)
    assert np.degrees(np.arccos(up @ turn[:, 2])) < 2
    assert standing[:20].min() > 0.9 and standing[20:].max() < 0.2


def walking_feet(fps, noise=0.0):
    """Ankles (T, 2, 3) of a walk: each stands for 0.6 s, then steps 1.2 m in 0.4 s; and when they stand."""
    times = np.arange(int(4 * fps)) / fps
    feet, stands = np.zeros((len(times), 2, 3)), np.zeros((len(times), 2), bool)
    for k, phase in enumerate((times, times + 0.5)):
        part = np.clip((phase % 1 - 0.6) / 0.4, 0, 1)
        stands[:, k] = part == 0
        feet[:, k, 1] = 1.2 * (phase // 1 + part**2 * (3 - 2 * part))
        feet[:, k, 2] = 0.15 * np.sin(np.pi * part)
    return feet + noise * np.random.default_rng(1).normal(size=feet.shape), stands


@pytest.mark.parametrize('fps', [25, 30, 60, 120])
def test_contacts_of_a_walk_at_any_rate(fps):
    feet, stands = walking_feet(fps, noise=0.002)
    found = find_contacts(feet, fps)
    assert (found != stands).mean() < 0.11 and (found & ~stands).sum(0).max() / fps < 0.5
    assert standing_levels(feet + [0, 0, 0.7], fps)[0] == pytest.approx(0.7, abs=0.01)


def test_a_hop_is_no_level_and_a_stage_is_one():
    feet, _ = walking_feet(30)
    hop = feet.copy()
    hop[60:72, :, 2] += np.maximum(0.6 - np.abs(np.arange(-6, 6) * 0.1), 0)[:, None]
    assert len(standing_levels(hop, 30)[0]) == 1
    levels, seconds = standing_levels(np.concatenate([feet, feet + [0, 0, 1.1]]), 30)
    assert levels == pytest.approx([0, 1.1], abs=0.01) and seconds[0] == pytest.approx(seconds[1], abs=0.1)


def test_a_foot_held_high_does_not_stand():
    feet = np.zeros((60, 2, 3))
    feet[:, 1, 2] = 0.4
    assert find_contacts(feet, 30).all(0).tolist() == [True, False]


def test_held_feet_neither_slide_nor_sink():
    feet, stands = walking_feet(30, noise=0.02)
    held = hold_feet(feet, stands)
    both = stands[1:] & stands[:-1]
    assert np.abs(np.diff(held, axis=0)[both]).max() < 1e-12 and held[..., 2].min() == 0
    assert np.linalg.norm(held - feet, axis=-1).mean() < 0.04


def test_legs_keep_their_lengths_and_reach():
    hips, knees, ankles = (RNG.normal(size=(200, 2, 3)) * 0.1 + [0, y, z] for y, z in ((0, 1), (-0.1, 0.55), (0, 0.1)))
    lengths = [np.linalg.norm(b - a, axis=-1) for a, b in ((hips, knees), (knees, ankles))]
    targets = ankles + RNG.normal(size=ankles.shape) * 0.05
    new_knees, new_ankles = bend_legs(hips, knees, ankles, targets, np.broadcast_to([0, -1.0, 0], hips.shape))
    for length, (a, b) in zip(lengths, ((hips, new_knees), (new_knees, new_ankles)), strict=True):
        np.testing.assert_allclose(np.linalg.norm(b - a, axis=-1), length, atol=1e-9)
    distance = np.linalg.norm(targets - hips, axis=-1)
    reach = (distance < 0.999 * sum(lengths)) & (distance > np.abs(lengths[0] - lengths[1]) + 1e-3)
    assert reach.mean() > 0.6
    np.testing.assert_allclose(new_ankles[reach], targets[reach], atol=1e-9)


def test_constant_bones_keep_rigid_poses_and_even_the_others_out():
    parents, pairs = (-1, 0, 1, 0, 3), ((1, 3), (2, 4))
    directions = RNG.normal(size=(50, 5, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    lengths = np.array([0, 0.4, 0.3, 0.4, 0.3])
    rigid = np.zeros((50, 5, 3))
    for joint in range(1, 5):
        rigid[:, joint] = rigid[:, parents[joint]] + lengths[joint] * directions[:, joint]
    np.testing.assert_allclose(bone_lengths(rigid, parents, pairs), lengths, atol=1e-12)
    np.testing.assert_allclose(constant_bones(rigid, parents, lengths), rigid, atol=1e-12)
    uneven = rigid * RNG.uniform(0.9, 1.1, (50, 1, 1))
    uneven = constant_bones(uneven, parents, bone_lengths(uneven, parents, pairs))
    bones = np.linalg.norm(uneven[:, 1:] - uneven[:, list(parents[1:])], axis=-1)
    assert np.ptp(bones, axis=0).max() < 1e-9 and bones[0, 0] == pytest.approx(bones[0, 2])
