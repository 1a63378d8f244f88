"""MotionBERT's Human3.6M file: the official reader's clips."""

import json

import numpy as np
import pytest
from toy_datasets import h36m_motionbert as toy

from poselifter.datasets import Human36mMotionBERTDataset
from poselifter.datasets.transforms import Encode
from poselifter.datasets.transforms.clips import resample_frames
from poselifter.errors import InputError
from poselifter.structures import WindowPolicy, check_sample

FILE = 'h36m_sh_conf_cam_source_final.pkl'
ENCODE = Encode({'type': 'ImageSpaceLifting'})


@pytest.fixture
def write(tmp_path):
    """Writes the file, made up or with the parts given, and returns its folder."""

    def run(**parts):
        toy.write_file(tmp_path / FILE, **parts)
        return str(tmp_path)

    return run


@pytest.fixture(scope='module')
def agformer(shared):
    folder = shared / 'fixtures/parity/motionagformer/functions/h36m_evaluate'
    return {
        **{path.stem: np.load(path) for path in folder.glob('*.npy')},
        **json.loads((folder / 'meta.json').read_text()),
    }


def part_of(case, names):
    """A part of the official file from a case's arrays."""
    return {name: case[key] for name, key in names.items()}


TEST = {'joint_2d': 'joint_2d', 'confidence': 'confidence', 'joint3d_image': 'joint3d_image'}
TEST |= {name: name for name in ('camera_name', 'source', 'action')}
MOTIONBERT = {**TEST, '2.5d_factor': 'factor', 'joints_2.5d_image': 'joints_25d_image'}
AGFORMER = {**TEST, '2.5d_factor': 'factor_2_5d', 'joints_2.5d_image': 'joints_2_5d_image'}


def rows(dataset):
    """(clips, length) rows of the file that the training windows show."""
    dataset.full_init()
    infos = [dataset.get_data_info(i) for i in range(len(dataset.data_address))]
    first = {info['sequence']: info['first'] for info in infos}
    return np.array([first[s['sequence']] + s['frame_indices'] for s in dataset.samples(range(len(dataset)))])


def test_a_sequence_a_video(write):
    dataset = Human36mMotionBERTDataset(data_root=write(), split='test', test_mode=True)
    samples = dataset.samples(range(len(dataset)))
    assert [(s['sequence'], len(s['keypoints'])) for s in samples] == list(toy.TEST)
    assert [s['subject'] for s in samples] == ['S9', 'S9', 'S11', 'S11', 'S11']
    assert [s['img_shape'] for s in samples] == [(h, 1000) for h in (1002, 1000, 1002, 1000, 1000)]
    actions = ['Directions', 'Greeting', 'Greeting', 'WalkTogether', 'Discussion']
    assert [s['action_name'] for s in samples] == actions
    part = toy.make_part(toy.TEST, True, 1)
    for sample in samples:
        check_sample(sample)
    for key, name, unit in (
        ('keypoints', 'joint_2d', 1),
        ('image_target', 'joint3d_image', 1),
        ('factor', '2.5d_factor', 1),
        ('lifting_target', 'joints_2.5d_image', 1000),
    ):
        np.testing.assert_allclose(np.concatenate([s[key] for s in samples]), part[name] / unit, rtol=1e-6, atol=1e-6)
    found = np.concatenate([s['keypoints_visible'] for s in samples])
    np.testing.assert_allclose(found, part['confidence'][..., 0], rtol=1e-6)


def test_the_file_may_lack_confidences(write):
    part = toy.make_part(toy.TRAIN, False)
    del part['confidence']
    dataset = Human36mMotionBERTDataset(data_root=write(train=part), window={'length': 27, 'tail': 'drop'})
    assert (dataset.samples([0])[0]['keypoints_visible'] == 1).all()
    assert 'lifting_target' not in dataset.samples([0])[0]


def test_subjects_are_chosen_by_name(write):
    root, include = write(), {'include': {'subject': ['S11']}}
    dataset = Human36mMotionBERTDataset(data_root=root, split='test', test_mode=True, filter_cfg=include)
    assert len(dataset) == 3


def test_clips_are_motionbert_s(write, published):
    case = published('motionbert', 'h36m_protocol')
    train = {'joint_2d': case['train_joint_2d'], 'joint3d_image': np.zeros((47, 17, 3)), 'action': ['x'] * 47}
    train |= {'source': case['train_source'], 'camera_name': case['train_camera_name']}
    root = write(train=train, test=part_of(case, MOTIONBERT))
    window = {'length': 9, 'stride': int(case['train_stride']), 'tail': 'drop'}
    training = Human36mMotionBERTDataset(data_root=root, window=window)
    np.testing.assert_array_equal(rows(training), case['train_split_id'])

    test = Human36mMotionBERTDataset(data_root=root, split='test', test_mode=True, pipeline=[ENCODE])
    inputs, targets, frames = [], [], []
    for i in range(len(test)):
        sample = test[i]
        cut = WindowPolicy(9, tail='drop').cut(len(sample['inputs'])).inputs
        inputs.append(sample['inputs'][cut])
        targets.append(sample['target'][cut])
        frames.append(test.get_data_info(i)['first'] + cut)
    np.testing.assert_array_equal(np.concatenate(frames), case['split_id'])
    np.testing.assert_allclose(np.concatenate(inputs), case['clips_2d'], atol=1e-6)
    labels = case['clips_3d']
    np.testing.assert_allclose(np.concatenate(targets), labels - labels[:, :, :1], atol=1e-6)


def test_clips_are_motionagformer_s(write, agformer):
    """One of its videos is too short; the clip that its program drew at random is left out here."""
    root = write(test=part_of(agformer, AGFORMER))
    dataset = Human36mMotionBERTDataset(
        data_root=root, split='test', window={'length': 9, 'tail': 'drop'}, pipeline=[ENCODE]
    )
    whole = [i for i, frames in enumerate(agformer['split_ids']) if (np.diff(frames) == 1).all()]
    assert len(whole) == len(agformer['split_ids']) - 1
    np.testing.assert_array_equal(rows(dataset), agformer['split_ids'][whole])
    samples = [dataset[i] for i in range(len(dataset))]
    np.testing.assert_allclose([s['inputs'] for s in samples], agformer['clip_input'][whole], atol=1e-6)
    labels = agformer['clip_label'][whole]
    np.testing.assert_allclose([s['target'] for s in samples], labels - labels[:, :, :1], atol=1e-6)


def test_splitting_is_split_clips(write, published):
    """Exactly, where frames are not drawn at random; a short video has a clip of its own frames, in order."""
    case = published('motionbert', 'split_clips')
    for number in range(4):
        lengths, (length, stride) = case[f'case{number}_lengths'], case[f'case{number}_n_frames_stride']
        videos = [(f's_01_act_02_subact_{k:02d}_ca_01', int(n)) for k, n in enumerate(lengths)]
        root = write(train=toy.make_part(videos, False))
        window = {'length': int(length), 'stride': int(stride), 'tail': 'drop'}
        dataset = Human36mMotionBERTDataset(data_root=root, window=window, min_frames=int(length))
        ours, official = rows(dataset), case[f'case{number}_out']
        if lengths[-1] < length:
            ours = ours[:-1]  # a last video that is too short is forgotten there
        assert ours.shape == official.shape
        for mine, theirs in zip(ours, official, strict=True):
            if (np.diff(theirs) == 1).all():
                np.testing.assert_array_equal(mine, theirs)
            else:
                assert mine[0] == theirs.min() and mine[-1] == theirs.max() and (np.diff(mine) >= 0).all()


def test_stretching_is_the_demo_s(shared):
    folder = shared / 'fixtures/parity/motionagformer/functions/coco_to_h36m'
    for n, demo in json.loads((folder / 'meta.json').read_text())['demo_clips'].items():
        starts = WindowPolicy(243, tail='drop').starts(int(n))
        clips = [start + np.arange(243) for start in starts]
        rest = int(n) - 243 * len(starts)
        if rest:
            clips.append(243 * len(starts) + resample_frames(rest, 243, 'even'))
        np.testing.assert_array_equal(clips, demo['clips'])
        np.testing.assert_array_equal(np.unique(clips[-1], return_index=True)[1], demo['keep_of_last_clip'])


def test_short_sequences_are_stretched(write):
    root = write(test=toy.make_part([('s_09_act_02_subact_01_ca_01', 5), ('s_09_act_03_subact_01_ca_02', 12)], True))
    dataset = Human36mMotionBERTDataset(data_root=root, split='test', test_mode=True, min_frames=9)
    short, long = dataset.samples([0, 1])
    assert short['frame_indices'].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4] and len(long['keypoints']) == 12
    np.testing.assert_array_equal(short['keypoints'][0], short['keypoints'][1])
    with pytest.raises(InputError, match='no sequence has the 27 frames'):
        Human36mMotionBERTDataset(data_root=root, split='test', window={'length': 27, 'tail': 'drop'})


def test_there_are_two_splits():
    with pytest.raises(InputError, match="split is 'val', expected 'train' or 'test'"):
        Human36mMotionBERTDataset(split='val', test_mode=True)
