import numpy as np
import pytest
import torch
from toy_human import human_motion, human_smpl
from toy_smpl import toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import SMPL, JointsOfBody, fit_body

pytest.importorskip('smplx', reason='body models need smplx')


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
    torch.testing.assert_close(JointsOfBody(body)(rotations, betas), expected, rtol=0, atol=2e-6)


def test_recovers_known_parameters(body, truth):
    vertices, keypoints, joints = truth
    place = torch.linspace(3, 4, 16)[:, None, None] * torch.tensor([0.2, 0.1, 1])
    motion = fit_body(body, keypoints + place, iterations=300)
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
        motion = fit_body(body, truth[1] + size * noise, iterations=150)
        errors.append(mean_distance(posed(body, motion.poses, motion.betas)[1], truth[1]))
    assert errors[0] < errors[1] < errors[2] < 20 * 3**0.5  # the last is the noise itself


def test_joints_without_trust_do_not_matter(body, truth):
    keypoints, weights = truth[1][:4].clone(), torch.ones(4, 17)
    weights[:, 13] = 0  # the left wrist
    one = fit_body(body, keypoints, weights, iterations=30)
    keypoints[:, 13] = 7
    two = fit_body(body, keypoints, weights, iterations=30)
    np.testing.assert_allclose(one.poses, two.poses, atol=1e-4)
    np.testing.assert_allclose(one.betas, two.betas, atol=1e-4)


def test_one_frame_is_enough(body, truth):
    assert fit_body(body, truth[1][:1], iterations=150).error < 0.01


@pytest.mark.parametrize('keypoints', [torch.zeros(3, 16, 3), torch.zeros(0, 17, 3), torch.full((2, 17, 3), torch.nan)])
def test_wrong_input_is_named(body, keypoints):
    with pytest.raises(InputError, match=r'expected finite numbers \(T, 17, 3\)'):
        fit_body(body, keypoints)
