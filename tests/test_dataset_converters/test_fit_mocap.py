"""Bodies fitted to motion capture: rotations in its own layout, against a body whose rotations are known."""

import numpy as np
import pytest
import torch

from poselifter.datasets import CMUSkeletonDataset
from poselifter.datasets.transforms.bodies import BODY17, BONES, PARENTS, place_joints
from poselifter.datasets.transforms.body_detections import BONES20, FILE, common_rotations
from poselifter.geometry import axis_angle_to_matrix, matrix_to_axis_angle, quaternion_to_matrix
from poselifter.models.body_models import AnnyBody, Articulation, BodyMotion
from poselifter.utils import shipped_root

LIMBS = [f'{side}_{end}' for side in ('left', 'right') for end in ('knee', 'ankle', 'elbow', 'wrist')]


@pytest.fixture(scope='module')
def tool(load_module):
    return load_module('tools/dataset_converters/fit_mocap.py')


@pytest.fixture(scope='module')
def builds():
    with np.load(shipped_root() / FILE) as file:
        return dict(file)


@pytest.fixture
def captured(tmp_path, builds):
    """Two clips of a build of Anny that raises its arms and bends its knees; file of joints, quaternions, joints."""
    frames, number = 12, 5
    angles = np.linspace(0.1, 0.9, frames)
    turns = np.zeros((frames, 31, 4), np.float32)
    turns[..., 0] = 1
    for name, axis, scale in (
        ('left_elbow', 1, 1),
        ('left_wrist', 1, 1),
        ('right_ankle', 0, 1),
        ('left_knee', 0, -0.7),
    ):
        turns[:, BONES.index(name), 0] = np.cos(scale * angles / 2)
        turns[:, BONES.index(name), 1 + axis] = np.sin(scale * angles / 2)
    turns = np.concatenate([turns, turns[::-1]])
    root = np.tile(np.float32([0, 0, 0.9]), (len(turns), 1))
    offsets = np.stack([builds['offsets'][number]] * 2)
    joints = place_joints(turns, offsets[0], root)[:, BODY17]
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
    clips = {'clip_id': np.array(['01_01', '01_02']), 'clip_start': np.array([0, frames]), 'clip_len': [frames] * 2}
    labels = {'subject': ['01'] * 2, 'action': ['walk'] * 2, 'description': [''] * 2, 'split': ['train'] * 2}
    poses = np.round((joints - root[:, None]) * 1e4).astype(np.int16)
    np.savez(tmp_path / 'cmu_train.npz', poses=poses, root=root, fps=30, unit_m=1e-4, **clips, **labels)
    full = {'rotations': np.round(turns * 32767).astype(np.int16), 'rotation_unit': 1 / 32767, 'offsets': offsets}
    full |= {'joint_names': np.array(BONES), 'source_format': ['asf-amc'] * 2, 'daz_turn': np.eye(4)[[0] * 31]}
    np.savez(tmp_path / 'full_train.npz', **full, **clips)
    return tmp_path / 'cmu_train.npz', turns, joints


def test_rotations_of_a_fitted_body_are_its_own(tool, builds, rng):
    """Put on the same build, they turn its bones as the pose of the body does; bones it lacks follow those above."""
    body = AnnyBody()
    common = axis_angle_to_matrix(torch.from_numpy(rng.normal(0, 0.3, (9, 20, 3))).float())
    poses = matrix_to_axis_angle(Articulation(body).to_body(common)).flatten(1)
    turns = tool.captured_rotations(body, BodyMotion(poses.numpy(), builds['shapes'][7], np.zeros((9, 3))))
    np.testing.assert_allclose(np.linalg.norm(turns, axis=-1), 1, atol=1e-6)
    seen = common_rotations(turns[None], builds['rests'][7:8])[0]
    from_z_up = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # to the axes of a camera
    np.testing.assert_allclose(seen[:, 1:], common[:, 1:].numpy(), atol=1e-5)
    np.testing.assert_allclose(from_z_up @ seen[:, 0], common[:, 0].numpy(), atol=1e-5)
    assert ((turns[1:] * turns[:-1]).sum(-1) >= 0).all()
    for bone, parent in enumerate(PARENTS):
        assert BONES[bone] in BONES20 or np.array_equal(turns[:, bone], turns[:, parent])


def test_known_limbs_are_found_and_a_stopped_run_goes_on(tool, captured, tmp_path, capsys):
    path, turns, joints = captured
    np.testing.assert_allclose(tool.captured_joints(dict(np.load(path.with_name('full_train.npz'))),
                               np.load(path)['root'], 1) @ tool._TURN, joints[12:], atol=2e-4)  # fmt: skip
    tool.main([str(path), str(tmp_path / 'fits'), '--workers', '1', '--iterations', '60'])
    assert '2 clips, 24 frames' in capsys.readouterr().out
    with np.load(tmp_path / 'fits/full_train.npz') as file:
        fitted = dict(file)
    assert fitted['shapes'].shape == (2, 15) and fitted['errors'].max() < 0.02
    found = quaternion_to_matrix(fitted['rotations'] * float(fitted['rotation_unit']))
    apart = quaternion_to_matrix(turns).swapaxes(-1, -2) @ found
    for limb in LIMBS:  # where it points; nothing says how it is turned about its length
        along = np.array([0, 0, 1.0] if limb.endswith(('knee', 'ankle')) else [1.0, 0, 0])
        cosine = apart[:, BONES.index(limb)] @ along @ along
        assert np.degrees(np.arccos(cosine.clip(-1, 1))).mean() < 8, limb
    kept = {part: part.stat().st_mtime_ns for part in (tmp_path / 'fits/.clips').iterdir()}
    (tmp_path / 'fits/.clips/1_01_02.npz').write_bytes(b'cut')
    tool.main([str(path), str(tmp_path / 'fits'), '--workers', '1', '--iterations', '60'])
    for part, time in kept.items():
        assert (part.stat().st_mtime_ns == time) == (part.stem == '0_01_01')
    np.testing.assert_array_equal(np.load(tmp_path / 'fits/full_train.npz')['rotations'], fitted['rotations'])
    data = CMUSkeletonDataset(
        ann_file=str(path), own_body=1, window='whole', rotations=str(tmp_path / 'fits/full_train.npz'), pipeline=[]
    )
    np.testing.assert_allclose(quaternion_to_matrix(data[1]['bone_rotations']), found[12:], atol=1e-4)


def test_a_file_without_rotations_beside_it(tool, captured, tmp_path, fails):
    captured[0].with_name('full_train.npz').unlink()
    for path, name in ((str(captured[0]), 'full_train.npz'), ('.', 'full_')):
        assert f'{name} does not exist' in fails(tool.main, path, str(tmp_path / 'out'))
