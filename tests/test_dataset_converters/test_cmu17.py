import json

import numpy as np
import pytest
from cmu.bodies import body_of, to_cmu17
from cmu.clips import cut_clips
from cmu.index import CREDIT, action_of, parse_clip_id, read_index, source_fps, split_of
from numpy.testing import assert_allclose, assert_array_equal

from poselifter.errors import InputError
from poselifter.io.motion import Motion

# README of the converted data, joint by joint from 1 to 16; 0 is the midpoint of the hips.
_ASF = """rhipjoint rfemur rtibia lhipjoint lfemur ltibia lowerback thorax upperneck head
lclavicle lhumerus lradius rclavicle rhumerus rradius"""
_MOTIONBUILDER = """RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot Spine Neck Head Head_end
LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand"""
_MAX = """RightHip RightKnee RightAnkle LeftHip LeftKnee LeftAnkle Chest2 Neck Head Head_end
LeftShoulder LeftElbow LeftWrist RightShoulder RightElbow RightWrist"""
_DAZ = 'rThigh rShin rFoot lThigh lShin lFoot abdomen neck head - lShldr lForeArm lHand rShldr rForeArm rHand'
ASF, MOTIONBUILDER, MAX, DAZ = (names.split() for names in (_ASF, _MOTIONBUILDER, _MAX, _DAZ))


def body(names, rng, extra=(), parents=None) -> Motion:
    """Two frames of a body about 1.6 m tall with joints at random places; the legs have human lengths."""
    names = [*names, *extra]
    positions = rng.normal(size=(2, len(names), 3)) * 3
    unit = 0.01 if 'rShldr' in names else 0.056444
    for hip, step in ((0, 1), (3, 1)):
        positions[:, hip + step] = positions[:, hip] - [0, 0.45 / unit, 0]
        positions[:, hip + 2 * step] = positions[:, hip] - [0, 0.85 / unit, 0]
    rotations = np.linalg.qr(rng.normal(size=(2, len(names), 3, 3)))[0]
    offsets = rng.normal(size=(len(names), 3))
    parents = tuple([-1] * len(names) if parents is None else parents)
    return Motion(tuple(names), parents, offsets, positions, rotations)


def expected(motion: Motion, names, unit: float) -> np.ndarray:
    joints = np.stack([motion.positions[:, motion.names.index(n)] for n in names], 1) * unit
    joints = np.concatenate([(joints[:, [0]] + joints[:, [3]]) / 2, joints], 1)
    return joints @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # turned by +90 degrees about x: y up to z up


def test_asf(rng):
    motion = body(ASF, rng, ['root', 'lfoot', 'ltoes'])
    assert body_of(motion) == 'asf-amc'
    keypoints, _ = to_cmu17(motion)
    assert_allclose(keypoints, expected(motion, ASF, 0.056444), atol=1e-4)


@pytest.mark.parametrize(('names', 'name'), [(MOTIONBUILDER, 'bvh-motionbuilder'), (MAX, 'bvh-3dsmax')])
@pytest.mark.parametrize('from_asf', [False, True])
def test_bvh_gets_the_thorax_bone_back(rng, names, name, from_asf):
    names = [*names, 'Branch']  # where neck and collar bones start: Spine1 in MotionBuilder's files
    parents = [-1] * len(names)
    parents[names.index('Neck')], parents[-1] = len(names) - 1, 6
    motion = body(names, rng, parents=parents)
    neck = names.index('Neck')
    assert body_of(motion) == name
    keypoints, _ = to_cmu17(motion)
    assert_allclose(keypoints, expected(motion, names[:16], 0.056444), atol=1e-4)  # this neck has a bone below it

    motion.offsets[neck] = 0
    bone = rng.normal(size=3) if from_asf else motion.offsets[-1]
    keypoints, _ = to_cmu17(motion, bone if from_asf else None)
    raised = motion.positions.copy()
    raised[:, 7:16] += (motion.rotations[:, -1] @ bone)[:, None]
    raised = Motion(motion.names, motion.parents, motion.offsets, raised, motion.rotations)
    assert_allclose(keypoints, expected(raised, names[:16], 0.056444), atol=1e-4)


def test_daz_head_points_turn_with_the_head(rng):
    names = [n for n in DAZ if n != '-']
    motion = body(names, rng)
    assert body_of(motion) == 'bvh-daz'
    keypoints, _ = to_cmu17(motion)
    head = motion.names.index('head')
    up, forward = motion.rotations[:, head, :, 1], motion.rotations[:, head, :, 2]
    motion.positions[:, head] += up * 7 + forward * 4  # cm
    nose = expected(motion, DAZ[:9] + ['head'] + DAZ[10:], 0.01)
    motion.positions[:, head] += up * 10 - forward * 4
    top = expected(motion, DAZ[:9] + ['head'] + DAZ[10:], 0.01)
    want = np.concatenate([nose[:, :10], top[:, [10]], nose[:, 11:]], 1)
    assert_allclose(keypoints, want, atol=1e-9)


def test_lowest_foot_point(rng):
    parents = [-1] * 16 + [2, 16, -1]
    motion = body(MOTIONBUILDER, rng, ['RightToeBase', 'RightToeBase_end', 'Sword'], parents)
    motion.positions[:, 17] = [0, -50, 0]
    motion.positions[:, 18] = [0, -99, 0]  # no part of a foot
    assert_allclose(to_cmu17(motion)[1], -50 * 0.0254 / 0.45)


def test_unknown_bodies_and_units(rng):
    with pytest.raises(InputError, match='are no body of asf-amc'):
        body_of(body(['hip', 'knee', 'x', 'y', 'z', 'w'], rng))
    motion = body(MOTIONBUILDER, rng)
    small = Motion(motion.names, motion.parents, motion.offsets, motion.positions / 20, motion.rotations)
    with pytest.raises(InputError, match=r'thigh and shin are 0\.0425 m long'):
        to_cmu17(small)


def walk(frames: int, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """A body of 17 joints that moves at 2 m/s along x, feet at 0.3 m, every frame a bit turned."""
    rng = np.random.default_rng(0)
    keypoints = np.tile(rng.uniform(-0.8, 0.8, (17, 3)) + [0, 0, 1.2], (frames, 1, 1))
    keypoints[..., 0] += 2 * np.arange(frames)[:, None] / fps
    return keypoints, np.full(frames, 0.3)


@pytest.mark.parametrize(('fps', 'step', 'first'), [(120, 4, 0), (60, 2, 6), (30, 1, 2), (119.88, 4, 2)])
def test_rate_t_pose_and_floor(fps, step, first):
    keypoints, feet = walk(200, fps)
    keypoints[:first] += 9
    (clip,) = cut_clips(keypoints, feet, fps, first)
    source = keypoints[first::step]
    world = clip.poses * 1e-4 + clip.root[:, None]
    assert clip.poses.dtype == np.int16
    assert clip.root.dtype == np.float32
    assert_allclose(world, source - [0, 0, 0.3], atol=0.6e-4)
    assert (clip.poses[:, 0] == 0).all()
    assert (clip.first_frame, clip.floor_shift_m) == (first, 0.3)


def test_floor_is_the_first_percentile():
    keypoints, feet = walk(404, 120)
    feet[:] = 0.3
    feet[0] = -5  # one frame of 101 is outweighed
    (clip,) = cut_clips(keypoints, feet, 120)
    assert clip.floor_shift_m == 0.3


def test_glitches_cut_with_margin():
    keypoints, feet = walk(1000, 120)
    keypoints[300:, 5] += [0, 0.16, 0]  # 19 m/s from frame 299 to 300
    keypoints[700:720, 9] -= 0.5
    clips = cut_clips(keypoints, feet, 120)
    assert [c.first_frame for c in clips] == [0, 303, 723]
    assert [len(c.poses) for c in clips] == [75, 99, 70]  # frames 0 to 297, 303 to 697, 723 to 999, every 4th
    keypoints, feet = walk(1000, 120)
    keypoints[300:, 5] += [0, 0.14, 0]  # 17 m/s: fast, but no glitch
    assert len(cut_clips(keypoints, feet, 120)) == 1


def test_shortest_clips():
    assert [len(cut_clips(*walk(n, 120), 120)) for n in (95, 96)] == [0, 1]  # 0.8 s unbroken
    for frames, kept in ((181, 0), (182, 1)):  # 1.5 s of a piece, 2 frames of margin before the glitch
        keypoints, feet = walk(frames + 10, 120)
        keypoints[frames:] += 1
        assert len(cut_clips(keypoints, feet, 120)) == kept


def test_refused_rates_and_sizes():
    with pytest.raises(InputError, match='100 frames a second, expected a multiple of 30'):
        cut_clips(*walk(200, 120), 100)
    keypoints, feet = walk(200, 120)
    with pytest.raises(InputError, match='m from the pelvis'):
        cut_clips(keypoints * [1, 1, 10], feet, 120)


def test_index_of_the_shared_data(shared):
    """Splits, rates and actions of all converted clips follow from ids and words."""
    clips = json.loads((shared / 'data/cmu/index.json').read_text())['clips']
    assert len(clips) == 293
    for clip in clips:
        assert action_of(clip['description'], clip['category']) == clip['action'], clip
        assert split_of(clip['subject']) == clip['split']
        assert source_fps(clip['subject'], 120.0) == clip['source_fps']
        stem = clip['id'].rstrip('ab') if clip['id'][-2].isdigit() else clip['id']
        assert parse_clip_id(stem) == (clip['subject'], clip['trial'])
    assert CREDIT in (shared / 'data/cmu/README.md').read_text()


def test_rates_names_and_words():
    assert [source_fps('01', None), source_fps('60', None), source_fps('60', 119.9)] == [120, 60, 60]
    assert [source_fps('01', 59.94), source_fps('60', 30.0)] == [60, 30]
    assert [parse_clip_id(stem) for stem in ('9_3', '135_m03', 'walk')] == [('09', '03'), ('135', 'm03'), None]
    assert [action_of('Walk, then run'), action_of('', 'modern dance'), action_of('')] == ['run', 'dance', 'other']


def test_read_index(tmp_path):
    text = tmp_path / 'index.txt'
    text.write_text(
        'CMU Graphics Lab\nSubject #1 (climb, swing)\n01_01\tplayground - forward jumps, turn around\n'
        '01_02\tclimb \n\nSubject #131 (Michael Jackson)\n131_01\tStart Walk\n'
    )
    assert read_index(text) == {
        '01_01': ('playground - forward jumps, turn around', 'climb, swing'),
        '01_02': ('climb', 'climb, swing'),
        '131_01': ('Start Walk', 'Michael Jackson'),
    }
    table = tmp_path / 'index.csv'
    table.write_text('id,description,category\n1_1,"walk, turn",walk\n02_01,run\n')
    assert read_index(table) == {'01_01': ('walk, turn', 'walk'), '02_01': ('run', '')}
    assert_array_equal([action_of(*v) for v in read_index(table).values()], ['walk', 'run'])
    table.write_text('nothing here\n')
    with pytest.raises(InputError, match='no line such as'):
        read_index(table)
