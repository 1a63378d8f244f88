"""Missing joints: invariances, and bodies that are known."""

import numpy as np
import pytest

from poselifter.io import read_keypoints
from poselifter.tracking import fill_missing
from poselifter.tracking.fill import expected_joints

LEGS = [2, 3, 5, 6]


@pytest.fixture(scope='module')
def walk(repository):
    table = read_keypoints(repository / 'demo' / 'clip.npz')
    rows = (table.keypoints_visible > 0).all(1)
    return table.keypoints[rows]


def test_nothing_missing_nothing_changed(walk):
    scores = np.full(walk.shape[:2], 0.7, np.float32)
    points, same = fill_missing(walk, scores, 30, 'h36m17')
    assert points is walk and same is scores
    nobody, none = fill_missing(walk, np.zeros_like(scores), 30, 'h36m17')
    assert nobody is walk and not none.any()


@pytest.mark.parametrize('lost', [LEGS, [3], [14, 15, 16], [9, 10]])
def test_joints_that_are_never_seen_are_put_where_bodies_have_them(walk, lost):
    scores = np.ones(walk.shape[:2], np.float32)
    scores[:, lost] = 0
    hidden = walk.copy()
    hidden[:, lost] = 0
    points, filled = fill_missing(hidden, scores, 30, 'h36m17')
    size = np.ptp(walk, axis=1).max(1).mean()
    assert np.linalg.norm(points - walk, axis=-1)[:, lost].mean() < 0.2 * size
    np.testing.assert_allclose(filled[:, lost], 0.3, atol=1e-6)
    kept = np.setdiff1d(np.arange(17), lost)
    np.testing.assert_array_equal(points[:, kept], walk[:, kept])


def test_place_size_and_what_a_missing_joint_holds_do_not_matter(walk):
    seen = np.ones(walk.shape[:2], bool)
    seen[:, LEGS], seen[3, 9:] = False, False
    one = expected_joints(walk, seen)
    changed = np.where(seen[..., None], walk, np.nan)
    np.testing.assert_allclose(expected_joints(changed / 4 + 70, seen), one / 4 + 70, atol=0.01)
    assert np.isfinite(one[:, LEGS]).all()


def test_short_gaps_lie_on_a_line_long_ones_follow_the_body(walk):
    scores = np.ones(walk.shape[:2], np.float32)
    scores[50:53, 16] = 0
    points, filled = fill_missing(walk, scores, 30, 'h36m17')
    line = np.linspace(walk[49, 16], walk[53, 16], 5)[1:-1]
    assert np.linalg.norm(points[50:53, 16] - line, axis=-1).max() < 0.1 * np.ptp(walk[50], axis=0).max()
    assert (filled[50:53, 16] > 0.5).all() and (filled[50:53, 16] < 0.61).all()


def test_other_joint_sets_are_filled_over_time_only():
    points = np.arange(40.0).reshape(10, 2, 2)
    scores = np.ones((10, 2))
    scores[4:6, 0], scores[:, 1] = 0, 0
    new, filled = fill_missing(np.where(scores[..., None] > 0, points, np.nan), scores, 30, 'coco17')
    np.testing.assert_allclose(new[:, 0], points[:, 0])
    assert (filled[4:6, 0] > 0).all() and not filled[:, 1].any()
