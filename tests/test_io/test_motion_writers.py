"""Files for animation and biomechanics, read back by other programs' libraries or by their formats' own rules."""

import csv
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poselifter.errors import InputError
from poselifter.geometry.inverse_kinematics import forward_kinematics
from poselifter.io import write_results
from poselifter.io.amass import read_amass
from poselifter.io.writers.markers import write_c3d
from poselifter.io.writers.motion import every_frame, motion_of, places
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable, Result

JOINTS = get_skeleton('cmu17').joint_names
BONE_OF = {'left_knee': 'LeftLeg', 'right_ankle': 'RightFoot', 'left_wrist': 'LeftHand', 'right_elbow': 'RightForeArm'}
BONE_OF |= {'pelvis': 'Hips', 'thorax': 'Neck', 'nose': 'Head', 'left_shoulder': 'LeftArm', 'right_hip': 'RightUpLeg'}
_Z_TO_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.fixture(scope='module')
def clip(data_dir) -> Result:
    """90 frames of a cartwheel whose bones were made rigid, with a root, as an upright camera at the origin sees it."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('49_06')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + tiny['clip_len'][k])
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    table = KeypointTable.of_person(np.zeros((len(world), 0, 2)), fps=30)
    loose = Result(table, world @ _Z_TO_CAMERA.T, 'cmu17')
    loose.root = loose.poses[:, 0].copy()
    loose.poses = loose.poses - loose.root[:, None]
    rigid = motion_of(loose, table.frame_indices).joints() * [1, -1, -1]
    return replace(loose, poses=rigid - rigid[:, :1], root=rigid[:, 0])


@pytest.fixture
def two(clip) -> Result:
    """The clip as person a, and from frame 30 on as person b, who is away in frames 40 to 44."""
    rows = np.r_[0:90, 0:10, 15:40]
    frames = np.r_[0:90, 30:40, 45:70]
    table = KeypointTable(np.zeros((125, 0, 2)), np.zeros((125, 0)), frames, np.repeat(['a', 'b'], [90, 35]), fps=30)
    return Result(table, clip.poses[rows], 'cmu17', clip.root[rows])


def test_uneven_times_are_evened_out(clip):
    """A body that glides along x at 2 m/s, seen at uneven times, is where it is at the files' even ones."""
    times = np.arange(90) / 30 + 0.4 / 30 * np.sin(np.arange(90))
    root = np.c_[2 * times, 0 * times, 0 * times + 4]
    table = replace(clip.table, timestamps=times)
    glides = replace(clip, table=table, poses=clip.poses[:1].repeat(90, 0), root=root)
    np.testing.assert_allclose(places(glides, np.arange(90))[:, 0, 0], 2 * np.arange(90) / 30, atol=1e-6)


def up(result):
    """Joints (T, 17, 3) in metres, y up."""
    return result.positions() * [1, -1, -1]


def read_bvh(path):
    pybvh = pytest.importorskip('pybvh', reason='needs pybvh')
    return pybvh.read_bvh_file(path, world_up='+y')


@pytest.mark.parametrize(('name', 'toe'), [('bvh', 'LeftToeBase'), ('gmr', 'LeftToe')])
def test_bvh_is_read_by_pybvh(clip, tmp_path, name, toe):
    """Its forward kinematics puts the joints where they are, to 1 mm; angles go on from frame to frame."""
    [path] = write_results(tmp_path / 'a', clip, [name])
    bvh = read_bvh(path)
    nodes, bones = bvh.node_positions(), [node.name for node in bvh.nodes]
    assert bvh.frame_count == 90 and bvh.fps == pytest.approx(30) and len(bvh.joint_names) == 22 and toe in bones
    for joint, bone in BONE_OF.items():
        np.testing.assert_allclose(nodes[:, bones.index(bone)] / 100, up(clip)[:, JOINTS.index(joint)], atol=1e-3)
    tips = [number for number, node in enumerate(bvh.nodes) if node.parent is not None and node.parent.name == 'Head']
    np.testing.assert_allclose(nodes[:, tips[0]] / 100, up(clip)[:, JOINTS.index('head_top')], atol=1e-3)
    values = np.loadtxt(path.read_text().split('Frame Time')[1].splitlines()[1:])
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 120


def test_bvh_rests_in_a_standing_t_pose(clip, tmp_path):
    [path] = write_results(tmp_path / 'a', clip, ['bvh'])
    bvh = read_bvh(path)
    rest, bones = bvh.rest_pose_positions, [node.name for node in bvh.nodes]
    rest = dict(zip(bones, rest() if callable(rest) else rest, strict=True))
    for side, sign in (('Left', 1), ('Right', -1)):
        arm = np.stack([rest[side + name] for name in ('Arm', 'ForeArm', 'Hand')])
        leg = np.stack([rest[side + name] for name in ('UpLeg', 'Leg', 'Foot')])
        assert (np.diff(arm[:, 0]) * sign > 10).all() and np.ptp(arm[:, 1:], axis=0).max() < 1e-6
        assert (np.diff(leg[:, 1]) < -10).all() and np.ptp(leg[:, [0, 2]], axis=0).max() < 1e-6
        assert rest[f'{side}ToeBase'][2] > leg[2, 2] + 5
    assert rest['Head'][1] > rest['Neck'][1] > rest['Spine1'][1] > rest['Hips'][1]
    lengths = [np.linalg.norm(rest[f'{side}Leg'] - rest[f'{side}UpLeg']) for side in ('Left', 'Right')]
    assert lengths[0] == pytest.approx(lengths[1])


def test_gmr_layout_is_lafan1s(clip, tmp_path):
    """x goes along each limb, and the y axes of hips and knees to the front, as programs for LAFAN1 take them."""
    [path] = write_results(tmp_path / 'a', clip, ['gmr'])
    bvh = read_bvh(path)
    text = path.read_text()
    assert text.count('Zrotation Yrotation Xrotation') == 22
    offsets = {node.name: np.asarray(node.offset) for node in bvh.nodes}
    for bone in ('LeftLeg', 'RightFoot', 'LeftForeArm', 'RightHand', 'Spine2'):
        assert offsets[bone][0] > 5 and np.abs(offsets[bone][1:]).max() < 1e-6
    assert offsets['LeftUpLeg'][2] > 5 and offsets['RightUpLeg'][2] < -5  # z of the hips to the left
    hips = Rotation.from_euler('ZYX', np.loadtxt(text.splitlines()[-90:])[0, 3:6], degrees=True).as_matrix()
    motion = motion_of(clip, clip.table.frame_indices)
    np.testing.assert_allclose(hips @ [1, 0, 0], motion.rotations[0, 0] @ [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(hips @ [0, 1, 0], motion.rotations[0, 0] @ [0, 0, 1], atol=1e-6)


def test_persons_have_files_of_their_own_that_say_when_they_begin(two, tmp_path):
    paths = write_results(tmp_path / 'x', two, ['bvh', 'trc'])
    assert [path.name for path in paths] == ['x_a.bvh', 'x_b_from30.bvh', 'x_a.trc', 'x_b.trc']
    b = read_bvh(paths[1])
    assert b.frame_count == 40  # from b's first frame to the last one
    hips = b.node_positions()[:, 0] / 100
    np.testing.assert_allclose(hips[:10], up(two)[90:100, 0], atol=1e-3)
    np.testing.assert_allclose(np.diff(hips[9:16], n=2, axis=0), 0, atol=1e-5)  # straight over the gap
    rows = [row.split('\t') for row in paths[3].read_text().splitlines()[6:]]
    assert [rows[k][:2] for k in (0, -1)] == [['31', '1.000000'], ['70', f'{69 / 30:.6f}']]
    assert [bool(rows[k][2]) for k in (0, 9, 10, 14, 15)] == [True, True, False, False, True]


def test_a_root_that_is_unknown_stays_above_the_floor(clip, tmp_path):
    [path] = write_results(tmp_path / 'a', replace(clip, root=None), ['bvh'])
    nodes = read_bvh(path).node_positions()[:, 0]
    assert np.ptp(nodes, axis=0).max() == 0 and 70 < nodes[0, 1] < 110


def test_the_world_is_used_where_it_is_known(clip):
    """A camera that looks down by 30 degrees from 2 m above the ground: what it sees below its middle is the floor."""
    world = np.eye(4)
    world[:3, :3] = _Z_TO_CAMERA.T @ Rotation.from_euler('x', -30, degrees=True).as_matrix()
    world[2, 3] = 2
    result = replace(clip, poses=np.zeros_like(clip.poses), root=np.tile([0, 0, 4.0], (90, 1)), world_from_camera=world)
    np.testing.assert_allclose(places(result, every_frame(result))[0, 0], [0, 0, -4 * np.cos(np.pi / 6)], atol=1e-9)
    relative = replace(result, root=None, poses=clip.poses)
    turned = clip.poses @ world[:3, :3].T
    np.testing.assert_allclose(places(relative, every_frame(relative)), turned[..., [0, 2, 1]] * [1, 1, -1], atol=1e-9)


def glb(path):
    """The document, and a function that gives its arrays by number."""
    gltf = pytest.importorskip('pygltflib', reason='needs pygltflib').GLTF2().load(str(path))
    blob, kinds = gltf.binary_blob(), {5126: np.float32, 5125: np.uint32, 5121: np.uint8}
    widths = {'SCALAR': 1, 'VEC3': 3, 'VEC4': 4, 'MAT4': 16}

    def array(number):
        accessor = gltf.accessors[number]
        view = gltf.bufferViews[accessor.bufferView]
        values = np.frombuffer(
            blob, kinds[accessor.componentType], accessor.count * widths[accessor.type], view.byteOffset
        )
        return values.reshape(accessor.count, -1)

    return gltf, array


def test_glb_plays_the_joints_of_all_persons(two, tmp_path):
    """Transforms of nodes, chained as glTF says, put bones and what they carry where the joints are."""
    [path] = write_results(tmp_path / 'a', two, ['glb'])
    gltf, array = glb(path)
    names = [node.name for node in gltf.nodes]
    assert [name for name in names if name.startswith('person')] == ['person a', 'person b'] and len(gltf.skins) == 2
    parents = {child: parent for parent, node in enumerate(gltf.nodes) for child in node.children}
    channels = {
        (c.target.node, c.target.path): gltf.animations[0].samplers[c.sampler] for c in gltf.animations[0].channels
    }
    first = gltf.skins[1].joints[0]
    assert array(channels[first, 'translation'].input)[[0, -1], 0] == pytest.approx([1, 69 / 30])

    def transform(node, frame):
        matrix, path = np.eye(4), []
        while node is not None:
            path, node = [node, *path], parents.get(node)
        for part in path:
            local = np.eye(4)
            moved = channels.get((part, 'translation'))
            local[:3, 3] = array(moved.output)[frame] if moved else gltf.nodes[part].translation or 0
            if (part, 'rotation') in channels:
                local[:3, :3] = Rotation.from_quat(array(channels[part, 'rotation'].output)[frame]).as_matrix()
            matrix = matrix @ local
        return matrix

    for skin, start in zip(gltf.skins, (0, 90), strict=True):
        for joint, bone in BONE_OF.items():
            node = next(number for number in skin.joints if names[number] == bone)
            for frame in (0, 7):
                place = up(two)[start + frame, JOINTS.index(joint)]
                np.testing.assert_allclose(transform(node, frame)[:3, 3], place, atol=1e-4)
        inverse = array(skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
        mesh = gltf.meshes[gltf.skins.index(skin)].primitives[0].attributes
        points, owners = array(mesh.POSITION), array(mesh.JOINTS_0)[:, 0]
        shank = [names[number] for number in skin.joints].index('LeftLeg')
        carried = (
            np.c_[points, np.ones(len(points))][owners == shank] @ (transform(skin.joints[shank], 7) @ inverse[shank]).T
        )
        ends = [up(two)[start + 7, JOINTS.index(name)] for name in ('left_knee', 'left_ankle')]
        for end in ends:  # the solid of a bone goes from one joint to the other
            assert np.linalg.norm(carried[:, :3] - end, axis=-1).min() < 1e-4


def test_trc_has_the_numbers_of_a_file_of_another_program(shared, tmp_path):
    expected = json.loads((shared / 'fixtures/formats/trc/expected.json').read_text())['metres.trc']
    person = np.array(list(expected['persons']['0'].values()), float) * [1, -1, -1]
    result = Result(KeypointTable.of_person(np.zeros((4, 0, 2)), fps=25), person, 'h36m17')
    [path] = write_results(tmp_path / 'w', result, ['trc'])
    theirs = (shared / 'fixtures/formats/trc/metres.trc').read_text().splitlines()
    ours = path.read_text().splitlines()
    assert [line.rstrip('\t') for line in ours[:6]] == [line.rstrip('\t') for line in theirs[:6]]
    for a, b in zip(ours[6:], theirs[6:], strict=True):
        a, b = ([float(cell or 'nan') for cell in line.split('\t')] for line in (a, b))
        np.testing.assert_allclose(a, b, atol=6e-6)


def test_c3d_is_read_by_ezc3d(two, tmp_path):
    ezc3d = pytest.importorskip('ezc3d', reason='needs ezc3d')
    path = write_results(tmp_path / 'a', two, ['c3d'])[1]
    c3d = ezc3d.c3d(str(path))
    points, about = c3d['data']['points'], c3d['parameters']['POINT']
    assert points.shape == (4, 17, 40) and about['RATE']['value'] == [30] and about['UNITS']['value'] == ['mm']
    assert tuple(about['LABELS']['value']) == JOINTS and about['Y_SCREEN']['value'] == ['+Y']
    assert c3d['header']['points']['first_frame'] == 30  # ezc3d counts from 0
    np.testing.assert_allclose(points[:3, :, :10].T / 1000, up(two)[90:100], atol=1e-5)
    assert np.isnan(points[:3, :, 10:15]).all() and (c3d['data']['meta_points']['residuals'][..., 10:15] == -1).all()
    long = replace(two, table=replace(two.table, frame_indices=np.r_[0:124, 70000]))
    with pytest.raises(InputError, match='C3D holds 65535; write trc'):
        write_c3d(tmp_path / 'long.c3d', long)


def test_amass_is_read_back(clip, tmp_path):
    """Rotations chained along SMPL's tree from straight bones of the same lengths give the joints, z up."""
    [path] = write_results(tmp_path / 'a', clip, ['amass'])
    sequence = read_amass(path)
    assert (sequence.model, sequence.fps, sequence.poses.shape, sequence.betas.shape) == ('smplx', 30, (90, 165), (16,))
    with np.load(path) as arrays:  # the names by which GMR takes them
        assert arrays['pose_body'].shape == (90, 63) and arrays['root_orient'].shape == arrays['trans'].shape == (90, 3)
        assert arrays['mocap_frame_rate'] == 30
    smpl = get_skeleton('smpl24')
    local = Rotation.from_rotvec(sequence.poses[:, :66].reshape(-1, 3)).as_matrix().reshape(90, 22, 3, 3)
    world = local.copy()
    for joint in range(1, 22):
        world[:, joint] = world[:, smpl.parents[joint]] @ local[:, joint]
    joints = clip.positions() @ _Z_TO_CAMERA  # z up
    bones = {
        'left_knee': ('left_ankle', (0, -1, 0)),
        'right_elbow': ('right_wrist', (-1, 0, 0)),
        'left_hip': ('left_knee', (0, -1, 0)),
    }
    for name, (child, rest) in bones.items():
        vector = joints[:, JOINTS.index(child)] - joints[:, JOINTS.index(name)]
        turned = world[:, smpl.joint_names.index(name)] @ rest
        np.testing.assert_allclose(turned, vector / np.linalg.norm(vector, axis=-1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(np.ptp(sequence.trans - joints[:, 0], axis=0), 0, atol=1e-5)


def test_csv_and_json_hold_the_numbers_of_the_result(two, tmp_path):
    two.uncertainty, two.poses = np.full((125, 17), 0.02), two.poses.copy()
    two.poses[3, 5] = np.nan
    table, document = write_results(tmp_path / 'a', two, ['csv', 'json'])
    with open(table, newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 125 and [rows[k]['track'] for k in (0, 124)] == ['a', 'b']
    assert float(rows[100]['time']) == pytest.approx(45 / 30, abs=1e-6) and rows[3]['left_knee_x'] == ''
    place = [float(rows[100][f'left_wrist_{axis}']) for axis in 'xyz']
    np.testing.assert_allclose(place, two.poses[100, JOINTS.index('left_wrist')], atol=6e-6)
    assert float(rows[0]['root_y']) == pytest.approx(two.root[0, 1], abs=6e-6) and rows[0]['nose_sd'] == '0.02000'
    read = json.loads(document.read_text())
    assert read['unit'] == 'm' and read['joints'] == list(JOINTS) and read['root'] == 'pelvis'
    assert [track['track'] for track in read['tracks']] == ['a', 'b'] and read['tracks'][1]['frames'][10] == 45
    assert read['tracks'][0]['keypoints_3d'][3][5] == [None] * 3
    np.testing.assert_allclose(read['tracks'][1]['keypoints_3d'], two.poses[90:], atol=6e-6)
    np.testing.assert_allclose(read['tracks'][1]['root_3d'], two.root[90:], atol=6e-6)


def test_angles_have_a_row_for_each_person_and_frame(two, tmp_path):
    [path] = write_results(tmp_path / 'a', two, ['angles'])
    assert path.name == 'a_angles.csv'
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 125 and 'left_ankle_dorsiflexion' not in rows[0]  # the joint set has no toes
    hip, knee, ankle = (two.poses[:, JOINTS.index(f'right_{name}')] for name in ('hip', 'knee', 'ankle'))
    upper, lower = hip - knee, ankle - knee
    cosine = (upper * lower).sum(-1) / np.linalg.norm(upper, axis=-1) / np.linalg.norm(lower, axis=-1)
    flexion = [float(row['right_knee_flexion']) for row in rows]
    np.testing.assert_allclose(flexion, 180 - np.degrees(np.arccos(cosine)), atol=0.006)


def test_a_person_who_is_away_for_days_is_refused(clip):
    table = replace(clip.table, frame_indices=np.r_[0:89, 5_000_000])
    with pytest.raises(InputError, match='spans 5000001 frames, expected 1000000 at most; cut it up'):
        every_frame(replace(clip, table=table))


def test_memory_is_that_of_one_person_at_a_time(clip, tmp_path):
    """Of an hour at 30 frames a second 5 kB a frame are 560 MB."""
    rows, persons = np.tile(np.arange(90), 20), 4
    ids, frames = np.repeat(np.arange(persons), len(rows)), np.tile(np.arange(len(rows)), persons)
    every = np.tile(rows, persons)
    table = KeypointTable(np.zeros((len(ids), 0, 2)), np.zeros((len(ids), 0)), frames, ids, fps=30)
    crowd = Result(table, clip.poses[every], 'cmu17', clip.root[every])
    tracemalloc.start()
    write_results(tmp_path / 'a', crowd, ['glb'])
    assert tracemalloc.get_traced_memory()[1] / len(rows) < 7000  # two persons at a time take 8 kB
    tracemalloc.stop()


def test_joints_that_are_not_rigid_keep_their_directions(clip, rng):
    """Bones of a lifted person change their lengths from frame to frame; files have the median."""
    noisy = replace(clip, poses=clip.poses + rng.normal(0, 0.01, clip.poses.shape))
    motion = motion_of(noisy, clip.table.frame_indices)
    heads = forward_kinematics(motion.armature, motion.rotations, motion.root)
    shank = heads[:, motion.armature.names.index('LeftFoot')] - heads[:, motion.armature.names.index('LeftLeg')]
    given = up(noisy)[:, JOINTS.index('left_ankle')] - up(noisy)[:, JOINTS.index('left_knee')]
    assert np.ptp(np.linalg.norm(shank, axis=-1)) < 1e-9
    np.testing.assert_allclose(np.cross(shank, given), 0, atol=1e-9)
    assert np.linalg.norm(motion.joints() - up(noisy), axis=-1).mean() < 0.03
