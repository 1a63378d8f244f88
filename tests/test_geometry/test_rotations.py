import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from poselifter.geometry import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_conjugate,
    quaternion_rotate,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
)

ANGLES = [0, 1e-300, 1e-12, 1e-8, 1e-5, 1e-3, 0.01, 0.02, 0.021, 1, 3, np.pi - 1e-3, np.pi - 1e-6, np.pi - 1e-9, np.pi]
angles = st.one_of(st.sampled_from(ANGLES), st.floats(0, np.pi))


def _axes(seed, count=5):
    axes = np.random.default_rng(seed).normal(size=(count, 3))
    axes[0], axes[1] = (1, 0, 0), (0, -1, 0)
    return axes / np.linalg.norm(axes, axis=-1, keepdims=True)


@settings(max_examples=100, deadline=None)
@given(angle=angles, seed=st.integers(0, 2**32 - 1))
def test_axis_angle_agrees_with_scipy_and_comes_back(angle, seed):
    x = _axes(seed) * angle
    truth = Rotation.from_rotvec(x)
    matrix = axis_angle_to_matrix(x)
    np.testing.assert_allclose(matrix, truth.as_matrix(), atol=1e-14)
    again = matrix_to_axis_angle(matrix)
    assert (np.linalg.norm(again, axis=-1) <= np.pi + 1e-12).all()
    if angle < np.pi - 1e-7:
        np.testing.assert_allclose(again, x, atol=1e-9)
    np.testing.assert_allclose(axis_angle_to_matrix(again), matrix, atol=1e-9)  # at pi both axes are right
    quaternion = axis_angle_to_quaternion(x)
    np.testing.assert_allclose(quaternion, np.roll(truth.as_quat(), 1, axis=-1), atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(matrix_to_quaternion(matrix), axis=-1), 1, atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_four_writings_agree(seed):
    truth = Rotation.from_quat(np.random.default_rng(seed).normal(size=(6, 4)))
    matrix, quaternion = truth.as_matrix(), np.roll(truth.as_quat(canonical=True), 1, axis=-1)
    np.testing.assert_allclose(matrix_to_quaternion(matrix), quaternion, atol=1e-12)
    np.testing.assert_allclose(quaternion_to_matrix(quaternion), matrix, atol=1e-12)
    np.testing.assert_allclose(quaternion_to_axis_angle(-quaternion), truth.as_rotvec(), atol=1e-9)
    np.testing.assert_allclose(rotation_6d_to_matrix(matrix_to_rotation_6d(matrix)), matrix, atol=1e-12)
    tensor = torch.tensor(matrix)
    np.testing.assert_allclose(matrix_to_axis_angle(tensor), matrix_to_axis_angle(matrix), atol=1e-12)
    np.testing.assert_allclose(rotation_6d_to_matrix(matrix_to_rotation_6d(tensor)), matrix, atol=1e-12)


@pytest.mark.parametrize('axis', np.eye(3).tolist() + [[0.6, -0.8, 0], [0, 0.6, 0.8], [3**-0.5] * 3])
def test_half_turns_have_the_right_axis(axis):
    matrix = 2 * np.outer(axis, axis) - np.eye(3)
    x = matrix_to_axis_angle(matrix)
    np.testing.assert_allclose(np.abs(x @ axis), np.pi, atol=1e-7)


def test_videopose3d_rotates_by_quaternions(published):
    case = published('videopose3d', 'qrot')
    np.testing.assert_allclose(quaternion_rotate(case['q'], case['v']), case['out'], atol=1e-12)
    np.testing.assert_allclose(quaternion_conjugate(case['q']), case['conjugate'], atol=0)
    back = quaternion_rotate(torch.tensor(case['conjugate']), torch.tensor(case['out']))
    np.testing.assert_allclose(back, case['back'], atol=1e-12)
    matrix = quaternion_to_matrix(case['q'])
    np.testing.assert_allclose((matrix @ case['v'][..., None])[..., 0], case['out'], atol=1e-12)


def test_motionbert_rotations(published):
    case = published('motionbert', 'rot6d_to_rotmat')
    np.testing.assert_allclose(rotation_6d_to_matrix(torch.tensor(case['x'])), case['out'], atol=1e-6)
    case = published('motionbert', 'rotation_matrix_to_angle_axis')
    np.testing.assert_allclose(matrix_to_axis_angle(torch.tensor(case['R'])), case['out'], atol=1e-5)
    np.testing.assert_allclose(matrix_to_axis_angle(torch.tensor(case['R_identity'])), case['out_identity'], atol=0)
    case = published('motionbert', 'batch_rodrigues')  # which adds 1e-8 to the vector
    matrix = axis_angle_to_matrix(torch.tensor(case['x'])).flatten(-2)
    np.testing.assert_allclose(matrix, case['out'], atol=1e-6)


@pytest.mark.parametrize('angle', [0.0, 1e-9, 1e-3, 0.0199, 0.0201, 1.0, 3.0, np.pi - 1e-4])
def test_gradients(angle):
    x = torch.tensor(_axes(0) * angle, requires_grad=True)
    assert torch.autograd.gradcheck(axis_angle_to_matrix, x)
    if angle < 3.1:  # at pi the axis jumps to its opposite
        assert torch.autograd.gradcheck(lambda x: matrix_to_axis_angle(axis_angle_to_matrix(x)), x)


def test_gradients_of_the_other_writings():
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_6d_to_matrix, x)
    q = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    v = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(quaternion_rotate, (q, v))
    assert torch.autograd.gradcheck(quaternion_to_matrix, q)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_zero_and_identity_have_finite_values_and_gradients(dtype):
    x = torch.zeros(2, 3, dtype=dtype, requires_grad=True)
    y = matrix_to_axis_angle(axis_angle_to_matrix(x))
    assert y.dtype == dtype and torch.equal(y, torch.zeros(2, 3, dtype=dtype))
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))
    six = torch.zeros(6, dtype=dtype, requires_grad=True)
    rotation_6d_to_matrix(six).sum().backward()
    assert torch.isfinite(six.grad).all()
