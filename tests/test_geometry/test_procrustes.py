import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from poselifter.geometry import procrustes, procrustes_align
from poselifter.geometry.procrustes import nearest_rotation


def _error(source, target):
    return np.linalg.norm(np.asarray(procrustes_align(source, target) - target), axis=-1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dims=st.sampled_from([2, 3]), planar=st.booleans())
def test_a_known_similarity_is_recovered(seed, dims, planar):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(2, 4, 17, dims))
    if planar and dims == 3:
        source[..., 2] = 0
    turn = Rotation.from_quat(rng.normal(size=(8, 4))).as_matrix().reshape(2, 4, 3, 3)
    if dims == 2:
        angle = rng.uniform(-np.pi, np.pi, (2, 4))
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(2, 4, 2, 2)
    size, shift = rng.uniform(0.1, 10, (2, 4)), rng.normal(size=(2, 4, dims))
    target = size[..., None, None] * source @ np.swapaxes(turn, -1, -2) + shift[..., None, :]
    for as_kind in (np.asarray, torch.tensor):
        scale, rotation, translation = procrustes(as_kind(source), as_kind(target))
        np.testing.assert_allclose(scale, size, atol=1e-9)
        np.testing.assert_allclose(rotation, turn, atol=1e-9)
        np.testing.assert_allclose(translation, shift, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_error_does_not_see_a_similarity_of_the_source(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 5, 17, 3))
    moved = 3 * source @ Rotation.from_quat(rng.normal(size=4)).as_matrix() + rng.normal(size=3)
    np.testing.assert_allclose(_error(moved, target), _error(source, target), atol=1e-9)
    nothing_better = np.linalg.norm(procrustes_align(source, target) - target, axis=(-2, -1))
    assert (nothing_better <= np.linalg.norm(source - target, axis=(-2, -1)) + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 2),
    values=st.lists(st.sampled_from([0, 1e-12, 1e-6, 0.01, 0.02, 0.3, 1]), min_size=3, max_size=3),
    mirrored=st.booleans(),
    size=st.sampled_from([1e-12, 1, 1e12]),
)
def test_the_rotation_is_the_nearest_whatever_the_singular_values(seed, values, mirrored, size):
    u, v = Rotation.random(20, seed).as_matrix(), Rotation.random(20, seed + 1).as_matrix()
    values = np.array(sorted(values, reverse=True)) * [1, 1, -1 if mirrored else 1]
    rotation = nearest_rotation(size * (u * values) @ np.swapaxes(v, -1, -2))
    np.testing.assert_allclose(rotation @ np.swapaxes(rotation, -1, -2), np.eye(3) + np.zeros((20, 3, 3)), atol=1e-9)
    assert (np.linalg.det(rotation) > 0).all()
    best = np.einsum('nij,nij->n', rotation, (u * values) @ np.swapaxes(v, -1, -2))
    np.testing.assert_allclose(best, values.sum(), atol=1e-12)


def test_a_mirror_image_is_not_matched(rng):
    pose = rng.normal(size=(17, 3))
    _, rotation, _ = procrustes(pose * [-1, 1, 1], pose)
    assert np.isclose(np.linalg.det(rotation), 1) and _error(pose * [-1, 1, 1], pose).mean() > 0.1


def test_joints_of_weight_zero_do_not_count(rng):
    source, target = rng.normal(size=(2, 3, 17, 3))
    target[:, 5:] = 2 * source[:, 5:] @ Rotation.from_quat(rng.normal(size=4)).as_matrix() + 1
    weights = (np.arange(17) >= 5) * np.ones((3, 1))
    aligned = procrustes_align(source, target, weights)
    np.testing.assert_allclose(aligned[:, 5:], target[:, 5:], atol=1e-9)
    repeated = procrustes(np.concatenate([source, source[:, :4]], 1), np.concatenate([target, target[:, :4]], 1))
    doubled = procrustes(source, target, np.where(np.arange(17) < 4, 2.0, 1.0) * np.ones((3, 1)))
    for a, b in zip(repeated, doubled, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


LINE = np.linspace(0, 1, 17)[:, None] * [[1.0, 2.0, 3.0]]
POSE = np.random.default_rng(1).normal(size=(17, 3))
DEGENERATE = {
    'point to pose': (np.full((17, 3), 0.1), POSE),
    'zeros to pose': (np.zeros((17, 3)), POSE),
    'pose to point': (POSE, np.full((17, 3), 0.3)),
    'line to pose': (LINE, POSE),
    'line to line': (LINE, LINE[:, [1, 2, 0]]),
    'symmetric': (np.concatenate([np.eye(3), -np.eye(3)]), np.concatenate([np.eye(3), -np.eye(3)])),
    'mirrored symmetric': (np.concatenate([np.eye(3), -np.eye(3)]), np.concatenate([-np.eye(3), np.eye(3)])),
}


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('case', DEGENERATE)
def test_degenerate_poses_give_finite_results_and_gradients(case, dtype):
    source, target = (torch.tensor(x, dtype=dtype) for x in DEGENERATE[case])
    source = source.requires_grad_()
    scale, rotation, translation = procrustes(source, target)
    aligned = procrustes_align(source, target)
    ((aligned - target) ** 2).sum().backward()
    for x in (scale, rotation, translation, aligned, source.grad):
        assert torch.isfinite(x).all()
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=dtype))
    assert source.grad.abs().max() < 1e4
    in_numpy = procrustes_align(source.detach().numpy(), target.numpy())
    assert np.isfinite(in_numpy).all()


def test_no_weight_at_all_is_the_identity(rng):
    source, target = rng.normal(size=(2, 17, 3))
    np.testing.assert_allclose(procrustes_align(source, target, np.zeros(17)), source, atol=1e-12)


def test_gradient_through_the_alignment():
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(2, 2, 6, 3, dtype=torch.float64, generator=generator)
    target = torch.randn(2, 2, 6, 3, dtype=torch.float64, generator=generator)
    target[0] = source[0] * torch.tensor([-1.0, 1, 1]) + 0.1 * target[0]  # needs the reflection guard
    source[1, 0, :, 2] = 0  # a flat pose
    weights = torch.rand(2, 2, 6, dtype=torch.float64, generator=generator)
    source, target = source.requires_grad_(), target.requires_grad_()
    assert torch.autograd.gradcheck(lambda s, t: procrustes_align(s, t, weights), (source, target))
    assert torch.autograd.gradcheck(lambda s, t: procrustes(s, t), (source, target))
