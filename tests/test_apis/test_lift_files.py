"""Lifting as a tool: many inputs, what exists stays, crowds, missing parts, rates, one line of JSON, the doctor."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poselifter.apis import Pose3DInferencer, lift_table
from poselifter.apis.zoo import DEFAULT_MODEL
from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.evaluation.functional import mpjpe
from poselifter.io import read_keypoints, read_result, write_keypoints, write_results
from poselifter.structures import KeypointTable, Result
from poselifter.utils.doctor import examine, report


@pytest.fixture(scope='module')
def inferencer():
    return Pose3DInferencer()


@pytest.fixture(scope='module')
def clip(repository):
    return read_keypoints(repository / 'demo' / 'clip.npz')


@pytest.fixture(scope='module')
def truth(repository):
    with np.load(repository / 'demo' / 'clip.npz') as arrays:
        return arrays['truth_3d']


def together(*tables):
    """One table of persons 0, 1, ..."""
    names = 'keypoints', 'keypoints_visible', 'frame_indices'
    arrays = (np.concatenate([getattr(table, name) for table in tables]) for name in names)
    ids = np.repeat(np.arange(len(tables)), [len(table.keypoints) for table in tables])
    return KeypointTable(*arrays, ids, tables[0].skeleton, tables[0].img_shape, tables[0].fps)


@pytest.mark.parametrize('size', ['known', 'unknown'])
def test_alone_or_in_a_crowd_is_the_same(inferencer, clip, size):
    one = clip if size == 'known' else replace(clip, img_shape=None)
    late = replace(one.take(slice(30, 70)), keypoints=one.keypoints[30:70] * 0.5 + 300)
    hidden = replace(one.take(slice(0, 40)), keypoints_visible=one.keypoints_visible[:40] * (np.arange(17) > 6))
    crowd = together(one, late, hidden)
    [result] = inferencer(crowd)
    poses, sure = (result['predictions'][key] for key in ('keypoints_3d', 'uncertainty'))
    for number, table in enumerate((one, late, hidden)):
        for alone in (next(inferencer(table)), next(inferencer(crowd, person=number))):
            rows = crowd.track_ids == number
            np.testing.assert_allclose(alone['predictions']['keypoints_3d'], poses[rows], atol=2e-6)
            np.testing.assert_allclose(alone['predictions']['uncertainty'], sure[rows], atol=2e-6)
    assert any('right_knee' in note and 'never seen' in note and 'track 2' in note for note in result['notes'])


def test_long_clips_are_read_in_blocks_with_the_same_result(inferencer, clip, monkeypatch):
    rows, done = np.arange(len(clip.keypoints)).repeat(3), []
    arrays = {name: getattr(clip, name)[rows] for name in ('keypoints', 'keypoints_visible', 'track_ids')}
    long = replace(clip, frame_indices=np.arange(len(rows)), **arrays)
    whole = next(inferencer(long))['predictions']
    monkeypatch.setattr('poselifter.apis.prediction._TOGETHER', 70)
    blocks = next(inferencer(long, progress=lambda count, total: done.append(count)))['predictions']
    np.testing.assert_allclose(blocks['keypoints_3d'], whole['keypoints_3d'], atol=1e-6)
    np.testing.assert_allclose(blocks['uncertainty'], whole['uncertainty'], atol=1e-6)
    assert sum(done) == pytest.approx(len(rows))


def test_joints_below_the_picture_are_called_guesses(inferencer, clip):
    knees = clip.keypoints[:, [2, 5], 1].min()
    [result] = inferencer(replace(clip, img_shape=(int(knees), clip.img_shape[1])))
    [note] = [note for note in result['notes'] if 'guessed' in note]
    assert 'right_knee, right_ankle, left_knee, left_ankle are never seen in the picture' in note


def test_parts_that_are_missing_all_the_time_leave_the_rest_as_it_is(inferencer, clip, truth):
    legs, names = [2, 3, 5, 6], np.arange(17)
    whole = next(inferencer(clip))['predictions']
    hidden = replace(clip, keypoints_visible=clip.keypoints_visible * ~np.isin(names, legs))
    part = next(inferencer(hidden))['predictions']
    seen = ~np.isin(names, legs)
    assert (
        mpjpe(part['keypoints_3d'][:, seen], truth[:, seen])
        < mpjpe(whole['keypoints_3d'][:, seen], truth[:, seen]) + 0.01
    )
    assert mpjpe(part['keypoints_3d'], truth) < 0.15
    more = part['uncertainty'] / whole['uncertainty'].clip(min=1e-6)
    assert (np.median(more[:, legs], 0) > 1.2).all()


def test_true_times_and_any_rate(inferencer, clip, truth):
    """A film of uneven frames whose times are known is lifted as one of even frames."""
    times = np.cumsum(np.random.default_rng(0).uniform(0.6, 1.4, 120)) / 30
    times = times[times < 4]
    points = np.stack([np.interp(times * 30, clip.frame_indices, c) for c in clip.keypoints.reshape(-1, 34).T], -1)
    known = {'skeleton': 'h36m17', 'img_shape': clip.img_shape}
    uneven = KeypointTable.of_person(points.reshape(-1, 17, 2), timestamps=times, **known)
    assert uneven.fps == pytest.approx(30, rel=0.1)
    at_times = np.stack([np.interp(times * 30, np.arange(len(truth)), c) for c in truth.reshape(-1, 51).T], -1)
    assert mpjpe(lift_table(inferencer.model, uneven), at_times.reshape(-1, 17, 3)) < 0.1


def test_a_doubled_rate_has_accelerations_in_every_frame(inferencer, clip):
    table = replace(clip, fps=60.0)
    poses = lift_table(inferencer.model, table, smoothing='off')
    size = np.linalg.norm(np.diff(poses, 2, axis=0), axis=-1).mean(1)
    assert 0.6 < size[::2].mean() / size[1::2].mean() < 1.7


def test_many_inputs_are_resumed(repository, tmp_path, capsys, fails):
    for name in ('a', 'b'):
        (tmp_path / f'{name}.npz').write_bytes((repository / 'demo' / 'clip.npz').read_bytes())
    (tmp_path / 'broken.npz').write_bytes(b'PK\x03\x04')
    call = ['lift', str(tmp_path / '*.npz'), '-o', str(tmp_path / 'out'), '--formats', 'npz', '--json']
    with pytest.raises(SystemExit, match='2'):
        main(call)
    assert '1 of 3 inputs could not be lifted' in capsys.readouterr().err
    (tmp_path / 'broken.npz').unlink()
    capsys.readouterr()
    written = (tmp_path / 'out/a.npz').stat().st_mtime_ns
    (tmp_path / 'out/b.npz').unlink()
    main(call)
    [line] = capsys.readouterr().out.splitlines()
    one, other = json.loads(line)['results']
    assert one['status'] == 'skipped' and other['status'] == 'done'
    assert (tmp_path / 'out/a.npz').stat().st_mtime_ns == written
    assert other['measures']['persons'] == 1 and other['files'] == [str(tmp_path / 'out/b.npz')]
    (tmp_path / 'a.npz').touch()
    with pytest.raises(SystemExit, match='2'):
        main(call)
    assert 'a.npz is newer than its result' in capsys.readouterr().err
    main([*call, '--force'])
    assert (tmp_path / 'out/a.npz').stat().st_mtime_ns > written
    assert 'no file is called' in fails(main, 'lift', tmp_path / '*.csv')
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['a.npz', 'b.npz']


def test_files_of_each_person_are_results_too(repository, tmp_path, capsys):
    one = read_keypoints(repository / 'demo' / 'clip.npz')
    rows = np.r_[np.arange(40), np.arange(40)]
    arrays = {name: getattr(one, name)[rows] for name in ('keypoints', 'keypoints_visible', 'frame_indices')}
    write_keypoints(tmp_path / 'two.npz', replace(one, **arrays, track_ids=np.repeat([3, 7], 40)))
    call = ['lift', str(tmp_path / 'two.npz'), '-o', str(tmp_path / 'out'), '--formats', 'npz,bvh,gmr', '--json']
    for status in ('done', 'skipped'):
        main(call)
        [result] = json.loads(capsys.readouterr().out)['results']
        assert result['status'] == status
    assert [Path(file).name for file in result['files']] == [
        'two.npz', 'two_3.bvh', 'two_7.bvh', 'two_gmr_3.bvh', 'two_gmr_7.bvh'
    ]  # fmt: skip
    assert len(list((tmp_path / 'out').iterdir())) == 5


def test_results_come_before_the_next_input_is_read(inferencer, data_dir, tmp_path):
    pytest.importorskip('av')
    film, broken = data_dir / 'two_persons.mp4', tmp_path / 'broken.mp4'
    broken.write_bytes(b'no film')
    results = inferencer([film, broken], detector='blazepose-lite', end=0.5)
    result = next(results)['result']
    assert result.poses.shape[1:] == (17, 3) and len(list(result.table.tracks())) == 2 and result.film is not None
    with pytest.raises(InputError, match=r'broken.mp4 is no film'):
        next(results)


def test_changed_options_are_said(repository, tmp_path, capsys):
    call = ['lift', str(repository / 'demo' / 'clip.npz'), '-o', str(tmp_path), '--formats', 'npz']
    main([*call, '--smooth', 'strong'])
    before = (tmp_path / 'clip.npz').read_bytes()
    capsys.readouterr()
    main([*call, '--smooth', 'strong'])
    assert 'other options' not in capsys.readouterr().out
    for more, change in (
        (['--smooth', 'off'], '(smoothing strong, now off)'),
        (['--world', '--height', '1.7'], '(smoothing strong, now light, world off, now height 1.7)'),
        (['--smooth', 'strong', '--world'], '(world off, now on)'),
        (['--formats', 'json'], '(smoothing strong, now light)'),  # which is written, beside the other
    ):
        main([*call, *more])
        [line] = [line for line in capsys.readouterr().out.splitlines() if 'made with other options' in line]
        assert change in line and str(tmp_path / 'clip.npz') in line and '--force' in line
    assert (tmp_path / 'clip.npz').read_bytes() == before and (tmp_path / 'clip.json').exists()
    main([*call, '--force'])
    assert 'other options' not in capsys.readouterr().out


def test_errors_come_with_coverage(inferencer, clip, truth, tmp_path, capsys, fails):
    """Of two true persons one is found in all frames, the other in the first second."""
    present = (clip.keypoints_visible > 0).any(1)
    clip, truth = clip.take(present), truth[present]
    other = replace(clip, keypoints=clip.keypoints + (350, 0))
    both = together(clip, other)
    poses = np.concatenate([truth, truth])
    write_results(tmp_path / 'truth', Result(both, poses, 'cmu17'), ['npz'])
    seen = both.take((both.track_ids == 0) | (both.frame_indices < 30))
    write_keypoints(tmp_path / 'seen.npz', seen)
    call = ['lift', str(tmp_path / 'seen.npz'), '-o', str(tmp_path / 'out'), '--formats', 'npz']
    main([*call, '--truth', str(tmp_path / 'truth.npz'), '--json'])
    output = capsys.readouterr()
    found = json.loads(output.out)['results'][0]['measures']
    early = clip.frame_indices < 30
    assert found['coverage'] == pytest.approx((len(early) + early.sum()) / (2 * len(early)), abs=1e-4)
    result = read_result(tmp_path / 'out/seen.npz').poses
    result, true = (x - x[:, :1] for x in (result, np.concatenate([truth, truth[early]])))
    assert found['mpjpe_mm'] == pytest.approx(1000 * np.linalg.norm(result - true, axis=-1).mean(), abs=0.06)
    assert 10 < found['p_mpjpe_mm'] < found['mpjpe_mm'] and f'coverage: {found["coverage"]:.1%}' in output.err
    assert 'one truth' in fails(main, 'lift', tmp_path / 'truth.npz', *call[1:], '--truth', tmp_path / 'truth.npz')


def test_the_file_says_what_it_holds(inferencer, clip, tmp_path):
    table = replace(clip, timestamps=clip.frame_indices / 30 + 7)
    [result] = inferencer(table, tmp_path, ['npz'])
    with np.load(tmp_path / 'keypoints.npz') as arrays:
        words = {key: str(arrays[key]) for key in ('unit', 'axes', 'root', 'model')}
    assert words == {
        'unit': 'm',
        'axes': 'camera: x right, y down, z forward',
        'root': 'pelvis',
        'model': DEFAULT_MODEL,
    }
    back = read_result(tmp_path / 'keypoints.npz')
    np.testing.assert_array_equal(back.uncertainty, result['predictions']['uncertainty'])
    np.testing.assert_array_equal(back.table.timestamps, table.timestamps)
    assert back.model == DEFAULT_MODEL


def test_version_needs_no_torch():
    code = "import sys; from poselifter.cli import main; main(['--version']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, '-c', code], check=True)


def test_doctor(capsys):
    main(['doctor', '--json'])
    facts = json.loads(capsys.readouterr().out)
    assert facts['packages']['torch'] and facts['devices'][0] == 'cpu'
    assert facts.keys() == examine().keys()
    facts['extras'] = {'video': {'works': False, 'missing': ['av (not installed)'], 'install': "pip install 'av>=12'"}}
    assert report(facts)[-2:] == ['extra video      lacks av (not installed)', "  pip install 'av>=12'"]
