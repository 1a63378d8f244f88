"""Bodies of the free model from keypoints: labels against the body itself, mirrors, meshes of known bodies."""

import numpy as np
import pytest
import torch
from toy_bodies import posed, walkers

from poselifter.datasets.transforms import BodyDetections
from poselifter.datasets.transforms.body_detections import BONES20
from poselifter.models.body_models import AnnyBody, Articulation, load_body_model
from poselifter.models.body_models.articulation import COMMON, PARENTS
from poselifter.models.heads import AnyBodyHead
from poselifter.skeletons import flip_bone_rotations, get_skeleton
from poselifter.structures import MotionDataSample, WindowPolicy

LABELLED = dict(type='BodyDetections', spread=0, labels=True)
JOINTS = {1: 'upperleg01.R', 2: 'lowerleg01.R', 3: 'foot.R', 4: 'upperleg01.L', 5: 'lowerleg01.L', 6: 'foot.L'}


@pytest.fixture(scope='module')
def body():
    return AnnyBody()


@pytest.fixture(scope='module')
def head(body):
    torch.manual_seed(0)
    return AnyBodyHead(in_channels=4, body_model=body, hidden_dims=16).eval()


def placed(body, arrays, frame):
    """Heads of the bones by name, from the hips' middle, of the labels of a frame of all clips."""
    rotations = Articulation(body).to_body(torch.from_numpy(arrays['body_rotations'][:, frame]))
    heads = torch.stack([body(r, s)[1] for r, s in zip(rotations, torch.from_numpy(arrays['body_shape']), strict=True)])
    place = dict(zip(body.bone_names, heads.unbind(1), strict=True))
    middle = (place['upperleg01.L'] + place['upperleg01.R']) / 2
    return {name: (x - middle).numpy() for name, x in place.items()}


def test_bones_have_one_order():
    plain = [name.replace('Left', 'left_').replace('Right', 'right_').lower() for name in COMMON]
    words = {'shoulder': 'collar', 'forearm': 'forearm', 'arm': 'upper_arm', 'upleg': 'thigh', 'leg': 'shin'}
    expected = [
        f'{side}_{words.get(part, part)}' if part else side for side, _, part in (name.partition('_') for name in plain)
    ]
    assert list(get_skeleton('bones20').joint_names) == expected
    assert [COMMON[p] if p >= 0 else '' for p in get_skeleton('bones20').parents] == list(PARENTS.values())
    assert len(BONES20) == len(COMMON)


@pytest.mark.parametrize('filmed', [False, True])
def test_labels_pose_the_body_that_is_seen(body, filmed):
    """Legs to 2 mm, arms and head to 4 cm: the bones of neck and collar share their turn."""
    camera = [dict(type='WideCamera')] if filmed else []
    arrays = posed([LABELLED, *camera], walkers(4))
    joints = arrays['lifting_target' if filmed else 'world_keypoints'][:, 13]
    place = placed(body, arrays, 13)
    joints = joints - joints[:, :1]
    for number, name in JOINTS.items():
        np.testing.assert_allclose(place[name], joints[:, number], atol=2e-3, err_msg=name)
    for number, name in {12: 'lowerarm01.L', 13: 'wrist.L', 15: 'lowerarm01.R', 16: 'wrist.R', 9: 'head'}.items():
        assert np.linalg.norm(place[name] - joints[:, number], axis=-1).max() < 0.04, name


def test_mirrored_labels_are_the_mirrored_body(body):
    samples = walkers(3)
    arrays = posed([LABELLED, dict(type='WideCamera')], samples)
    mirrored = {**arrays, 'body_rotations': flip_bone_rotations(arrays['body_rotations'])}
    np.testing.assert_array_equal(flip_bone_rotations(mirrored['body_rotations']), arrays['body_rotations'])
    one, two = placed(body, arrays, 5), placed(body, mirrored, 5)
    for left in ('wrist.L', 'foot.L', 'lowerarm01.L', 'eye.L'):
        other = left.replace('.L', '.R')
        np.testing.assert_allclose(one[left] * [-1, 1, 1], two[other], atol=2e-3)
        np.testing.assert_allclose(one[other] * [-1, 1, 1], two[left], atol=2e-3)
    loader = [LABELLED, dict(type='WideCamera'), dict(type='FlipPose', prob=1)]
    np.testing.assert_allclose(posed(loader, walkers(3))['body_rotations'], mirrored['body_rotations'], atol=1e-6)


def test_meshes_of_known_bodies(head):
    """What is predicted exactly has no error; the meshes of the file are not saved."""
    arrays = posed([LABELLED, dict(type='WideCamera')], walkers(1))
    rotations, shape = (torch.from_numpy(arrays[key][0]) for key in ('body_rotations', 'body_shape'))
    cut = WindowPolicy(length=27).cut(27)
    bodies = {'rotations': rotations[None], 'shape': shape.expand(1, 27, -1)}
    sample = MotionDataSample()
    sample.set_data({'body_rotations': rotations, 'body_shape': shape})
    fields = head.recover(bodies, cut, sample, merge=True)
    torch.testing.assert_close(fields['pred_vertices'], fields['vertices'], atol=1e-5, rtol=0)
    assert fields['pred_keypoints_3d'].shape == (27, 17, 3)
    knees = head.heads(rotations[None], shape[None])[0]
    names = [head.body_model.bone_names[bone] for bone in head.articulation.moving]
    shin = knees[:, names.index('lowerleg01.L')] - knees[:, names.index('foot.L')]
    expected = fields['pred_keypoints_3d'][:, 5] - fields['pred_keypoints_3d'][:, 6]
    assert (shin.norm(dim=-1) - expected.norm(dim=-1)).abs().max() < 0.05  # its keypoints are not its bones' heads
    assert not any('body_model' in name for name in head.state_dict())


def test_it_learns_a_pose(body):
    torch.manual_seed(0)
    head = AnyBodyHead(in_channels=3, body_model=body, hidden_dims=64, dropout=0)
    arrays = posed([LABELLED, dict(type='WideCamera')], walkers(8))
    sample = MotionDataSample()
    sample.set_data({key: torch.from_numpy(arrays[key]) for key in ('body_rotations', 'body_shape')})
    features = torch.from_numpy(arrays['lifting_target'] - arrays['lifting_target'][:, :, :1])
    optimizer = torch.optim.Adam(head.parameters(), 3e-3)
    first = None
    for _ in range(25):
        losses = head.loss(features, sample)
        first = first or {name: float(value.detach()) for name, value in losses.items()}
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert losses['loss_mpjpe'] < 0.4 * first['loss_mpjpe']
    assert losses['loss_body_shape'] < first['loss_body_shape']


def test_body_by_name(body):
    assert load_body_model(body) is body
    assert load_body_model('anny').kind == 'anny'
    assert BodyDetections(labels=True).labels
