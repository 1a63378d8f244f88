"""P-STMO's refinement against the official arrays and its formula."""

import pytest
import torch

from poselifter.apis import load_official
from poselifter.geometry import Camera, project
from poselifter.models.heads import PoseRefiner, reproject_depth


def camera_of(numbers):
    """Official numbers (B, 9): focal, centre, radial, tangential, normalised to the screen."""
    return Camera(numbers[:, :2], numbers[:, 2:4], numbers[:, 4:7], numbers[:, 7:])


def test_reprojection_equals_official(parity):
    case = parity('pstmo/functions').functions('uvd_to_xyz')
    uvd, root = case['uvd'], case['truth'][:, :, 0, 2]
    found = reproject_depth(uvd[..., 2], uvd[..., :2], root, camera_of(case['camera']))
    torch.testing.assert_close(found, case['out'], rtol=0, atol=1e-9)


def test_refinement_equals_official(parity):
    case = parity('pstmo/refine')
    pose, root = case.array('input_pose'), case.array('root_truth')[..., 2]
    uv, camera = case.array('input_uv'), camera_of(case.array('camera'))
    reprojected = reproject_depth(pose[..., 2], uv, root, camera)
    torch.testing.assert_close(reprojected, case.array('reprojected'), rtol=0, atol=1e-5)
    refiner = load_official(case.folder / 'checkpoint.pth').network
    torch.testing.assert_close(refiner(pose, reprojected), case.array('output'), rtol=0, atol=1e-5)


def test_true_depth_and_image_points_give_the_true_pose():
    torch.manual_seed(0)
    truth = torch.randn(2, 3, 17, 3, dtype=torch.float64) * 0.3 + torch.tensor([0.2, -0.1, 4.0])
    camera = Camera(torch.tensor([[2.3, 2.2], [1.9, 2.0]]), torch.tensor([[0.02, 0.01], [-0.03, 0.05]]))
    depth = truth[..., 2] - truth[..., :1, 2]
    depth[..., 0] = 7  # the root's own does not count
    found = reproject_depth(depth, project(truth, camera), truth[..., 0, 2], camera)
    torch.testing.assert_close(found, truth - truth[..., :1, :], rtol=0, atol=1e-6)


def test_refiner_by_hand():
    torch.manual_seed(0)
    refiner = PoseRefiner(4, 10).eval()
    pose, reprojected = torch.randn(2, 2, 3, 4, 3)
    rows = torch.stack([torch.cat([pose[:, :, j], reprojected[:, :, j]], -1) for j in range(4)], 2)  # 6 a joint
    hidden = (rows.reshape(2, 3, 24) @ refiner.fc1.weight.T + refiner.fc1.bias).relu()
    share = torch.sigmoid(hidden @ refiner.fc2.weight.T + refiner.fc2.bias).reshape(2, 3, 4, 2)
    found = refiner(pose, reprojected)
    torch.testing.assert_close(found[..., :2], share * pose[..., :2] + (1 - share) * reprojected[..., :2])
    assert torch.equal(found[..., 2], pose[..., 2])


def test_size_and_dropout_as_released():
    refiner = PoseRefiner()
    assert sum(p.numel() for p in refiner.parameters()) == 140_322
    assert refiner.drop.p == 0.5
    pose, reprojected = torch.randn(2, 1, 1, 17, 3)
    assert not torch.equal(refiner(pose, reprojected), refiner(pose, reprojected))
    refiner.eval()
    assert torch.equal(refiner(pose, reprojected), refiner(pose, reprojected))


def test_gradients_reach_the_pose():
    # the official run trains the lifting network through it
    pose = torch.randn(1, 1, 17, 3, requires_grad=True)
    PoseRefiner().eval()(pose, torch.zeros(1, 1, 17, 3)).sum().backward()
    assert pose.grad.all()
    assert pose.grad[..., 2].mean().item() == pytest.approx(1, abs=0.2)  # z passes through
