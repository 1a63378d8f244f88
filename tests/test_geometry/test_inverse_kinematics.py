"""Rotations of bones from points: facts about rotations, closed forms, and properties on real motion."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from poselifter.errors import InputError
from poselifter.geometry import inverse_kinematics as inverse_kinematics_module
from poselifter.geometry.euler import matrix_to_euler
from poselifter.geometry.inverse_kinematics import BoneMotion, forward_kinematics, inverse_kinematics
from poselifter.geometry.joint_angles import joint_angles
from poselifter.skeletons import Skeleton, get_skeleton

NAMES = get_skeleton('h36m17').joint_names
#: A person who stands in a T pose: y up, facing z, left at x; joints of h36m17 in their order.
T_POSE = np.array([
    [0, 0.9, 0], [-0.1, 0.9, 0], [-0.1, 0.5, 0], [-0.1, 0.1, 0], [0.1, 0.9, 0], [0.1, 0.5, 0], [0.1, 0.1, 0],
    [0, 1.15, 0], [0, 1.45, 0], [0, 1.55, 0], [0, 1.7, 0], [0.2, 1.45, 0], [0.5, 1.45, 0], [0.75, 1.45, 0],
    [-0.2, 1.45, 0], [-0.5, 1.45, 0], [-0.75, 1.45, 0],
])  # fmt: skip


def posed(**places):
    """The T pose with some joints moved: ``posed(left_knee=(0.1, 0.9, 0.4))``."""
    pose = T_POSE.copy()
    for name, place in places.items():
        pose[NAMES.index(name)] = place
    return pose[None]


def solve(joints, skeleton='h36m17', fps=30):
    return inverse_kinematics(joints, skeleton, fps)


def bone(motion, name):
    return motion.rotations[:, motion.armature.names.index(name)]


def turns(rotations):
    """Degrees from frame to frame (T - 1, B)."""
    steps = rotations[1:] @ rotations[:-1].swapaxes(-1, -2)
    return np.degrees(np.arccos(np.clip((np.trace(steps, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))


def wander(rng, frames, size):
    """Smooth random rotations (T, B, 3, 3) of up to about ``size`` radians."""
    phases, speeds = rng.uniform(0, 6, (2, 22, 3, 2))
    waves = np.sin(phases + speeds * np.linspace(0, 2, frames)[:, None, None, None] / 2).mean(-1)
    return Rotation.from_rotvec((waves * size).reshape(-1, 3)).as_matrix().reshape(frames, 22, 3, 3)


def rigid(rng, frames=20, size=0.6):
    """Joints (T, 17, 3) of a rigid skeleton whose every bone turns smoothly."""
    armature = solve(T_POSE[None]).armature
    turn, world = wander(rng, frames, size), np.zeros((frames, 22, 3, 3))
    for number, parent in enumerate(armature.parents):
        world[:, number] = turn[:, number] if parent < 0 else world[:, parent] @ turn[:, number]
    chest = [armature.names.index(name) for name in ('Spine1', 'Spine2')]
    world[:, chest[1]] = world[:, chest[0]]  # no joint lies between them
    return BoneMotion(armature, world, rng.normal(size=(frames, 3)).cumsum(0) * 0.01).joints()


@pytest.fixture(scope='module')
def clips(data_dir):
    """Real motion (T, 17, 3) of cmu17 by name, metres, y up."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    rows = zip(tiny['clip_id'], tiny['clip_start'], tiny['clip_len'], strict=True)
    world = (tiny['poses'] * float(tiny['unit_m']))[..., [0, 2, 1]] * [1, 1, -1]
    return {str(name): world[start : start + length] for name, start, length in rows}


def test_the_t_pose_is_the_identity():
    motion = solve(T_POSE[None])
    np.testing.assert_allclose(motion.rotations, np.tile(np.eye(3), (1, 22, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(motion.joints()[0], T_POSE, atol=1e-12)
    heads = dict(zip(motion.armature.names, motion.armature.heads(), strict=True))
    assert heads['LeftToeBase'][2] > 0.1 and heads['LeftToeBase'][1] < heads['LeftFoot'][1]


@pytest.mark.parametrize('seed', range(5))
def test_rigid_points_come_back(rng, seed):
    joints = rigid(np.random.default_rng(seed))
    motion = solve(joints)
    np.testing.assert_allclose(motion.joints(), joints, atol=1e-6)
    np.testing.assert_allclose(
        motion.rotations @ motion.rotations.swapaxes(-1, -2), np.tile(np.eye(3), (20, 22, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(motion.rotations), 1, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(turn=st.tuples(*[st.floats(-3, 3)] * 3), shift=st.tuples(*[st.floats(-5, 5)] * 3))
def test_a_turned_world_turns_the_bones(turn, shift):
    joints, world = rigid(np.random.default_rng(3)), Rotation.from_rotvec(turn).as_matrix()
    before, after = solve(joints), solve(joints @ world.T + shift)
    np.testing.assert_allclose(after.rotations, world @ before.rotations, atol=1e-6)
    np.testing.assert_allclose(after.root, before.root @ world.T + shift, atol=1e-9)


def test_a_mirrored_person_has_mirrored_rotations(clips):
    joints, mirror = clips['49_06'], np.array([-1.0, 1, 1])
    motion = solve(joints, 'cmu17')
    other = solve((joints * mirror)[:, get_skeleton('cmu17').flip_indices], 'cmu17')
    for name in motion.armature.names:
        partner = name.replace('Left', 'X').replace('Right', 'Left').replace('X', 'Right')
        np.testing.assert_allclose(bone(other, partner), mirror[:, None] * bone(motion, name) * mirror, atol=1e-6)


def test_real_motion_is_followed_without_jumps(clips):
    """Bones point where the joints are; none turns about itself by much more than the limb itself moves."""
    for joints in clips.values():
        motion = solve(joints, 'cmu17')
        for side in ('Left', 'Right'):
            for upper, lower, ends in (('UpLeg', 'Leg', 'hip knee ankle'), ('Arm', 'ForeArm', 'shoulder elbow wrist')):
                a, b, c = (joints[:, NAMES.index(f'{side.lower()}_{end}')] for end in ends.split())
                for part, vector in ((upper, b - a), (lower, c - b)):
                    vector = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
                    np.testing.assert_allclose(motion.directions(side + part), vector, atol=1e-9)
                moved = [
                    np.degrees(np.linalg.norm(np.diff(motion.directions(side + p), axis=0), axis=-1))
                    for p in (upper, lower)
                ]
                assert (turns(bone(motion, side + upper)[:, None])[:, 0] < np.maximum(*moved) * 2 + 25).all()


def test_bends_turn_limbs_about_themselves():
    """A knee or elbow that bends to the front leaves the twist as it is; a shank to the side turns the thigh."""
    sitting = solve(posed(left_knee=(0.1, 0.9, 0.4), left_ankle=(0.1, 0.5, 0.4)))
    np.testing.assert_allclose(bone(sitting, 'LeftUpLeg')[0] @ [0, -1, 0], [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(bone(sitting, 'LeftUpLeg')[0] @ [1, 0, 0], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(bone(sitting, 'LeftFoot')[0] @ [0, 0, 1], [0, 0, 1], atol=1e-9)  # toes to the front
    forward = solve(posed(left_wrist=(0.5, 1.45, 0.25)))
    np.testing.assert_allclose(bone(forward, 'LeftArm')[0], np.eye(3), atol=1e-9)
    up = solve(posed(left_wrist=(0.5, 1.7, 0)))  # the hinge turns from down to the front
    np.testing.assert_allclose(bone(up, 'LeftArm')[0] @ [0, -1, 0], [0, 0, 1], atol=1e-9)
    inwards = solve(posed(left_knee=(0.1, 0.9, 0.4), left_ankle=(0.1 - 0.4 * 0.6, 0.9 - 0.4 * 0.8, 0.4)))
    np.testing.assert_allclose(bone(inwards, 'LeftUpLeg')[0] @ [1, 0, 0], [0.8, -0.6, 0], atol=2e-3)


def test_a_straight_limb_takes_its_plane_from_before_and_after():
    """An arm that straightens keeps its twist, and a knee that noise bends the wrong way doesn't turn round."""
    bend = np.radians(np.r_[np.linspace(90, 0, 20), np.zeros(5), np.linspace(0, 90, 20)])
    poses = np.concatenate([posed(left_wrist=(0.5 + 0.25 * np.cos(b), 1.45 + 0.25 * np.sin(b), 0)) for b in bend])
    hinges = bone(solve(poses), 'LeftArm') @ [0, -1, 0]
    np.testing.assert_allclose(hinges, np.tile([0, 0, 1.0], (45, 1)), atol=0.15)
    knees = np.radians(10 * np.sin(np.arange(40)))  # from bent to bent over
    poses = np.concatenate([posed(left_ankle=(0.1, 0.5 - 0.4 * np.cos(k), -0.4 * np.sin(k))) for k in knees])
    assert (bone(solve(poses), 'LeftUpLeg') @ [1, 0, 0])[:, 0].min() > 0.99


def test_missing_joints_are_carried_on_or_at_rest(rng):
    joints = rigid(rng)
    gap, never = joints.copy(), joints.copy()
    gap[8:11, NAMES.index('left_wrist')] = np.nan
    motion, whole = solve(gap), solve(joints)
    np.testing.assert_allclose(motion.joints()[11:], joints[11:], atol=1e-6)
    assert turns(bone(motion, 'LeftForeArm')[:, None]).max() < turns(bone(whole, 'LeftForeArm')[:, None]).max() * 2 + 5
    legs = [i for i, name in enumerate(NAMES) if 'knee' in name or 'ankle' in name]
    never[:, legs] = np.nan
    motion = solve(never)
    local = list(motion.local_rotations())[motion.armature.names.index('LeftLeg')]
    np.testing.assert_allclose(local, np.tile(np.eye(3), (20, 1, 1)), atol=1e-9)
    assert 0.2 < np.linalg.norm(motion.armature.vectors[motion.armature.names.index('LeftLeg')]) < 0.6
    nothing = solve(np.full_like(joints, np.nan))
    np.testing.assert_allclose(nothing.rotations, np.tile(np.eye(3), (20, 22, 1, 1)), atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    hidden=st.floats(0, 1),
    frames=st.integers(1, 6),
    kind=st.sampled_from(['noise', 'one point', 'one line', 'huge', 'tiny', 'steps']),
)
@example(seed=50305844, hidden=0.25, frames=5, kind='steps')  # a shank that points the other way after a gap
def test_wild_points_give_rotations(seed, hidden, frames, kind):
    rng = np.random.default_rng(seed)
    joints = rng.normal(size=(frames, 17, 3)) * {'huge': 1e6, 'tiny': 1e-6}.get(kind, 1)
    if kind in ('one point', 'one line'):
        joints[..., : 3 if kind == 'one point' else 2] = 0.5
    joints = joints.round() if kind == 'steps' else joints
    joints[rng.random(joints.shape[:2]) < hidden] = np.nan
    motion = solve(joints)
    rotations = motion.rotations
    np.testing.assert_allclose(
        rotations @ rotations.swapaxes(-1, -2), np.tile(np.eye(3), (frames, 22, 1, 1)), atol=1e-6
    )
    assert (np.linalg.det(rotations) > 0.999).all() and np.isfinite(motion.joints()).all()
    assert all(
        np.isfinite(values[~np.isnan(values)]).all() for values in joint_angles(motion, joints, 'h36m17').values()
    )


@pytest.mark.parametrize('name', ['humaneva15', 'mpi_inf_3dhp17', 'smpl24', 'ntu25', 'coco17', 'h36m16', 'body25'])
def test_any_joint_set_with_hips_and_shoulders(name, rng):
    skeleton = get_skeleton(name)
    motion = solve(rng.normal(size=(5, skeleton.num_joints, 3)), name)
    assert np.isfinite(motion.rotations).all() and np.isfinite(motion.root).all()
    with_toes = {f'left_{toe}' for toe in ('big_toe', 'foot')} & set(skeleton.joint_names)
    assert (np.abs(bone(motion, 'LeftFoot') - bone(motion, 'LeftLeg')).max() > 1e-3) == bool(with_toes)


def test_toes_turn_the_foot():
    names = get_skeleton('smpl24').joint_names
    joints = np.full((1, 24, 3), np.nan)
    for name in set(names) & set(NAMES):
        joints[0, names.index(name)] = T_POSE[NAMES.index(name)]
    joints[0, names.index('left_foot')] = T_POSE[6] + [0.1, -0.1, 0]  # toes to the left
    foot = bone(solve(joints, 'smpl24'), 'LeftFoot')[0]
    np.testing.assert_allclose(
        foot @ [0, -0.45, 0.9], np.array([0.1, -0.1, 0]) * np.hypot(0.45, 0.9) / np.hypot(0.1, 0.1), atol=1e-9
    )


def test_a_joint_set_without_a_body_is_refused(monkeypatch):
    hand = Skeleton('hand', ('wrist', 'thumb'), (-1, 0), ((0, 1),))
    monkeypatch.setattr(inverse_kinematics_module, 'get_skeleton', {'hand': hand, 'h36m17': get_skeleton('h36m17')}.get)
    with pytest.raises(InputError, match="'hand' lacks left_hip, left_shoulder, right_hip, right_shoulder"):
        solve(np.zeros((1, 2, 3)), 'hand')


@pytest.mark.parametrize('order', ['ZXY', 'ZYX', 'XYZ', 'YXZ'])
def test_euler_angles_agree_with_scipy_and_follow_whole_turns(rng, order):
    matrices = Rotation.from_quat(rng.normal(size=(50, 4))).as_matrix()
    angles = matrix_to_euler(matrices, order)
    np.testing.assert_allclose(Rotation.from_euler(order, angles).as_matrix(), matrices, atol=1e-12)
    path = np.stack([np.linspace(0, 20, 300), np.linspace(0, 9, 300), np.linspace(0, -7, 300)], -1)
    through = matrix_to_euler(Rotation.from_euler(order, path).as_matrix(), order)
    np.testing.assert_allclose(through, path, atol=1e-9)  # through gimbal lock, too
    path[:, 1] = np.pi / 2
    locked = Rotation.from_euler(order, path).as_matrix()
    angles = matrix_to_euler(locked, order)
    np.testing.assert_allclose(Rotation.from_euler(order, angles).as_matrix(), locked, atol=1e-7)
    assert np.abs(np.diff(angles, axis=0)).max() < 0.1 + 1e-9


def angles_of(joints, skeleton='h36m17'):
    return {name: values[0] for name, values in joint_angles(solve(joints, skeleton), joints, skeleton).items()}


def test_angles_of_posed_chains():
    straight = angles_of(T_POSE[None])
    assert straight['left_knee_flexion'] == straight['right_elbow_flexion'] == straight['left_hip_flexion'] == 0
    assert straight['left_shoulder_abduction'] == straight['right_shoulder_abduction'] == pytest.approx(90)
    assert np.isnan(straight['left_shoulder_flexion'])  # the arm is normal to the plane of front and down
    assert np.isnan(straight['left_ankle_dorsiflexion'])  # no toes
    a, b = np.radians([30, 50])
    knee = np.array([0.1, 0.9 - 0.4 * np.cos(a), 0.4 * np.sin(a)])
    ankle = knee + 0.4 * np.array([0, -np.cos(a - b), np.sin(a - b)])
    kick = angles_of(posed(left_knee=knee, left_ankle=ankle))
    assert [kick[f'left_{n}'] for n in ('hip_flexion', 'hip_abduction', 'knee_flexion')] == pytest.approx([30, 0, 50])
    spread = angles_of(posed(right_knee=(-0.1 - 0.4 * np.sin(a), 0.9 - 0.4 * np.cos(a), 0)))
    assert [spread[f'right_hip_{n}'] for n in ('flexion', 'abduction', 'elevation')] == pytest.approx([0, 30, 30])
    reach = angles_of(posed(left_elbow=(0.2, 1.45, 0.3), left_wrist=(0.2, 1.7, 0.3)))
    assert [reach[f'left_{n}'] for n in ('shoulder_flexion', 'elbow_flexion')] == pytest.approx([90, 90])
    back = angles_of(posed(left_elbow=(0.2, 1.45 - 0.3 * np.cos(a), -0.3 * np.sin(a))))
    assert back['left_shoulder_flexion'] == pytest.approx(-30)


def test_ankles_and_missing_joints(rng):
    names = get_skeleton('smpl24').joint_names
    joints = np.full((1, 24, 3), np.nan)
    for name in set(names) & set(NAMES):
        joints[0, names.index(name)] = T_POSE[NAMES.index(name)]
    joints[0, names.index('left_foot')] = T_POSE[6] + [0, 0.1, 0.1]
    angles = angles_of(joints, 'smpl24')
    assert angles['left_ankle_dorsiflexion'] == pytest.approx(45)
    assert np.isnan(angles['right_ankle_dorsiflexion'])
    hidden = posed(left_ankle=(np.nan, 0, 0))
    assert np.isnan(angles_of(hidden)['left_knee_flexion']) and angles_of(hidden)['left_hip_flexion'] == 0


def test_angles_do_not_depend_on_where_the_person_stands(clips):
    joints = clips['49_06'][:20]
    turn = Rotation.from_rotvec([1, 2, 0.5]).as_matrix()
    one, other = (joint_angles(solve(x, 'cmu17'), x, 'cmu17') for x in (joints, joints @ turn.T + 3))
    for name in one:
        np.testing.assert_allclose(other[name], one[name], atol=1e-5)


def test_forward_kinematics_of_a_chain():
    armature = solve(T_POSE[None]).armature
    turn = np.tile(Rotation.from_euler('z', 90, degrees=True).as_matrix(), (1, 22, 1, 1))
    heads = forward_kinematics(armature, turn, np.array([[1.0, 2, 3]]))
    hand = heads[0, armature.names.index('LeftHand')]
    np.testing.assert_allclose(hand, [1 - 0.55, 2 + 0.75, 3], atol=1e-12)  # what was left is up, what was up is right
