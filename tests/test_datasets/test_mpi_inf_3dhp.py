import os
import runpy

import numpy as np
import pytest
from scipy.io import savemat
from toy_datasets.h36m import write_objects
from toy_datasets.mpi_inf_3dhp import TEST, TRAIN, write_3dhp, write_annotations

from poselifter.codecs import RootRelativeLifting
from poselifter.datasets import MPIINF3DHPDataset
from poselifter.engine import load_config
from poselifter.errors import InputError
from poselifter.registry import DATASETS
from poselifter.structures import check_sample
from poselifter.utils.arrays import load_arrays

CODEC = RootRelativeLifting(skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25, unit='mm')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_3dhp(tmp_path_factory.mktemp('3dhp'))


def load(folder, part, **changes):
    return MPIINF3DHPDataset(data_root=str(folder), ann_file=f'data_{part}_3dhp.npz', test_mode=True, **changes)


def test_training_sequences(folder):
    dataset, content = load(folder, 'train'), load_arrays(folder / 'data_train_3dhp.npz')['data'].item()
    assert len(dataset) == 8 * len(TRAIN)
    for sample in dataset:
        check_sample(sample)
        name, camera = sample['sequence'].rsplit(' ', 1)
        view = content[name][0][camera]
        np.testing.assert_allclose(sample['keypoints'], view['data_2d'], rtol=1e-6)
        np.testing.assert_allclose(sample['lifting_target'], view['data_3d'] / 1000, rtol=1e-6)
        assert (sample['fps'], sample['subject'], sample['camera']) == (TRAIN[name][1], name[:2], camera)
        assert sample['img_shape'] == (2048, 2048) and (sample['lifting_target_visible'] == 1).all()


def test_cameras_are_fitted_to_the_files(folder, tmp_path):
    for part in ('train', 'test'):
        for sample in load(folder, part, fit_cameras=True):
            check_sample(sample)
            height, width = sample['img_shape']
            np.testing.assert_allclose(sample['camera_param']['focal'], 1500, atol=0.01)
            np.testing.assert_allclose(sample['camera_param']['centre'], (width / 2, height / 2), atol=0.01)
    content = load_arrays(folder / 'data_test_3dhp.npz')['data'].item()
    content['TS3']['data_2d'] = content['TS3']['data_2d'][::-1].copy()
    content['TS3']['data_2d'][:, :9] += 300
    write_objects(tmp_path / 'data_test_3dhp.npz', data=content)
    assert 'camera_param' not in load(tmp_path, 'test')[0]
    with pytest.raises(InputError, match=r'TS3: through the camera that fits best, 2D is \d+ pixels from 3D'):
        load(tmp_path, 'test', fit_cameras=True)[0]


def test_test_sequences(folder):
    dataset, content = load(folder, 'test'), load_arrays(folder / 'data_test_3dhp.npz')['data'].item()
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


def test_only_valid_frames(folder):
    """What is left is what the whole sequence has there, in order, and all of it counts."""
    whole_sequences, kept_sequences = load(folder, 'test'), load(folder, 'test', valid_only=True)
    for whole, kept in zip(whole_sequences, kept_sequences, strict=True):
        valid = whole['lifting_target_visible'][:, 0] > 0
        assert (kept['lifting_target_visible'] == 1).all()
        for name in ('keypoints', 'lifting_target'):
            np.testing.assert_array_equal(kept[name], whole[name][valid])
    assert sum(s['keypoints'].shape[0] for s in kept_sequences) < sum(TEST.values())
    assert len(load(folder, 'train', valid_only=True)[0]['keypoints']) == TRAIN['S1 Seq1'][0]


def test_mixste_reads_annotated_poses_of_valid_frames(repository):
    """As the preparation that its page names; its variant is the files of P-STMO."""
    path = repository / 'configs/mixste/mpi_inf_3dhp_1.py'
    config, universal = load_config(path), load_config(path, variant='universal')
    for part in ('train', 'test'):
        assert config[f'{part}_dataloader'].dataset.ann_file == f'annotated/data_{part}_3dhp.npz'
        assert universal[f'{part}_dataloader'].dataset.ann_file == f'data_{part}_3dhp.npz'
    assert config.test_dataloader == config.val_dataloader and config.val_dataloader.dataset.valid_only
    assert universal.test_dataloader == universal.val_dataloader and not universal.val_dataloader.dataset.valid_only


def test_the_config_lists_every_frame_plain_and_mirrored(repository, folder):
    config = load_config(repository / 'configs/pstmo/mpi_inf_3dhp_s_81.py').train_dataloader.dataset
    dataset = DATASETS.build({**config, 'data_root': str(folder)})
    assert len(dataset) == 2 * 8 * sum(n for n, _ in TRAIN.values())
    packed = dataset[3]
    assert packed['inputs'].shape == (81, 17, 2)
    assert (packed['data_samples'].target[:, 14] == 0).all() and packed['data_samples'].target.abs().max() > 300


OF_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]  # P-STMO's list


@pytest.mark.parametrize('key', ['univ_annot3', 'annot3'])
def test_the_raw_annotations_become_the_two_files(tmp_path, repository, key):
    pytest.importorskip('h5py', reason='the raw test annotations are HDF5')
    written = write_annotations(tmp_path)
    main = runpy.run_path(str(repository / 'tools/dataset_converters/mpi_inf_3dhp.py'))['main']
    main([str(tmp_path), str(tmp_path), *(['--annotated'] if key == 'annot3' else [])])
    sets = {
        part: MPIINF3DHPDataset(data_root=str(tmp_path), ann_file=f'data_{part}_3dhp.npz', test_mode=True)
        for part in written
    }
    samples = list(sets['train'])
    assert [s['sequence'] for s in samples] == [f'S3 Seq1 {c}' for c in (0, 1, 2, 4, 5, 6, 7, 8)]
    raw = {name: array[4].reshape(9, 28, -1)[:, OF_28] for name, array in written['train'].items()}
    assert samples[3]['fps'] == 50
    np.testing.assert_allclose(samples[3]['keypoints'], raw['annot2'], rtol=1e-6)
    np.testing.assert_allclose(samples[3]['lifting_target'] * 1000, raw[key], rtol=1e-5)
    [sample] = sets['test']
    np.testing.assert_allclose(sample['lifting_target'] * 1000, written['test'][key][:, 0], rtol=1e-5)
    assert sample['lifting_target_visible'][:, 0].tolist() == [1, 1, 0, 1, 0, 1] and sample['img_shape'] == (1080, 1920)


def end(path):
    os._exit(1)


def test_a_file_that_ends_the_process_of_its_reader(tmp_path, load_module, monkeypatch):
    """As scipy's reader ends some where bytes are damaged."""
    tool = load_module('tools/dataset_converters/mpi_inf_3dhp.py')
    monkeypatch.setattr(tool, 'loadmat', end)
    (tmp_path / 'annot.mat').touch()
    with pytest.raises(InputError, match=r'annot\.mat ended the process that reads it'):
        tool.train_sequence(tmp_path / 'annot.mat', 'annot3')


def test_raw_annotations_that_are_none(tmp_path, repository):
    main = runpy.run_path(str(repository / 'tools/dataset_converters/mpi_inf_3dhp.py'))['main']
    with pytest.raises(InputError, match=r'has no S1/Seq1/annot.mat .* vcai.mpi-inf.mpg.de'):
        main([str(tmp_path), str(tmp_path)])
    (tmp_path / 'S1/Seq1').mkdir(parents=True)
    savemat(tmp_path / 'S1/Seq1/annot.mat', {'annot2': np.zeros(3)})
    with pytest.raises(InputError, match='has no annot2 and univ_annot3 of 14 cameras'):
        main([str(tmp_path), str(tmp_path)])
