"""Human3.6M of VideoPose3D's files, against what the official loader made of them, and of MMPose's."""

import logging

import numpy as np
import pytest
from toy_datasets.h36m import KEPT, TOY, metadata, write_h36m, write_mmpose, write_objects

from poselifter.codecs import RootRelativeLifting
from poselifter.datasets import Human36mDataset, Human36mMMPoseDataset
from poselifter.datasets.videopose3d_files import kept_frames
from poselifter.errors import InputError
from poselifter.geometry import Camera, camera_to_world
from poselifter.structures import check_sample
from poselifter.utils.arrays import load_arrays

CAMERAS = ['54138969', '55011271', '58860488', '60457274']
GT, CPN = 'data_2d_h36m_gt.npz', 'data_2d_h36m_cpn_ft_h36m_dbb.npz'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_h36m(tmp_path_factory.mktemp('h36m'))


@pytest.fixture
def h36m(folder):
    def build(**changes):
        settings = dict(data_root=str(folder), ann_file='data_3d_h36m.npz', keypoint_file=CPN, test_mode=True)
        return Human36mDataset(**{**settings, **changes})

    return build


@pytest.mark.parametrize(('file', 'name'), [(GT, 'gt'), (CPN, 'cpn'), (None, 'gt')])
def test_values_of_the_official_loader(shared, file, name):
    """Without a 2D file the true joints are drawn by the cameras, which gives the official file of them."""
    root = shared / 'fixtures/parity/h36m_data/toy_dataset'
    expected = np.load(root / 'expected.npz')
    dataset = Human36mDataset(data_root=str(root), ann_file='data_3d_h36m.npz', keypoint_file=file, test_mode=True)
    assert len(dataset) == 4 * 9
    for sample in dataset:
        check_sample(sample)
        take = f'{sample["subject"]}/{sample["sequence"].split("/")[1]}/{CAMERAS.index(sample["camera"])}'
        pose = sample['lifting_target'].copy()
        pose[:, 1:] -= pose[:, :1]
        np.testing.assert_allclose(pose, expected[f'{take}/target'], atol=1e-5)
        encoded = RootRelativeLifting().encode(sample)
        np.testing.assert_allclose(encoded['inputs'], expected[f'{take}/{name}_keypoints'], atol=1e-5)
        camera = Camera.from_dict(sample['camera_param']).normalized()
        vector = np.concatenate([camera.focal, camera.centre, camera.radial, camera.tangential])
        official = expected[f'intrinsic/{sample["subject"]}'][CAMERAS.index(sample['camera'])]
        np.testing.assert_allclose(vector, official, atol=1e-6)


def test_sequences_and_their_facts(h36m):
    dataset = h36m()
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    takes = [(subject, take) for subject, plan in TOY.items() for take in plan]
    assert [info['sequence'] for info in infos] == [f'{s}/{t}/{c}' for s, t in takes for c in CAMERAS]
    assert [info['length'] for info in infos[::4]] == [TOY[s][t] for s, t in takes]  # 2D that is longer is cut
    sample = dataset[4]
    assert (sample['subject'], sample['action_name'], sample['camera']) == ('S1', 'SittingDown', CAMERAS[0])
    assert dataset.metainfo['actions'][sample['action']] == 'SittingDown'  # not Sitting
    assert (sample['fps'], sample['img_shape'], dataset[5]['img_shape']) == (50, (1002, 1000), (1000, 1000))
    camera = Camera.from_dict(sample['camera_param'])
    world = load_arrays(dataset.ann_file)['positions_3d'].item()['S1']['SittingDown']
    np.testing.assert_allclose(camera_to_world(sample['lifting_target'], camera), world[:, KEPT], atol=1e-5)


def test_subjects_actions_and_cameras_are_chosen(h36m):
    assert {s['subject'] for s in h36m(subjects=['S9', 'S11'])} == {'S9', 'S11'}
    only = h36m(
        filter_cfg=dict(include=dict(camera=[CAMERAS[3]], action_name=['Phoning']), exclude=dict(subject=['S5']))
    )
    assert [s['sequence'] for s in only] == ['S11/Phoning 3/60457274']
    with pytest.raises(InputError, match=r"no subject \['S2'\], expected some of \['S1', 'S5', 'S9', 'S11'\]"):
        h36m(subjects=['S1', 'S2'])


def test_subset_starts_are_the_official_ones(shared):
    case = np.load(shared / 'fixtures/parity/videopose3d/functions/subset_start.npz')
    for length, subset, downsample, n, start in zip(
        *(case[k] for k in ('length', 'subset', 'downsample', 'n', 'out')), strict=True
    ):
        kept = kept_frames(int(length), float(subset), int(downsample))
        np.testing.assert_array_equal(kept, np.arange(start, start + n, downsample))


def test_subset_and_downsampling(h36m):
    whole, part = h36m(), h36m(subset=0.4, downsample=3)
    for one, other in zip(whole, part, strict=True):
        rows = kept_frames(len(one['keypoints']), 0.4, 3)
        np.testing.assert_array_equal(other['keypoints'], one['keypoints'][rows])
        np.testing.assert_array_equal(other['lifting_target'], one['lifting_target'][rows])
    assert part[0]['fps'] == pytest.approx(50 / 3)
    for wrong in ({'subset': 0}, {'subset': 1.5}, {'downsample': 0}):
        with pytest.raises(InputError, match='expected above 0 to 1'):
            h36m(**wrong)


def layout_file(path, skeleton, joints, channels=2, **facts):
    takes = {
        s: {t: [np.full((n, joints, channels), 0.5, np.float32)] * 4 for t, n in p.items()} for s, p in TOY.items()
    }
    return write_objects(path, positions_2d=takes, metadata=metadata(skeleton, **facts)).name


@pytest.mark.parametrize(('skeleton', 'joints'), [('coco17', 17), ('mpii16', 16), ('h36m16', 16), ('h36m17', 17)])
def test_the_2d_joint_set_is_told_by_the_file(h36m, folder, skeleton, joints):
    file = layout_file(folder / f'data_2d_h36m_{skeleton}.npz', skeleton, joints, 3, layout_name='whatever')
    dataset = h36m(keypoint_file=file)
    sample = dataset[0]
    assert (dataset.metainfo['skeleton'], sample['skeleton'], sample['skeleton_3d']) == (skeleton, skeleton, 'h36m17')
    assert sample['keypoints'].shape[1:] == (joints, 2) and (sample['keypoints_visible'] == 0.5).all()


def test_sixteen_joints_in_and_out(h36m, folder):
    file = layout_file(folder / 'data_2d_h36m_hr.npz', 'h36m16', 16)
    pose = h36m(keypoint_file=file, skeleton_3d='h36m16')[0]['lifting_target']
    np.testing.assert_array_equal(pose, np.delete(h36m()[0]['lifting_target'], 9, 1))
    drawn = h36m(keypoint_file=None, skeleton_3d='h36m16')[0]
    assert drawn['keypoints'].shape[1] == 16 and drawn['skeleton'] == 'h36m16'


def test_files_that_do_not_fit(h36m, folder, tmp_path):
    odd = layout_file(folder / 'odd.npz', 'h36m17', 17, keypoints_symmetry=[[1], [2]])
    with pytest.raises(InputError, match=r'left side \[1\] are no known joint set .* name it by skeleton='):
        h36m(keypoint_file=odd)
    assert h36m(keypoint_file=odd, skeleton='h36m17')[0]['skeleton'] == 'h36m17'
    with pytest.raises(InputError, match=r'S1 Walking 1 is \[.*expected 4 arrays \(n, 16, 2\)'):
        h36m(keypoint_file=odd, skeleton='mpii16')
    write_h36m(tmp_path, {'S1': {'Walking': 9}})
    poses = load_arrays(tmp_path / 'data_3d_h36m.npz')['positions_3d'].item()
    longer = {'S1': {'Walking': poses['S1']['Walking'].repeat(2, 0)}}
    write_objects(tmp_path / 'data_3d_h36m.npz', positions_3d=longer)
    with pytest.raises(InputError, match='S1/Walking/54138969 has 9 frames, its mocap 18; expected at least as many'):
        h36m(data_root=str(tmp_path), keypoint_file=GT)
    write_objects(tmp_path / 'data_3d_h36m.npz', positions_3d={'S1': {'Walking': np.zeros((9, 21, 3))}})
    with pytest.raises(InputError, match=r'poses have shape \(9, 21, 3\)'):
        h36m(data_root=str(tmp_path), keypoint_file=GT)


def test_the_corrupt_take_is_named(tmp_path, h36m, caplog):
    write_h36m(tmp_path, {'S11': {'Directions': 9, 'Directions 1': 8}})
    with caplog.at_level(logging.WARNING):
        assert len(h36m(data_root=str(tmp_path))) == 8
    rule = dict(exclude=dict(take=['S11/Directions']))
    assert {s['sequence'].split('/')[1] for s in h36m(data_root=str(tmp_path), filter_cfg=rule)} == {'Directions 1'}


@pytest.fixture
def mmpose(tmp_path):
    """An npz of MMPose, rows out of order, poses in the camera's frame or the world's."""

    def write(world=False, step=1, **changes):
        arrays = write_mmpose(tmp_path / 'h36m_train.npz', world=world, step=step, **changes)
        return arrays, dict(data_root=str(tmp_path), ann_file='h36m_train.npz', test_mode=True)

    return write


@pytest.mark.parametrize('world', [False, True])
def test_mmpose_rows_become_sequences(mmpose, world):
    arrays, settings = mmpose(world, step=5)
    dataset = Human36mMMPoseDataset(**settings)
    assert [s['sequence'] for s in dataset] == ['S1/Eating/58860488', 'S9/Sitting 2/54138969', 'S9/Photo 1/55011271']
    assert [len(s['keypoints']) for s in dataset] == [7, 9, 12]
    sample = dataset[2]
    check_sample(sample)
    assert (sample['action_name'], sample['fps']) == ('Photo', 10)
    rows = [i for i in np.argsort(arrays['imgname']) if 'TakingPhoto' in arrays['imgname'][i]]
    np.testing.assert_allclose(sample['keypoints'], arrays['part'][rows, :, :2], rtol=1e-6)
    camera = Camera.from_dict(sample['camera_param'])
    pose = sample['lifting_target'] if not world else camera_to_world(sample['lifting_target'], camera)
    np.testing.assert_allclose(pose, arrays['S'][rows, :, :3], atol=1e-5)


def test_mmpose_detections_and_broken_files(mmpose, tmp_path):
    arrays, settings = mmpose()
    np.save(tmp_path / 'cpn.npy', np.concatenate([arrays['part'][..., :2] + 1, arrays['part'][..., 2:] / 2], -1))
    found, true = Human36mMMPoseDataset(keypoint_file='cpn.npy', **settings)[1], Human36mMMPoseDataset(**settings)[1]
    np.testing.assert_allclose(found['keypoints'], true['keypoints'] + 1, rtol=1e-5)
    assert (found['keypoints_visible'] == 0.5).all() and (true['keypoints_visible'] == 1).all()
    np.save(tmp_path / 'few.npy', np.zeros((3, 17, 2)))
    for name, message in (('few.npy', r'has shape \(3, 17, 2\)'), ('no.npy', 'does not exist')):
        with pytest.raises(InputError, match=message):
            Human36mMMPoseDataset(keypoint_file=name, **settings)
    for change, message in (
        ({'S': arrays['S'] + [3, 0, 0, 0]}, 'poses of .* are not where part is'),
        ({'imgname': np.array(['image_1.jpg'] * len(arrays['S']))}, 'expected names such as'),
    ):
        mmpose(**change)
        with pytest.raises(InputError, match=message):
            Human36mMMPoseDataset(**settings)
