import pytest
import torch

from poselifter.apis import load_official
from poselifter.errors import InputError
from poselifter.geometry import Camera, project
from poselifter.models.estimators import MotionEstimator
from poselifter.models.heads import PoseRefiner, reproject_depth
from poselifter.structures import MotionDataSample


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


def test_root_and_unit_are_those_of_the_data():
    inputs, sample = films(2)
    torch.manual_seed(0)
    metres, millimetres = PoseRefiner(17, 8, root=14).eval(), PoseRefiner(17, 8, root=14, unit='mm').eval()
    millimetres.load_state_dict(metres.state_dict())
    sample.inputs, poses = inputs, sample.lifting_target - sample.lifting_target[:, :, 14:15]
    torch.testing.assert_close(metres.reproject(poses, sample), poses, rtol=0, atol=1e-5)  # of the true depths
    [expected], [found] = metres.predict(poses, sample).values(), millimetres.predict(1000 * poses, sample).values()
    torch.testing.assert_close(found, 1000 * expected, rtol=1e-4, atol=1e-2)
    with pytest.raises(InputError, match="unit is 'cm', expected"):
        PoseRefiner(unit='cm')


def test_size_and_dropout_as_released():
    refiner = PoseRefiner()
    assert sum(p.numel() for p in refiner.parameters()) == 140_322
    assert refiner.drop.p == 0.5
    pose, reprojected = torch.randn(2, 1, 1, 17, 3)
    assert not torch.equal(refiner(pose, reprojected), refiner(pose, reprojected))
    refiner.eval()
    assert torch.equal(refiner(pose, reprojected), refiner(pose, reprojected))


FRAMES, JOINTS = 3, 17
LIFTER = {
    'backbone': {'type': 'STMO', 'num_frames': FRAMES, 'embed_dims': 16, 'depth': 1, 'feedforward_dims': 16},
    'neck': {'type': 'ManyToOneAggregator', 'feedforward_dims': 16, 'strides': [3]},
    'codec': {'type': 'RootRelativeLifting'},
}
CAMERA = Camera((1145.0, 1143.0), (512.0, 515.0), size=(1000, 1002))


def lifter(losses=()):
    """P-STMO with the refiner, made to learn the refined pose alone."""
    torch.manual_seed(0)
    pose = {'type': 'PoseHead', 'num_joints': JOINTS, 'norm': 'batch', 'feature': 'single', 'losses': losses}
    return MotionEstimator(heads={'pose': pose, 'refined': {'type': 'PoseRefiner', 'hidden_dims': 32}}, **LIFTER)


def films(count, frames=FRAMES):
    """(inputs, stacked sample) of poses in front of the camera."""
    g = torch.Generator().manual_seed(1)
    poses = torch.randn(count, frames, JOINTS, 3, generator=g) * 0.3 + torch.tensor([0.2, -0.1, 4.0])
    sample = MotionDataSample(
        metainfo={'camera_param': [CAMERA.to_dict()] * count, 'img_shape': [(1002, 1000)] * count}
    )
    inputs = project(poses, CAMERA.normalized()).float()
    sample.set_data({'inputs': inputs, 'lifting_target': poses, 'target': poses - poses[:, :, :1]})
    return inputs, sample


def test_training_learns_the_refined_pose():
    """The lifting network learns through it, as in the official run; the loss is that of the centre frame."""
    model, (inputs, sample) = lifter().train(), films(8)
    losses = model(inputs, sample, mode='loss')
    assert list(losses) == ['refined.loss_mpjpe']
    losses['refined.loss_mpjpe'].backward()
    assert model.backbone.spatial.last.weight.grad.any()
    model.eval()
    poses = model.pose(inputs)
    reprojected = reproject_depth(
        poses[..., 2], inputs[:, 1:2], sample.lifting_target[:, 1:2, 0, 2], camera_of_batch(len(inputs))
    )
    expected = (model.heads['refined'](poses, reprojected) - sample.target[:, 1:2]).norm(dim=-1).mean()
    torch.testing.assert_close(model(inputs, sample, mode='loss')['refined.loss_mpjpe'], expected)


def camera_of_batch(count):
    camera = CAMERA.normalized()
    return Camera(
        torch.tensor(camera.focal).float().expand(count, 2), torch.tensor(camera.centre).float().expand(count, 2)
    )


def test_sequences_are_refined_after_the_mean_with_the_mirrored_ones():
    model, (inputs, batch) = lifter().eval(), films(1, frames=7)
    sample = MotionDataSample(metainfo={'camera_param': CAMERA.to_dict(), 'img_shape': (1002, 1000)})
    sample.set_data({key: batch.get(key)[0] for key in ('inputs', 'lifting_target')})
    mean = model.over_time([inputs[0]], ['pose'])[0]['pose']  # root at zero, which the refiner must not see
    model.zero_root = False
    raw = model.lift([inputs[0]])[0][None]
    reprojected = reproject_depth(raw[..., 2], inputs, batch.lifting_target[..., 0, 2], camera_of_batch(1))
    expected = model.heads['refined'](raw, reprojected)[0]
    with torch.no_grad():
        [result] = model([inputs[0]], [sample], mode='predict')
    torch.testing.assert_close(result.pred_keypoints_3d, expected)
    assert (mean - expected).abs().max() > 1e-3
    for key in ('camera_param', 'lifting_target'):
        less = sample.clone()
        less.pop(key)
        with pytest.raises(InputError, match=rf"samples lack \['{key}'\]; add arrays to the keys of PackPose"):
            model([inputs[0]], [less], mode='predict')


def test_it_stands_beside_a_head_that_lifts():
    with pytest.raises(InputError, match=r"'refined' reads the poses of a head pose, found the heads \['refined'\]"):
        MotionEstimator(heads={'refined': {'type': 'PoseRefiner'}}, **LIFTER)
