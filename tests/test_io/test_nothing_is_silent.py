"""What readers drop, guess or renumber they say, and nonsense they refuse; one test for each kind of fault."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poselifter.errors import InputError
from poselifter.io import notes_on, read_keypoints
from poselifter.skeletons import get_skeleton
from poselifter.tracking import link_persons

KEYPOINTS = np.random.default_rng(1).uniform(10, 90, (40, 17, 2))
HALF = np.repeat([1.0, 0], [20, 20])[:, None] * np.ones(17)


@pytest.fixture
def coco():
    """Annotations of one person in 40 images, whose ids are 1, 2, ...; ``coco(images=..., annotations=...)`` adds."""

    def make(images=lambda t: {}, annotations=lambda t: {}, ids=range(1, 41)):
        rows = np.dstack([KEYPOINTS, np.full((40, 17), 2)])
        listed = [{'id': i, 'file_name': f'{t}.jpg', **images(t)} for t, i in enumerate(ids)]
        entries = [{'image_id': i, 'keypoints': rows[t].ravel().tolist(), **annotations(t)} for t, i in enumerate(ids)]
        return {'images': listed, 'annotations': entries}

    return make


@pytest.mark.parametrize(('arrays', 'note'), [
    ({'keypoints_visible': HALF - 0.5}, r'340 of 680 scores are negative or NaN and count as 0'),
    ({'keypoints_visible': np.where(HALF, 1, np.nan)}, r'340 of 680 scores are negative or NaN and count as 0'),
    ({'keypoints_visible': HALF * 97}, r'scores reach 97; all above 1 count as 1'),
    ({'keypoints_visible': HALF}, r'no joint is visible in 20 of 40 rows; predictions there are a guess'),
    (
        {'keypoints_visible': HALF, 'track_ids': np.repeat(['a', 'b'], 20), 'frame_indices': np.arange(40)},
        r'nor anywhere of b;',
    ),
    ({'frame_indices': np.arange(40) * 100 // 3}, r'frames of a person are 33 apart, .* times'),
    ({'keypoints': KEYPOINTS * HALF[..., None], 'keypoints_visible': HALF + 0.1}, r'340 joints at \(0, 0\) count'),
    ({'track_ids': np.array([None] * 3 + [7] * 37, object)}, r'3 of 40 rows have no track id: these are linked'),
    ({'track_ids': np.array([None] * 3 + ['a'] * 37, object)}, r'3 of 40 rows have no track id: all are left out'),
])  # fmt: skip
def test_what_is_unusual_in_a_file_is_a_note(write_npz, arrays, note):
    lines = notes_on(link_persons(read_keypoints(write_npz(**{'keypoints': KEYPOINTS, **arrays}))))
    assert [line for line in lines if re.search(note, line)], lines
    assert len(notes_on(read_keypoints(write_npz(keypoints=KEYPOINTS)))) == 1


@pytest.mark.parametrize(('arrays', 'sentence'), [
    ({'keypoints_visible': np.zeros((40, 17))}, 'no joint of any person is visible'),
    ({'keypoints_visible': np.full((40, 17), np.nan)}, 'no joint of any person is visible'),
    ({'keypoints_visible': np.full((40, 17), -3.0)}, 'no joint of any person is visible'),
    ({'keypoints': KEYPOINTS * 0}, 'no joint of any person is visible'),
    ({'keypoints': KEYPOINTS * 1e300}, 'NaN or infinite'),
    ({'keypoints': KEYPOINTS * 1e6}, 'coordinates reach 9e\\+07, expected pixels'),
    ({'keypoints': KEYPOINTS - 200, 'img_shape': (100, 100)}, '100% of the joints lie outside of the picture'),
    ({'img_shape': (1, 1)}, '100% of the joints lie outside of the picture, 1 x 1'),
    ({'img_shape': (10**18, 10**18)}, r'expected \(height, width\)'),
    *[({'fps': fps}, 'fps is .*, expected a positive number') for fps in (1 / 30, 1e-300, -5, np.nan, np.inf, 1e9)],
    ({'frame_indices': np.arange(40, dtype=np.uint64) + 2**63}, 'not whole or too large'),
    ({'frame_indices': np.arange(40) + 1e300}, 'not whole or too large'),
])  # fmt: skip
def test_nonsense_is_refused(write_npz, arrays, sentence):
    with pytest.raises(InputError, match=sentence):
        read_keypoints(write_npz(**{'keypoints': KEYPOINTS, **arrays}))


@pytest.mark.parametrize('given', [7, 7.0, [[7.0]], '7', 2**63 + 5])
@pytest.mark.parametrize('place', ['track_id', 'instance_id', 'attributes'])
def test_ids_of_a_file_are_kept(write_json, coco, given, place):
    value = {'track_id': given} if place == 'attributes' else given
    table = read_keypoints(write_json(coco(annotations=lambda t: {place: value})))
    expected = given if isinstance(given, str) else 7 if given != 2**63 + 5 else str(given)
    assert set(table.track_ids.tolist()) == {expected} and not table.notes


def test_coco_frames_are_those_of_the_video(write_json, coco):
    mixed = np.random.default_rng(0).permutation(40).tolist()
    for content, note in (
        (coco(ids=range(1, 400, 10), images=lambda t: {'frame_id': t}), False),
        (coco(ids=[i + 1 for i in mixed]), True),
        (coco(ids=[1e3 + t for t in range(40)]), False),
    ):
        table = read_keypoints(write_json(content))
        assert_array_equal(table.frame_indices, np.arange(40))
        assert_allclose(table.keypoints[np.argsort(table.track_ids, kind='stable')], KEYPOINTS, rtol=1e-6)
        assert [note for note in table.notes if 'file_name' in note] == list(table.notes) and bool(table.notes) == note
    content = coco(annotations=lambda t: {'iscrowd': int(t > 36)})
    assert '3 annotations without keypoints, or of crowds, are left out' in read_keypoints(write_json(content)).notes


@pytest.mark.parametrize(('images', 'sentence'), [
    (lambda t: {'video_id': t // 20}, '2 different values of video_id .* keep one clip a file'),
    (lambda t: {'file_name': f'{t // 20}/{t}.jpg'}, '2 different folders'),
    (lambda t: {'height': [720], 'width': 1280 + t // 39}, '2 different sizes'),
])  # fmt: skip
def test_several_clips_in_a_file_are_refused(write_json, coco, images, sentence):
    with pytest.raises(InputError, match=sentence):
        read_keypoints(write_json(coco(images=images)))
    row = np.ones(51).tolist()
    entries = [{'image_id': f'{clip}/{t}.jpg', 'keypoints': row} for clip in 'ab' for t in range(3)]
    with pytest.raises(InputError, match='2 different names'):
        read_keypoints(write_json(entries))


@pytest.mark.parametrize(('skeleton', 'names'), [
    ('halpe26', {'head_top': 'head'}),
    ('crowdpose14', {'head_top': 'top_head'}),
    ('h36m17', dict(zip(['pelvis', 'right_ankle', 'left_ankle', 'nose', 'head_top'],
                        ['root', 'right_foot', 'left_foot', 'neck_base', 'head'], strict=True))),
    ('mpi_inf_3dhp17', {'pelvis': 'root'}),
    ('coco_wholebody133_body23', {}),
])  # fmt: skip
def test_mmpose_s_names_and_whole_bodies(write_json, skeleton, names):
    joints = [names.get(name, name) for name in get_skeleton(skeleton).joint_names]
    joints += [f'face_{i}' for i in range(110 if len(joints) == 23 else 0)]
    person = {'keypoints': [[20 + i, 30] for i in range(len(joints))], 'keypoint_scores': [0.9] * len(joints)}
    frames = [{'frame_id': 1, 'instances': [person]}]
    meta = {'keypoint_id2name': {str(i): name for i, name in enumerate(joints)}}
    table = read_keypoints(write_json({'meta_info': meta, 'instance_info': frames}))
    assert table.skeleton == skeleton and table.keypoints.shape[1] == get_skeleton(skeleton).num_joints
    assert bool(table.notes) == (len(joints) == 133)
    with pytest.raises(InputError, match='keypoint_id2name is no object'):
        read_keypoints(write_json({'meta_info': {'keypoint_id2name': 5}, 'instance_info': frames}))


def test_several_videos_are_a_track_each(write_npz):
    size = {'w': 100, 'h': 100}
    arrays = {
        'positions_2d': {'a.mp4': {'custom': [KEYPOINTS]}, 'b.mp4': {'custom': [KEYPOINTS[:9]]}},
        'metadata': {'layout_name': 'coco', 'video_metadata': {'a.mp4': size, 'b.mp4': size}},
    }
    table = read_keypoints(write_npz(**arrays))
    assert {name: rows.stop - rows.start for name, rows in table.tracks()} == {'a.mp4': 40, 'b.mp4': 9}
    assert table.notes == ('each of 2 videos is a track',)
    arrays['metadata']['video_metadata']['b.mp4'] = {'w': 9, 'h': 9}
    with pytest.raises(InputError, match=r'a\.mp4 \(100, 100\), b\.mp4 \(9, 9\)'):
        read_keypoints(write_npz(**arrays))
