"""Files that are missing, cut off, of another kind, lack something or have another shape: every source names them."""

import pickle
import shutil

import numpy as np
import pytest
from toy_datasets.h36m import write_objects

from poselifter.errors import InputError
from poselifter.registry import DATASETS
from poselifter.utils.arrays import load_arrays
from poselifter.utils.safe_pickle import load_pickle

MM3D, MB3D = 'mpi_inf_3dhp/data_test_3dhp.npz', 'motion3d/h36m_sh_conf_cam_source_final.pkl'
GT, POSES = 'h36m/data_2d_h36m_gt.npz', 'h36m/data_3d_h36m.npz'
H36M = dict(type='Human36mDataset', ann_file='data_3d_h36m.npz', keypoint_file='data_2d_h36m_gt.npz')
SOURCES = {  # the file that is broken: its data set, and the entries that it must have
    'cmu/cmu_test.npz': (
        dict(type='CMUMocapDataset', ann_file='cmu_test.npz'),
        ('poses', 'root', 'clip_start', 'clip_len', 'clip_id', 'subject', 'action', 'description', 'fps', 'unit_m'),
    ),
    POSES: (H36M, ('positions_3d',)),
    GT: (H36M, ('positions_2d', 'metadata')),
    'h36m/annotation_body3d/fps50/h36m_test.npz': (
        dict(type='Human36mMMPoseDataset', ann_file='h36m_test.npz'),
        ('imgname', 'part', 'S'),
    ),
    MB3D: (
        dict(type='Human36mMotionBERTDataset', split='test'),
        ('joint_2d', 'joint3d_image', 'source', 'camera_name', 'action', '2.5d_factor', 'joints_2.5d_image'),
    ),
    'mesh/mesh_det_h36m.pkl': (
        dict(type='MeshDataset', ann_file='mesh_det_h36m.pkl', source='h36m'),
        ('joint_2d', 'source', 'smpl_pose', 'smpl_shape', 'camera_name'),
    ),
    'mesh/eft.npz': (
        dict(type='MeshDataset', ann_file='eft.npz', source='coco'),
        ('train_joint_2d', 'train_source', 'train_smpl_pose', 'train_smpl_shape'),
    ),
    MM3D: (dict(type='MPIINF3DHPDataset', ann_file='data_test_3dhp.npz'), ('data',)),
    'instavariety/motion_all.npy': (dict(type='InstaVarietyDataset'), ()),
    'instavariety/id_all.npy': (dict(type='InstaVarietyDataset'), ()),
    'amass/CMU/poses.npy': (dict(type='AMASSDataset', data_root='amass'), ()),
    'ntu/ntu60_hrnet.pkl': (dict(type='NTUActionDataset', ann_file='ntu60_hrnet.pkl'), ('annotations',)),
}
PARTS = {MB3D: 'test', 'mesh/mesh_det_h36m.pkl': 'train'}  # of a pickle, the half that is read


@pytest.fixture
def broken(toy_root, tmp_path):
    """A copy of a source's folder, its file, and what loads it and returns the error's sentence."""

    def copy(name):
        folder = name.split('/')[0]
        shutil.copytree(toy_root / folder, tmp_path / folder, dirs_exist_ok=True)
        path = tmp_path / name
        root = tmp_path / folder if 'amass' in name else path.parent

        def load():
            with pytest.raises(InputError) as error:
                DATASETS.build({**SOURCES[name][0], 'data_root': str(root), 'test_mode': True})
            sentence = str(error.value)
            assert sentence.startswith((str(path), str(path.parent))), sentence
            assert '\n' not in sentence
            return sentence

        return path, load

    return copy


def content_of(path):
    return load_arrays(path) if path.suffix == '.npz' else load_pickle(path, encoding='latin1')


def rewrite(path, content):
    if path.suffix == '.npz':
        np.savez(path, **content)
    else:
        path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize('name', SOURCES)
def test_missing_and_damaged_files(broken, name):
    path, load = broken(name)
    whole = path.read_bytes()
    path.unlink()
    assert 'does not exist; ' in load()
    for size in (0, len(whole) // 2):
        path.write_bytes(whole[:size])
        assert f'is no whole {"pickle" if path.suffix == ".pkl" else path.suffix[1:]}' in load()


@pytest.mark.parametrize('name', SOURCES)
def test_files_of_another_kind(broken, name):
    path, load = broken(name)
    if path.suffix == '.pkl':
        path.write_bytes(pickle.dumps(print))
        assert 'is not read' in load()
        path.write_bytes(pickle.dumps(5))
    elif path.suffix == '.npz':
        with open(path, 'wb') as file:
            np.save(file, np.zeros(3))
    else:
        np.save(path, np.zeros((3, 4)))
    load()


@pytest.mark.parametrize(('name', 'field'), [(name, field) for name in SOURCES for field in SOURCES[name][1]])
def test_what_is_lacking_is_named(broken, name, field):
    path, load = broken(name)
    content = content_of(path)
    del (content[PARTS[name]] if name in PARTS else content)[field]
    rewrite(path, content)
    assert field.removeprefix('train_') in load()


SHAPES = [
    (name, field)
    for name in ('cmu/cmu_test.npz', 'h36m/annotation_body3d/fps50/h36m_test.npz', *PARTS, 'mesh/eft.npz')
    for field in SOURCES[name][1]
    if field not in ('fps', 'unit_m')
]


@pytest.mark.parametrize(('name', 'field'), SHAPES)
def test_wrong_shapes_are_named(broken, name, field):
    """A row too few, and where rows have a shape, one of another."""
    path, load = broken(name)
    content = content_of(path)
    part = content[PARTS[name]] if name in PARTS else content
    array = np.asarray(part[field])
    for wrong in (array[:-1], *([array[:, :-1]] if array.ndim > 1 else [])):
        part[field] = wrong
        rewrite(path, content)
        assert 'has shape' in (sentence := load()) and 'expected' in sentence


@pytest.mark.parametrize('name', [*PARTS, 'mesh/eft.npz', 'h36m/annotation_body3d/fps50/h36m_test.npz'])
def test_numbers_are_finite(broken, name):
    path, load = broken(name)
    content = content_of(path)
    part = content[PARTS[name]] if name in PARTS else content
    field = next(f for f in ('joints_2.5d_image', 'smpl_pose', 'train_smpl_pose', 'S') if f in part)
    part[field] = np.asarray(part[field], float)
    part[field][3, 0] = np.nan
    rewrite(path, content)
    assert f'{field.removeprefix("train_")} has values that are no finite numbers' in load()


def test_values_that_are_unknown(broken):
    path, load = broken(MB3D)
    content = content_of(path)
    content['test']['camera_name'][3] = '7'
    rewrite(path, content)
    assert "has the cameras ['7'], expected some of ['54138969'" in load()
    path, load = broken('mesh/mesh_det_h36m.pkl')
    content = content_of(path)
    content['train']['camera_name'][0] = '7'
    rewrite(path, content)
    assert "row 0 has the cameras ['7'], expected some of ['54138969'" in load()


@pytest.mark.parametrize('change', [{'data_3d': np.zeros((14, 16, 3))}, {'valid': np.ones(3)}, {'data_2d': None}])
def test_views_of_mpi_inf_3dhp(broken, change):
    path, load = broken(MM3D)
    content = content_of(path)['data'].item()
    content['TS1'] = {key: value for key, value in {**content['TS1'], **change}.items() if value is not None}
    write_objects(path, data=content)
    assert 'TS1' in (sentence := load()) and next(iter(change)) in sentence
