"""What is mended in tracks is what was planted, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.io import read_keypoints
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable
from poselifter.tracking import choose_persons, cut_jumps, match_persons, mend_sides, mend_tracks

ORDER = np.array(get_skeleton('h36m17').flip_indices)


@pytest.fixture(scope='module')
def walk(repository):
    return read_keypoints(repository / 'demo' / 'clip.npz')


def persons(walk, ids, frames, shifts):
    """A table of copies of the walk that stand apart."""
    parts = [walk.take(np.isin(walk.frame_indices, rows)) for rows in frames]
    return KeypointTable(
        np.concatenate([part.keypoints + shift for part, shift in zip(parts, shifts, strict=True)]),
        np.concatenate([part.keypoints_visible for part in parts]),
        np.concatenate([part.frame_indices for part in parts]),
        np.concatenate([[i] * len(part.keypoints) for i, part in zip(ids, parts, strict=True)]),
        skeleton='h36m17',
        fps=30,
    )


def test_a_good_track_is_left_alone(walk):
    assert cut_jumps(walk) is walk and mend_sides(walk) is walk
    assert mend_tracks(walk).notes == walk.notes


@pytest.mark.parametrize('spells', [[(40, 44)], [(0, 3), (60, 61), (63, 70)], [(120, 127)]])
def test_swapped_sides_are_put_back(walk, spells):
    swapped = np.any([(walk.frame_indices >= a) & (walk.frame_indices < b) for a, b in spells], 0)
    points, visible = walk.keypoints.copy(), walk.keypoints_visible.copy()
    points[swapped], visible[swapped] = points[swapped][:, ORDER], visible[swapped][:, ORDER]
    mended = mend_sides(replace(walk, keypoints=points, keypoints_visible=visible))
    wrong = (mended.keypoints_visible != walk.keypoints_visible).any(1)
    wrong |= (np.abs(mended.keypoints - walk.keypoints).max(-1) * (walk.keypoints_visible > 0) > 0).any(1)
    assert wrong.sum() <= 1
    assert any('left and right' in note and 'put back' in note for note in mended.notes)


@pytest.mark.parametrize('weight', [0.7, 0.9])
def test_frames_between_both_sides_are_mended_too(walk, weight):
    """A detector that smooths shows, for a frame or two, left and right on their way to each other."""
    spells = [(20, 24), (26, 27), (28, 33), (60, 61), (70, 76)]
    swapped = np.any([(walk.frame_indices >= a) & (walk.frame_indices < b) for a, b in spells], 0)
    points, clean = np.where(swapped[:, None, None], walk.keypoints[:, ORDER], walk.keypoints), walk.keypoints.copy()
    for frame in range(1, len(points)):
        for x in (points, clean):
            x[frame] = x[frame - 1] + weight * (x[frame] - x[frame - 1])
    mended = mend_sides(replace(walk, keypoints=points))
    height = np.ptp(clean, axis=1).max()
    wrong = [(np.linalg.norm(x - clean, axis=-1).max(1) > 0.05 * height).sum() for x in (points, mended.keypoints)]
    assert wrong[0] >= 15 and wrong[1] <= 3
    still = (mended.keypoints == points).all((1, 2))
    assert still[:18].all() and still[45:50].all() and still[90:].all()  # far from the swaps


def test_a_long_spell_is_left(walk):
    swapped = walk.frame_indices >= 110
    points = np.where(swapped[:, None, None], walk.keypoints[:, ORDER], walk.keypoints)
    table = replace(walk, keypoints=points)
    assert mend_sides(table) is table


def test_sides_that_swap_all_the_time_are_left(walk):
    swapped = walk.frame_indices // 5 % 2 == 0
    points = np.where(swapped[:, None, None], walk.keypoints[:, ORDER], walk.keypoints)
    mended = mend_sides(replace(walk, keypoints=points))
    assert 'so often' in mended.notes[-1]


def test_legs_alone_that_swap_too_often_are_left(walk):
    legs = [1, 2, 3, 4, 5, 6]
    points, swapped = walk.keypoints.copy(), walk.frame_indices // 4 % 3 == 0
    points[np.ix_(swapped, legs)] = points[np.ix_(swapped, ORDER[legs])]
    mended = mend_sides(replace(walk, keypoints=points))
    assert (mended.keypoints == points).all() and 'legs swap so often' in mended.notes[-1]


def test_tracks_that_exchange_persons_are_put_right(walk):
    first, second = range(60), range(60, 127)
    table = persons(walk, [0, 1, 1, 0], [first, first, second, second], [0, 900, 0, 900])
    mended = cut_jumps(table)
    for track, shift in ((0, 0), (1, 900)):
        rows = mended.track_ids == track
        np.testing.assert_array_equal(mended.keypoints[rows], walk.keypoints + np.float32(shift))
    assert len(mended.notes) == 2 and 'track 0 jumps at frame 60' in mended.notes[0]


def test_a_track_of_two_persons_is_cut(walk):
    for name, new in ((0, 1), ('a', 'a_2')):
        mended = cut_jumps(persons(walk, [name] * 2, [range(50), range(50, 127)], [0, 900]))
        assert dict(mended.tracks()).keys() == {name, new}
    places = np.random.default_rng(0).uniform(0, 5000, (127, 1, 1))
    far = replace(walk, keypoints=walk.keypoints + places[: len(walk.keypoints)])
    cut = cut_jumps(far)
    assert len(set(cut.track_ids.tolist())) == 1 and 'moves as nobody does' in cut.notes[0]


def test_doubts(walk):
    tangled = replace(walk, keypoints=walk.keypoints[:, np.random.default_rng(1).permutation(17)])
    assert any('another order' in note for note in mend_tracks(tangled).notes)
    down = replace(walk, keypoints=walk.keypoints * [1, -1] + [0, 720])
    assert any('y has to point down' in note for note in mend_tracks(down).notes)


def test_choosing_persons(walk):
    table = persons(walk, ['a', 'b', 'c'], [range(127), range(30), range(100)], [0, 300, 600])
    assert set(choose_persons(table, 'a, c').track_ids) == {'a', 'c'}
    assert set(choose_persons(table, largest=True).track_ids) == {'a'}
    assert set(choose_persons(table, 'b,c', largest=True).track_ids) == {'c'}
    with pytest.raises(InputError, match='no person has the id d, expected some of a, b, c'):
        choose_persons(table, 'd')


def test_coverage(walk):
    truth = persons(walk, [0, 1], [range(100), range(100)], [0, 900])
    seen = (truth.keypoints_visible > 0).any(1)
    found = truth.take(seen & ((truth.track_ids == 0) | (truth.frame_indices < 50)))
    found = replace(found, track_ids=1 - found.track_ids)
    ours, theirs, coverage = match_persons(found, truth)
    np.testing.assert_array_equal(found.keypoints[ours], truth.keypoints[theirs])
    assert len(ours) == len(found.keypoints) and coverage == len(ours) / len(truth.keypoints)
