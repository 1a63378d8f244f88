import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from poselifter.errors import InputError
from poselifter.geometry import crop_scale
from poselifter.io import describe_table, read_keypoints
from poselifter.skeletons import convert_keypoints
from poselifter.structures import KeypointTable
from poselifter.tracking import link_persons

CASES = {
    'mmpose': ('topdown_demo.json', 'inferencer_video.json', '000003.json'),
    'coco': ('results.json', 'person_keypoints.json'),
    'alphapose': (
        *('halpe26_tracked.json', 'coco17_untracked.json', 'coco17_idx_nested.json', 'coco17_gap_unsorted.json'),
        *('open_form.json', 'cmu_form.json'),
    ),
    'videopose3d': ('clip.mp4.npz', 'data_2d_custom_my.npz'),
}
REFUSED = [
    ('mmpose', 'bad_scores.json', 'frame 2, instance 0: 16 keypoint_scores'),
    ('mmpose', 'bad_no_instances.json', 'no instance_info'),
    ('coco', 'bad_50.json', 'entry 0: keypoints has 50 numbers, expected 51'),
    ('coco', 'bad_no_image_id.json', 'entry 1: image_id is missing'),
    ('alphapose', 'bad_length.json', 'entry 1: keypoints has 77 numbers, expected 78'),
    ('alphapose', 'bad_truncated.json', 'no complete JSON'),
    ('alphapose', 'bad_nan.json', 'holds NaN'),
    ('alphapose', 'bad_empty.json', 'no person in any frame'),
    ('alphapose', 'bad_15_joints.json', 'may be humaneva15 or openpose_mpi15; say which with --skeleton'),
    ('videopose3d', 'bad_no_metadata.npz', 'has no metadata'),
]

KEYPOINTS = np.random.default_rng(1).uniform(10, 90, (4, 17, 2))


@pytest.mark.parametrize(('tool', 'name'), [(tool, name) for tool in CASES for name in CASES[tool]])
def test_fixture_is_read_as_stated(shared, tool, name):
    folder = shared / 'fixtures/formats' / tool
    expected = json.loads((folder / 'expected.json').read_text())[name]
    table = link_persons(read_keypoints(folder / name))
    assert table.skeleton == expected['skeleton']
    assert table.fps is None
    size = expected['image_size']
    assert table.img_shape == (None if size is None else (size[1], size[0]))
    assert np.ptp(table.frame_indices) + 1 == expected['frames']
    assert table.frame_indices.min() == 0
    tracks = {str(key): rows for key, rows in table.tracks()}
    assert set(tracks) == set(expected['persons'])
    for person, frames in expected['persons'].items():
        rows = tracks[person]
        assert_array_equal(table.frame_indices[rows], [int(frame) for frame in frames])
        joints = np.array(list(frames.values()))
        assert_allclose(table.keypoints[rows], joints[..., :2], rtol=1e-6)
        assert_allclose(table.keypoints_visible[rows], joints[..., 2].clip(0, 1), rtol=1e-6)


@pytest.mark.parametrize(('tool', 'name', 'sentence'), REFUSED)
def test_malformed_fixture_is_refused(shared, tool, name, sentence):
    path = shared / 'fixtures/formats' / tool / name
    with pytest.raises(InputError, match=sentence) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)
    assert 'expected' in str(caught.value) or '--skeleton' in str(caught.value)


def test_posetrack_annotations_are_known_by_their_joint_names(shared):
    table = read_keypoints(shared / 'fixtures/formats/posetrack/000001_bonn_train.json')
    assert table.skeleton == 'posetrack17'


def test_alphapose_without_tracking_has_no_ids(write_json, coco_results, two_persons):
    entries = [{**e, 'image_id': f'frame_{8 + e["image_id"] - 100}.jpg', 'idx': 0} for e in coco_results]
    whole = [{**e, 'keypoints': (e['keypoints'] * 8)[:408]} for e in entries]  # 136 joints: face and hands follow
    table = read_keypoints(write_json(whole))
    assert (table.track_ids < 0).all() and table.skeleton == 'halpe26'
    assert sorted(set(table.frame_indices.tolist())) == [8, 9, 10, 11]
    assert_allclose(table.keypoints[table.frame_indices == 9][-1, :17], two_persons[1, 1, :, :2], rtol=1e-6)


def test_alphapose_in_the_wild_as_motionbert_reads_it(shared, write_json):
    """The released reader: one person's frames in its own conversion, cropped, or centred in the picture."""
    case = np.load(shared / 'fixtures/parity/motionbert/functions/wild_read_input.npz')
    table = read_keypoints(write_json(str(case['json_text'])))
    rows = dict(table.tracks())[1]
    assert_array_equal(table.frame_indices[rows], np.arange(9))

    def inputs(rows):
        return convert_keypoints(table.keypoints[rows], 'halpe26', 'h36m17', table.keypoints_visible[rows])

    points, scores = inputs(rows)
    assert_allclose(crop_scale(points, scores), case['out_focus1_scale'][..., :2], atol=2e-6)
    assert_allclose((points - [640, 360]) / 360, case['out_focus1_pixel'][..., :2], atol=1e-6)
    own = np.arange(17) != 7  # the spine is mixed: there the lower of two scores, here as in the release their mean
    assert_allclose(scores[:, own], case['out_focus1_pixel'][:, own, 2], atol=1e-6)
    order = np.lexsort((table.track_ids, table.frame_indices))  # without a choice every detection is a frame
    points, scores = inputs(order)
    assert_allclose(crop_scale(points, scores), case['out_all_scale'][..., :2], atol=2e-6)


def videopose3d_custom(**changes):
    facts = {'layout_name': 'coco', 'num_joints': 17, 'video_metadata': {'a.mp4': {'w': 640, 'h': 480}}}
    return {'positions_2d': {'a.mp4': {'custom': [KEYPOINTS[..., :2]]}}, 'metadata': facts, **changes}


@pytest.mark.parametrize(('arrays', 'sentence'), [
    (
        videopose3d_custom(positions_2d={'S1': {'Walking': [KEYPOINTS] * 4}}),
        r'hold 4 clips \(S1 None, .* expected one',
    ),
    (videopose3d_custom(positions_2d=[3]), 'positions_2d or metadata are wrong'),
    (videopose3d_custom(positions_2d={'a': {'custom': [np.zeros((4, 17, 3))]}}), r'a has shape \(4, 17, 3\)'),
    (videopose3d_custom(metadata={'layout_name': 'cocos'}), "unknown skeleton 'cocos'"),
    (
        {'boxes': np.zeros(3), 'keypoints': np.zeros(3), 'metadata': {'w': 3, 'h': 4}},
        "is no output of VideoPose3D's",
    ),
])  # fmt: skip
def test_videopose3d_s_wrong_files_are_named(write_npz, arrays, sentence):
    with pytest.raises(InputError, match=sentence):
        read_keypoints(write_npz(**arrays))
    assert read_keypoints(write_npz(**videopose3d_custom())).img_shape == (480, 640)


def test_coco_results(write_json, coco_results, two_persons):
    table = read_keypoints(write_json(coco_results))
    assert (table.track_ids < 0).all()  # not linked yet
    table = link_persons(table)
    assert_array_equal(table.track_ids, [0] * 4 + [1] * 3)
    assert_array_equal(table.frame_indices, [0, 1, 2, 3, 0, 1, 3])
    assert_allclose(table.keypoints[:4], two_persons[:, 0, :, :2], rtol=1e-6)
    assert_allclose(table.keypoints[4:], two_persons[[0, 1, 3], 1, :, :2], rtol=1e-6)
    assert table.skeleton == 'coco17'
    assert describe_table(table).endswith(
        '(COCO keypoints, 17 joints taken as coco17): skeleton coco17, 4 frames, 2 persons, '
        'image size unknown, fps unknown'
    )


def test_coco_missing_joint_and_scores_outside_the_unit_interval(write_json, coco_results):
    coco_results[0]['keypoints'][:6] = [0, 0, 0.7, 3, 4, 1.2]
    table = link_persons(read_keypoints(write_json(coco_results)))
    assert_array_equal(table.keypoints_visible[0, :2], [0, 1])


def test_coco_annotations_skip_crowds_and_number_frames_by_the_images(write_json, coco_results):
    for entry in coco_results:
        entry['image_id'] += 3
    crowd = {'image_id': 103, 'iscrowd': 1, 'keypoints': coco_results[0]['keypoints']}
    images = [{'id': 100 + i, 'width': 1280, 'height': 720} for i in range(7)]
    path = write_json({'images': images, 'annotations': [*coco_results, crowd], 'categories': []})
    table = read_keypoints(path)
    assert table.img_shape == (720, 1280)
    assert len(table.keypoints) == len(coco_results)
    assert sorted(set(table.frame_indices.tolist())) == [3, 4, 5, 6]  # frames 0 to 2 show nobody


def test_mmpose_demo_counts_from_one_and_inferencer_from_zero(write_json, mmpose_demo, two_persons):
    demo = link_persons(read_keypoints(write_json(mmpose_demo)))
    assert_array_equal(demo.frame_indices, [0, 1, 3] * 2)
    assert_allclose(demo.keypoints[3:], two_persons[[0, 1, 3], 1, :, :2], rtol=1e-6)
    inferencer = read_keypoints(write_json(mmpose_demo['instance_info']))
    assert_array_equal(np.unique(inferencer.frame_indices), [1, 2, 4])
    image = read_keypoints(write_json(mmpose_demo['instance_info'][0]['instances']))
    assert_array_equal(image.frame_indices, [0, 0])


def test_rows_without_an_id_among_others_are_linked(write_json, mmpose_demo):
    for frame in mmpose_demo['instance_info']:
        for number, person in enumerate(frame['instances']):
            person['track_id'] = 7 + number
    assert sorted(set(read_keypoints(write_json(mmpose_demo)).track_ids.tolist())) == [7, 8]
    mmpose_demo['instance_info'][0]['instances'][0]['track_id'] = -1  # MMPose's tracker found no partner
    table = read_keypoints(write_json(mmpose_demo))
    assert sorted(set(table.track_ids.tolist())) == [-1, 7, 8] and '1 of 6 rows have no track id' in table.notes[0]


def test_exchange_file_with_all_fields(write_npz, two_persons):
    points = two_persons.reshape(8, 17, 3).astype(np.float32)
    path = write_npz(
        keypoints=points[..., :2], keypoints_visible=points[..., 2], frame_indices=np.repeat(np.arange(4) * 2, 2),
        track_ids=np.array(['b', 'a'] * 4), img_shape=(720, 1280), fps=25, skeleton='halpe26',
    )  # fmt: skip
    with pytest.raises(InputError, match='17 joints, expected 26 for halpe26'):
        read_keypoints(path)
    table = read_keypoints(path, skeleton='coco', fps=50, img_shape=(900, 2000))
    assert (table.skeleton, table.fps, table.img_shape) == ('coco17', 50.0, (900, 2000))
    assert_array_equal(table.track_ids, ['a'] * 4 + ['b'] * 4)
    assert_array_equal(table.frame_indices, [0, 2, 4, 6] * 2)
    assert_array_equal(table.keypoints[:4], points[1::2, :, :2])


@pytest.mark.parametrize('suffix', ['npz', 'npy'])
def test_plain_keypoints_are_one_person_in_consecutive_frames(tmp_path, two_persons, suffix):
    path = tmp_path / f'clip.{suffix}'
    keypoints = two_persons[:, 0].copy()
    keypoints[2, 5] = (np.nan, np.nan, 0)
    if suffix == 'npz':
        np.savez(path, keypoints=keypoints)
    else:
        np.save(path, keypoints)
    table = read_keypoints(path)
    assert_array_equal(table.frame_indices, np.arange(4))
    assert len(list(table.tracks())) == 1
    assert table.keypoints_visible[2, 5] == 0
    assert_allclose(table.keypoints_visible[0], keypoints[0, :, 2], rtol=1e-6)


def test_content_decides_and_not_the_name(tmp_path, two_persons, coco_results):
    with open(tmp_path / 'clip.json', 'wb') as file:
        np.savez(file, keypoints=two_persons[:, 0, :, :2])
    assert len(read_keypoints(tmp_path / 'clip.json').keypoints) == 4
    (tmp_path / 'clip.npz').write_text('\ufeff ' + json.dumps(coco_results))
    assert len(read_keypoints(tmp_path / 'clip.npz').keypoints) == 7


@pytest.mark.parametrize(('arrays', 'sentence'), [
    ({'keypoints': KEYPOINTS[0]}, r'shape \(17, 2\), expected \(N, J, 2\)'),
    ({'keypoints': KEYPOINTS[:0]}, 'no person in any frame'),
    ({'keypoints': KEYPOINTS[:, :0]}, 'shape'),
    ({'keypoints': KEYPOINTS[:, :11]}, 'no joint set we know by its number; say which with --skeleton'),
    ({'keypoints': KEYPOINTS[:, :14]}, 'may be aic14 or crowdpose14; say which with --skeleton'),
    ({'keypoints': KEYPOINTS.astype(str)}, 'expected numbers'),
    ({'keypoints': KEYPOINTS * np.nan}, 'NaN or infinite'),
    ({'keypoints': KEYPOINTS / 100}, 'expected pixels; multiply x by the width'),
    ({'keypoints': KEYPOINTS.astype(object)}, 'has type object, expected numbers'),
    ({'keypoints': np.array([Path()], object)}, 'executes nothing from a file'),
    ({'poses': KEYPOINTS}, 'has poses, expected'),
    ({'keypoints': KEYPOINTS, 'skeleton': 'coco71'}, "unknown skeleton 'coco71'"),
    ({'keypoints': KEYPOINTS, 'skeleton': 3}, 'expected one name'),
    ({'keypoints': KEYPOINTS, 'fps': [1, 2]}, 'expected a positive number'),
    ({'keypoints': KEYPOINTS, 'fps': 0}, 'fps is 0'),
    ({'keypoints': KEYPOINTS, 'img_shape': (0, 2)}, r'expected \(height, width\)'),
    ({'keypoints': KEYPOINTS, 'frame_indices': [0, 1, 1, 2]}, 'two rows in frame 1'),
    ({'keypoints': KEYPOINTS, 'frame_indices': [0, 1, 1.5, 2]}, 'not whole'),
    ({'keypoints': KEYPOINTS, 'track_ids': [0, 0, 1, 1]}, 'frame_indices is absent although track_ids has 2'),
    ({'keypoints': KEYPOINTS, 'frame_indices': [0, 1, 2]}, 'expected'),
    ({'keypoints': KEYPOINTS, 'keypoints_visible': np.ones((4, 16))}, 'keypoints_visible has shape'),
])  # fmt: skip
def test_bad_arrays_are_refused(write_npz, arrays, sentence):
    path = write_npz(**arrays)
    with pytest.raises(InputError, match=sentence) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(('text', 'sentence'), [
    ('', 'is empty'),
    ('  \n', 'is empty'),
    ('[]', 'empty list'),
    ('{}', 'has nothing, expected'),
    ('[1, 2]', 'first entry has int'),
    ('{"people": []}', 'has people, expected'),
    ('hello', "starts with 'hello'"),
    ('[{"image_id": 1, "keypoints": [1, 2', 'cut off'),
    ('[{"image_id": 1, "keypoints": [1, NaN, 1]}]', 'holds NaN'),
    ('[{"image_id": 1, "keypoints": [1, -Infinity, 1]}]', 'holds -Infinity'),
    ('[{"image_id": 1, "keypoints": [1, "a", 1]}]', 'no number'),
    ('[{"image_id": "a.jpg", "keypoints": [1, 2, 1]}]', "image_id is 'a.jpg', expected a name that ends in"),
    ('[{"image_id": "1.jpg", "keypoints": [1, 2, 3]}, {"image_id": "2.jpg"}]', 'entry 1: has no list of keypoints'),
    ('{"1.jpg": {"version": "AlphaPose v0.3", "persons": []}}', '1.jpg: has no people and no bodies'),
    ('[{"image_id": 1, "keypoints": []}]', 'has 0 numbers'),
    ('[{"instances": []}]', 'frame_id is missing'),
    ('[{"frame_id": 0, "instances": []}]', 'no person in any frame'),
    ('[{"frame_id": 0, "instances": [{}]}]', 'shape'),
    ('[{"frame_id": 0, "instances": [{"keypoints": [[1, 2, 3]], "keypoint_scores": [1]}]}]', r'shape \(1, 3\)'),
    ('{"instance_info": 3}', 'is int, expected a list'),
    ('[' * 100000, 'nested too deeply|no complete JSON'),
    ('[{"image_id": 1, "keypoints": [1' + '0' * 5000 + ', 2, 1]}]', 'cannot be read'),
    ('[{"image_id": 1, "keypoints": [1e999' + ', 2, 1' * 17 + ', 2, 1]}]', 'expected'),
])  # fmt: skip
def test_bad_json_is_refused(write_json, text, sentence):
    path = write_json(text)
    with pytest.raises(InputError, match=sentence) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)


def test_bad_files_are_refused(tmp_path, write_npz):
    with pytest.raises(InputError, match='No such file'):
        read_keypoints(tmp_path / 'absent.json')
    with pytest.raises(InputError, match='is a folder'):
        read_keypoints(tmp_path)
    (tmp_path / 'noise').write_bytes(b'\xff\xfe\x00noise')
    with pytest.raises(InputError, match='neither text nor a numpy file'):
        read_keypoints(tmp_path / 'noise')
    path = write_npz(keypoints=KEYPOINTS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match='no whole npz file'):
        read_keypoints(path)


KEYS = (
    'image_id keypoints instances frame_id keypoint_scores annotations images id track_id meta_info instance_info '
    'categories keypoint_id2name width height idx people'
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=20,
)


@given(content=JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_a_table_or_one_sentence(write_json, content):
    try:
        table = read_keypoints(write_json(content))
    except InputError as error:
        assert '\n' not in str(error)
    else:
        assert isinstance(table, KeypointTable)


@given(data=st.binary(max_size=200), start=st.sampled_from([b'', b'PK\x03\x04', b'\x93NUMPY\x01\x00', b'[{']))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_one_sentence(tmp_path, data, start):
    path = tmp_path / 'file'
    path.write_bytes(start + data)
    with pytest.raises(InputError):
        read_keypoints(path)
