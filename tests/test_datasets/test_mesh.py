"""Bodies: MotionBERT's pickles by its formulas, mirroring, and the converters of 3DPW, EFT and NeuralAnnot."""

import json
import runpy

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from toy_datasets import coco, mesh
from toy_smpl import toy_smpl

from poselifter.datasets import MeshDataset
from poselifter.datasets.transforms import Encode, FlipPose
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.skeletons import convert_keypoints
from poselifter.structures import check_sample

TRAIN = (('s_01_act_02_subact_01_ca_01', 40), ('s_05_act_02_subact_01_ca_02', 12), ('s_06_act_02_subact_01_ca_01', 16))
TEST = (('s_09_act_02_subact_01_ca_01', 35),)
ENCODE = Encode(dict(type='RootRelativeLifting', confidence=True))


@pytest.fixture
def root(tmp_path):
    """A folder with the three files; those of COCO and 3DPW lack the cameras."""
    train, test = mesh.make_part(TRAIN), mesh.make_part(TEST, 1)
    mesh.write_pickle(tmp_path / 'mesh_det_h36m.pkl', train, test)
    for part in (train, test):
        del part['camera_name']
    for name in ('coco', 'pw3d'):
        mesh.write_pickle(tmp_path / f'mesh_det_{name}.pkl', train, test)
    return tmp_path


def load(root, source='pw3d', name=None, **kwargs):
    return MeshDataset(name or f'mesh_det_{source}.pkl', source, data_root=str(root), **{'test_mode': True, **kwargs})


def test_videos_are_whole(root):
    dataset = load(root, 'h36m')
    part = mesh.make_part(TRAIN)
    samples = list(dataset.samples(range(3)))
    assert [(s['sequence'], len(s['keypoints'])) for s in samples] == list(TRAIN)
    assert [s['camera'] for s in samples[:2]] == ['54138969', '55011271']
    assert [s['img_shape'] for s in samples[:2]] == [(1002, 1000), (1000, 1000)]
    for sample in samples:
        check_sample(sample)
    for key, name in (('keypoints', 'joint_2d'), ('smpl_pose', 'smpl_pose'), ('smpl_shape', 'smpl_shape')):
        np.testing.assert_allclose(np.concatenate([s[key] for s in samples]), part[name], rtol=1e-6)
    found = np.concatenate([s['keypoints_visible'] for s in samples])
    np.testing.assert_allclose(found, part['confidence'].clip(0, 1), rtol=1e-6)
    assert all((s['smpl_weight'] == 1).all() for s in samples)
    assert len(load(root, 'h36m', split='test')) == 1


@pytest.mark.parametrize(('source', 'width', 'offset'), [('h36m', 1000, 1.002), ('coco', 640, 1), ('pw3d', 1920, 1)])
def test_normalisation_is_motionbert_s(root, source, width, offset):
    sample = ENCODE(load(root, source).samples([0])[0])
    expected = mesh.make_part(TRAIN)['joint_2d'][:40] / width * 2 - [1, offset]
    np.testing.assert_allclose(sample['inputs'][..., :2], expected, atol=1e-6)


def test_other_sources_tell_their_pictures(root):
    part = mesh.make_part(TRAIN) | {'img_hw': np.tile([480, 600], (68, 1))}
    np.savez(root / 'own.npz', **{f'val_{key}': np.asarray(value) for key, value in part.items()})
    assert load(root, 'other', 'own.npz', split='val').samples([0])[0]['img_shape'] == (600, 600)


def test_training_clips(root):
    """16 frames every 8; a shorter video is stretched, of single pictures each counts."""
    dataset = load(root, 'pw3d', test_mode=False, min_frames=16, window=dict(length=16, stride=8, tail='drop'))
    assert dataset.windows[:, :2].tolist() == [[0, 0], [0, 8], [0, 16], [0, 24], [1, 0], [2, 0]]
    short = dataset.samples([4])[0]
    assert short['frame_indices'].tolist() == [0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11]
    np.testing.assert_array_equal(short['smpl_pose'][0], short['smpl_pose'][1])
    assert len(load(root, 'coco', test_mode=False, window=dict(length=1))) == 68


def test_mirroring_is_motionbert_s(published):
    flip, thetas = published('motionbert', 'flip_data'), published('motionbert', 'flip_thetas_batch')
    for i in range(2):
        sample = {'inputs': flip['x'][i], 'smpl_pose': thetas['x'][i], 'smpl_shape': np.ones((5, 10), np.float32)}
        sample = {**sample, 'skeleton': 'h36m17', 'random_key': [0, 0, i, 0]}
        kept, flipped = (FlipPose(prob)({**sample, 'random_key': [0, 0, i, 0]}) for prob in (0, 1))
        np.testing.assert_array_equal(flipped['inputs'], flip['out'][i])
        np.testing.assert_array_equal(flipped['smpl_pose'], thetas['out'][i])
        np.testing.assert_array_equal(flipped['smpl_shape'], sample['smpl_shape'])
        np.testing.assert_array_equal(kept['smpl_pose'], sample['smpl_pose'])


@pytest.fixture
def convert(repository):
    def run(tool, *arguments):
        runpy.run_path(str(repository / f'tools/dataset_converters/{tool}.py'))['main']([str(a) for a in arguments])

    return run


def test_3dpw_is_turned_into_the_camera(tmp_path, convert):
    """The body posed in the camera's frame is the world's body seen by the camera, vertex by vertex."""
    pytest.importorskip('smplx', reason='bodies need smplx')
    from poselifter.models.body_models import load_body_model

    arrays = toy_smpl()
    arrays['shapedirs'] = arrays['shapedirs'] * 0  # so that one pelvis is that of all
    arrays['v_template'] = arrays['v_template'] + [0.1, 0.2, 0.3]
    body = load_body_model(arrays).double()
    pelvis = arrays['J_regressor'][0] @ arrays['v_template']
    files = {
        (part, seed): mesh.pw3d_sequence(pelvis, 6, seed) for part, seed in (('train', 0), ('train', 1), ('test', 2))
    }
    for (part, seed), data in files.items():
        mesh.write_pw3d(tmp_path / 'sequenceFiles', part, f'scene_{seed:02}', data)
    convert('pw3d', tmp_path / 'sequenceFiles', tmp_path / '3dpw.npz')
    archive = dict(np.load(tmp_path / '3dpw.npz', allow_pickle=False))
    dataset = load(tmp_path, 'pw3d', '3dpw.npz')
    names = [f'scene_0{scene}/{actor}' for scene in (0, 1) for actor in (0, 1)]
    assert [s['sequence'] for s in dataset.samples(range(4))] == names
    assert len(load(tmp_path, 'pw3d', '3dpw.npz', split='test')) == 2

    def vertices(pose):
        rotations = axis_angle_to_matrix(torch.as_tensor(pose, dtype=torch.float64).unflatten(-1, (24, 3)))
        return body(rotations, torch.zeros(10).double())[0].numpy()

    for row, (seed, actor) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        data, sample = files['train', seed], dataset.samples([row])[0]
        world = vertices(data['poses'][actor]) + data['trans'][actor][:, None]
        camera = data['cam_poses']
        seen = np.einsum('nij,nvj->nvi', camera[:, :3, :3], world) + camera[:, None, :3, 3]
        own = archive['train_root'].reshape(4, 6, 3)[row] - pelvis  # SMPL's translation in the camera's frame
        np.testing.assert_allclose(vertices(sample['smpl_pose']) + own[:, None], seen, atol=2e-6)
        found = data['poses2d'][actor].swapaxes(1, 2)
        points, scores = convert_keypoints(found[..., :2], 'openpose18', 'h36m17', found[..., 2])
        np.testing.assert_allclose(sample['keypoints'], points, rtol=1e-6)
        np.testing.assert_allclose(sample['keypoints_visible'], scores, rtol=1e-6)
        np.testing.assert_allclose(sample['smpl_shape'][3], data['betas'][actor][:10], rtol=1e-6)
        assert sample['smpl_weight'].tolist() == [1] * 5 + [float(actor)] and sample['gender'] == 'mf'[actor]
    assert archive['train_gender'].tolist() == (['m'] * 6 + ['f'] * 6) * 2


def test_eft_is_joined_to_coco(tmp_path, convert):
    pytest.importorskip('xtcocotools.coco', reason='COCO files need xtcocotools')
    document = coco.annotations()
    annotations = coco.write_file(tmp_path, document)
    fits, poses = mesh.write_eft(tmp_path / 'eft.json', [9002, 77, 9000])
    convert('eft', fits, annotations, tmp_path / 'eft.npz')
    dataset = load(tmp_path, 'coco', 'eft.npz')
    samples = list(dataset.samples([0, 1]))
    assert len(dataset) == 2 and [s['sequence'] for s in samples] == ['9000', '9002']
    for sample, fit, entry in zip(samples, (2, 0), (0, 2), strict=True):
        np.testing.assert_allclose(sample['smpl_pose'][0].reshape(24, 3), poses[fit], atol=1e-5)
        keypoints = np.array(document['annotations'][entry]['keypoints']).reshape(17, 3)
        ankles = keypoints[[16, 15]]  # right, left
        np.testing.assert_array_equal(sample['keypoints'][0, [3, 6]], ankles[:, :2])
        np.testing.assert_array_equal(sample['keypoints_visible'][0, [3, 6]], ankles[:, 2] / 2)
    with pytest.raises(InputError, match='has nobody of'):
        convert('eft', mesh.write_eft(fits, [77])[0], annotations, tmp_path / 'none.npz')
    with pytest.raises(InputError, match='has no fits of COCO'):
        convert('eft', annotations, annotations, tmp_path / 'none.npz')


@pytest.mark.parametrize('change', [
    dict.clear,
    lambda document: document.pop('annotations'),
    lambda document: document.pop('images'),
    lambda document: [image.pop('height') for image in document['images']],
    lambda document: document['images'][0].update(height='tall'),
    lambda document: document['annotations'][0].update(keypoints=5),
    lambda document: document['annotations'][0].pop('id'),
])  # fmt: skip
def test_eft_says_of_annotations_what_is_wrong(tmp_path, repository, fails, change):
    pytest.importorskip('xtcocotools.coco', reason='COCO files need xtcocotools')
    document = coco.annotations()
    change(document)
    main = runpy.run_path(str(repository / 'tools/dataset_converters/eft.py'))['main']
    fits, _ = mesh.write_eft(tmp_path / 'eft.json', [9002, 9000])
    said = fails(main, fits, coco.write_file(tmp_path, document), tmp_path / 'eft.npz')
    assert 'person_keypoints_train2017.json' in said


def test_neural_annot_is_turned_into_the_cameras(tmp_path, convert):
    documents = {subject: mesh.write_neural_annot(tmp_path, subject, seed=subject) for subject in (5, 11)}
    convert('neural_annot', tmp_path, tmp_path / 'own.npz')
    for split, subject in (('train', 5), ('test', 11)):
        cameras, joints, bodies = documents[subject].values()
        samples = list(load(tmp_path, 'h36m', 'own.npz', split=split).samples(range(8)))
        names = [
            f's_{subject:02}_act_{take}_ca_0{c}' for take in ('02_subact_01', '14_subact_02') for c in (1, 2, 3, 4)
        ]
        assert [s['sequence'] for s in samples] == names
        sample, camera, body = samples[6], cameras['3'], bodies['14']['2']['10']
        assert (sample['camera'], sample['img_shape']) == ('58860488', (1000, 1000))
        turned = Rotation.from_matrix(camera['R']) * Rotation.from_rotvec(body['pose'][:3])
        found = Rotation.from_rotvec(sample['smpl_pose'][2, :3])
        assert (turned * found.inv()).magnitude() < 1e-5
        np.testing.assert_allclose(sample['smpl_pose'][2, 3:], body['pose'][3:], rtol=1e-6)
        np.testing.assert_allclose(sample['smpl_shape'][2], body['shape'], rtol=1e-6)
        x, y, z = np.array(camera['R']) @ np.array(joints['14']['2']['10'][9]) + camera['t']
        np.testing.assert_allclose(sample['keypoints'][2, 9], [1145 * x / z + 512, 1144 * y / z + 515], rtol=1e-5)
    for change, message in ((documents[5]['camera'], 'are not as NeuralAnnot has them'), (None, 'download all three')):
        path = tmp_path / 'Human36M_subject5_joint_3d.json'
        path.write_text(json.dumps(change)) if change else path.unlink()
        with pytest.raises(InputError, match=message):
            convert('neural_annot', tmp_path, tmp_path / 'own.npz')
    with pytest.raises(InputError, match=r'has no bodies .*NeuralAnnot_RELEASE'):
        convert('neural_annot', tmp_path / 'none', tmp_path / 'own.npz')


def test_3dpw_s_wrong_files_are_named(tmp_path, convert):
    with pytest.raises(InputError, match=r'has no train/\*.pkl.*unpack sequenceFiles.zip'):
        convert('pw3d', tmp_path, tmp_path / 'out.npz')
    data = mesh.pw3d_sequence(np.zeros(3))
    del data['cam_poses']
    mesh.write_pw3d(tmp_path, 'test', 'scene', data)
    with pytest.raises(InputError, match=r"scene.pkl lacks \['cam_poses'\]"):
        convert('pw3d', tmp_path, tmp_path / 'out.npz')


def test_sources_need_what_tells_the_pictures_size(root):
    with pytest.raises(InputError, match=r"train lacks \['img_hw'\]; download"):
        load(root, 'other', 'mesh_det_pw3d.pkl')
    with pytest.raises(InputError, match="source is 'amass', expected 'h36m'"):
        load(root, 'amass')
