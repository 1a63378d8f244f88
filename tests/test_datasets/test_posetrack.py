import json

import numpy as np
import pytest
from toy_datasets import posetrack as toy

from poselifter.datasets import PoseTrackDataset
from poselifter.datasets.posetrack import read_tracks
from poselifter.datasets.transforms import CropScale, Encode
from poselifter.errors import InputError
from poselifter.geometry import crop_scale
from poselifter.structures import check_sample

ENCODE = Encode(dict(type='RootRelativeLifting', confidence=True))


def load(folder, **kwargs):
    return PoseTrackDataset(data_root=str(folder), test_mode=True, **kwargs)


def test_the_sample_file_is_read(shared):
    folder = shared / 'fixtures/formats/posetrack'
    expected = json.loads((folder / 'expected.json').read_text())['000001_bonn_train.json']['persons']
    tracks = read_tracks(folder / '000001_bonn_train.json')
    assert [name.split('/')[-1] for name in tracks] == list(expected)
    for track, person in zip(tracks.values(), expected.values(), strict=True):
        np.testing.assert_allclose(track, list(person.values()), rtol=1e-6)  # person 1 is missing in frame 2
    whole = load(folder, ann_file='000001_bonn_train.json', length=3)
    assert len(whole) == 2 and (whole[1]['keypoints_visible'][:, 13] == 0).all()  # the left wrist


def test_a_merged_file_keeps_videos_apart(tmp_path):
    documents = [toy.annotations({0: toy.make_track(30, seed)}, video) for seed, video in ((1, 7), (2, 8))]
    merged = {key: documents[0][key] + documents[1][key] for key in ('images', 'annotations')}
    (tmp_path / 'posetrack18_train.json').write_text(json.dumps(merged))
    dataset = load(tmp_path, ann_file='posetrack18_train.json')
    assert [dataset[i]['sequence'] for i in range(2)] == [f'posetrack18_train/100000{v}/0' for v in (7, 8)]


def test_only_good_tracks_are_kept(tmp_path):
    """More than 306 of 510 joints, 30 poses, the root in all of them."""
    good, long = toy.make_track(30), toy.make_track(41, 1)
    exact, more, rootless = toy.make_track(30, 2), toy.make_track(30, 3), toy.make_track(30, 4)
    for track, visible in ((exact, 306), (more, 307)):
        track[..., 2] = 0
        track[:, 11:13, 2] = 1
        rest = [(t, j) for t in range(30) for j in (0, 1, 2, *range(5, 11), *range(13, 17))][: visible - 60]
        track[tuple(np.array(rest).T) + (2,)] = 1
        assert track[..., 2].sum() == visible
    rootless[17, 12, 2] = 0
    tracks = {0: good, 1: toy.make_track(29), 2: long, 3: exact, 4: more, 5: rootless}
    toy.write_file(tmp_path, tracks)
    dataset = load(tmp_path)
    assert [dataset[i]['sequence'][-2:] for i in range(len(dataset))] == ['/0', '/2', '/4']
    for i in range(3):
        check_sample(dataset.samples([i])[0])
    sample = dataset[1]
    np.testing.assert_allclose(sample['keypoints'][:, 11], long[:30, 5, :2], rtol=1e-6)  # the first poses of 41
    assert sample['img_shape'] == tuple(np.ceil(sample['keypoints'].max((0, 1))).astype(int)[::-1])
    assert [len(load(tmp_path, length=29)), len(load(tmp_path, visible=0.7))] == [6 - 1, 2]


def test_joints_are_motionbert_s(tmp_path, shared):
    case = np.load(shared / 'fixtures/parity/motionbert/functions/posetrack2h36m.npz')
    rows = np.flatnonzero(case['out'][:, 0, 2])
    toy.write_file(tmp_path, {0: case['x'][rows]})
    sample = load(tmp_path, length=len(rows), visible=0)[0]
    expected = case['out'][rows]
    expected[expected[..., 2] == 0] = 0
    np.testing.assert_allclose(sample['keypoints'], expected[..., :2], rtol=1e-6)
    np.testing.assert_array_equal(sample['keypoints_visible'], expected[..., 2])


def test_the_crop_does_not_depend_on_the_picture(tmp_path):
    toy.write_file(tmp_path, {0: toy.make_track(30)})
    sample = load(tmp_path).samples([0])[0]
    expected = crop_scale(sample['keypoints'], sample['keypoints_visible'])
    for shape in (sample['img_shape'], (1080, 1920)):
        inputs = CropScale()(ENCODE({**sample, 'img_shape': shape, 'random_key': [0, 0, 0, 0]}))['inputs']
        np.testing.assert_allclose(inputs[..., :2], expected, atol=2e-6)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda a: a[0].pop('track_id'), r'annotation 0 has no track_id, expected .* train or val part'),
    (lambda a: a[2].update(keypoints=[1] * 50), 'annotation 2 has 50 numbers as keypoints'),
    (lambda a: a.clear(), 'no track has 30 poses with 60% of the joints'),
])  # fmt: skip
def test_wrong_annotations_are_named(tmp_path, change, message):
    path = toy.write_file(tmp_path, {0: toy.make_track(30)})
    document = json.loads(path.read_text())
    change(document['annotations'])
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r'train does not exist.*posetrack.net.*posetrack/posetrack18_annotations'):
        load(tmp_path)
    path = toy.write_file(tmp_path, {0: toy.make_track(30)})
    for text in (path.read_text()[:500], '[1, 2]', '{"images": []}'):
        path.write_text(text)
        with pytest.raises(InputError, match='is no file of PoseTrack18'):
            load(tmp_path)
