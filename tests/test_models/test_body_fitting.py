"""Fits of Anny and of SMPL against bodies of known pose and shape."""

import numpy as np
import pytest
import torch
from toy_human import human_motion, human_smpl
from toy_smpl import toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from poselifter.models.body_models import SMPL, AnnyBody, Articulation, BodyJoints, Known, fit_body
from poselifter.models.body_models.articulation import COMMON
from poselifter.models.body_models.fitting import pose_prior

SAME = Known({}, same_joints=True)


def posed(body, poses, betas):
    """Vertices, keypoints and SMPL's joints, with the pelvis of h36m17 at 0."""
    rotations = axis_angle_to_matrix(torch.as_tensor(poses, dtype=torch.float32).unflatten(-1, (24, 3)))
    with torch.no_grad():
        vertices, joints = body(rotations, torch.as_tensor(betas, dtype=torch.float32))
        keypoints = body.keypoints(vertices)
    return [points - keypoints[:, :1] for points in (vertices, keypoints, joints)]


def mean_distance(a, b):
    return float((a - b).norm(dim=-1).mean()) * 1000


@pytest.fixture(scope='module')
def body():
    return SMPL(human_smpl())


@pytest.fixture(scope='module')
def truth(body):
    poses, betas = human_motion(16)
    return posed(body, poses, betas)


@pytest.mark.parametrize('make', [toy_smpl, human_smpl])
def test_joints_without_vertices_are_the_regressors(make):
    body, (poses, betas) = SMPL(make()), human_motion(3)
    rotations = axis_angle_to_matrix(torch.from_numpy(poses).float().unflatten(-1, (24, 3)))
    betas = torch.from_numpy(betas).float()
    expected = body.keypoints(body(rotations, betas)[0])
    joints = BodyJoints(body, body.joint_weights('h36m17'))
    found = joints(rotations, *joints.rest(betas))[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


def test_recovers_known_parameters(body, truth):
    vertices, keypoints, joints = truth
    place = torch.linspace(3, 4, 16)[:, None, None] * torch.tensor([0.2, 0.1, 1])
    motion = fit_body(body, keypoints + place, noise=0.003, iterations=500, known=SAME)
    found = posed(body, motion.poses, motion.betas)
    assert motion.error < 0.005
    assert mean_distance(found[1], keypoints) < 5
    assert mean_distance(found[2][:, :22], joints[:, :22]) < 15  # turns about a limb's own axis are not measured
    assert mean_distance(found[0], vertices) < 20
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).unflatten(-1, (24, 3)))
    with torch.no_grad():
        placed = (
            body.keypoints(body(rotations, torch.from_numpy(motion.betas))[0]) + torch.from_numpy(motion.trans)[:, None]
        )
    assert mean_distance(placed, keypoints + place) == pytest.approx(motion.error * 1000, abs=0.01)


def test_degrades_smoothly(body, truth):
    noise, errors = torch.randn(truth[1].shape, generator=torch.Generator().manual_seed(0)), []
    for size in (0, 0.01, 0.02):
        motion = fit_body(body, truth[1] + size * noise, iterations=150, known=SAME)
        errors.append(mean_distance(posed(body, motion.poses, motion.betas)[1], truth[1]))
    assert errors[0] < errors[1] < errors[2] < 20 * 3**0.5  # the last is the noise itself


def test_joints_without_trust_do_not_matter(body, truth):
    keypoints, weights = truth[1][:4].clone(), torch.ones(4, 17)
    weights[:, 13] = 0  # the left wrist
    one = fit_body(body, keypoints, weights, iterations=30, known=SAME)
    keypoints[:, 13] = 7
    two = fit_body(body, keypoints, weights, iterations=30, known=SAME)
    np.testing.assert_allclose(one.poses, two.poses, atol=1e-4)
    np.testing.assert_allclose(one.betas, two.betas, atol=1e-4)


@torch.no_grad()  # as callers may have it
def test_one_frame_is_enough(body, truth):
    assert fit_body(body, truth[1][:1], iterations=150, known=SAME).error < 0.01


@pytest.mark.parametrize('keypoints', [torch.zeros(3, 16, 3), torch.zeros(0, 17, 3), torch.full((2, 17, 3), torch.nan)])
def test_wrong_input_is_named(body, keypoints):
    with pytest.raises(InputError, match=r'expected finite numbers \(T, 17, 3\)'):
        fit_body(body, keypoints, known=SAME)


@pytest.fixture(scope='module')
def anny():
    return AnnyBody()


def motion(anny, frames=12, seed=0):
    """Rotations (T, 104, 3, 3) of someone who goes from a pose to another, camera axes, and a shape."""
    mean, factor, limits = pose_prior()
    draw = np.random.default_rng(seed)
    ends = mean.ravel() + 0.7 * draw.normal(size=(2, mean.size)) @ factor.T
    ends = ends.reshape(2, -1, 3).clip(*limits).reshape(2, -1)
    angles = np.concatenate([[[np.pi - 0.3, 0, 0], [np.pi, 0.2, 0.1]], ends], 1).reshape(2, -1, 3)
    mix = (1 - np.cos(np.linspace(0, np.pi, frames)))[:, None, None] / 2
    common = axis_angle_to_matrix(torch.from_numpy(angles[0] + mix * (angles[1] - angles[0])).float())
    shape = anny.default_shape(gender=0.2, weight=0.7, height=0.65)
    shape[6:] = torch.from_numpy(draw.normal(0, 0.3, 9)).float()
    return Articulation(anny).to_body(common), shape


def test_joints_of_anny_without_vertices_are_those_with_them(anny):
    rotations, shape = motion(anny, 3)
    expected = anny.keypoints(anny(rotations, shape)[0])
    joints = BodyJoints(anny, anny.joint_weights('h36m17'), Articulation(anny).moving)
    found = joints(rotations[:, joints.moving], *joints.rest(shape))[0]
    assert torch.allclose(found, expected, atol=2e-6)


def test_a_body_of_known_pose_and_shape_is_found_again(anny):
    rotations, shape = motion(anny)
    with torch.no_grad():
        vertices = anny(rotations, shape)[0] + torch.tensor([0.3, 0.1, 4])
    target = anny.keypoints(vertices)
    fitted = fit_body(anny, target, noise=0.003, known=SAME)
    with torch.no_grad():
        turns = axis_angle_to_matrix(torch.from_numpy(fitted.poses).unflatten(1, (104, 3)))
        found = anny(turns, torch.from_numpy(fitted.betas))[0] + torch.from_numpy(fitted.trans)[:, None]
    error = (anny.keypoints(found) - target).norm(dim=-1).mean()
    assert error < 0.005 and error == pytest.approx(fitted.error, abs=1e-4)
    assert (found - vertices).norm(dim=-1).mean() < 0.015


def test_elbows_and_knees_bend_one_way_and_noise_is_smoothed(anny):
    rotations, shape = motion(anny)
    with torch.no_grad():
        target = anny.keypoints(anny(rotations, shape)[0])
    noisy = target + 0.02 * torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    fitted = fit_body(anny, noisy, noise=0.02, iterations=100, known=SAME)
    poses = fitted.poses.reshape(-1, 104, 3)
    common = Articulation(anny).from_body(axis_angle_to_matrix(torch.from_numpy(poses)))
    knees = matrix_to_axis_angle(common[:, [COMMON.index('LeftLeg'), COMMON.index('RightLeg')]])
    assert knees[..., 0].min() > -0.3 and knees[..., 1:].abs().max() < 0.3
    with torch.no_grad():
        found = anny.keypoints(anny(axis_angle_to_matrix(torch.from_numpy(poses)), torch.from_numpy(fitted.betas))[0])
    found, target, noisy = (x - x[:, :1] for x in (found, target, noisy))
    assert (found - target).norm(dim=-1).mean() < 0.5 * (noisy - target).norm(dim=-1).mean()


def test_what_is_known_of_a_person_is_kept(anny):
    rotations, shape = motion(anny, 4)
    with torch.no_grad():
        target = anny.keypoints(anny(rotations, shape)[0])
    fitted = fit_body(anny, target, noise=0.05, iterations=60, known=Known({'gender': 0.9, 'age': 0.8}, 1.8))
    assert fitted.betas[:2] == pytest.approx([0.9, 0.8], abs=0.05)
    assert np.ptp(anny.rest(torch.from_numpy(fitted.betas)).vertices[:, 1].numpy()) == pytest.approx(1.8, abs=0.03)
    with pytest.raises(InputError, match=r'shape \(4, 5, 3\), expected finite numbers'):
        fit_body(anny, target[:, :5])


def test_heels_and_toes_show_how_feet_stand(anny):
    """Feet of a body are found with body23, and are a guess with cmu17."""
    rotations, shape = motion(anny)
    points, off = anny.joint_weights('body23'), {}
    with torch.no_grad():
        vertices = anny(rotations, shape)[0]
        for skeleton in ('cmu17', 'body23'):
            fitted = fit_body(anny, anny.joint_weights(skeleton) @ vertices, noise=0.003, known=SAME, skeleton=skeleton)
            turns = axis_angle_to_matrix(torch.from_numpy(fitted.poses).unflatten(1, (104, 3)))
            found = anny(turns, torch.from_numpy(fitted.betas))[0] + torch.from_numpy(fitted.trans)[:, None]
            off[skeleton] = (points @ (found - vertices)).norm(dim=-1).mean(0)[-2:].min().item()
    assert off['body23'] < 0.003 and off['cmu17'] > 0.02  # metres, of the big toes
