"""Procedural motions, judged from the joint positions alone."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poselifter.datasets import ProceduralMotion
from poselifter.datasets.procedural import MOTIONS, captions, generate_motion
from poselifter.datasets.procedural.body import JOINT_LIMITS, random_body
from poselifter.datasets.procedural.curves import Track
from poselifter.errors import InputError

PARENTS = (0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)  # of joints 1 to 16
ANKLES = [3, 6]
SEEDS = range(12)
SIDES = (('left', 1, (4, 5, 6), (11, 12, 13)), ('right', -1, (1, 2, 3), (14, 15, 16)))


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def frame(up, left):
    """Axes (T, 3, 3), columns forward, left, up, from two directions of a body part."""
    forward = unit(np.cross(left, up))
    return np.stack([forward, np.cross(unit(up), forward), unit(up)], axis=-1)


def local(axes, v):
    return np.einsum('tij,ti->tj', axes, v)


def angle(a, b):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1)))


def part_angles(parent, child):
    """Degrees that a part is bent forward, to its left and turned to its left against another."""
    forward, right, turn = Rotation.from_matrix(parent.swapaxes(1, 2) @ child).as_euler('YXZ', degrees=True).T
    return forward, -right, turn


def limb_angles(axes, first, middle, last, side, bend):
    """Flexion, abduction and outward rotation of a limb's upper part and the angle of its hinge, degrees.

    The hinge turns the lower part towards ``bend`` (1 forward as an elbow, -1 back as a knee); the rotation counts only
    where it can be seen, and a hinge that bends the other way shows as a rotation of about 180 degrees.
    """
    upper, lower = local(axes, unit(middle - first)), local(axes, unit(last - middle))
    flex = np.degrees(np.arctan2(upper[:, 0], -upper[:, 2]))
    abd = np.degrees(np.arcsin(side * upper[:, 1]))
    lifted = Rotation.from_euler('YXZ', np.stack([-flex, side * abd, 0 * flex], axis=1), degrees=True).as_matrix()
    lower = bend * local(lifted, lower)
    hinge = angle(upper, local(axes, last - middle))
    rot = np.where(hinge > 15, side * np.degrees(np.arctan2(lower[:, 1], lower[:, 0])), 0)
    return flex, abd, rot, hinge


def joint_angles(x):
    """All angles of ``JOINT_LIMITS``, from positions (T, 17, 3)."""
    x = x.astype(float)
    pelvis = frame(x[:, 7] - x[:, 0], x[:, 4] - x[:, 1])
    thorax = frame(x[:, 8] - x[:, 7], x[:, 11] - x[:, 14])
    neck, head = unit(x[:, 9] - x[:, 8]), x[:, 10] - x[:, 9]
    left = unit(np.cross(head, neck))  # the face is before the line from thorax to crown
    ahead = np.arcsin(0.45)  # how far the neck leans forward where the head is straight
    skull = frame(neck * np.cos(ahead) - np.cross(left, neck) * np.sin(ahead), left)
    found = [
        *zip(('lean', 'side', 'twist'), part_angles(pelvis, thorax), strict=True),
        *zip(('nod', 'tilt', 'turn'), part_angles(thorax, skull), strict=True),
    ]
    for _, side, leg, arm in SIDES:
        arms = limb_angles(thorax, *(x[:, j] for j in arm), side, 1)
        legs = limb_angles(pelvis, *(x[:, j] for j in leg), side, -1)
        found += zip(('flex', 'abd', 'rot', 'elbow'), arms, strict=True)
        found += zip(('hip_flex', 'hip_abd', 'hip_rot', 'knee'), legs, strict=True)
    return found


def stances(ankle, rest):
    """Stretches of frames in which an ankle (T, 3) keeps its standing height, as slices of at least three."""
    low = np.concatenate([[False], ankle[:, 2] < rest + 0.002, [False]])
    edges = np.flatnonzero(low[1:] != low[:-1]).reshape(-1, 2)
    return [slice(a, b) for a, b in edges if b - a >= 3]


@pytest.fixture(scope='module')
def clips():
    """Every motion with every seed, (T, 17, 3) float64."""
    return {name: [generate_motion(name, s, 240).astype(float) for s in SEEDS] for name in MOTIONS}


def test_first_labels():
    assert MOTIONS[:6] == ('walk', 'wave', 'squat', 'jump', 'reach', 'turn')


@pytest.mark.parametrize('name', MOTIONS)
class TestEveryMotion:
    def test_shape_and_floor(self, name, clips):
        x = generate_motion(name, 0, 7, fps=25)
        assert x.shape == (7, 17, 3) and x.dtype == np.float32
        for x in clips[name]:
            assert np.isfinite(x).all()
            assert x[..., 2].min() > 0.04  # the lowest joint is an ankle, over its foot

    def test_bones_are_rigid(self, name, clips):
        for x in clips[name]:
            length = np.linalg.norm(x[:, 1:] - x[:, PARENTS], axis=-1)
            assert np.ptp(length, axis=0).max() < 5e-6  # float32 a few metres from the origin
            np.testing.assert_allclose(length[0, :3], length[0, 3:6], atol=5e-6)
            np.testing.assert_allclose(length[0, 10:13], length[0, 13:16], atol=5e-6)

    def test_joint_limits(self, name, clips):
        for x in clips[name]:
            for what, degrees in joint_angles(x):
                low, high = JOINT_LIMITS[what]
                assert low - 0.1 <= degrees.min() and degrees.max() <= high + 0.1, what

    def test_stance_feet_are_planted(self, name, clips):
        for x in clips[name]:
            rest = x[:, ANKLES, 2].min()
            found = [x[:, j][s] for j in ANKLES for s in stances(x[:, j], rest)]
            assert found
            assert max(np.linalg.norm(np.ptp(stance, axis=0)) for stance in found) < 0.005

    def test_feet_do_not_skate(self, name, clips):
        for x in clips[name]:
            speed = np.linalg.norm(np.diff(x[:, ANKLES, :2], axis=0), axis=-1) * 30
            height = x[:-1, ANKLES, 2] - x[:, ANKLES, 2].min()
            assert speed[height < 0.01].max() < 0.8  # the heel comes down, or is about to lift

    def test_smooth(self, name):
        """With a jump in the velocity the largest difference quotient would double when the time step halves."""
        for seed in range(4):
            bound = []
            for fps in (240, 480):
                x = generate_motion(name, seed, 3 * fps, fps).astype(float)
                bound.append(np.linalg.norm(np.diff(x, 2, axis=0), axis=-1).max() * fps**2)
            assert bound[1] < 1.2 * bound[0] and bound[0] < 350

    def test_deterministic_and_varied(self, name):
        first = generate_motion(name, 3, 60)
        np.testing.assert_array_equal(first, generate_motion(name, np.int64(3), 60))
        assert np.abs(first - generate_motion(name, 4, 60)).max() > 0.05

    def test_frame_rate_and_length_only_sample_it(self, name):
        slow = generate_motion(name, 5, 90, fps=30)
        np.testing.assert_allclose(generate_motion(name, 5, 357, fps=120)[::4], slow, atol=1e-5)
        np.testing.assert_allclose(generate_motion(name, 5, 400)[:90], slow, atol=1e-5)

    def test_it_goes_on(self, name):
        """Every stretch of ten seconds moves."""
        x = generate_motion(name, 1, 1200)
        assert np.ptp(x.reshape(4, 300, 51), axis=1).max(axis=-1).min() > 0.2

    def test_captions(self, name):
        lines = captions(name)
        assert len(lines) >= 2 and len(set(lines)) == len(lines)
        assert all(line.split() and line == line.lower() for line in lines)


class TestFlight:
    @pytest.mark.parametrize('seed', range(6))
    def test_hips_fall_freely(self, seed):
        fps = 120
        x = generate_motion('jump', seed, 6 * fps, fps).astype(float)
        clear = (x[:, ANKLES, 2] - x[:, ANKLES, 2].min() > 0.085).all(1)
        inner = clear[:-2] & clear[1:-1] & clear[2:]
        assert inner.sum() > 0.2 * fps
        acceleration = np.diff(x[:, 0, 2], 2) * fps**2
        np.testing.assert_allclose(acceleration[inner], -9.81, atol=0.05)
        assert acceleration[~inner].max() > 5  # someone pushed

    def test_both_feet_land(self, clips):
        for x in clips['jump']:
            rest = x[:, ANKLES, 2].min()
            assert all(len(stances(x[:, j], rest)) >= 2 for j in ANKLES)


class TestWalk:
    def test_always_on_the_floor(self, clips):
        for x in clips['walk']:
            height = x[:, ANKLES, 2] - x[:, ANKLES, 2].min()
            assert height.min(axis=1).max() < 0.02

    def test_goes_where_it_faces(self, clips):
        for x in clips['walk']:
            left = x[:-15, 4] - x[:-15, 1]
            way = x[15:, 0] - x[:-15, 0]
            cosine = (np.cross(left, [0, 0, 1])[:, :2] * way[:, :2]).sum(1)
            cosine /= np.linalg.norm(left[:, :2], axis=1) * np.linalg.norm(way[:, :2], axis=1)
            assert np.median(cosine) > 0.95
            assert 0.5 < np.linalg.norm(np.diff(x[:, 0, :2], axis=0), axis=1).mean() * 30 < 2.1

    def test_arms_swing_against_legs(self, clips):
        for x in clips['walk']:
            forward = unit(np.cross(x[:, 4] - x[:, 1], [0, 0, 1]))
            legs = ((x[:, 6] - x[:, 3]) * forward).sum(1)
            arms = ((x[:, 13] - x[:, 16]) * forward).sum(1)
            assert np.corrcoef(legs, arms)[0, 1] < -0.6

    def test_legs_stay_apart(self, clips):
        for x in clips['walk']:
            assert np.linalg.norm(x[:, ANKLES[0]] - x[:, ANKLES[1]], axis=-1).min() > 0.06

    def test_moves_as_fast_as_real_walkers(self, clips, shared):
        with np.load(shared / 'data/cmu/cmu_train.npz') as file:
            data = {key: file[key] for key in file.files}
        real = []
        for k in np.flatnonzero(data['description'] == 'walk'):
            rows = slice(data['clip_start'][k], data['clip_start'][k] + data['clip_len'][k])
            x = data['poses'][rows] * data['unit_m']
            real.append(np.linalg.norm(np.diff(x, axis=0), axis=-1).mean(0) * 30)
        made = [np.linalg.norm(np.diff(x - x[:, :1], axis=0), axis=-1).mean(0) * 30 for x in clips['walk']]
        limbs = [[2, 5], [3, 6], [12, 15], [13, 16]]  # knees, ankles, elbows, wrists against the pelvis
        ratio = np.median(made, axis=0)[limbs].mean(1) / np.median(real, axis=0)[limbs].mean(1)
        assert ratio.min() > 0.6 and ratio.max() < 1.6


def test_turns_round(clips):
    for x in clips['turn']:
        left = x[:, 4] - x[:, 1]
        yaw = np.degrees(np.unwrap(np.arctan2(left[:, 1], left[:, 0])))
        assert np.ptp(yaw) > 40
        assert np.ptp(x[:, 0, :2], axis=0).max() < 0.4


def test_squat_goes_down(clips):
    assert all(np.ptp(x[:, 0, 2]) > 0.15 for x in clips['squat'])


@pytest.mark.parametrize('name', ['wave', 'reach'])
def test_a_hand_rises_or_stretches(name, clips):
    for x in clips[name]:
        hands = np.linalg.norm(np.diff(x[:, [13, 16]] - x[:, [8]], axis=0), axis=-1).sum(0)
        assert hands.max() > 0.5


def test_bodies_follow_their_ratios(rng):
    bodies = [random_body(rng) for _ in range(300)]
    stature = np.array([b.stature for b in bodies])
    assert 1.5 <= stature.min() < 1.55 and 1.9 < stature.max() <= 1.95
    # Winter, figure 4.1: hip joint at 0.530, ankle at 0.039 of the stature, arm without hand 0.332
    assert np.mean([b.leg + b.ankle_height for b in bodies] / stature) == pytest.approx(0.530, abs=0.005)
    assert np.mean([b.upper_arm + b.forearm for b in bodies] / stature) == pytest.approx(0.332, abs=0.005)


class TestParts:
    def test_track_is_minimum_jerk(self):
        """Flash and Hogan, equation 9: 10 u^3 - 15 u^4 + 6 u^5 between two rests."""
        u = np.linspace(0, 1, 11)
        track = Track([1.0, 3.0], [[0.0], [4.0]])
        np.testing.assert_allclose(track(1 + 2 * u)[:, 0], 4 * (10 * u**3 - 15 * u**4 + 6 * u**5), atol=1e-12)
        assert track(np.array([0.0, 9.0])).ravel().tolist() == [0.0, 4.0]

    def test_track_does_not_stop_on_its_way(self):
        track = Track([0.0, 1.0, 2.0], [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
        before, after = track(np.array([1 - 1e-6, 1 + 1e-6]))
        np.testing.assert_allclose((after - before) / 2e-6, [1, 0], atol=1e-4)


@pytest.mark.parametrize(('arguments', 'says'), [
    (('walkk', 0, 10), "unknown motion 'walkk'.*did you mean 'walk'"),
    ((3, 0, 10), 'unknown motion 3'),
    (('walk', -1, 10), 'seed=-1'),
    (('walk', 0.5, 10), 'seed=0.5'),
    (('walk', 0, 0), 'n_frames=0'),
    (('walk', 0, True), 'n_frames=True'),
    (('walk', 0, 10, 0), 'fps=0'),
    (('walk', 0, 10, float('nan')), 'fps=nan'),
])  # fmt: skip
def test_bad_arguments(arguments, says):
    with pytest.raises(InputError, match=says):
        generate_motion(*arguments)


def test_captions_of_an_unknown_motion():
    with pytest.raises(InputError, match='unknown motion'):
        captions('fly')


def test_wordings_take_the_place_of_captions():
    wordings = {'walk': ['goes', 'steps along'], 'wave': ['greets']}
    window = {'length': 9}
    data = ProceduralMotion(4, 9, motions=['wave', 'walk'], wordings=wordings, window=window)
    data.full_init()
    texts = data.metainfo['texts']
    assert texts == ['goes', 'greets', 'steps along']
    assert [[texts[i] for i in data.samples([k])[0]['captions']] for k in (0, 1)] == [['greets'], wordings['walk']]
    with pytest.raises(InputError, match=r"wordings has nothing for \['squat'\]"):
        ProceduralMotion(4, 9, motions=['walk', 'squat'], wordings=wordings, window=window)
