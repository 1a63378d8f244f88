"""Persons of real mocap, seen by known cameras, come back to where they were."""

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from poselifter.errors import InputError
from poselifter.geometry import look_at
from poselifter.io import read_result, write_results
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable, Result
from poselifter.world import World, place_in_world

FOCAL, SIZE = 1500.0, (1920, 1080)
ANKLES = [6, 3]
PITCH, ROLL = 18.0, 6.0


@pytest.fixture(scope='module')
def walk(data_dir):
    """A walk (T, 17, 3), z up, floor at 0."""
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('05_01')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + tiny['clip_len'][k])
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    return world - [*world[:, 0, :2].mean(0), 0]


def camera_at(distance=5.0, pitch=PITCH, roll=ROLL):
    at = np.array([0, -distance, 1 + distance * np.tan(np.radians(pitch))])
    return look_at(at, (0, 0, 1), np.radians(roll)), at


def seen(world, fps=30, **metadata):
    """The result of a perfect lifter for a person (T, 17, 3), and the camera."""
    rotation, at = camera_at()
    points = (world - at) @ rotation.T
    pixels = points[..., :2] / points[..., 2:] * FOCAL + np.array(SIZE) / 2
    table = KeypointTable.of_person(pixels, skeleton='cmu17', img_shape=SIZE[::-1], fps=fps, **metadata)
    return Result(table, points - points[:, :1], 'cmu17'), rotation, at


def calibration(folder, rotation=None, at=None):
    record = {'fx': FOCAL, 'cx': SIZE[0] / 2, 'cy': SIZE[1] / 2, 'width': SIZE[0], 'height': SIZE[1]}
    if rotation is not None:
        record |= {'R': rotation.tolist(), 't': (-rotation @ at).tolist()}
    (folder / 'camera.json').write_text(json.dumps(record))
    return folder / 'camera.json'


def test_calibrated_person_is_where_it_was(walk, tmp_path):
    result, rotation, at = seen(walk)
    placed, notes = place_in_world(result, World(camera=calibration(tmp_path, rotation, at)))
    assert np.linalg.norm(placed.world_positions() - walk, axis=-1).mean() < 0.05
    assert any('18 degrees down, rolled 6: from the camera file' in note for note in notes)
    np.testing.assert_allclose(placed.world_from_camera[:3, :3], rotation.T)


def test_tilt_is_recovered_from_the_person(walk):
    result, rotation, _ = seen(walk)
    placed, notes = place_in_world(result, World(focal=FOCAL))
    up = placed.world_from_camera[2, :3]
    assert np.degrees(np.arccos(up @ rotation[:, 2])) < 4
    assert any('from persons that stand' in note for note in notes)
    points = placed.world_positions()
    assert np.linalg.norm(points[-1, 0] - points[0, 0]) == pytest.approx(
        np.linalg.norm(walk[-1, 0] - walk[0, 0]), rel=0.05
    )


def test_pitch_as_given(walk):
    placed, notes = place_in_world(seen(walk)[0], World(focal=FOCAL, pitch=PITCH))
    assert -placed.world_from_camera[2, 2] == pytest.approx(np.sin(np.radians(PITCH)))
    assert any('pitch as given' in note for note in notes)


def test_feet_stand_still_on_the_ground_and_bones_keep_their_lengths(walk):
    noisy = seen(walk)[0]
    noisy.poses[:, 1:] += 0.02 * np.random.default_rng(0).normal(size=noisy.poses[:, 1:].shape)
    placed, notes = place_in_world(noisy, World(focal=FOCAL))
    feet, contacts = placed.world_positions()[:, ANKLES], placed.contacts[:, ::2]
    still = contacts[1:] & contacts[:-1]
    assert 0.3 < contacts.mean() < 0.9
    assert np.linalg.norm(np.diff(feet, axis=0), axis=-1)[still].mean() < 3e-3  # of noise that no leg reaches
    assert feet[..., 2].min() > 0.045 * 1.5 - 0.01
    lengths = np.linalg.norm(placed.poses[:, [1, 2, 3]] - placed.poses[:, [0, 1, 2]], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-6
    assert any('holding them on the ground moved' in note for note in notes)
    assert np.abs(placed.poses[:, 0]).max() < 1e-9


def test_height_scales_the_path(walk):
    result = seen(walk)[0]
    small, large = (place_in_world(result, World(focal=FOCAL, height=h))[0] for h in (0.9, 1.8))
    np.testing.assert_allclose(large.root, 2 * small.root, atol=0.15)  # thresholds of contacts are in metres


def test_mirrored_picture_gives_the_mirrored_world(walk):
    result = seen(walk)[0]
    flip = get_skeleton('cmu17').flip_indices
    placed = place_in_world(result, World(focal=FOCAL))[0].world_positions()
    keypoints = (result.table.keypoints * [-1, 1] + [SIZE[0], 0])[:, flip]
    swapped = Result(replace(result.table, keypoints=keypoints), (result.poses * [-1, 1, 1])[:, flip], 'cmu17')
    mirrored = place_in_world(swapped, World(focal=FOCAL))[0].world_positions()
    np.testing.assert_allclose(mirrored[:, flip], placed * [-1, 1, 1], atol=2e-3)


def pair_of(first, second):
    """One result of two persons."""
    tables = {
        name: np.concatenate([getattr(r.table, name) for r in (first, second)])
        for name in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids')
    }
    return Result(replace(first.table, **tables), np.concatenate([first.poses, second.poses]), 'cmu17')


def test_two_persons_stand_on_one_ground_in_true_places(walk):
    both = pair_of(seen(walk)[0], seen(walk + [1.0, 1.5, 0], track_id=1)[0])
    points = place_in_world(both, World(focal=FOCAL))[0].world_positions()
    count = len(walk)
    apart = (points[count:, 0] - points[:count, 0]).mean(0)
    assert np.linalg.norm(apart - [1.0, 1.5, 0]) < 0.15
    assert np.abs(np.median(points[:count, ANKLES, 2].min(1)) - np.median(points[count:, ANKLES, 2].min(1))) < 0.02


def test_who_walks_on_a_roof_stays_there(walk):
    both = pair_of(seen(walk)[0], seen(walk + [0.5, 1.0, 2.0], track_id=1)[0])
    placed, notes = place_in_world(both, World(focal=FOCAL, pitch=PITCH))
    assert [note for note in notes if 'above the ground' in note] == ['track 1 stands 2.0 m above the ground']
    points, count = placed.world_positions(), len(walk)
    assert np.linalg.norm((points[count:, 0] - points[:count, 0]).mean(0) - [0.5, 1.0, 2.0]) < 0.2
    assert placed.contacts[count:].any(1).mean() == pytest.approx(placed.contacts[:count].any(1).mean(), abs=0.15)


def test_who_leaps_from_a_roof_stands_on_both(walk):
    t = np.arange(len(walk))
    above = np.interp(t, [len(walk) / 2 - 7, len(walk) / 2 + 7], [2.0, 0.0])
    placed, _ = place_in_world(seen(walk + np.c_[0 * t, 0 * t, above][:, None])[0], World(focal=FOCAL, pitch=PITCH))
    points, half = placed.world_positions(), len(walk) // 2
    lower = points[:, ANKLES, 2].min(1)
    assert np.median(lower[half + 10 :]) < 0.12 and np.median(lower[: half - 10]) == pytest.approx(2.1, abs=0.25)
    assert min(placed.contacts[rows].any(1).mean() for rows in (slice(half - 10), slice(half + 10, None))) > 0.5
    assert (points[:, 0, 2] - lower).min() > 0.6  # hips over feet


def test_gaps_unknown_joints_and_one_frame(walk):
    result = seen(walk)[0]
    kept = np.r_[0:20, 26 : len(walk)]
    poses = result.poses[kept].copy()
    poses[3, 9] = np.nan
    placed = place_in_world(Result(result.table.take(kept), poses, 'cmu17'), World(focal=FOCAL))[0]
    whole = place_in_world(result, World(focal=FOCAL))[0]
    assert np.isnan(placed.poses).sum() == 3 and np.isnan(placed.poses[3, 9]).all()
    assert np.linalg.norm(placed.root - whole.root[kept], axis=-1).mean() < 0.05
    one = place_in_world(Result(result.table.take(slice(0, 1)), result.poses[:1], 'cmu17'), World(focal=FOCAL))[0]
    assert np.linalg.norm(one.root - whole.root[:1]) < 0.5 and one.contacts.shape == (1, 4)


def test_feet_outside_the_picture_do_not_stand(walk):
    result = seen(walk)[0]
    below = SIZE[1] - result.table.keypoints[:, ANKLES, 1].min() + 50  # a detector guesses them under the picture
    table = replace(result.table, keypoints=result.table.keypoints + [0, below])
    placed, notes = place_in_world(replace(result, table=table), World(focal=FOCAL))
    assert not placed.contacts.any() and 'track 0: no foot is seen' in '\n'.join(notes)
    assert not any('no foot' in note for note in place_in_world(result, World(focal=FOCAL))[1])


def test_file_brings_it_back(walk, tmp_path):
    placed = place_in_world(seen(walk)[0], World(focal=FOCAL))[0]
    [path] = write_results(tmp_path / 'walk', placed, ['npz'])
    again = read_result(path)
    np.testing.assert_allclose(again.world_positions(), placed.world_positions(), atol=1e-5)
    np.testing.assert_array_equal(again.contacts, placed.contacts)


def test_what_is_asked_for(walk):
    result = seen(walk)[0]
    with pytest.raises(InputError, match='give --image-size'):
        place_in_world(replace(result, table=replace(result.table, img_shape=None)), World())
    with pytest.raises(InputError, match=r'height is 180, expected 0.3 to 3 metres'):
        World(height=180)
    with pytest.raises(InputError, match='expected one'):
        World(focal=1000, camera='c.json')
    with pytest.raises(InputError, match='lift with --world'):
        result.world_positions()


def test_many_persons_take_little_memory(walk):
    """An hour of four persons has to fit; a pose in double precision has 408 bytes."""
    one, count = seen(walk)[0], 40
    tables = {name: np.concatenate([getattr(one.table, name)] * count) for name in ('keypoints', 'keypoints_visible')}
    ids = np.repeat(np.arange(count), len(walk))
    table = replace(one.table, frame_indices=np.tile(np.arange(len(walk)), count), track_ids=ids, **tables)
    crowd = Result(table, np.tile(one.poses, (count, 1, 1)).astype(np.float32), 'cmu17')
    tracemalloc.start()
    place_in_world(crowd, World(focal=FOCAL))
    assert tracemalloc.get_traced_memory()[1] / len(ids) < 900
    tracemalloc.stop()


def test_uneven_times_give_the_path_of_even_ones(walk):
    """The same walk seen at times that are up to 0.4 frames off; by numbers of frames alone it would tremble."""
    even = np.arange(len(walk)) / 30
    times = even + 0.4 / 30 * np.random.default_rng(0).uniform(-1, 1, len(walk)) * (even > 0)
    moved = make_interp_spline(even, walk)(times)
    kept = np.delete(np.arange(len(walk)), [20, 21, 50])  # frames that the camera left out
    ideal = place_in_world(seen(walk)[0], World(focal=FOCAL))[0]
    expected = make_interp_spline(even, ideal.root)(times[kept])
    timed = seen(moved[kept], timestamps=times[kept], frame_indices=kept)[0]
    blind = replace(timed, table=replace(timed.table, timestamps=None))
    off = [place_in_world(result, World(focal=FOCAL))[0].root - expected for result in (timed, blind)]
    unsteady = [np.abs(np.diff(each, n=2, axis=0)).mean() for each in off]
    assert np.abs(off[0]).mean() < 0.005  # three frames less move it by 2 mm
    assert unsteady[0] < 0.0007 < 0.005 < unsteady[1]
