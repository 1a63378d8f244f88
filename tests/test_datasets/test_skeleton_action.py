"""PYSKL's form: against MotionBERT's data set, the sample files, and what is promised of persons and pairs."""

import json
import pickle

import numpy as np
import pytest
from torch.utils.data import DataLoader
from toy_datasets import ntu as toy

from poselifter.datasets import ClassPairSampler, EpochSampler, SkeletonActionDataset, stack_clips
from poselifter.datasets.skeleton_action import track_two
from poselifter.errors import InputError
from poselifter.skeletons import convert_keypoints
from poselifter.structures import check_sample

CODEC = dict(type='KeypointClips')
NAMES = toy.names(range(1, 9))


def steps(length, train=False):
    made = [
        dict(type='ResampleClip', length=length, mode='random' if train else 'even'),
        dict(type='Encode', codec=CODEC),
    ]
    crop = dict(type='CropScale', ratio=(1, 3) if train else (2, 2), released=True)
    return [*made, *([dict(type='RandomMove')] if train else []), crop]


@pytest.fixture
def clips(tmp_path):
    path = toy.write_pickle(tmp_path / 'toy.pkl', NAMES, {'train': NAMES[:16], 'val': NAMES[16:]})

    def build(**changes):
        return SkeletonActionDataset(**{'ann_file': str(path), 'split': 'train', **changes})

    return build


@pytest.fixture
def official(published, tmp_path):
    """The annotations of the parity case as a file, and what MotionBERT makes of them."""
    case = published('motionbert', 'action_dataset_val')
    annotations = [
        {
            'frame_dir': f'clip{i}',
            'label': int(case[f'sample{i}_label']),
            'img_shape': (1080, 1920),
            'total_frames': case[f'sample{i}_keypoint'].shape[1],
            'keypoint': case[f'sample{i}_keypoint'],
            'keypoint_score': case[f'sample{i}_score'],
        }
        for i in range(4)
    ]
    (tmp_path / 'official.pkl').write_bytes(pickle.dumps({'split': {'val': []}, 'annotations': annotations}))
    return tmp_path / 'official.pkl', case


def test_samples_are_motionberts(official):
    path, case = official
    data = SkeletonActionDataset(
        ann_file=str(path), test_mode=True, official_confidence_order=True, pipeline=steps(int(case['n_frames']))
    )
    assert len(data) == 4
    for i in range(4):
        sample = data[i]
        check_sample(sample)
        assert sample['action'] == case[f'sample{i}_label']
        np.testing.assert_allclose(sample['inputs'], case[f'sample{i}_out_float32'], rtol=1e-6, atol=1e-6)
        # the released program computes in the file's float16
        np.testing.assert_allclose(sample['inputs'], case[f'sample{i}_out'], atol=2e-3)


def test_confidence_goes_with_its_joint_by_default(official):
    path, case = official
    ours, theirs = (
        SkeletonActionDataset(ann_file=str(path), test_mode=True, official_confidence_order=official, pipeline=[])[0]
        for official in (False, True)
    )
    np.testing.assert_array_equal(ours['keypoints'], theirs['keypoints'])
    np.testing.assert_array_equal(theirs['keypoints_visible'], case['sample0_score'].astype(np.float32))
    moved = convert_keypoints(case['sample0_score'][..., None].astype(np.float32), 'coco17', 'h36m17')[..., 0]
    np.testing.assert_allclose(ours['keypoints_visible'], moved, atol=1e-6)


def test_tracking_is_motionberts(published):
    case = published('motionbert', 'human_tracking')
    order = track_two(case['x'])
    tracked = np.take_along_axis(case['x'], order[..., None, None], 0)
    np.testing.assert_array_equal(tracked, case['out'])
    assert order.any(1).all()  # the case does swap


def test_swapped_persons_are_told_apart(tmp_path):
    clip = toy.annotation('S001C001P001R001A001', 0, persons=2)
    swapped = {**clip, **{key: clip[key].copy() for key in ('keypoint', 'keypoint_score')}}
    for key in ('keypoint', 'keypoint_score'):
        swapped[key][:, 7:19] = swapped[key][::-1, 7:19]
    both = []
    for entry in (clip, swapped):
        (tmp_path / 'clip.pkl').write_bytes(pickle.dumps([entry]))
        both.append(SkeletonActionDataset(ann_file=str(tmp_path / 'clip.pkl'), test_mode=True, pipeline=[])[0])
    for key in ('keypoints', 'keypoints_visible'):
        np.testing.assert_array_equal(both[0][key], both[1][key])


@pytest.mark.parametrize('persons', [1, 2, 3])
def test_every_sample_has_the_same_number_of_persons(clips, persons):
    data = clips(num_persons=persons, pipeline=[dict(type='ResampleClip', length=9), dict(type='Encode', codec=CODEC)])
    for i in range(4):
        sample = data[i]
        check_sample(sample)
        there = min(1 + i % 2, persons)
        assert sample['inputs'].shape == (persons, 9, 17, 3)
        assert sample['present'].tolist() == [m < there for m in range(persons)]
        assert not sample['inputs'][there:].any()
        assert sample['inputs'][:there].any((1, 2, 3)).all()


def test_splits_and_bare_lists(clips, tmp_path):
    assert [len(clips(split=s)) for s in ('train', 'val', ['train', 'val'], None)] == [16, 16, 32, 32]
    path = toy.write_pickle(tmp_path / 'bare.pkl', NAMES[:3])
    bare = clips(ann_file=str(path), split=None)
    assert [bare[i]['sequence'] for i in range(3)] == NAMES[:3]
    with pytest.raises(InputError, match=r"no split \['xsub_train'\], expected some of \['train', 'val'\]"):
        clips(split='xsub_train')
    with pytest.raises(InputError, match=r'no split \[.train.\], expected some of \[\]'):
        clips(ann_file=str(path))


def test_filter_by_class(clips):
    data = clips(filter_cfg=dict(include={'action': [2, 5]}))
    assert [data[i]['action'] for i in range(len(data))] == [2, 5, 2, 5]


def test_sample_file_and_code_in_a_pickle(shared):
    folder = shared / 'fixtures/formats/pyskl'
    expected = json.loads((folder / 'expected.json').read_text())
    raw = pickle.loads((folder / 'two.pkl').read_bytes())['annotations']
    file = str(folder / 'two.pkl')
    data = SkeletonActionDataset(ann_file=file, skeleton='coco17', test_mode=True, pipeline=[])
    assert len(data) == expected['two.pkl']['samples']
    for sample, entry, persons in zip((data[0], data[1]), raw, expected['two.pkl']['persons'], strict=True):
        check_sample(sample)
        assert sample['present'].sum() == persons
        assert sample['keypoints'].shape == (2, expected['two.pkl']['frames'], 17, 2)
        np.testing.assert_array_equal(sample['keypoints'][0], entry['keypoint'][0].astype(np.float32))
        assert sample['img_shape'] == (1080, 1920)
    with pytest.raises(InputError, match='executes nothing from a file'):
        SkeletonActionDataset(ann_file=str(folder / 'bad_code.pkl'))


@pytest.mark.parametrize(('changes', 'message'), [
    ({'keypoint': np.zeros((1, 20, 25, 3))}, r'keypoint \(1, 20, 25, 3\).*expected \(M, T, 17, 2\).*source'),
    ({'keypoint': np.zeros((20, 17, 2))}, r'keypoint \(20, 17, 2\)'),
    ({'keypoint_score': np.zeros((1, 20, 16))}, r'keypoint_score \(1, 20, 16\)'),
    ({'total_frames': 21}, 'total_frames 21'),
    ({'keypoint': np.full((1, 20, 17, 2), np.nan)}, 'no finite numbers'),
    ({'keypoint': np.full((1, 20, 17, 2), 'x')}, 'no finite numbers'),
    ({'keypoint': np.zeros((1, 0, 17, 2)), 'keypoint_score': np.zeros((1, 0, 17)), 'total_frames': 0}, 'total_fra'),
    ({'label': 'wave'}, "label 'wave'"),
    ({'img_shape': None}, 'img_shape None, expected'),
    ({'img_shape': (0, 1920)}, r'img_shape \(0, 1920\)'),
])  # fmt: skip
def test_malformed_clips_are_named(tmp_path, changes, message):
    path = toy.write_pickle(tmp_path / 'bad.pkl', NAMES[:1], **changes)
    with pytest.raises(InputError, match=rf'bad.pkl: {NAMES[0]} .*{message}') as error:
        SkeletonActionDataset(ann_file=str(path))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(('document', 'message'), [
    (3, 'holds a int, expected a dict'),
    ({'annotations': {}}, "expected a dict with 'split' and 'annotations'"),
    ([], 'has no annotation'),
    ([5], 'annotation 0 lacks'),
    ([{'frame_dir': 'a', 'label': 1, 'keypoint': 0}], r"annotation 0 lacks \['img_shape', 'keypoint_score'\]"),
])  # fmt: skip
def test_malformed_files(tmp_path, document, message):
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps(document))
    with pytest.raises(InputError, match=message):
        SkeletonActionDataset(ann_file=str(tmp_path / 'bad.pkl'))


def test_official_order_needs_as_many_joints(clips):
    with pytest.raises(InputError, match='keeps the scores of ntu25'):
        clips(source='ntu25', official_confidence_order=True)


def pairs(data, batch_size, seed=0, per_class=2):
    return ClassPairSampler(EpochSampler(data, seed=seed), batch_size, per_class)


class TestClassPairSampler:
    def test_batches_are_pairs_of_different_classes(self, clips):
        data = clips(split=None)
        sampler = pairs(data, 8, seed=4)
        order = np.array(list(sampler))
        assert order.shape == (len(sampler), 8) == (4, 8)
        labels = np.array([data.get_data_info(int(i))['action'] for i in order.ravel()]).reshape(4, 4, 2)
        assert (labels[..., 0] == labels[..., 1]).all()
        assert all(len(set(batch[:, 0])) == 4 for batch in labels)
        assert (order[:, 0::2] != order[:, 1::2]).all()

    def test_epochs_differ_and_repeat(self, clips):
        data = clips(split=None)
        first, again, other = (pairs(data, 8, seed) for seed in (4, 4, 5))
        zero = np.array(list(first))
        for sampler in (first, again, other):
            sampler.sampler.set_epoch(1)
        one = np.array(list(first))
        assert (one == list(again)).all() and (one != list(other)).any() and (one - len(data) != zero).any()
        assert one.min() >= len(data)

    def test_small_classes_repeat_a_sample(self, clips):
        data = clips(filter_cfg=dict(include={'sequence': NAMES[:4]}))
        [order] = pairs(data, 4)
        assert order[0::2] == order[1::2]

    def test_processes_share_the_batches(self, clips, monkeypatch):
        data = clips(split=None)
        alone = list(pairs(data, 4, seed=1))
        for rank in range(2):
            monkeypatch.setattr('poselifter.datasets.samplers.get_dist_info', lambda rank=rank: (rank, 2))
            assert list(pairs(data, 4, seed=1)) == alone[rank::2]

    @pytest.mark.parametrize(('batch_size', 'per_class'), [(5, 2), (64, 2), (18, 2)])
    def test_impossible_batches_are_refused(self, clips, batch_size, per_class):
        with pytest.raises(InputError, match='ClassPairSampler: batches of'):
            pairs(clips(), batch_size, per_class=per_class)

    def test_carries_the_epoch_through_a_loader(self, clips):
        pipeline = [*steps(6, train=True), dict(type='PackPose')]
        data = clips(split=None, pipeline=pipeline)
        batches = list(DataLoader(data, batch_sampler=pairs(data, 8, seed=2), collate_fn=stack_clips))
        assert len(batches) == 4
        assert all((b['data_samples'].action[::2] == b['data_samples'].action[1::2]).all() for b in batches)
