import instavariety
import numpy as np
import pytest
from toy_datasets import instavariety as toy

from poselifter.datasets import InstaVarietyDataset
from poselifter.errors import InputError
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
