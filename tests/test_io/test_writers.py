"""What is written is what is read, and nothing is half-written."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poselifter.errors import InputError
from poselifter.io import LiftedTable, read_keypoints, read_lifted, write_keypoints, write_lifted
from poselifter.structures import KeypointTable


@pytest.fixture
def table(rng) -> KeypointTable:
    keypoints = rng.uniform(1, 900, (6, 17, 2))
    visible = rng.uniform(0.1, 1, (6, 17))
    visible[2, 3], keypoints[2, 3] = 0, np.nan
    return KeypointTable(
        keypoints=keypoints,
        keypoints_visible=visible,
        frame_indices=np.array([4, 3, 9, 1, 2, 3]),
        track_ids=np.array(['p', 'p', 'p', 'b', 'b', 'b']),
        skeleton='coco17',
        img_shape=(720, 1280),
        fps=29.97,
    )


def same(a: KeypointTable, b: KeypointTable) -> None:
    for name in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
        assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.skeleton, a.img_shape, a.fps) == (b.skeleton, b.img_shape, b.fps)


def test_round_trip_of_2d(tmp_path, table):
    write_keypoints(tmp_path / 'deep/clip.npz', table)
    same(read_keypoints(tmp_path / 'deep/clip.npz'), table)


def test_unknown_facts_are_left_out(tmp_path, table):
    table.img_shape = table.fps = table.skeleton = None
    write_keypoints(tmp_path / 'clip.npz', table)
    assert set(np.load(tmp_path / 'clip.npz')) == {'keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'}
    assert read_keypoints(tmp_path / 'clip.npz').skeleton == 'coco17'


@pytest.mark.parametrize('with_root', [False, True])
def test_round_trip_of_3d(tmp_path, table, rng, with_root):
    root = rng.normal(size=(6, 3)).astype(np.float32) if with_root else None
    lifted = LiftedTable(table, rng.normal(size=(6, 17, 3)).astype(np.float32), 'cmu17', root)
    path = tmp_path / 'clip.npz'
    write_lifted(path, lifted)
    back = read_lifted(path)
    same(back.table, table)
    assert_array_equal(back.keypoints_3d, lifted.keypoints_3d)
    assert back.skeleton_3d == 'cmu17'
    assert (back.root_3d is None) == (root is None)
    if with_root:
        assert_array_equal(back.root_3d, root)
    with np.load(path, allow_pickle=False) as arrays:  # the contract's names and types
        assert arrays['keypoints'].dtype == arrays['keypoints_3d'].dtype == np.float32
        assert tuple(arrays['img_shape']) == (720, 1280)
        assert arrays['fps'] == 29.97


def test_rows_in_another_order_stay_together(tmp_path, table, rng):
    write_lifted(tmp_path / 'a.npz', LiftedTable(table, rng.normal(size=(6, 17, 3)), 'cmu17'))
    arrays = dict(np.load(tmp_path / 'a.npz'))
    mixed = {key: value[::-1] if value.ndim and len(value) == 6 else value for key, value in arrays.items()}
    np.savez(tmp_path / 'b.npz', **mixed)
    assert_array_equal(read_lifted(tmp_path / 'b.npz').keypoints_3d, arrays['keypoints_3d'])


def test_refusals(tmp_path, table, rng):
    with pytest.raises(InputError, match=r'keypoints_3d have shape \(5, 17, 3\), expected \(6, K, 3\)'):
        LiftedTable(table, np.zeros((5, 17, 3)), 'cmu17')
    with pytest.raises(InputError, match=r'root_3d has shape'):
        LiftedTable(table, np.zeros((6, 17, 3)), 'cmu17', np.zeros((6, 2)))
    write_keypoints(tmp_path / 'clip.npz', table)
    with pytest.raises(InputError, match='no keypoints_3d, skeleton_3d'):
        read_lifted(tmp_path / 'clip.npz')
    with pytest.raises(InputError, match='not there'):
        read_lifted(tmp_path / 'absent.npz')
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        write_keypoints(tmp_path / 'file/clip.npz', table)


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
