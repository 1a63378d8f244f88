"""AMASS through its converter, and BABEL on it: against closed forms and the sample files."""

import itertools
import json
import re
import shutil

import amass
import numpy as np
import pytest
from toy_datasets import amass as toy

from poselifter.datasets import AMASSDataset, BABELDataset, read_babel
from poselifter.datasets.clip_batch import run_pipeline
from poselifter.datasets.transforms.base import build_pipeline
from poselifter.errors import InputError
from poselifter.io.amass import amass_joints, load_body, read_amass, resample

pytest.importorskip('smplx', reason='bodies need smplx')


@pytest.fixture
def archive(tmp_path):
    """Unpacked archives, bodies and regressor."""
    source = tmp_path / 'amass'
    toy.write_body(tmp_path / 'smplh')
    toy.write_recording(source / 'CMU' / '01' / '01_01_poses.npz')
    toy.write_recording(source / 'KIT' / '3' / 'turn left_poses.npz', frames=100, fps=100.0, seed=1, gender='female')
    toy.write_recording(source / 'SSM_synced' / 's1' / 'a b_poses.npz', frames=60, fps=59.9999885559082, seed=2)
    np.savez(source / 'CMU' / '01' / 'shape.npz', gender='male', betas=np.zeros(16))
    return tmp_path


def convert(archive, *more):
    bodies, regressor = archive / 'smplh', archive / 'smplh' / 'J_regressor_h36m_correct.npy'
    options = '--body-models', bodies, '--regressor', regressor, '--workers', 1, *more
    amass.main([str(word) for word in (archive / 'amass', archive / 'out', *options)])


@pytest.fixture
def converted(archive):
    """The converted folder."""
    convert(archive)
    return archive / 'out'


@pytest.mark.parametrize('name', ['CMU/01/01_01_poses.npz', 'SSM_synced/s1/a b_poses.npz', 'KIT/3/turn_stageii.npz'])
def test_sample_files_are_read_rightly(shared, name):
    folder = shared / 'fixtures' / 'formats' / 'amass'
    expected = json.loads((folder / 'expected.json').read_text())[name]
    sequence = read_amass(folder / name)
    assert (len(sequence.poses), sequence.fps, sequence.model, sequence.gender) == (
        expected['frames'], expected['fps'], expected['model'], expected['gender'],
    )  # fmt: skip


def test_sample_files_that_are_none(shared, tmp_path):
    folder = shared / 'fixtures' / 'formats' / 'amass'
    assert read_amass(folder / 'CMU/01/shape.npz') is None
    with pytest.raises(InputError, match='no frame rate'):
        read_amass(folder / 'bad/x/no_rate_poses.npz')
    half = tmp_path / 'half_poses.npz'
    half.write_bytes((folder / 'CMU/01/01_01_poses.npz').read_bytes()[:500])
    with pytest.raises(InputError, match='no whole npz'):
        read_amass(half)


@pytest.mark.parametrize(('change', 'reason'), [
    ({'betas': np.zeros((1, 16))}, None),
    ({'mocap_framerate': np.array([120.0])}, None),
    ({'gender': np.array('MALE')}, None),
    ({'gender': np.array(['male', 'female'])}, r'gender \(2,\)'),
    ({'mocap_framerate': np.array([120.0, 60.0])}, 'rate|frames a second'),
    ({'betas': np.zeros((2, 16))}, r'betas \(2, 16\)'),
    ({'poses': np.zeros((0, 156)), 'trans': np.zeros((0, 3))}, r'poses \(0, 156\)'),
    ({'betas': np.full(16, np.nan)}, 'not finite'),
    ({'betas': np.array(['x'] * 16)}, 'betas'),
])  # fmt: skip
def test_one_odd_file_is_read_or_left_out(archive, change, reason, capsys):
    path = archive / 'amass/CMU/01/01_01_poses.npz'
    shutil.copy(path, path.with_name('01_02_poses.npz'))
    np.savez(path, **{**np.load(path), **change})
    convert(archive)
    index = json.loads((archive / 'out/CMU/index.json').read_text())
    kept = [(record['sequence'], record['gender']) for record in index['sequences']]
    assert kept == [(f'CMU/01/01_0{n}_poses.npz', 'male') for n in ((2,) if reason else (1, 2))]
    assert not reason or re.search(f'01_01_poses.npz.*{reason}', index['dropped'][0]['reason'])


def test_joints_move_with_the_body(archive):
    """A turned root turns all joints about the pelvis of the rest pose; a translation moves them."""
    body = load_body(archive / 'smplh/male/model.npz', archive / 'smplh/J_regressor_h36m_correct.npy')
    sequence = read_amass(archive / 'amass/CMU/01/01_01_poses.npz')
    joints = amass_joints(sequence, body)
    shaped = body['v_template'] + body['shapedirs'] @ sequence.betas
    pelvis = body['J_regressor'][0] @ shaped
    angle = sequence.poses[:, 2]
    still = joints - sequence.trans[:, None] - pelvis
    cos, sin = np.cos(-angle)[:, None], np.sin(-angle)[:, None]
    back = np.stack([cos * still[..., 0] - sin * still[..., 1], sin * still[..., 0] + cos * still[..., 1]], -1)
    np.testing.assert_allclose(back, np.broadcast_to(back[:1], back.shape), atol=1e-5)


def test_resampling_is_linear_in_time():
    line = np.linspace(0, 1, 101)[:, None, None] * np.ones((1, 17, 3))
    for target in (30, 60, 25, 100):
        found = resample(line, 100, target)
        np.testing.assert_allclose(found[:, 0, 0], np.arange(len(found)) / target, atol=1e-6)
    assert len(resample(line, 100, 60, official=True)) == 51  # every second: 50 a second, called 60


def test_converted_recordings_come_back(archive, converted):
    data = AMASSDataset(split='train', data_root=str(converted), window={'length': 30})
    assert {data.get_data_info(i)['source_format'] for i in range(2)} == {'CMU', 'KIT'}
    body = load_body(archive / 'smplh/male/model.npz', archive / 'smplh/J_regressor_h36m_correct.npy')
    expected = resample(amass_joints(read_amass(archive / 'amass/CMU/01/01_01_poses.npz'), body), 120, 60)
    sample = data.samples([0])[0]
    np.testing.assert_allclose(sample['world_keypoints'], expected[:30], atol=1e-4)
    assert sample['fps'] == 60 and isinstance(np.load(converted / 'CMU/poses.npy', mmap_mode='r'), np.memmap)
    test = AMASSDataset(split='test', data_root=str(converted), test_mode=True)
    assert len(test) == 1 and test[0]['sequence'].startswith('SSM_synced')


def test_a_stopped_run_goes_on(archive, converted, monkeypatch):
    before = {path: path.read_bytes() for path in converted.glob('*/*.np*')}
    parts = sorted((converted / '.parts').rglob('*.npz'))
    asked, run = [], amass.run_parallel

    def run_parallel(function, jobs, workers, done):
        asked.append((len(jobs), done))
        return run(function, jobs, workers, done)

    monkeypatch.setattr(amass, 'run_parallel', run_parallel)
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:-100])
    convert(archive)
    assert {path: path.read_bytes() for path in converted.glob('*/*.np*')} == before
    convert(archive, '--fps', 30)
    convert(archive, '--fps', 30)
    assert asked == [(2, 1), (3, 0), (0, 3)]


def test_what_is_left_out_is_listed(archive, capsys):
    shutil.copy(archive / 'amass/CMU/01/shape.npz', archive / 'amass/CMU/01/broken_poses.npz')
    convert(archive)
    assert 'left out CMU/01/broken_poses.npz' in capsys.readouterr().out


def test_swapped_legs_are_refused(archive):
    regressor = np.load(archive / 'smplh/J_regressor_h36m_correct.npy')
    np.save(archive / 'spin.npy', regressor[[0, 4, 5, 6, 1, 2, 3, *range(7, 17)]])
    with pytest.raises(InputError, match='right leg first'):
        load_body(archive / 'smplh/male/model.npz', archive / 'spin.npy')


def test_missing_subsets_are_named(converted):
    with pytest.raises(InputError, match=r'lacks the val subsets.*tools/dataset_converters/amass.py'):
        AMASSDataset('val', str(converted), window={'length': 9})


def test_babel_samples_are_read_rightly(shared):
    folder = shared / 'fixtures' / 'formats' / 'babel'
    for name, expected in json.loads((folder / 'expected.json').read_text()).items():
        found = read_babel(folder / name)
        assert len(found) == expected['sequences']
        for sid, segments in expected.get('frame_segments', {}).items():
            assert [[s[0], s[2], s[3]] for s in found[sid]['segments']] == segments
        for sid, labels in expected.get('sequence_labels', {}).items():
            assert [label[0] for label in found[sid]['labels']] == labels
        if expected.get('labels') == 0:
            assert not any(entry['segments'] or entry['labels'] for entry in found.values())


def babel(converted, file, **changes):
    return BABELDataset(ann_file=str(file), data_root=str(converted), window={'length': 8}, **changes)


def write_babel(path, segments, feat='CMU/CMU/01/01_01_poses.npz', dur=2.0, sequence=None):
    def labels(rows):
        return [
            {'raw_label': raw, 'proc_label': name, 'act_cat': [name], 'seg_id': '', 'start_t': a, 'end_t': b}
            for name, raw, a, b in rows
        ]

    frame = {'labels': labels(segments)} if segments else None
    whole = {'labels': labels([(n, n, 0, 0) for n in sequence])} if sequence else None
    entry = {'babel_sid': 1, 'feat_p': feat, 'dur': dur, 'seq_ann': whole, 'frame_ann': frame}
    path.write_text(json.dumps({'1': entry}))


def test_labels_become_stretches_with_all_that_is_true_of_them(converted, tmp_path):
    write_babel(
        tmp_path / 'train.json',
        [('turn', 'Turn left ', 1.5, 2.004), ('walk', 'walk', 0, 1), ('transition', 'transition', 1, 1.5),
         ('arm movements', 'swing arms', 0, 2)],
    )  # fmt: skip
    data = babel(converted, tmp_path / 'train.json', classes=['walk', 'turn'])
    texts = data.metainfo['texts']
    found = {
        tuple(sorted(texts[t] for t in info['captions'])): (info['first'], info['length'], info['action'])
        for info in (data.get_data_info(i) for i in range(3))
    }
    assert found == {
        ('swing arms', 'walk'): (0, 60, 0),
        ('swing arms', 'transit from walk to turn left'): (0, 120, -1),
        ('swing arms', 'turn left'): (90, 30, 1),
    }


def test_windows_of_a_transition_show_it(converted, tmp_path):
    """A transition of 0.1 s within 2 s, at 60 frames a second: most windows of 12 frames would show none of it."""
    labels = [('walk', 'walk', 0, 0.8), ('transition', 'transition', 0.8, 0.9), ('turn', 'turn', 0.9, 2)]
    write_babel(tmp_path / 'train.json', labels)
    steps = [{'type': 'RandomWindow', 'length': 12}]
    options = {'ann_file': str(tmp_path / 'train.json'), 'data_root': str(converted), 'window': 'whole'}
    data = BABELDataset(**options, pipeline=steps)
    names = [data.get_data_info(i)['action_name'] for i in range(3)]
    starts = {name: set() for name in names}
    for epoch, (i, name) in itertools.product(range(60), enumerate(names)):
        frames = data[epoch * 3 + i]['frame_indices']
        assert len(frames) == 12
        starts[name].add(int(frames[0]))
    assert starts['transition'] == set(range(42, 49))  # frames 48 to 53
    assert min(starts['walk']) < 5 and max(starts['walk']) > 31 and len(starts['turn']) > 20
    [step] = build_pipeline([{'type': 'RandomWindow', 'length': 3}])  # shorter than the transition: within it
    clips = [{'frame_indices': np.arange(100), 'focus': (50, 60), 'random_key': [0, 0, i, 0]} for i in range(60)]
    assert {int(clip['frame_indices'][0]) for clip in run_pipeline([step], clips)} == set(range(50, 58))


def test_recordings_without_frame_labels_are_one_stretch(converted, tmp_path):
    feat = 'SSMsynced/SSM_synced/s1/a b_poses.npz'
    write_babel(tmp_path / 'val.json', None, feat=feat, dur=1.0, sequence=['stand'])
    info = babel(converted, tmp_path / 'val.json', split='test').get_data_info(0)
    assert (info['first'], info['length'], info['action_name']) == (0, 60, 'stand')


def test_babel_without_its_recordings(converted, tmp_path):
    write_babel(tmp_path / 'train.json', [('walk', 'walk', 0, 1)], feat='KIT/KIT/9/none_poses.npz')
    with pytest.raises(InputError, match='none of 1 labelled recordings'):
        babel(converted, tmp_path / 'train.json')
    with pytest.raises(InputError, match='is no file of BABEL'):
        (tmp_path / 'bad.json').write_text('{"1": {"dur": "x"}}')
        read_babel(tmp_path / 'bad.json')
