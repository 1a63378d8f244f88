import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time

import cmu_mocap
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from toy_datasets.cmu import amc_text, asf_text, make_angles, write_database

from poselifter.errors import InputError


def world(file, k: int) -> np.ndarray:
    rows = slice(file['clip_start'][k], file['clip_start'][k] + file['clip_len'][k])
    return file['poses'][rows] * file['unit_m'] + file['root'][rows][:, None]


def convert(*arguments) -> str:
    """Runs the converter; returns what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        cmu_mocap.main([str(argument) for argument in arguments])
    return printed.getvalue()


@pytest.fixture(scope='module')
def converted(tmp_path_factory):
    """Folder of the converted database, and what the program printed."""
    folder = tmp_path_factory.mktemp('converted')
    write_database(folder / 'database')
    index, out = folder / 'index.txt', folder / 'out'
    index.write_text('Subject #1 (playground)\n01_01\tWalk\n01_02\t\nSubject #2 (x)\n02_01\trun, then jump\n')
    return out, convert(folder / 'database', out, '--index', index, '--workers', 2)


def test_small_database(converted):
    out, printed = converted
    credit = 'obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.'
    record = json.loads((out / 'index.json').read_text())
    assert credit in printed
    assert credit in record['credit']

    clips = {clip['id']: clip for clip in record['clips']}
    assert list(clips) == ['01_01', '01_02a', '01_02b', '02_01', '09_02', '16_01']
    assert clips['01_01']['action'] == 'walk'
    assert clips['01_02a']['action'] == 'climb'  # no description: the subject's category
    assert clips['02_01']['action'] == 'jump'
    assert clips['09_02']['action'] == 'other'
    assert [clip['split'] for clip in clips.values()] == ['train'] * 4 + ['test', 'val']
    assert clips['02_01']['source_format'] == 'bvh-motionbuilder'
    assert (clips['01_01']['source_first_frame'], clips['02_01']['source_first_frame']) == (0, 2)
    assert [clips[i]['frames'] for i in ('01_01', '01_02a', '01_02b', '02_01')] == [75, 62, 62, 75]
    reasons = {drop['id']: drop['reason'] for drop in record['dropped']}
    assert reasons['01_03'] == 'byte-for-byte duplicate of 01_01'
    assert '01_04.amc, frame 300' in reasons['01_04']
    assert reasons['01_05'] == 'no segment without glitches that is long enough'
    assert reasons['09_01'] == 'no skeleton 09.asf for it'
    assert reasons['walk'].startswith('file name is not SS_TT')
    assert reasons['01_01'].startswith('same clip as subjects')
    assert len(record['dropped']) == 6

    with np.load(out / 'cmu_train.npz', allow_pickle=False) as train:
        assert list(train['clip_id']) == ['01_01', '01_02a', '01_02b', '02_01']
        amc, bvh = world(train, 0), world(train, 3)
        assert_allclose(amc, bvh, atol=1.01e-4)  # the same motion on the same body, thorax bone put back
        feet_to_pelvis = amc[0, 0, 2] - 0.1
        assert 0.7 < feet_to_pelvis < 1.0
        assert (amc[-1] - amc[0])[0, 1] < -1.5  # along +z of the file, -y here
        left = amc[0, 4] - amc[0, 1]
        assert np.cross(left, [0, 0, 1])[1] < 0  # and faces that way


def test_layout_is_that_of_the_shared_data(converted, shared):
    out, _ = converted
    tiny = np.load(shared / 'data/cmu/tiny.npz')
    for split in ('train', 'val', 'test'):
        file = np.load(out / f'cmu_{split}.npz')
        assert file.files == tiny.files
        for name in file.files:
            kind = file[name].dtype.kind, tiny[name].dtype.kind
            assert kind == ('U', 'U') or file[name].dtype == tiny[name].dtype, name
            assert file[name].shape[1:] == tiny[name].shape[1:]
        assert (file['fps'], file['unit_m']) == (tiny['fps'], tiny['unit_m'])
        assert set(file['split']) <= {split}
    ours = json.loads((out / 'index.json').read_text())['clips'][0]
    theirs = json.loads((shared / 'data/cmu/index.json').read_text())['clips'][0]
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in theirs.items()}


FLAT = """RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot Spine Neck Head Head_end
LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand"""


def test_real_motion_comes_back_from_a_bvh(tmp_path, shared):
    """Clips of the shared data, written as a flat BVH at 120 fps in CMU's units and y up, come back unchanged."""
    tiny = np.load(shared / 'data/cmu/tiny.npz')
    names = FLAT.split()
    source = tmp_path / 'bvh'
    source.mkdir()
    chosen = [0, 7, 20]
    for number, k in enumerate(chosen):
        joints = world(tiny, k)[:, 1:]
        fine = np.linspace(0, len(joints) - 1, 4 * len(joints) - 3)
        low = np.minimum(fine.astype(int), len(joints) - 2)
        joints = joints[low] + (fine - low)[:, None, None] * (joints[low + 1] - joints[low])
        values = np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], -1) / (0.0254 / 0.45)
        values = np.concatenate([np.zeros((2, 16, 3)), values]).reshape(-1, 48)
        lines = ['HIERARCHY', 'ROOT Hips', '{', 'OFFSET 0 0 0', 'CHANNELS 0']
        for name in names:
            lines += [f'JOINT {name}', '{', 'OFFSET 0 1 0', 'CHANNELS 3 Xposition Yposition Zposition', '}']
        lines += ['}', 'MOTION', f'Frames: {len(values)}', 'Frame Time: 0.00833333']
        lines += [' '.join(f'{v:.7f}' for v in row) for row in values]
        (source / f'0{number + 1}_01.bvh').write_text('\n'.join(lines))
    out = tmp_path / 'out'
    convert(source, out, '--workers', 2)
    train = np.load(out / 'cmu_train.npz')
    shifts = [clip['floor_shift_m'] for clip in json.loads((out / 'index.json').read_text())['clips']]
    for number, k in enumerate(chosen):
        true = world(tiny, k)
        true[:, 0] = (true[:, 1] + true[:, 4]) / 2
        assert_allclose(world(train, number) + [0, 0, shifts[number]], true, atol=2.1e-4)


def test_a_killed_run_goes_on_and_ends_the_same(repository, tmp_path):
    source = tmp_path / 'source'
    source.mkdir()
    (source / '01.asf').write_text(asf_text())
    for trial in range(1, 9):
        (source / f'01_{trial:02d}.amc').write_text(amc_text(make_angles(400, trial)))
    convert(source, tmp_path / 'whole', '--workers', 1)

    out, program = tmp_path / 'killed', repository / 'tools/dataset_converters/cmu_mocap.py'
    environment = {**os.environ, 'PYTHONPATH': str(repository), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, program, source, out, '--workers', '1']
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    deadline = time.time() + 300
    while len(list((out / '.clips').glob('01_*.npz'))) < 2 and process.poll() is None and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=300)
    finished = {path.name: path.stat().st_mtime_ns for path in (out / '.clips').glob('01_*.npz')}
    assert 2 <= len(finished) < 8
    assert not (out / 'index.json').exists()

    convert(source, out, '--workers', 1)
    kept = {path.name: path.stat().st_mtime_ns for path in (out / '.clips').glob('01_*.npz')}
    assert len(kept) == 8
    assert finished.items() <= kept.items()  # not converted again
    for split in ('train', 'val', 'test'):
        one, two = (np.load(tmp_path / folder / f'cmu_{split}.npz') for folder in ('whole', 'killed'))
        for name in one.files:
            assert_array_equal(one[name], two[name])
    assert (tmp_path / 'whole/index.json').read_text() == (out / 'index.json').read_text()


@pytest.mark.parametrize(('files', 'arguments', 'sentence'), [
    ([], ['missing', 'out'], 'missing is no folder'),
    ([], ['source', 'out'], 'no recording among 0 motion capture files'),
    (['walk.bvh'], ['source', 'out'], 'no recording among 1 motion capture files'),
    (['01_01.bvh'], ['source', 'out', '--workers', '0'], '--workers: 0 is given, expected a whole number'),
    (['01_01.bvh'], ['source', 'out', '--index', 'no'], 'cannot read no'),
])  # fmt: skip
def test_bad_input_ends_with_one_line(tmp_path, monkeypatch, fails, files, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'source').mkdir()
    for name in files:
        (tmp_path / 'source' / name).write_text('HIERARCHY')
    assert sentence in fails(cmu_mocap.main, *arguments)
    assert not (tmp_path / 'out').exists()


def test_nothing_but_bad_files_is_an_error(tmp_path):
    (tmp_path / 'source').mkdir()
    (tmp_path / 'source/01_01.bvh').write_text('HIERARCHY')
    with pytest.raises(InputError, match='none of 1 recordings in'):
        convert(tmp_path / 'source', tmp_path / 'out', '--workers', 1)
    assert not (tmp_path / 'out/index.json').exists()
