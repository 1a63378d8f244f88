import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poselifter.errors import InputError
from poselifter.structures import KeypointTable
from poselifter.tracking import link_persons
from poselifter.tracking.box_trackers import TRACKERS, track_boxes


def detections(paths: np.ndarray, body: np.ndarray, order: np.ndarray, present: np.ndarray) -> tuple:
    """Table without ids of persons on paths (T, P, 2), joints (J, 2) or (P, J, 2) around each; and each row's person.

    ``order`` (T, P) is that of the file, ``present`` (T, P) says whether the detector found the person.
    """
    t, k = np.nonzero(np.take_along_axis(present, order, 1))
    person = order[t, k]
    keypoints = (paths[..., None, :] + body)[t, person]
    rank = np.concatenate([np.arange((t == frame).sum()) for frame in range(len(paths))])
    table = KeypointTable(keypoints, np.ones(keypoints.shape[:2]), t, -1 - rank)
    key = {(int(f), *keypoints[i, 0].astype(np.float32).tolist()): int(person[i]) for i, f in enumerate(t)}
    return table, key


def persons_of(table: KeypointTable, key: dict) -> dict:
    """Linked id -> set of true persons."""
    found: dict = {}
    for row in range(len(table.track_ids)):
        true = key[(int(table.frame_indices[row]), *table.keypoints[row, 0].tolist())]
        found.setdefault(int(table.track_ids[row]), set()).add(true)
    return found


@pytest.fixture
def body(rng):
    return rng.uniform(-1, 1, (17, 2)) * [50, 200]


def shuffled(rng, frames: int, persons: int) -> np.ndarray:
    return rng.permuted(np.tile(np.arange(persons), (frames, 1)), axis=1)


def test_persons_in_changing_order_with_short_gaps(rng, body):
    time = np.arange(40)[:, None]
    paths = np.stack([np.array([300, 400]) + time * [6, 1], np.array([900, 420]) - time * [2, 0]], 1)
    paths = np.concatenate([paths, np.full((40, 1, 2), 600)], 1).astype(float)
    present = rng.random((40, 3)) > 0.3
    present[0] = True
    table, key = detections(paths, body, shuffled(rng, 40, 3), present)
    linked = link_persons(table)
    assert sorted(persons_of(linked, key).values(), key=min) == [{0}, {1}, {2}]
    assert_array_equal(linked.keypoints_visible.shape, table.keypoints_visible.shape)


def test_crossing_persons_keep_their_direction(rng, body):
    time = np.arange(-20, 20)[:, None]
    paths = np.stack([[640, 400] + time * [8, 0] + [4, 0], [640, 400] - time * [8, 0] - [4, 0]], 1).astype(float)
    table, key = detections(paths, body, shuffled(rng, 40, 2), np.ones((40, 2), bool))
    assert sorted(persons_of(link_persons(table), key).values(), key=min) == [{0}, {1}]


def test_a_long_absence_ends_a_person(body):
    frames = np.r_[np.arange(5), np.arange(30, 35)]
    keypoints = np.broadcast_to(body + 400, (10, 17, 2))
    table = KeypointTable(keypoints, np.ones((10, 17)), frames, np.full(10, -1))
    assert_array_equal(link_persons(table, max_gap=10 / 30).track_ids, [0] * 5 + [1] * 5)
    assert_array_equal(link_persons(table, max_gap=25 / 30).track_ids, [0] * 10)
    assert_array_equal(link_persons(table, max_gap=24 / 30).track_ids, [0] * 5 + [1] * 5)


def test_a_jump_across_the_picture_is_another_person(body):
    keypoints = np.stack([body + 300, body + 305, body + 1500])
    table = KeypointTable(keypoints, np.ones((3, 17)), np.arange(3), np.full(3, -1))
    assert_array_equal(link_persons(table).track_ids, [0, 0, 1])


def test_missing_joints_do_not_matter(rng, body):
    time = np.arange(10)[:, None, None]
    keypoints = np.stack([body + 300 + time * 3, body + [900, 300] - time * 3], 1)[:, :, :, :].reshape(20, 17, 2)
    visible = (rng.random((20, 17)) > 0.4).astype(float)
    keypoints = np.where(visible[..., None] > 0, keypoints, np.nan)
    table = KeypointTable(keypoints, visible, np.repeat(np.arange(10), 2), np.tile([-1, -2], 10))
    linked = link_persons(table)
    assert_array_equal(linked.track_ids, [0] * 10 + [1] * 10)
    assert (np.nanmean(linked.keypoints[:10, :, 0], 1) < np.nanmean(linked.keypoints[10:, :, 0], 1)).all()


def test_ids_of_the_file_stay(body):
    keypoints = np.broadcast_to(body + 400, (4, 17, 2))
    for ids in (np.array(['a', 'a', 'b', 'b']), np.array([3, 3, 5, 5])):
        table = KeypointTable(keypoints, np.ones((4, 17)), np.array([0, 1, 0, 1]), ids)
        assert link_persons(table) is table
    table = KeypointTable(keypoints, np.ones((4, 17)), np.array([0, 1, 0, 1]), np.array([3, 3, -1, -1]))
    assert_array_equal(link_persons(table).track_ids, [3, 3, 4, 4])
    assert_array_equal(table.track_ids, [-1, -1, 3, 3])  # the input is not modified


def test_nobody_at_all_is_refused():
    table = KeypointTable(np.full((3, 17, 2), np.nan), np.zeros((3, 17)), np.arange(3), np.full(3, -1))
    with pytest.raises(InputError, match='no person'):
        link_persons(table)


def test_scale_and_place_do_not_matter(rng, body):
    paths = rng.uniform(0, 1000, (1, 4, 2)) + rng.normal(0, 5, (30, 4, 2)).cumsum(0)
    table, _ = detections(paths, body, shuffled(rng, 30, 4), rng.random((30, 4)) > 0.2)
    far = KeypointTable(table.keypoints / 8 + 77, table.keypoints_visible, table.frame_indices, table.track_ids)
    assert_array_equal(link_persons(far).track_ids, link_persons(table).track_ids)


def test_detection_without_a_joint_is_nobody():
    """A detector's empty entry neither becomes a person nor ends one."""
    keypoints = np.cumsum(np.ones((6, 5, 2)), 0) + np.arange(10).reshape(5, 2) * 20
    visible = np.ones((6, 5))
    visible[2:4] = 0
    linked = link_persons(KeypointTable(keypoints, visible, np.arange(6), np.full(6, -1)))
    assert linked.track_ids.tolist() == [0] * 4
    assert linked.frame_indices.tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize('name', TRACKERS)
def test_trackers_of_the_package(name):
    """The library itself follows two who pass each other, one of whom is away for three frames."""
    pytest.importorskip('trackers', reason='needs trackers: pip install trackers')
    frames, body = np.arange(60), np.random.default_rng(0).uniform(-1, 1, (17, 2)) * (40, 100)
    left = body + np.stack([100 + 5 * frames, np.full(60, 300)], 1)[:, None]
    right = body + np.stack([500 - 5 * frames, np.full(60, 420)], 1)[:, None]
    away = np.r_[(frames > 20) & (frames < 24), np.zeros(60, bool)]
    points, numbers = np.concatenate([left, right])[~away], np.r_[frames, frames][~away]
    table = KeypointTable(points, np.full((117, 17), 0.9), numbers, [None] * 117, skeleton='coco17', fps=30)
    tracked = track_boxes(table, name)
    assert len(tracked.track_ids) >= 112 and set(tracked.track_ids) == {0, 1}
    for _, rows in tracked.tracks():
        assert np.ptp(tracked.keypoints[rows, 0, 1]) < 1
    assert track_boxes(tracked, name) is tracked


def test_trackers_that_cannot_be_had(monkeypatch):
    table = KeypointTable(np.ones((1, 17, 2)), np.ones((1, 17)), [0], [None])
    with pytest.raises(InputError, match='tracker'):
        track_boxes(table, 'deepsort')
    monkeypatch.setitem(sys.modules, 'trackers', None)
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(InputError, match='pip install trackers'):
        track_boxes(table, 'sort')
