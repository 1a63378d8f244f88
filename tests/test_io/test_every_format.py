"""Files of other tools: read as they were written, refused in one sentence when spoilt, in bounded time and memory."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import toy_formats
from fuzz import bounded, fuzz, reads_well, spoil
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from toy_formats import FORMATS_2D, FORMATS_3D, MORE_2D, PERSONS, SIZE

from poselifter.errors import InputError
from poselifter.io import motion_result, notes_on, read_keypoints
from poselifter.io.readers.document import find_reader, open_document
from poselifter.tracking import link_persons
from poselifter.utils import files

FILES_2D = {**FORMATS_2D, **MORE_2D}
CASES = {
    'openpose': ('body25/', 'body25_two/', 'coco18/', 'gap/', 'normalised/', 'bad_mixed/', 'bad_no_people/'),
    'ultralytics': ('labels/', 'labels_xy_only/', 'frames.json', 'bad_count/', 'bad_range/'),
    'mediapipe': ('landmarks.json', 'bad_32.json'),
    'rtmlib': ('halpe26.npz', 'bad_shapes.npz'),
    'deeplabcut': ('single.csv', 'multi.csv', 'single.h5', 'bad_header.csv', 'bad_names.csv'),
    'sleap': ('walk.analysis.h5', 'walk.analysis.csv', 'bad_no_names.h5'),
    'trc': ('metres.trc', 'millimetres.trc', 'bad_count.trc', 'bad_unit.trc'),
    'c3d': ('walk.c3d',),
    'bvh': ('leg.bvh', 'bad_frames.bvh', 'bad_row.bvh', 'bad_no_time.bvh'),
}


def read_motion(path):
    opened = open_document(path)
    return find_reader(opened, 'motion')(opened)


def read(path):
    return link_persons(read_keypoints(path, img_shape=SIZE[::-1]))


def joints_of(frames):
    """(T, J, 3) of expected.json; NaN where a joint is not given."""
    return np.array([[[np.nan if v is None else v for v in joint] for joint in frame] for frame in frames], float)


@pytest.mark.parametrize(('tool', 'name'), [(tool, name) for tool, names in CASES.items() for name in names])
def test_fixture_is_read_as_stated(shared, tool, name):
    path = shared / 'fixtures/formats' / tool / name
    expected = json.loads((path.parent / 'expected.json').read_text())[name]
    is_motion = tool in ('trc', 'c3d', 'bvh')
    if not expected['ok']:
        with pytest.raises(InputError, match=str(path)) as caught:
            read_motion(path) if is_motion else read_keypoints(path)
        assert 'expected' in str(caught.value) or 'mend' in str(caught.value) or 'rename' in str(caught.value)
        return
    skeleton = expected['skeleton'].removeprefix('named:')
    if is_motion:
        motion = read_motion(path)
        assert motion.fps == pytest.approx(expected['fps']) and motion.positions.shape[1] == len(motion.names)
        assert_allclose(
            motion.positions * (motion.unit_m or 1), joints_of(expected['persons']['0'].values()), atol=1e-4
        )
        assert skeleton == 'h36m17' or ' '.join(motion.names) == skeleton
        return
    fractions = expected['unit'].startswith('0..1')
    if fractions:
        with pytest.raises(InputError, match='--image-size W H'):
            read_keypoints(path)
    table = link_persons(read_keypoints(path, img_shape=(720, 1280) if fractions else None))
    assert (table.skeleton, table.fps) == (skeleton, expected['fps'])
    assert np.ptp(table.frame_indices) + 1 == expected['frames'] and table.frame_indices.min() == 0
    tracks = {str(key): rows for key, rows in table.tracks()}
    assert set(tracks) == set(expected['persons'])
    for person, frames in expected['persons'].items():
        rows, joints = tracks[person], joints_of(frames.values())
        seen = joints[..., 2] > 0
        assert_array_equal(table.frame_indices[rows], [int(frame) for frame in frames])
        assert_allclose(table.keypoints_visible[rows], np.nan_to_num(joints[..., 2]), rtol=1e-6)
        assert_allclose(table.keypoints[rows][seen], joints[seen][:, :2] * (SIZE if fractions else 1), rtol=1e-5)


def test_fixtures_of_pyskl(shared):
    table = read_keypoints(shared / 'fixtures/formats/pyskl/two.pkl')
    assert [len(list(table.tracks())), table.skeleton, table.img_shape] == [3, 'coco17', (1080, 1920)]
    with pytest.raises(InputError, match=r'posix\.getcwd.* executes nothing'):
        read_keypoints(shared / 'fixtures/formats/pyskl/bad_code.pkl')


@pytest.mark.parametrize('name', FILES_2D)
def test_persons_are_read_as_written_alone_and_in_a_crowd(tmp_path, name, monkeypatch):
    table = read(FILES_2D[name](tmp_path))
    first, second = (rows for _, rows in table.tracks())
    assert_array_equal(table.frame_indices, [0, 1, 2, 3, 0, 1, 3])
    assert_allclose(table.keypoints[first][:, :17], PERSONS[:, 0, :, :2], rtol=1e-5)
    assert_allclose(table.keypoints[second][:, :17], PERSONS[[0, 1, 3], 1, :, :2], rtol=1e-5)
    assert_allclose(table.keypoints_visible[first][:, :17], PERSONS[:, 0, :, 2], rtol=1e-5)
    for person, rows in enumerate((first, second)):
        monkeypatch.setattr(toy_formats, 'SHOWN', [(t, p) for t, p in toy_formats.SHOWN if p == person])
        (tmp_path / f'{person}').mkdir()
        alone = read(FILES_2D[name](tmp_path / f'{person}'))
        monkeypatch.undo()
        for field in ('keypoints', 'keypoints_visible', 'frame_indices'):
            assert_array_equal(getattr(alone, field), getattr(table.take(rows), field))


@pytest.mark.parametrize('name', {**FILES_2D, **FORMATS_3D})
@pytest.mark.filterwarnings('error', 'ignore:Exception ignored')  # numpy leaves a damaged npz open
def test_spoilt_files_are_read_or_refused_in_one_sentence(tmp_path, name):
    path = {**FILES_2D, **FORMATS_3D}[name](tmp_path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    (tmp_path / 'whole').mkdir()
    whole = {file: Path(shutil.copy(file, tmp_path / 'whole')) for file in files}

    def open_any(path):
        if name in FORMATS_3D:
            motion_result(read_motion(path))
        else:
            notes_on(read(path))

    open_any(path)

    @fuzz(100)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        file = rng.choice(files)
        spoil(whole[file], file, rng)
        reads_well(open_any, path)
        shutil.copy(whole[file], file)

    spoilt()


@pytest.mark.parametrize('place', ['joints', 'rows'])
def test_ids_of_exchange_rows_are_linked_where_there_are_none(tmp_path, place):
    """A file that a user writes by hand: two persons without ids, or with -1."""
    frames = np.repeat(np.arange(4), 2)
    arrays = {'keypoints': PERSONS.reshape(8, 17, 3)[..., :2], 'frame_indices': frames}
    if place == 'rows':
        arrays['track_ids'] = np.full(8, -1)
    np.savez(tmp_path / 'a.npz', **arrays)
    table = link_persons(read_keypoints(tmp_path / 'a.npz'))
    assert_array_equal(table.track_ids, [0] * 4 + [1] * 4)
    assert_allclose(table.keypoints[4:], PERSONS[:, 1, :, :2], rtol=1e-6)


def test_small_files_that_say_that_they_are_large(tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'LARGEST', 1 << 26)
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file.create_dataset('tracks', (1, 2, 17, 10**9), 'f8', chunks=True)
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 17, 2)))
        with archive.open('keypoints.npy', 'w', force_zip64=True) as entry:
            np.lib.format.write_array_header_1_0(entry, {**header, 'shape': (500_000, 17, 2)})
            for _ in range(129):
                entry.write(bytes(1 << 20))
    data = toy_formats.c3d(tmp_path).read_bytes()  # 65,535 points and frames
    (tmp_path / 'a.c3d').write_bytes(data.replace(b'\x11\0\0\0\1\0\4\0', b'\xff\xff\0\0\1\0\xff\xff'))
    cells = '\n'.join(f'{t},j{t},1,2' for t in range(20_000))
    (tmp_path / 'a.csv').write_text(f'frame,joint,x,y\n{cells}')
    for name, sentence in {
        'h5': 'holds more than 0.067 GB',
        'npz': '0.14 GB',
        'c3d': 'cut off',
        'csv': '20000 joints',
    }.items():
        with bounded(), pytest.raises(InputError, match=sentence):
            read_motion(tmp_path / 'a.c3d') if name == 'c3d' else read_keypoints(tmp_path / f'a.{name}')


def test_h5_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    path = toy_formats.sleap(tmp_path)
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(InputError, match=r'needs h5py; run: pip install poselifter\[formats\]'):
        read_keypoints(path)


@pytest.mark.parametrize('kind', ['single', 'multi'])
def test_deeplabcut_as_pandas_and_pytables_write_it(data_dir, kind):
    """Made by pandas 3.1.1 and PyTables 3.11.1, see tests/data/README.md."""
    pytest.importorskip('h5py')
    table, same = (read_keypoints(data_dir / f'dlc_{kind}{ending}') for ending in ('.h5', '.csv'))
    assert len(list(table.tracks())) == (2 if kind == 'multi' else 1) and 2 not in table.frame_indices
    for field in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
        assert_array_equal(getattr(table, field), getattr(same, field))
