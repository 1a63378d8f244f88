import pytest
import torch

from poselifter.models.losses import reprojection


def poses():
    g = torch.Generator().manual_seed(2)
    pred = torch.randn(2, 4, 17, 3, generator=g, dtype=torch.float64).requires_grad_()
    weight = torch.rand(2, 4, 17, generator=g, dtype=torch.float64)
    return pred, torch.randn(2, 4, 17, 2, generator=g, dtype=torch.float64), weight


def test_a_target_that_is_a_multiple_of_the_prediction_costs_nothing():
    pred, _, weight = poses()
    scales = torch.tensor([[0.01, 0.5, 3.0, 200.0], [1.0, 7.0, 0.2, 40.0]]).double()[..., None, None]
    target = pred.detach()[..., :2] * scales
    assert reprojection(pred, target, weight, fit_scale=True).item() == pytest.approx(0, abs=1e-14)
    assert reprojection(pred, -target, weight, fit_scale=True) > 1  # a mirrored person is no multiple


@pytest.mark.parametrize('near', [True, False])
def test_the_gradient_neither_shrinks_nor_grows_poses(near):
    """Near a fit and far from it; and not along the depth, of which the picture says nothing."""
    pred, target, weight = poses()
    target = 2 * pred.detach()[..., :2] + 0.3 * target if near else target
    (grad,) = torch.autograd.grad(reprojection(pred, target, weight, fit_scale=True), pred)
    along = (grad * pred).sum((-2, -1)) / (grad.norm(dim=(-2, -1)) * pred.norm(dim=(-2, -1)))
    torch.testing.assert_close(along, torch.zeros(2, 4).double(), rtol=0, atol=1e-12)
    assert grad[..., :2].abs().sum() > 0 and not grad[..., 2].any()
    # its size is that of the plain loss in the prediction's own unit, whatever the target's is
    (scaled,) = torch.autograd.grad(reprojection(pred, 1000 * target, weight, fit_scale=True), pred)
    torch.testing.assert_close(scaled, grad)


def test_steps_turn_poses_towards_the_picture():
    pred, target, weight = poses()
    moved, before = pred.detach().clone(), reprojection(pred, target, weight, fit_scale=True).item()
    for _ in range(200):
        moved.requires_grad_()
        (grad,) = torch.autograd.grad(reprojection(moved, target, weight, fit_scale=True), moved)
        moved = (moved - 0.5 * grad).detach()
    assert reprojection(moved, target, weight, fit_scale=True) < 0.7 * before
    size = moved[..., :2].norm(dim=(-2, -1)) / pred[..., :2].norm(dim=(-2, -1))
    assert size.min() >= 1 and size.max() < 1.1  # finite steps along a sphere leave it outwards
