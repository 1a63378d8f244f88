"""MPI-INF-3DHP of P-STMO's files."""

import numpy as np
import pytest
from toy_datasets.h36m import write_objects
from toy_datasets.mpi_inf_3dhp import TEST, TRAIN, write_3dhp

from poselifter.codecs import RootRelativeLifting
from poselifter.datasets import MPIINF3DHPDataset
from poselifter.engine import load_config
from poselifter.errors import InputError
from poselifter.registry import DATASETS
from poselifter.structures import check_sample
from poselifter.utils.safe_pickle import load_npz

CODEC = RootRelativeLifting(skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25, unit='mm')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_3dhp(tmp_path_factory.mktemp('3dhp'))


def load(folder, part, **changes):
    return MPIINF3DHPDataset(data_root=str(folder), ann_file=f'data_{part}_3dhp.npz', test_mode=True, **changes)


def test_training_sequences(folder):
    dataset, content = load(folder, 'train'), load_npz(folder / 'data_train_3dhp.npz')['data'].item()
    assert len(dataset) == 8 * len(TRAIN)
    for sample in dataset:
        check_sample(sample)
        name, camera = sample['sequence'].rsplit(' ', 1)
        view = content[name][0][camera]
        np.testing.assert_allclose(sample['keypoints'], view['data_2d'], rtol=1e-6)
        np.testing.assert_allclose(sample['lifting_target'], view['data_3d'] / 1000, rtol=1e-6)
        assert (sample['fps'], sample['subject'], sample['camera']) == (TRAIN[name][1], name[:2], camera)
        assert sample['img_shape'] == (2048, 2048) and (sample['lifting_target_visible'] == 1).all()


def test_test_sequences(folder):
    dataset, content = load(folder, 'test'), load_npz(folder / 'data_test_3dhp.npz')['data'].item()
    assert [s['sequence'] for s in dataset] == list(TEST)
    for sample in dataset:
        check_sample(sample)
        valid = content[sample['sequence']]['valid']
        np.testing.assert_array_equal(sample['lifting_target_visible'], np.tile(valid[:, None], 17))
        height, width = (1080, 1920) if sample['sequence'] in ('TS5', 'TS6') else (2048, 2048)
        expected = content[sample['sequence']]['data_2d'] / width * 2 - [1, height / width]
        encoded = CODEC.encode(sample)
        np.testing.assert_allclose(encoded['inputs'], expected, atol=1e-6)
        pose = content[sample['sequence']]['data_3d']
        np.testing.assert_allclose(encoded['target'], pose - pose[:, 14:15], atol=1e-3)  # mm, the pelvis is joint 14


def test_the_config_lists_every_frame_plain_and_mirrored(repository, folder):
    config = load_config(repository / 'configs/pstmo/mpi_inf_3dhp_s_81.py').train_dataloader.dataset
    dataset = DATASETS.build({**config, 'data_root': str(folder)})
    assert len(dataset) == 2 * 8 * sum(n for n, _ in TRAIN.values())
    packed = dataset[3]
    assert packed['inputs'].shape == (81, 17, 2)
    assert (packed['data_samples'].target[:, 14] == 0).all() and packed['data_samples'].target.abs().max() > 300


def test_broken_files(folder, tmp_path):
    with pytest.raises(InputError, match=r'not there; make it .*docs/datasets/mpi_inf_3dhp\.md'):
        load(tmp_path, 'test')
    write_objects(tmp_path / 'data_test_3dhp.npz', other=1)
    with pytest.raises(InputError, match=r"has \['other'\], expected data"):
        load(tmp_path, 'test')
    good = load_npz(folder / 'data_test_3dhp.npz')['data'].item()['TS1']
    for change in (
        {'data_3d': good['data_3d'][:, :16]},
        {'valid': good['valid'][1:]},
        {'data_2d': good['data_2d'][1:]},
    ):
        write_objects(tmp_path / 'data_test_3dhp.npz', data={'TS1': {**good, **change}})
        with pytest.raises(InputError, match=r'TS1 .* expected data_2d \(n, 17, 2\)'):
            load(tmp_path, 'test')
