import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poselifter.errors import InputError
from poselifter.io import read_keypoints, read_result, write_keypoints, write_results
from poselifter.structures import KeypointTable, Result


@pytest.fixture
def table(rng) -> KeypointTable:
    keypoints = rng.uniform(1, 900, (6, 17, 2))
    visible = rng.uniform(0.1, 1, (6, 17))
    visible[2, 3], keypoints[2, 3] = 0, np.nan
    return KeypointTable(
        keypoints=keypoints, keypoints_visible=visible, frame_indices=np.array([4, 3, 9, 1, 2, 3]),
        track_ids=np.array(['p', 'p', 'p', 'b', 'b', 'b']), skeleton='coco17', img_shape=(720, 1280), fps=29.97,
    )  # fmt: skip


@pytest.fixture
def result(table, rng) -> Result:
    return Result(table, rng.normal(size=(6, 17, 3)).astype(np.float32), 'cmu17')


def same(a: KeypointTable, b: KeypointTable) -> None:
    for name in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
        assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.skeleton, a.img_shape, a.fps) == (b.skeleton, b.img_shape, b.fps)


def test_round_trip_of_2d(tmp_path, table):
    write_keypoints(tmp_path / 'deep/clip.npz', table)
    same(read_keypoints(tmp_path / 'deep/clip.npz'), table)


def test_unknown_metadata_are_left_out(tmp_path, table):
    table.img_shape = table.fps = table.skeleton = None
    write_keypoints(tmp_path / 'clip.npz', table)
    assert set(np.load(tmp_path / 'clip.npz')) == {'keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'}
    assert read_keypoints(tmp_path / 'clip.npz').skeleton == 'coco17'


@pytest.mark.parametrize('with_root', [False, True])
def test_round_trip_of_3d(tmp_path, result, rng, with_root):
    result.root = rng.normal(size=(6, 3)).astype(np.float32) if with_root else None
    [path] = write_results(tmp_path / 'clip', result, ['npz'])
    back = read_result(path)
    same(back.table, result.table)
    assert_array_equal(back.poses, result.poses)
    assert back.skeleton_3d == 'cmu17'
    assert_array_equal(back.root, result.root)
    with np.load(path, allow_pickle=False) as arrays:  # the contract's names and types
        assert arrays['keypoints'].dtype == arrays['keypoints_3d'].dtype == np.float32
        assert tuple(arrays['img_shape']) == (720, 1280)
        assert arrays['fps'] == 29.97
        assert ('root_3d' in arrays) == with_root


def test_rows_in_another_order_stay_together(tmp_path, result):
    [path] = write_results(tmp_path / 'a', result, ['npz'])
    arrays = dict(np.load(path))
    mixed = {key: value[::-1] if value.ndim and len(value) == 6 else value for key, value in arrays.items()}
    np.savez(tmp_path / 'b.npz', **mixed)
    assert_array_equal(read_result(tmp_path / 'b.npz').poses, arrays['keypoints_3d'])


def test_refusals(tmp_path, table):
    write_keypoints(tmp_path / 'clip.npz', table)
    with pytest.raises(InputError, match='lacks the arrays keypoints_3d, skeleton_3d'):
        read_result(tmp_path / 'clip.npz')
    with pytest.raises(InputError, match='does not exist'):
        read_result(tmp_path / 'absent.npz')


def test_a_failed_write_leaves_the_old_file(tmp_path, table, monkeypatch):
    path = tmp_path / 'clip.npz'
    write_keypoints(path, table)
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b'half')
        raise RuntimeError

    monkeypatch.setattr(np, 'savez_compressed', fail)
    with pytest.raises(RuntimeError):
        write_keypoints(path, table)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['clip.npz']
