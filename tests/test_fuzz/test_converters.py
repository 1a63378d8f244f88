"""Spoilt inputs of the converters end in a file or in one sentence, in bounded time and memory."""

import shutil

import numpy as np
import pytest
from fuzz import ends_well, fuzz, spoil
from hypothesis import given
from hypothesis import strategies as st
from toy_datasets.downloads import write_downloads

from poselifter.datasets.transforms.bodies import BONES
from poselifter.utils.arrays import load_arrays

#: By converter: what it is given, and which of these files are spoilt.
TOOLS = {
    'amass': (
        '--workers 1 --body-models smplh --regressor J_regressor_h36m_correct.npy archives',
        ['archives/CMU/01/01_01_poses.npz', 'smplh/male/model.npz', 'J_regressor_h36m_correct.npy'],
    ),
    'cmu_mocap': (
        '--workers 1 --index index.txt clips',
        ['clips/01.asf', 'clips/01_01.amc', 'clips/16_01.bvh', 'index.txt'],
    ),
    'eft': (
        'COCO2014-Part-ver01.json person_keypoints_train2014.json',
        ['COCO2014-Part-ver01.json', 'person_keypoints_train2014.json'],
    ),
    'fit_mocap': ('--workers 1 cmu_train.npz', ['cmu_train.npz', 'full_train.npz']),
    'instavariety': ('--workers 1 InstaVariety_tracks', ['InstaVariety_tracks/dance/video1/0/10.json']),
    'mpi_inf_3dhp': (
        'DOWNLOADED_FOLDER',
        [f'DOWNLOADED_FOLDER/{name}.mat' for name in ('S3/Seq1/annot', 'mpi_inf_3dhp_test_set/TS5/annot_data')],
    ),
    'neural_annot': (
        'neural_annot',
        [f'neural_annot/Human36M_subject5_{kind}.json' for kind in ('camera', 'joint_3d', 'SMPL_NeuralAnnot')],
    ),
    'ntu_skeleton': (
        '--workers 1 --missing LIST.txt skeletons',
        ['skeletons/S001C001P001R001A001.skeleton', 'LIST.txt'],
    ),
    'pw3d': ('3DPW/sequenceFiles', ['3DPW/sequenceFiles/train/scene_train.pkl']),
}
OUT = dict.fromkeys(('eft', 'neural_annot', 'pw3d'), 'out.npz') | {'ntu_skeleton': 'out.pkl'}


@pytest.fixture(scope='module')
def downloads(tmp_path_factory, data_dir):
    """What the pages ask to download, and few clips of CMU."""
    folder = tmp_path_factory.mktemp('downloads')
    write_downloads(folder, folder)
    for name in ('clips', 'skeletons'):
        (folder / name).mkdir()
    for name in ('subjects/01/01.asf', 'subjects/01/01_01.amc', 'bvh/16_01.bvh'):
        shutil.copy(folder / 'DOWNLOADED_FOLDER' / name, folder / 'clips')
    (folder / 'index.txt').write_text('01_01\twalk\n16_01\trun, jump\nSubject #9 (run)\n09_02\tfast\n')
    shutil.copy(folder / 'S001C001P001R001A001.skeleton', folder / 'skeletons')
    write_rotations(folder, load_arrays(data_dir / 'cmu_tiny.npz'))
    return folder


def write_rotations(folder, clips):
    """Rotations of the clips' bones, all at rest."""
    count, frames = len(clips['clip_id']), len(clips['root'])
    np.savez(folder / 'cmu_train.npz', root=clips['root'])
    np.savez(
        folder / 'full_train.npz',
        **{key: clips[key] for key in ('clip_id', 'clip_start', 'clip_len')},
        joint_names=np.array(BONES),
        rotations=np.full((frames, 31, 4), [32767, 0, 0, 0], np.int16),
        rotation_unit=1 / 32767,
        offsets=np.full((count, 31, 3), 0.2, np.float32),
        source_format=np.array(['asf'] * (count - 1) + ['bvh-daz']),
        daz_turn=np.tile(np.float32([1, 0, 0, 0]), (31, 1)),
    )


def fit_nothing(joints, iterations, kept):
    """Stands in for a fit, which takes long."""
    kept.save({'rotations': np.zeros((len(joints), 31, 4)), 'shapes': np.zeros(15), 'errors': np.float32(0)}, {})


@pytest.mark.parametrize('name', TOOLS)
def test_converters(name, downloads, load_module, monkeypatch, tmp_path):
    if name == 'amass':
        pytest.importorskip('smplx', reason='bodies need smplx')
    tool = load_module(f'tools/dataset_converters/{name}.py')
    if name == 'fit_mocap':
        monkeypatch.setattr(tool, 'fit', fit_nothing)
    words, files = TOOLS[name]
    argv = [*words.split(), OUT.get(name, 'out')]
    for place in {path.split('/')[0] for path in [*argv, *files] if (downloads / path).exists()}:
        copy = shutil.copytree if (downloads / place).is_dir() else shutil.copy
        copy(downloads / place, tmp_path / place)
    monkeypatch.chdir(tmp_path)
    assert ends_well(tool.main, *argv) == 0

    @fuzz(12)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        path = rng.choice(files)
        spoil(downloads / path, tmp_path / path, rng)
        ends_well(tool.main, *argv)
        shutil.copy(downloads / path, tmp_path / path)

    spoilt()
