"""Poses carried between body models: of other bones, shapes and poses at rest."""

import numpy as np
import pytest
import torch

from poselifter.geometry import axis_angle_to_matrix, rotation_6d_to_matrix
from poselifter.models.body_models import SMPL, AnnyBody, Articulation, BodyJoints, carry_rotations
from poselifter.models.body_models.articulation import COMMON
from poselifter.models.body_models.fitting import pose_prior
from poselifter.skeletons import get_skeleton

#: The bone of Anny whose head is a joint of SMPL; hips, knees and so on of both sides.
JOINTS = {
    'pelvis': 'root', 'hip': 'upperleg01', 'spine1': 'spine05', 'knee': 'lowerleg01', 'spine2': 'spine03',
    'ankle': 'foot', 'spine3': 'spine01', 'foot': 'toe1-1', 'neck': 'neck01', 'collar': 'clavicle', 'head': 'neck03',
    'shoulder': 'upperarm01', 'elbow': 'lowerarm01', 'wrist': 'wrist', 'hand': 'finger3-1',
}  # fmt: skip


@pytest.fixture(scope='module')
def anny():
    return AnnyBody()


def poses(count, seed=0):
    """Rotations (N, C, 3, 3) of the common bones as people commonly turn them; the root turns anyhow."""
    mean, factor, limits = pose_prior()
    draw = np.random.default_rng(seed)
    angles = mean + (draw.normal(size=(count, mean.size)) @ factor.T).reshape(count, -1, 3)
    angles = np.concatenate([draw.normal(size=(count, 1, 3)), angles.clip(*limits)], 1)
    return axis_angle_to_matrix(torch.from_numpy(angles).float())


def smpl_like(anny, rotations, shape):
    """An SMPL body whose joints are those of an Anny of some shape in a pose; each has eight vertices of its own."""
    heads = anny(rotations, shape)[1]
    joints = []
    for name in get_skeleton('smpl24').joint_names:
        side, _, part = name.rpartition('_')
        joints.append(heads[anny.bone_names.index(JOINTS[part] + (f'.{side[0].upper()}' if side else ''))])
    corners = torch.tensor([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.03
    regressor = np.repeat(np.eye(24), 8, 1) / 8
    return SMPL(
        {
            'v_template': (torch.stack(joints)[:, None] + corners).reshape(192, 3),
            'shapedirs': np.zeros((192, 3, 10)),
            'posedirs': np.zeros((192, 3, 207)),
            'J_regressor': regressor,
            'weights': np.repeat(np.eye(24), 8, 0),
            'J_regressor_h36m': regressor[:17],
        }
    )


def t_pose(anny):
    """Anny with straight legs and arms out."""
    return Articulation(anny).to_body(torch.eye(3).expand(len(COMMON), 3, 3))


def heads_of_both(anny, smpl, rotations, shape):
    """Joints (N, 24, 3) of both bodies, Anny's pose carried over, from the middle of the hips."""
    names = get_skeleton('smpl24').joint_names
    places = anny.bones(rotations, anny.rest(shape))[1]
    numbers = [
        anny.bone_names.index(JOINTS[n.rpartition('_')[2]] + (f'.{n[0].upper()}' if '_' in n else '')) for n in names
    ]
    carried = smpl.bones(carry_rotations(rotations, anny, smpl), smpl.rest(torch.zeros(10)))[1]
    return [points - points[:, 1:3].mean(1, keepdim=True) for points in (places[:, numbers], carried)]


@pytest.mark.parametrize('rests_in_t_pose', [False, True])
def test_a_pose_of_anny_is_that_of_smpl(anny, rests_in_t_pose):
    shape = anny.default_shape(height=0.6, weight=0.3)
    rest = t_pose(anny) if rests_in_t_pose else torch.eye(3).expand(104, 3, 3)
    smpl = smpl_like(anny, rest, shape)
    rotations = Articulation(anny).to_body(poses(50))
    theirs, carried = heads_of_both(anny, smpl, rotations, shape)
    body = [
        number for number, name in enumerate(get_skeleton('smpl24').joint_names) if not name.endswith(('hand', 'foot'))
    ]
    off = (theirs - carried)[:, body].norm(dim=-1)
    assert off.mean() < 0.015


def test_there_and_back_again(anny):
    smpl = smpl_like(anny, t_pose(anny), anny.default_shape())
    rotations = Articulation(smpl).to_body(poses(20, 1))
    assert torch.allclose(carry_rotations(carry_rotations(rotations, smpl, anny), anny, smpl), rotations, atol=1e-5)


def test_limbs_point_alike_in_bodies_of_all_shapes(anny):
    rotations = Articulation(anny).to_body(poses(10, 2))
    child, adult = (anny(rotations, anny.default_shape(age=age))[1] for age in (0.3, 0.7))
    for bone, below in (('lowerarm01.L', 'wrist.L'), ('lowerleg01.R', 'foot.R'), ('upperarm01.R', 'lowerarm01.R')):
        start, end = anny.bone_names.index(bone), anny.bone_names.index(below)
        a, b = (torch.nn.functional.normalize(x[:, end] - x[:, start], dim=-1) for x in (child, adult))
        assert (a * b).sum(-1).min() > np.cos(0.1)


def test_the_t_pose_is_one(anny):
    heads = anny(t_pose(anny), anny.default_shape())[1]
    place = dict(zip(anny.bone_names, heads, strict=True))
    limbs = (('upperarm01.L', 'lowerarm01.L', 0), ('lowerarm01.L', 'wrist.L', 0), ('lowerleg01.L', 'foot.L', 1))
    for first, second, direction in limbs:
        assert torch.nn.functional.normalize(place[second] - place[first], dim=0)[direction].abs() > 0.999
    palm = torch.linalg.cross(place['finger5-1.L'] - place['wrist.L'], place['finger2-1.L'] - place['wrist.L'])
    assert torch.nn.functional.normalize(palm, dim=0)[1] < -0.9  # palms down


def test_half_of_a_turn_about_a_limb_is_each_bones(anny):
    common = torch.eye(3).repeat(len(COMMON), 1, 1)
    bones = Articulation(anny)
    number = COMMON.index('LeftUpLeg')
    along = bones.along(number)
    common[number] = bones.frames[0].T @ axis_angle_to_matrix(along) @ bones.frames[number]
    rotations = bones.to_body(common)
    for name in ('upperleg01.L', 'upperleg02.L'):
        assert torch.allclose(rotations[anny.bone_names.index(name)], axis_angle_to_matrix(along / 2), atol=1e-5)


def test_any_vertices_without_the_others_and_6d(anny):
    """As points on the skin are needed, thousands of frames at a time."""
    rotations, shape = Articulation(anny).to_body(poses(4, 3)), anny.default_shape(weight=0.8)
    six = rotations[..., :2].flatten(-2)
    assert torch.allclose(rotation_6d_to_matrix(six), rotations, atol=1e-5)
    vertices = anny(six, shape)[0]
    picked = anny.light_vertices[::50]
    points = BodyJoints(anny, torch.eye(len(anny.template))[picked], Articulation(anny).moving)
    found, _ = points(Articulation(anny).moving_rotations(poses(4, 3)), *points.rest(shape))
    assert torch.allclose(found, vertices[:, picked], atol=1e-5)
