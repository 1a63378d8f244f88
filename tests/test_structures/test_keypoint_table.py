import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.structures import KeypointTable


def table(**changes):
    fields = {
        'keypoints': np.arange(24.0).reshape(4, 3, 2),
        'keypoints_visible': np.ones((4, 3)),
        'frame_indices': np.array([1, 0, 1, 0]),
        'track_ids': np.array(['b', 'b', 'a', 'a']),
    }
    return KeypointTable(**{**fields, **changes})


def test_rows_are_sorted_by_track_then_frame():
    sorted_table = table()
    assert sorted_table.track_ids.tolist() == ['a', 'a', 'b', 'b']
    assert sorted_table.frame_indices.tolist() == [0, 1, 0, 1]
    assert sorted_table.keypoints[:, 0, 0].tolist() == [18, 12, 6, 0]
    assert [(name, rows.start, rows.stop) for name, rows in sorted_table.tracks()] == [('a', 0, 2), ('b', 2, 4)]


def test_nan_is_ignored_where_a_joint_is_not_there():
    keypoints, visible = np.ones((4, 3, 2)), np.ones((4, 3))
    keypoints[0, 1], visible[0, 1] = np.nan, 0
    table(keypoints=keypoints, keypoints_visible=visible)
    visible[0, 1] = 0.5
    with pytest.raises(InputError, match='joint 1'):
        table(keypoints=keypoints, keypoints_visible=visible)


def test_scores_are_clipped_and_nan_scores_mean_missing():
    visible = np.array([[1.2, -0.1, np.nan]] * 4)
    np.testing.assert_allclose(table(keypoints_visible=visible).keypoints_visible, [[1, 0, 0]] * 4)
