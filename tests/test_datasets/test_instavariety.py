"""InstaVariety: its converter by MotionBERT's rules, and its clips."""

import instavariety
import numpy as np
import pytest
from mmengine.config import Config
from toy_datasets import instavariety as toy

from poselifter.datasets import InstaVarietyDataset, stack_clips
from poselifter.errors import InputError
from poselifter.registry import DATASETS
from poselifter.structures import check_sample

# h36m17 in the order of the toy's names; spine and head top are not found
OF_BODY25 = [8, 9, 10, 11, 12, 13, 14, None, 1, 0, None, 5, 6, 7, 2, 3, 4]


def write_arrays(folder, lengths, seed=0):
    rng = np.random.default_rng(seed)
    motion = rng.uniform(0.1, 1, (sum(lengths), 17, 3)).astype(np.float32)
    np.save(folder / 'motion_all.npy', motion)
    np.save(folder / 'id_all.npy', np.repeat(np.arange(len(lengths)) + 3.0, lengths))
    return motion


def test_tracks_are_converted(tmp_path, capsys):
    tracks = [toy.make_track(frames, frames) for frames in (12, 5)]
    toy.write_track(tmp_path / 'tracks/dance/video1/0', tracks[0])
    toy.write_track(tmp_path / 'tracks/yoga/video2/0', tracks[1])
    broken = toy.write_track(tmp_path / 'tracks/yoga/video2/1', tracks[1])
    (broken / '9.json').write_text('{')
    instavariety.main([str(tmp_path / 'tracks'), str(tmp_path / 'out'), '--workers', '1'])
    assert 'video2/1 is no track' in (printed := capsys.readouterr()).err and '2 tracks, 17 frames' in printed.out
    ids = np.load(tmp_path / 'out/id_all.npy')
    assert ids.tolist() == [0.0] * 12 + [1.0] * 5
    motion = np.load(tmp_path / 'out/motion_all.npy')
    for number, track in enumerate(tracks):
        points = np.stack([0 * track[:, 0] if j is None else track[:, j] for j in OF_BODY25], 1)
        found = points[points[..., 2] > 0]
        side = np.ptp(found[:, :2], axis=0).max()
        expected = points.copy()
        expected[..., :2] = (points[..., :2] - points[0, 0, :2]) / side * 2  # the corner of the box cancels
        expected[points[..., 2] == 0] = 0
        np.testing.assert_allclose(motion[ids == number], expected, atol=1e-6)
    with pytest.raises(InputError, match='has no tracks, expected <tag>'):
        instavariety.main([str(tmp_path / 'out'), str(tmp_path / 'out2')])


def test_whole_tracks(tmp_path):
    motion = write_arrays(tmp_path, [30, 7])
    dataset = InstaVarietyDataset(data_root=str(tmp_path), test_mode=True)
    samples = dataset.samples([0, 1])
    assert isinstance(dataset.arrays['keypoints'], np.memmap)
    assert [(s['sequence'], len(s['keypoints'])) for s in samples] == [('3', 30), ('4', 7)]
    for sample in samples:
        check_sample(sample)
    pixels = np.concatenate([s['keypoints'] for s in samples])
    np.testing.assert_allclose((pixels - 500) / 250, motion[..., :2], atol=1e-6)
    np.testing.assert_array_equal(np.concatenate([s['keypoints_visible'] for s in samples]), motion[..., 2])


def test_clips_are_motionbert_s(tmp_path, shared):
    """As ``split_clips`` cuts them; short tracks have one clip, with other frames drawn twice."""
    case = np.load(shared / 'fixtures/parity/motionbert/functions/split_clips.npz')
    for number in range(4):
        lengths, (length, stride) = case[f'case{number}_lengths'], case[f'case{number}_n_frames_stride'].tolist()
        motion = write_arrays(tmp_path, lengths.tolist())
        dataset = InstaVarietyDataset(
            data_root=str(tmp_path), min_frames=length, window=dict(length=length, stride=stride, tail='drop')
        )
        clips = np.array([sample['keypoints'] for sample in dataset.samples(range(len(dataset)))])
        official = case[f'case{number}_out']
        clips = clips[:-1] if lengths[-1] < length else clips  # a last track that is too short is forgotten there
        assert len(clips) == len(official)
        for clip, frames in zip(clips, official, strict=True):
            if (np.diff(frames) == 1).all():
                np.testing.assert_array_equal(clip, motion[frames, :, :2] * 250 + 500)
            else:
                np.testing.assert_array_equal(clip[0], motion[frames.min(), :, :2] * 250 + 500)


def test_clips_begin_with_a_root(tmp_path):
    motion = write_arrays(tmp_path, [20, 6, 20])
    motion[[5, 26, 36], 0, 2] = 0  # starts of the clips 1 of the first track and 0 and 2 of the last
    np.save(tmp_path / 'motion_all.npy', motion)
    dataset = InstaVarietyDataset(data_root=str(tmp_path), min_frames=10, window=dict(length=10, stride=5, tail='drop'))
    assert dataset.windows[:, :2].tolist() == [[0, 0], [0, 10], [1, 0], [2, 5]]
    assert dataset.samples([2])[0]['frame_indices'].tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]
    motion[:, 0, 2] = 0
    np.save(tmp_path / 'motion_all.npy', motion)
    with pytest.raises(InputError, match='no window begins with a visible root'):
        InstaVarietyDataset(data_root=str(tmp_path), window=dict(length=10)).full_init()


def test_the_config_makes_batches(tmp_path, repository):
    write_arrays(tmp_path, [120, 30, 90])
    config = Config.fromfile(repository / 'configs/_base_/datasets/instavariety.py').train_dataloader.dataset
    dataset = DATASETS.build({**config, 'data_root': str(tmp_path)})
    batch = stack_clips(dataset.__getitems__(range(len(dataset))))
    assert batch['inputs'].shape == (4, 81, 17, 3) and batch['data_samples'].target_2d.shape == (4, 81, 17, 2)
    scores = np.concatenate([sample['keypoints_visible'] for sample in dataset.samples(range(4))])
    np.testing.assert_array_equal(np.sort(batch['data_samples'].target_2d_weight.flatten(0, 1).sort(-1).values, 0),
                                  np.sort(np.sort(scores, -1), 0))  # fmt: skip
