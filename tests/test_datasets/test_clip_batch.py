import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from poselifter.datasets import EpochSampler, SequenceDataset, Sequences, stack_clips
from poselifter.datasets.clip_batch import ClipBatch
from poselifter.datasets.transforms import FlipPose
from poselifter.geometry import Camera, denormalize_screen

CODEC = dict(type='RootRelativeLifting', confidence=True)


class Clips(SequenceDataset):
    """Sequences that are given as arrays."""

    METAINFO = {'skeleton': 'h36m17', 'skeleton_3d': 'h36m17'}

    def __init__(self, arrays, lengths, infos=None, **kwargs):
        rows = [slice(end - n, end) for end, n in zip(np.cumsum(lengths), lengths, strict=True)]
        self.parts = [{key: array[r] for key, array in arrays.items()} for r in rows]
        self.given = infos or [{}] * len(lengths)
        super().__init__(**kwargs)

    def load(self):
        return Sequences.joined(self.parts, [{'sequence': str(i), **info} for i, info in enumerate(self.given)])


@pytest.fixture
def clips(rng):
    def build(*steps, **changes):
        arrays = {
            'keypoints': rng.uniform(0, 900, (150, 17, 2)).astype(np.float32),
            'keypoints_visible': rng.uniform(-0.2, 1, (150, 17)).clip(0).astype(np.float32),
            'lifting_target': rng.normal(size=(150, 17, 3)).astype(np.float32),
        }
        facts = [{'img_shape': (1002, 1000)}, {'img_shape': (720, 1280)}, {'img_shape': (1000, 1000)}]
        for i, fact in enumerate(facts):
            fact['camera_param'] = Camera((900 + i, 901), (500, 480), size=fact['img_shape'][::-1]).to_dict()
            fact['action'] = i
        settings = dict(window=dict(length=9, stride=4), pipeline=[dict(type='Encode', codec=CODEC), *steps])
        return Clips(arrays, [60, 50, 40], facts, **{**settings, **changes})

    return build


def test_workers_and_other_collations(clips):
    dataset = clips(dict(type='FlipPose'), dict(type='PackPose'))
    batches = []
    for workers, collate in ((0, stack_clips), (2, stack_clips), (0, pseudo_collate)):
        sampler = EpochSampler(dataset, seed=1)
        loader = DataLoader(dataset, batch_size=20, sampler=sampler, num_workers=workers, collate_fn=collate)
        batches.append([b['inputs'] if torch.is_tensor(b['inputs']) else torch.stack(b['inputs']) for b in loader])
    for one, two, three in zip(*batches, strict=True):
        assert torch.equal(one, two) and torch.equal(one, three)


def test_sequences_of_different_lengths_stay_apart(clips):
    dataset = clips(dict(type='PackPose'), window=None, test_mode=True)
    packed = dataset.__getitems__([0, 1, 2])
    assert [len(clip['inputs']) for clip in packed] == [60, 50, 40]
    assert [clip['data_samples'].sequence for clip in packed] == ['0', '1', '2']


def test_pieces_of_one_length_each_stay_apart_too(rng):
    lengths = [9] * 16 + [7] * 16
    arrays = {'inputs': rng.random((sum(lengths), 17, 2))}
    dataset = Clips(arrays, lengths, test_mode=True, pipeline=[dict(type='PackPose')])
    assert [len(clip['inputs']) for clip in dataset.__getitems__(range(32))] == lengths


def test_batches_do_not_write_into_the_data(clips):
    dataset = clips(dict(type='FlipPose', prob=1), dict(type='JointMask', prob=0.5))
    before = {key: array.copy() for key, array in dataset.arrays.items()}
    dataset.__getitems__(range(20))
    for key, array in before.items():
        np.testing.assert_array_equal(dataset.arrays[key], array)


def vector(camera, size):
    """VideoPose3D's nine numbers of a camera."""
    drawn = Camera.from_dict(camera | {'size': size}).normalized()
    return np.concatenate([drawn.focal, drawn.centre, drawn.radial, drawn.tangential])


def camera_of(numbers, size=(1000, 1000)):
    focal, centre = np.array(numbers[:2]) * size[0] / 2, denormalize_screen(np.array(numbers[2:4], float), *size)
    camera = Camera(focal, centre, numbers[4:7], numbers[7:9])
    return {'img_shape': size[::-1], 'camera_param': camera.to_dict()}


def mirrored_clips(videos_2d, videos_3d, cameras, window, skeleton='h36m17'):
    """Network-space videos through a data set that lists each window twice, and ``FlipPose``."""
    lengths = [len(video) for video in videos_2d]
    arrays = {'inputs': np.concatenate(videos_2d), 'target': np.concatenate(videos_3d)}
    arrays['target_weight'] = np.tile(np.arange(17), (sum(lengths), 1))
    dataset = Clips(
        arrays, lengths, [camera_of(c) for c in cameras], window=window, mirrored_copies=True, pipeline=[FlipPose()]
    )
    dataset._metainfo.update(skeleton=skeleton, skeleton_3d=skeleton)
    return dataset


def test_first_epoch_of_poseformer(shared):
    case = np.load(shared / 'fixtures/parity/poseformer/functions/train_epoch.npz')
    parts = [[case[f'video{v}_{part}'] for v in range(2)] for part in ('2d', '3d', 'camera')]
    dataset = mirrored_clips(*parts, window=dict(length=9, stride=1, outputs=1))
    np.testing.assert_array_equal(dataset.windows[:, [0, 1, 3]], case['pairs'][:, [0, 1, 3]])
    rows = [np.flatnonzero((case['pairs'] == record).all(1))[0] for record in case['order']]
    for name, chosen in (('first', rows[:5]), ('last', rows[25:])):
        for k, sample in enumerate(dataset.__getitems__(chosen)):
            np.testing.assert_array_equal(sample['inputs'], case[f'{name}_2d'][k])
            np.testing.assert_array_equal(sample['target'][4:5], case[f'{name}_3d'][k])
            found = vector(sample['camera_param'], (1000, 1000))
            np.testing.assert_allclose(found, case[f'{name}_camera'][k], atol=1e-6)


def test_first_epoch_of_mixste(shared):
    case = np.load(shared / 'fixtures/parity/mixste/functions/train_epoch.npz')
    parts = [[case[f'video{v}_{part}'] for v in range(3)] for part in ('2d', '3d')]
    dataset = mirrored_clips(*parts, [np.ones(9)] * 3, window=dict(length=9, tail='centre'))
    np.testing.assert_array_equal(dataset.windows[:, [0, 1, 3]], case['pairs'][:, [0, 1, 3]])
    rows = [np.flatnonzero((case['pairs'] == record).all(1))[0] for record in case['order']]
    for name, chosen in (('batch0', rows[:4]), ('batch2', rows[8:])):
        for k, sample in enumerate(dataset.__getitems__(chosen)):
            np.testing.assert_array_equal(sample['inputs'], case[f'{name}_2d'][k])
            np.testing.assert_array_equal(sample['target'], case[f'{name}_3d'][k])


CHUNKS = {
    'videopose3d/functions/chunks_stride1_pad2_shift0_flip': 'h36m17',
    'videopose3d/functions/chunks_stride4_pad1_shift1_flip': 'h36m17',
    'pstmo/functions/tds_chunks_train': 'h36m17',
    'pstmo/functions/mpi3dhp_chunks_train': 'mpi_inf_3dhp17',
}


@pytest.mark.parametrize('name', CHUNKS)
def test_lists_of_plain_and_mirrored_chunks(shared, name):
    """In the original order, the cameras too; x = frame + 100 * joint (+ 1), y = 1000 * (video + 1) + frame."""
    case = np.load(shared / f'fixtures/parity/{name}.npz')
    pad, lengths, skeleton = int(case['pad']), case['lengths'].tolist(), CHUNKS[name]
    stride, shift = int(case.get('stride', 1)), int(case.get('causal_shift', 0))
    first = 1 if 'videopose3d' in name else 0
    joints = 100 * np.arange(17)
    videos = [
        np.stack(
            np.broadcast_arrays(np.arange(n)[:, None] + joints + first, (1000 * (v + 1) + np.arange(n))[:, None]), -1
        )
        for v, n in enumerate(lengths)
    ]
    cameras = [
        case['camera'][case['records'][:, 0] == v][0] if 'camera' in case else np.ones(9) for v in range(len(lengths))
    ]
    window = dict(length=stride + 2 * pad, stride=stride, outputs=stride, lead=pad + shift, tail='centre')
    window |= {'dilation': int(case['tds'])} if 'tds' in case else {}
    dataset = mirrored_clips(videos, [np.zeros((n, 17, 3)) for n in lengths], cameras, window, skeleton)
    np.testing.assert_array_equal(dataset.windows[:, [0, 1, 3]], case['records'][:, [0, 1, 3]])
    assert dataset.__getitems__([]) == []
    for k, sample in enumerate(dataset):
        np.testing.assert_array_equal(sample['inputs'], case['batch_2d'][k])
        if 'camera' in case:
            found = vector(sample['camera_param'], (1000, 1000))
            np.testing.assert_allclose(found, case['camera'][k], atol=1e-5)
    mirrored = dataset[int(np.flatnonzero(dataset.windows[:, 3])[0])]
    swapped = {'h36m17': (1, 4), 'mpi_inf_3dhp17': (2, 5)}[skeleton]
    assert mirrored['target_weight'][0, swapped[0]] == swapped[1]


def test_captions_say_which_clips_are_mirrored(rng):
    facts = {'captions': [[0, 4], [], [4]], 'skeleton': ['h36m17'] * 3, 'mirrored': [True, True, False]}
    batch = ClipBatch({'inputs': rng.normal(size=(3, 5, 17, 2))}, facts)
    assert FlipPose().transform_batch(batch).metadata['captions'] == [[-1, -5], [], [4]]
    assert FlipPose().transform_batch(batch).metadata['captions'] == [[0, 4], [], [4]]  # twice is the identity


def test_random_mirroring_has_its_probability(clips):
    drawn, plain = clips(dict(type='FlipPose')), clips()
    drawn.arrays = plain.arrays
    rows = [row + epoch * len(drawn) for epoch in range(15) for row in range(len(drawn))]
    pairs = zip(drawn.__getitems__(rows), plain.__getitems__(rows), strict=True)
    flipped = [not np.array_equal(one['inputs'], other['inputs']) for one, other in pairs]
    assert abs(np.mean(flipped) - 0.5) < 4 * 0.5 / np.sqrt(len(rows))
