from dataclasses import replace

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.structures import KeypointTable, Result


@pytest.fixture
def result(rng):
    """Two persons of 3 and 2 rows, with everything but a body."""
    frames, tracks = np.array([0, 1, 40, 0, 1]), np.array([3, 3, 3, 7, 7])
    table = KeypointTable(rng.uniform(0, 900, (5, 17, 2)), np.ones((5, 17)), frames, tracks, source='clip.npz')
    poses = rng.normal(size=(5, 16, 3))
    scores = np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1], [1, 0], [1, 0]])
    return Result(
        table, poses, 'mpii16', root=np.ones((5, 3)), truth=poses, uncertainty=np.ones((5, 16)), scores=scores,
        classes=('walk', 'run'), embeddings={'style': np.eye(3)}, skeleton='coco17', fps=25,
        segments=[slice(0, 2), slice(2, 3), slice(3, 5)], top_k=1,
    )  # fmt: skip


def test_segments_are_described(result):
    first, second, third = result.describe_segments()
    assert (first['track'], first['frames'].tolist()) == (3, [0, 1]) and second['frames'].tolist() == [40]
    assert first['top'] == [('run', pytest.approx(0.7))] and third['top'] == [('walk', 1)]
    np.testing.assert_array_equal(first['scores'], result.scores[:2])
    assert [segment['style'].tolist() for segment in (first, third)] == [[1, 0, 0], [0, 0, 1]]


def test_what_the_table_says_goes_first(result):
    assert (result.skeleton, result.fps) == ('coco17', 25)
    told = Result(replace(result.table, skeleton='h36m17', fps=50), skeleton='coco17', fps=25)
    assert (told.skeleton, told.fps, told.given()) == ('h36m17', 50, [])
    assert told.segments == [slice(0, 3), slice(3, 5)] and told.table.longest_track() == slice(0, 3)
    np.testing.assert_array_equal(result.positions(), result.poses + 1)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'poses': np.zeros((0, 16, 3))}, r'clip.npz: poses has shape \(0, 16, 3\), expected \(5, 16, 3\) of mpii16'),
    ({'poses': np.zeros((5, 17, 3))}, r'poses has shape \(5, 17, 3\)'),
    ({'poses': np.full((5, 16, 3), np.inf)}, 'poses has 240 values that are NaN or infinite, the first in row 0'),
    ({'truth': np.zeros((5, 16, 2))}, 'truth has shape'),
    ({'truth': np.full((5, 16, 3), np.nan)}, 'truth has 240 values'),
    ({'root': np.zeros((5, 2))}, r'root has shape \(5, 2\), expected \(5, 3\)'),
    ({'uncertainty': np.ones((5, 17))}, 'uncertainty has shape'),
    ({'scores': np.ones((5, 3))}, r'scores has shape \(5, 3\), expected \(5, 2\)'),
    ({'embeddings': {'style': np.eye(2)}}, r'style has shape \(2, 2\), expected \(3, 2\)'),
    ({'skeleton': 'halpe26'}, 'keypoints have 17 joints, expected those of halpe26'),
    ({'skeleton_3d': 'h37m'}, 'unknown skeleton'),
])  # fmt: skip
def test_refusals(result, changes, message):
    with pytest.raises(InputError, match=message):
        replace(result, **changes)


def test_unknown_joints_are_kept_but_not_drawn(result):
    poses = result.poses.copy()
    poses[2:, 4] = np.nan
    with pytest.raises(InputError, match='poses have NaN in 3 rows, the first in row 2'):
        replace(result, poses=poses).complete_poses()
