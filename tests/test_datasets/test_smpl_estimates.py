"""Result files of SPIN, VIBE, MAED and HybrIK as their programs write them, from numbers that scipy turns."""

import pickle
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from toy_datasets import mesh

from poselifter.datasets import MeshDataset, read_smpl_estimates
from poselifter.datasets.transforms import FlipPose
from poselifter.errors import InputError
from poselifter.skeletons import flip_smpl_pose
from poselifter.structures import check_sample

RNG = np.random.default_rng(0)
POSES = RNG.uniform(-1, 1, (6, 24, 3)).astype(np.float32)
BETAS = RNG.normal(0, 1, (6, 10)).astype(np.float32)
MATRICES = Rotation.from_rotvec(POSES.reshape(-1, 3)).as_matrix().reshape(6, 24, 3, 3).astype(np.float32)
FRAMES = np.array([3, 4, 5, 8, 9, 12])


def write(path: Path, content) -> Path:
    if path.suffix == '.npz':
        np.savez(path, **content)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    return path


@pytest.mark.parametrize(('name', 'content', 'frames'), [
    ('spin.npz', {'pred_joints': np.zeros((6, 24, 3)), 'pose': POSES.reshape(6, 72), 'betas': BETAS}, None),
    ('spin.npz', {'pose': MATRICES, 'betas': BETAS}, None),
    ('vibe.pkl', {1: {'pose': POSES.reshape(6, 72), 'betas': BETAS, 'frame_ids': FRAMES, 'bboxes': BETAS}}, FRAMES),
    ('six.pkl', {'pose': MATRICES[..., :2].reshape(6, 144), 'betas': BETAS}, None),
    ('hybrik.pk', {'pred_thetas': list(MATRICES.reshape(6, 216)), 'pred_betas': list(BETAS), 'height': [9] * 6}, None),
])  # fmt: skip
def test_layouts(tmp_path, name, content, frames):
    found = read_smpl_estimates(write(tmp_path / name, content))
    turned = Rotation.from_rotvec(found.poses.reshape(-1, 3)) * Rotation.from_rotvec(POSES.reshape(-1, 3)).inv()
    assert turned.magnitude().max() < 1e-5
    np.testing.assert_array_equal(found.betas, BETAS)
    assert (found.frames is None) if frames is None else (found.frames == frames).all()


@pytest.mark.parametrize('kind', [dict, list, float, set])
def test_wham_s_people_lie_in_a_defaultdict(tmp_path, kind):
    people = defaultdict(kind, {0: {'pose': POSES.reshape(6, 72), 'betas': BETAS, 'frame_ids': FRAMES}})
    for protocol in (0, 2, 5):
        (tmp_path / 'wham.pkl').write_bytes(pickle.dumps(people, protocol))
        np.testing.assert_array_equal(read_smpl_estimates(tmp_path / 'wham.pkl').frames, FRAMES)
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps({'pose': defaultdict(print), 'betas': BETAS}))
    with pytest.raises(InputError, match='an object of a program'):
        read_smpl_estimates(tmp_path / 'bad.pkl')


def test_joblib_s_files(tmp_path):
    """VIBE's demo writes them; arrays lie between the pickle's own bytes."""
    joblib = pytest.importorskip('joblib', reason='writes the file that is read')
    people = {k: {'pose': POSES.reshape(6, 72) * k, 'betas': BETAS[:, ::-1], 'frame_ids': FRAMES} for k in (1, 2)}
    for protocol in (2, 4, 5):
        joblib.dump(people, tmp_path / 'vibe.pkl', protocol=protocol)
        np.testing.assert_array_equal(read_smpl_estimates(tmp_path / 'vibe.pkl', 2).poses, POSES.reshape(6, 72) * 2)
    with pytest.raises(InputError, match=r"holds the people \['1', '2'\]; name one of them"):
        read_smpl_estimates(tmp_path / 'vibe.pkl')
    with pytest.raises(InputError, match=r'person 3: found .*expected pose \(N, 72\)'):
        read_smpl_estimates(tmp_path / 'vibe.pkl', 3)
    joblib.dump({'pose': [print], 'betas': BETAS}, tmp_path / 'bad.pkl')
    with pytest.raises(InputError, match='executes nothing from a file'):
        read_smpl_estimates(tmp_path / 'bad.pkl')
    (tmp_path / 'cut.pkl').write_bytes((tmp_path / 'vibe.pkl').read_bytes()[:-900])
    with pytest.raises(InputError, match='no whole pickle'):
        read_smpl_estimates(tmp_path / 'cut.pkl', 1)


def test_frames_between_take_the_nearest(tmp_path):
    content = {'pose': POSES.reshape(6, 72), 'betas': BETAS, 'frame_ids': FRAMES}
    found = read_smpl_estimates(write(tmp_path / 'one.pkl', content)).at(np.arange(15))
    for frame in range(15):
        distance = np.abs(FRAMES - frame)
        rows = [row for row in range(6) if (found['initial_shape'][frame] == BETAS[row]).all()]
        assert distance[rows] == distance.min()
        np.testing.assert_array_equal(found['initial_pose'][frame], POSES[rows[0]].ravel())


def test_no_turn_that_is_no_number(tmp_path):
    poses = POSES.copy()
    poses[2, 5] = np.nan
    found = read_smpl_estimates(write(tmp_path / 'spin.npz', {'pose': poses.reshape(6, 72), 'betas': BETAS}))
    np.testing.assert_array_equal(found.poses.reshape(6, 24, 3)[2, 5], 0)


@pytest.mark.parametrize(('content', 'message'), [
    ({'poses': 1, 'x': 2}, r"found \['poses', 'x'\], expected pose \(N, 72\).*HybrIK"),
    ([1, 2], 'found list, expected pose'),
    ({}, r'found \[\], expected pose'),
    ({'pose': POSES[:, :22], 'betas': BETAS}, r'pose \(6, 66\) and betas \(6, 10\), expected'),
    ({'pose': POSES, 'betas': BETAS[:5]}, r'betas \(5, 10\), expected'),
    ({'pose': POSES, 'betas': BETAS, 'frame_ids': FRAMES[::-1]}, '6 frame_ids, expected rising'),
    ({'pose': [POSES, 3], 'betas': BETAS}, 'pose is no array of numbers'),
])  # fmt: skip
def test_other_files_are_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_smpl_estimates(write(tmp_path / 'file.pkl', content))


def test_in_a_data_set(tmp_path):
    """A file for each video of a folder or one for all; mirrored with the clip; stretched with a short video."""
    part = mesh.make_part((('a', 6), ('b', 20)))
    mesh.write_pickle(tmp_path / 'mesh_det_h36m.pkl', part, part)
    (folder := tmp_path / 'spin').mkdir()
    for name, rows in (('a', slice(0, 6)), ('b', slice(6, 26))):
        write(folder / f'{name}.npz', {'pose': part['smpl_pose'][rows] * 2, 'betas': part['smpl_shape'][rows] + 1})
    write(tmp_path / 'all.pkl', {'pose': part['smpl_pose'] * 2, 'betas': part['smpl_shape'] + 1})
    for estimates in ('spin', 'all.pkl'):
        options = {'data_root': str(tmp_path), 'min_frames': 8, 'window': {'length': 8}, 'estimates': estimates}
        dataset = MeshDataset('mesh_det_h36m.pkl', 'h36m', **options)
        for sample in dataset.samples(range(len(dataset))):
            check_sample(sample)
            np.testing.assert_allclose(sample['initial_pose'], sample['smpl_pose'] * 2, rtol=1e-6)
            np.testing.assert_allclose(sample['initial_shape'], sample['smpl_shape'] + 1, atol=1e-6)
    flipped = FlipPose(prob=1).transform({**sample, 'inputs': np.zeros((8, 17, 3), np.float32)})
    np.testing.assert_array_equal(flipped['initial_pose'], flip_smpl_pose(sample['initial_pose']))
    (folder / 'b.npz').unlink()
    with pytest.raises(InputError, match=r'spin has no file for the video b, expected b.npz or .pkl'):
        len(MeshDataset('mesh_det_h36m.pkl', 'h36m', **{**options, 'estimates': 'spin'}))
    write(folder / 'b.pkl', {'pose': POSES, 'betas': BETAS})
    with pytest.raises(InputError, match='6 bodies without frame_ids, expected 20, one a frame'):
        len(MeshDataset('mesh_det_h36m.pkl', 'h36m', **{**options, 'estimates': 'spin'}))
    with pytest.raises(InputError, match='none does not exist; save the result files'):
        len(MeshDataset('mesh_det_h36m.pkl', 'h36m', **{**options, 'estimates': 'none'}))
