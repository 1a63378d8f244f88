"""3D files against closed forms, joints by their names, tables of all kinds, and files of one format in another."""

import json
import struct

import numpy as np
import pytest
import toy_formats
from numpy.testing import assert_allclose, assert_array_equal
from toy_formats import MOTION, NAMES, PERSONS, SIZE

from poselifter import cli
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.io import convert_file, motion_result, read_keypoints, read_result, write_keypoints
from poselifter.io.motion import Motion
from poselifter.io.readers.document import find_reader, open_document
from poselifter.io.readers.joint_sets import match_skeleton, plain_name
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable

H36M = get_skeleton('h36m17').joint_names
LIMBS = [
    f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle') for side in ('left', 'right')
]


@pytest.mark.parametrize(
    ('names', 'plain'),
    [
        (
            ['left_hip', 'LHip', 'LeftHip', 'leftHip', 'hip.left', 'hip_l', 'lhip', 'lefthip', 'mixamorig:LeftHip'],
            'left_hip',
        ),
        (['RBigToe', 'right big toe', 'RIGHT_BIG_TOE'], 'right_big_toe'),
        (['Nose', 'NOSE', 'nose'], 'nose'),
        (['Spine1', 'spine1'], 'spine1'),
        (['leg', 'ring'], None),
    ],
)
def test_spellings_of_a_name(names, plain):
    assert {plain_name(name) for name in names} == ({plain} if plain else set(names))


BONES = ('Shoulder', 'Arm', 'ForeArm', 'Hand', 'UpLeg', 'Leg', 'Foot', 'ToeBase')
MIXAMO = ['Hips', 'Spine', 'Spine1', 'Spine2', 'Neck', 'Head', *(s + b for s in ('Left', 'Right') for b in BONES)]


@pytest.mark.parametrize(
    ('names', 'skeleton', 'some'),
    [
        (NAMES, 'coco17', {}),
        (NAMES[::-1], 'coco17', {'nose': 16}),
        ([*LIMBS, 'nose'], 'coco17', {'nose': 12, 'left_hip': 6, 'left_eye': -1}),
        ([*LIMBS, 'nose', 'left_eye', 'right_eye', 'tail'], 'coco17', {'left_ear': -1}),
        (['Neck', 'MidHip', 'Nose', *LIMBS, 'REye', 'LEye'], 'body25', {'neck': 0, 'mid_hip': 1, 'left_eye': 16}),
        (get_skeleton('halpe26').joint_names[::-1], 'halpe26', {'nose': 25}),
        (get_skeleton('mediapipe33').joint_names[::-1], 'mediapipe33', {'nose': 32}),
        (H36M[::-1], 'h36m17', {'pelvis': 16}),
        (MIXAMO, 'smpl24', {'pelvis': 0, 'spine3': 3, 'left_collar': 6, 'left_shoulder': 7, 'left_ankle': 12}),
        ([f'mixamorig:{name}' for name in MIXAMO], 'smpl24', {'right_elbow': 16, 'left_hand': -1}),
        (['tailbase', 'nose', 'left_ear', 'right_ear'], None, {}),
        (['a', 'b'], None, {}),
    ],
)
def test_joint_sets_by_names(names, skeleton, some):
    found, order = match_skeleton(names)
    assert found == skeleton
    places = dict(zip(get_skeleton(found).joint_names, order, strict=True)) if order else {}
    assert {joint: places[joint] for joint in some} == some


def test_what_names_leave_out_is_said(tmp_path):
    columns = [c for c, name in enumerate(NAMES) if name not in ('left_eye', 'right_ear')]
    header = ['frame', *(f'{name}_{axis}' for name in [*(NAMES[c] for c in columns), 'tail'] for axis in ('x', 'y'))]
    rows = [[t, *PERSONS[t, 0][columns, :2].ravel(), 7, 7] for t in range(4)]
    table = read_keypoints(toy_formats._table(tmp_path / 'a.csv', [header, *rows]))
    assert table.notes == (
        'left_eye, right_ear of coco17 are not in the file and count as missing',
        'joints that coco17 has not are left out: tail',
    )
    assert_array_equal(table.keypoints_visible[0] > 0, [name not in ('left_eye', 'right_ear') for name in NAMES])
    assert read_keypoints(tmp_path / 'a.csv', skeleton='halpe26').skeleton == 'halpe26'


def numbered(letters='xyv', start=0):
    return [f'{letter}{j + start}' for j in range(17) for letter in letters]


@pytest.mark.parametrize(
    ('header', 'rows', 'fps'),
    [
        (['frame', *numbered()], [[t, *PERSONS[t, 0].ravel()] for t in range(4)], None),
        (['time', *numbered(start=1)], [[t / 50, *PERSONS[t, 0].ravel()] for t in range(4)], 50.0),
        (['timestamp_ms', *numbered()], [[40 * t, *PERSONS[t, 0].ravel()] for t in range(4)], 25.0),
        (
            ['frame', *(f'{n} {a}' for n in NAMES for a in ('x', 'y', 'z', 'visibility', 'presence'))],
            [[t, *np.insert(PERSONS[t, 0], [2, 3], 0.3, 1).ravel()] for t in range(4)],
            None,
        ),
        (
            [f'{n.title().replace("_", "")}{a}' for n in NAMES for a in ('X', 'Y')],
            [PERSONS[t, 0, :, :2].ravel() for t in range(4)],
            None,
        ),
        (None, [PERSONS[t, 0].ravel() for t in range(4)], None),
        (None, [PERSONS[t, 0, :, :2].ravel() for t in range(4)], None),
        (
            ['frame', 'landmark_id', 'x', 'y', 'z', 'visibility'],
            [[t, j, *PERSONS[t, 0, j, :2], 9, PERSONS[t, 0, j, 2]] for t in range(4) for j in reversed(range(17))],
            None,
        ),
    ],
)
def test_tables_in_every_layout(tmp_path, header, rows, fps):
    path = toy_formats._table(tmp_path / 'a.csv', [header, *rows] if header else rows)
    table = read_keypoints(path)
    assert (table.skeleton, table.fps) == ('coco17', fps) and list(table.frame_indices) == [0, 1, 2, 3]
    assert_allclose(table.keypoints, PERSONS[:, 0, :, :2], rtol=1e-6)
    scored = bool(header and not header[0].endswith('X')) or len(rows[0]) == 51
    assert_allclose(table.keypoints_visible, PERSONS[:, 0, :, 2] if scored else np.ones((4, 17)), rtol=1e-6)


def test_times_with_a_gap_number_the_frames(tmp_path):
    rows = [[t / 25, *PERSONS[0, 0].ravel()] for t in (0, 1, 2, 5)]
    assert read_keypoints(toy_formats._table(tmp_path / 'a.csv', [['time', *numbered()], *rows])).frame_indices[-1] == 5


RISING = np.array([0, 0.03, 0.1, 0.21])  # seconds, of no even rate


def test_uneven_times_are_kept(tmp_path):
    """Of a CSV a row a person or a joint, with frames or without, and of MediaPipe, whoever is in a frame."""
    header, rows = numbered(), [[*PERSONS[t, 0].ravel()] for t in range(4)]
    joints = [[t, j, *PERSONS[t, 0, j]] for t in reversed(range(4)) for j in range(17)]
    frames = [json.loads(toy_formats.mediapipe(tmp_path).read_text())[k] for k in (0, 0, 2, 3)]
    stamped = [{**frame, 'timestamp_ms': 1000 * t} for frame, t in zip(frames, RISING, strict=True)]
    stamped[1]['pose_landmarks'] = []
    (tmp_path / 'a.json').write_text(json.dumps(stamped))
    for name, content in {
        'rows': [['time', *header], *([t, *row] for t, row in zip(RISING, rows, strict=True))],
        'frames': [['frame', 'time_ms', *header], *([5 + k, 1000 * RISING[k], *row] for k, row in enumerate(rows))],
        'joints': [['time', 'joint', 'x', 'y', 'score'], *([RISING[t], *rest] for t, *rest in joints)],
    }.items():
        table = read_keypoints(toy_formats._table(tmp_path / f'{name}.csv', content))
        assert_allclose(table.timestamps, RISING, atol=1e-9)
        assert_allclose(table.keypoints, PERSONS[:, 0, :, :2], rtol=1e-6)
    table = read_keypoints(tmp_path / 'a.json', img_shape=SIZE[::-1])
    assert_allclose(np.unique(table.timestamps), RISING[[0, 2, 3]]) and set(table.frame_indices) == {0, 2, 3}
    assert read_keypoints(tmp_path / 'a.json', img_shape=SIZE[::-1], fps=100).timestamps is None


def test_rounded_times_are_an_even_rate(tmp_path):
    """Of 3,000 frames at 30 a second, in milliseconds, of which a hundred are absent."""
    frames = np.delete(np.arange(3000), range(500, 600))
    rows = [[round(t / 30, 3), *PERSONS[0, 0].ravel()] for t in frames]
    table = read_keypoints(toy_formats._table(tmp_path / 'a.csv', [['time', *numbered()], *rows]))
    assert table.timestamps is None and table.fps == pytest.approx(30, abs=0.001)
    assert_array_equal(table.frame_indices, frames)


@pytest.mark.parametrize('ending', ['csv', 'json'])
@pytest.mark.parametrize('ids', [[0, 7], ['a', 'b/c'], [-1, -2]])
def test_keypoints_in_other_formats(tmp_path, ending, ids):
    frames = np.array([2, 3, 4, 5, 3, 5])
    points, scores = PERSONS[[0, 1, 2, 3, 1, 3], [0, 0, 0, 0, 1, 1]][..., :2], np.full((6, 17), 0.5)
    scores[1, 3] = 0
    known = {'skeleton': 'coco17', 'img_shape': SIZE[::-1], 'fps': 25.0}
    table = KeypointTable(points, scores, frames, np.array(ids)[[0, 0, 0, 0, 1, 1]], **known)
    write_keypoints(tmp_path / 'a.npz', table)
    convert_file(tmp_path / 'a.npz', tmp_path / f'b.{ending}')
    copy = read_keypoints(tmp_path / f'b.{ending}')
    assert (copy.skeleton, copy.fps) == ('coco17', 25) and (ending == 'csv' or copy.img_shape == SIZE[::-1])
    assert set(copy.track_ids.astype(str)) == set(map(str, ids))
    one, other = (np.lexsort((each.keypoints[:, 0, 0], each.frame_indices)) for each in (table, copy))
    assert_array_equal(copy.frame_indices[other], table.frame_indices[one])
    assert_array_equal(copy.keypoints_visible[other], table.keypoints_visible[one])
    seen = table.keypoints_visible[one] > 0
    assert_allclose(copy.keypoints[other][seen], table.keypoints[one][seen], atol=1e-3)
    if -1 not in ids:
        assert_array_equal(copy.track_ids[other].astype(str), table.track_ids[one].astype(str))


@pytest.mark.parametrize(
    ('rows', 'sentence'),
    [
        ([numbered(), PERSONS[0, 0].ravel()[:-1]], 'row 2 has 50 cells, expected 51'),
        ([numbered(), [*PERSONS[0, 0].ravel()[:-1], 'a']], "something that is no number .*'a'"),
        ([['frame', *numbered()], [0.5, *PERSONS[0, 0].ravel()]], 'not whole'),
        ([['frame', *numbered()], ['a', *PERSONS[0, 0].ravel()]], "a row is called 'a'"),
        ([['time', *numbered()], ['', *PERSONS[0, 0].ravel()]], 'has no time'),
        ([np.arange(23)], '23 columns without names'),
        ([['x', 'y', 'a'], [1, 2, 3]], 'expected columns <joint>_x'),
        ([['tail_x', 'tail_y', 'fin_x', 'fin_y'], [100, 2, 3, 4]], 'tail, fin .* rename them as in coco17'),
    ],
)
def test_wrong_tables_are_refused(tmp_path, rows, sentence):
    with pytest.raises(InputError, match=sentence):
        read_keypoints(toy_formats._table(tmp_path / 'a.csv', rows))


def motion_of(path):
    document = open_document(path)
    return find_reader(document, 'motion')(document)


@pytest.mark.parametrize(('write', 'up'), [(toy_formats.trc, 'y'), (toy_formats.c3d, 'z')])
def test_markers(tmp_path, write, up):
    motion = motion_of(write(tmp_path))
    expected = MOTION.copy()
    expected[1, 4] = np.nan
    assert_allclose(motion.positions, expected, atol=1e-6)
    assert (motion.fps, motion.unit_m, motion.up, motion.first_frame, motion.names) == (25, 1, up, 1, H36M)


@pytest.mark.parametrize('order', ['mips', 'dec', 'int'])
def test_c3d_of_other_machines(tmp_path, order):
    """The same numbers as big-endian floats, as DEC's, or as integers with a scale."""
    path = toy_formats.c3d(tmp_path)
    data = bytearray(path.read_bytes())
    points = np.frombuffer(bytes(data), '<f4', 4 * 17 * 4, 1536)

    def floats(values):
        if order == 'mips':
            return np.asarray(values, '>f4').tobytes()
        return (np.asarray(values, '<f4') * 4).view('<u2').reshape(-1, 2)[:, ::-1].tobytes()

    if order == 'int':
        rows = points.reshape(-1, 4) * [10_000, 10_000, 10_000, 1]
        data[12:16], data[1536:] = struct.pack('<f', 1e-4), np.round(rows).astype('<i2').tobytes()
    else:
        data[515] = {'mips': 86, 'dec': 85}[order]
        data[12:16], data[20:24], data[1536:] = floats([-1.0]), floats([25.0]), floats(points)
    if order == 'mips':
        words = np.frombuffer(bytes(data[2:12] + data[16:20]), '<u2').astype('>u2').tobytes()
        data[2:12], data[16:20] = words[:10], words[10:]
        at = 516
        while data[at]:  # the places of the next parameters are words too
            at += 2 + abs(int(np.int8(data[at])))
            step = int.from_bytes(data[at : at + 2], 'little')
            data[at : at + 2] = step.to_bytes(2, 'big')
            at += step
    path.write_bytes(data)
    expected = MOTION.copy()
    expected[1, 4] = np.nan
    motion = motion_of(path)
    assert motion.fps == 25 and motion.names == H36M
    assert_allclose(motion.positions, expected, atol=1e-6)


def test_bvh_turns_limbs(tmp_path):
    motion = motion_of(toy_formats.bvh(tmp_path))
    assert_allclose(motion.positions[0], [[0, 90, 0], [10, 90, 0], [50, 90, 0]], atol=1e-9)  # Z by 90: -y becomes +x
    assert_allclose(motion.positions[1], [[5, 90, 0], [5, 90, -10], [5, 50, -10]], atol=1e-9)  # Y by 90: x becomes -z


def test_amass_is_smpl_s_rotations_on_an_average_body(tmp_path):
    path = toy_formats.amass(tmp_path)
    arrays = dict(np.load(path))
    still = np.zeros((4, 156))
    np.savez(path, **{**arrays, 'poses': still})
    rest = motion_of(path)
    names = {name: i for i, name in enumerate(get_skeleton('smpl24').joint_names)}
    wrists = rest.positions[0, [names['left_wrist'], names['right_wrist']]]
    assert wrists[0, 0] > 0.5 and np.allclose(wrists[0] * [-1, 1, 1], wrists[1])
    still[:, :3] = [np.pi / 2, 0, 0]
    still[:, 3 * names['left_knee']] = 0.7
    np.savez(path, **{**arrays, 'poses': still, 'trans': np.tile([1.0, 2, 3], (4, 1))})
    turned = motion_of(path)
    root = axis_angle_to_matrix(np.array([np.pi / 2, 0, 0]))
    knee, ankle = names['left_knee'], names['left_ankle']
    assert_allclose(turned.positions[:, knee] - [1, 2, 3], rest.positions[:, knee] @ root.T, atol=1e-6)
    shin = axis_angle_to_matrix(np.array([0.7, 0, 0])) @ (rest.positions[0, ankle] - rest.positions[0, knee])
    assert_allclose(turned.positions[0, ankle] - turned.positions[0, knee], root @ shin, atol=1e-6)
    assert 1.5 < np.ptp(rest.positions[0, :, 1]) < 1.8 and turned.up == 'z'


def test_motions_become_results_in_camera_axes(tmp_path):
    result, _ = motion_result(motion_of(toy_formats.trc(tmp_path)))
    assert result.skeleton_3d == 'h36m17' and result.fps == 25 and list(result.table.frame_indices) == [1, 2, 3, 4]
    assert_allclose(result.positions()[0], MOTION[0] * [1, -1, -1], atol=1e-6)
    assert_allclose(result.poses[:, 0], 0, atol=1e-7)
    result, _ = motion_result(motion_of(toy_formats.c3d(tmp_path)))
    assert_allclose(result.positions()[0], MOTION[0][:, [0, 2, 1]] * [1, -1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ('changes', 'options', 'sentence'),
    [
        ({'fps': None}, {}, 'has no frame rate, expected one; give it, --fps'),
        ({'unit_m': None, 'positions': MOTION * 1e4}, {}, 'too few or many for a person; give it, --unit'),
        ({'positions': MOTION * np.nan}, {}, 'no marker is seen'),
        ({'positions': MOTION * 1e9}, {}, 'positions reach'),
        ({'parents': (3, *range(16))}, {}, 'no tree'),
        ({'fps': None}, {'fps': 0}, 'fps is 0'),
    ],
)
def test_what_a_motion_lacks_is_asked_for(changes, options, sentence):
    stated = {'fps': 25.0, 'unit_m': 1.0, 'up': 'y', 'positions': MOTION, 'parents': None, **changes}
    motion = Motion(H36M, stated.pop('parents'), None, stated.pop('positions'), None, **stated)
    with pytest.raises(InputError, match=sentence):
        motion_result(motion, **options)


def test_files_of_other_joints_keep_them(tmp_path, capsys):
    names = ['LASI', 'RASI', 'LASI']
    motion = Motion(names, None, None, MOTION[:, :3], None, 25.0, None, 'a.c3d', None)
    result, notes = motion_result(motion)
    assert get_skeleton(result.skeleton_3d).joint_names == ('LASI', 'RASI', 'LASI_1')
    assert 'metres' in notes[2] and 'z is taken as the axis that points up' in notes[1]
    cli.main(['convert', str(toy_formats.bvh(tmp_path)), str(tmp_path / 'a.npz')])
    assert 'taken as centimetres, in which the joints span 0.45 m' in capsys.readouterr().out
    copy = read_result(tmp_path / 'a.npz')
    skeleton = get_skeleton(copy.skeleton_3d)
    assert skeleton.joint_names == ('Hips', 'LeftUpLeg', 'LeftUpLeg_end') and skeleton.parents == (-1, 0, 1)
    assert_allclose(
        copy.positions()[0], np.array([[0, 90, 0], [10, 90, 0], [50, 90, 0]]) / 100 * [1, -1, -1], atol=1e-6
    )
    convert_file(tmp_path / 'a.npz', tmp_path / 'b.npz')
    again = read_result(tmp_path / 'b.npz')
    assert again.skeleton_3d == copy.skeleton_3d
    assert_array_equal(again.poses, copy.poses)


def test_joints_are_converted_by_their_names(tmp_path):
    """MotionBuilder's bones give h36m17; SMPL's shoulders are the arms' beginnings."""
    motion = Motion(
        MIXAMO + ['Prop'], None, None, np.pad(MOTION, ((0, 0), (0, 6), (0, 0)), 'edge'), None, 25.0, 1.0, 'a', 'y'
    )
    result, _ = motion_result(motion)
    own = get_skeleton(result.skeleton_3d)
    assert own.joint_names == (*MIXAMO, 'Prop')
    parts = own.conversions['h36m17']['joints']
    assert parts['left_shoulder'] == {'LeftArm': 1} and parts['left_hip'] == {'LeftUpLeg': 1}


def test_keypoints_become_an_exchange_file(tmp_path, capsys):
    path = toy_formats.mediapipe(tmp_path)
    size = [str(n) for n in SIZE]
    cli.main(['convert', str(path), str(tmp_path / 'a.npz'), '--image-size', *size])
    assert 'MediaPipe landmarks' in capsys.readouterr().out
    table, copy = read_keypoints(path, img_shape=SIZE[::-1]), read_keypoints(tmp_path / 'a.npz')
    assert copy.fps == 25 and copy.img_shape == SIZE[::-1]
    assert_array_equal(copy.keypoints, table.keypoints)
    for target, sentence in (
        ('a.bvh', 'expected the ending .csv, .json, .npz'),
        ('mediapipe.json', 'would replace an input'),
    ):
        with pytest.raises(SystemExit):
            cli.main(['convert', str(path), str(tmp_path / target), '--image-size', *size])
        assert sentence in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(['lift', str(toy_formats.trc(tmp_path))])
    assert 'is 3D motion (TRC files), expected 2D keypoints; poselifter convert reads it' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        ([{'pose_landmarks': 3}], 'pose_landmarks is int'),
        ([{'pose_landmarks': [[{'x': 1}] * 33]}], 'landmarks are wrong'),
        (
            [{'pose_landmarks': [], 'timestamp_ms': 5}, {'pose_landmarks': [], 'timestamp_ms': 5}],
            'expected them to grow',
        ),
        ({'people': [{'pose_keypoints_2d': [1, 2]}]}, 'has 2 numbers, expected x, y, score'),
        ([{'name': 'person', 'keypoints': {'x': [1, 2], 'y': [1]}}], 'not as Ultralytics writes them'),
    ],
)
def test_wrong_documents_are_named(tmp_path, content, sentence):
    (tmp_path / 'a.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=sentence):
        read_keypoints(tmp_path / 'a.json')
