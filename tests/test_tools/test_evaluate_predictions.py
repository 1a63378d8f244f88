import json
import pickle

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.evaluator import Evaluator

from poselifter.evaluation.functional import mpjpe
from poselifter.evaluation.metrics import DumpPredictions, PoseMetric
from poselifter.registry import DATASETS

NAMES = ['S9/Walking/a', 'S9/Walking 1/a', 'S11/Sitting/b']


@pytest.fixture
def main(tool):
    return tool('analysis_tools/evaluate_predictions').main


@pytest.fixture
def truth(rng):
    """Absolute poses in metres by sequence."""
    return {name: rng.normal(size=(n, 17, 3)) + [0, 0, 4] for name, n in zip(NAMES, (12, 7, 9), strict=True)}


@pytest.fixture
def predicted(rng, truth):
    """Root-relative predictions with an exact root."""
    return {name: pose - pose[:, :1] + rng.normal(scale=0.1, size=(17, 3)) * (np.arange(17) > 0)[:, None]
            for name, pose in truth.items()}  # fmt: skip


@pytest.fixture
def expected(truth, predicted):
    """MPJPE in mm of each action and on average."""
    errors = {n: 1000 * mpjpe(predicted[n], truth[n] - truth[n][:, :1]) for n in NAMES}
    walking = np.average([errors[n] for n in NAMES[:2]], weights=[12, 7])
    return {'MPJPE': (walking + errors[NAMES[2]]) / 2, 'MPJPE/Walking': walking, 'MPJPE/Sitting': errors[NAMES[2]]}


@pytest.fixture
def run(main, tmp_path, capsys):
    """Runs the tool on files of arrays (or given paths) and returns its figures."""

    def write(name, content):
        if not isinstance(content, dict):
            return content
        np.savez(tmp_path / name, **content)
        return tmp_path / f'{name}.npz'

    def evaluate(pred, truth, *options):
        files = write('pred', pred), write('truth', truth)
        main([*map(str, files), *options, '--out', str(tmp_path / 'metrics.json')])
        return json.loads((tmp_path / 'metrics.json').read_text())

    return evaluate


def check(figures, expected, prefix=''):
    for key, value in expected.items():
        assert figures[prefix + key] == pytest.approx(value, rel=1e-9)


def test_arrays_by_sequence(run, truth, predicted, expected, capsys):
    check(run(predicted, truth), expected)
    out = capsys.readouterr().out
    assert f'{expected["MPJPE"]:.2f}' in out and '3 of 3 sequences' in out and 'all_frames' in out
    check(run(predicted, truth, '--protocol', 'mixste'), expected, 'mixste/')
    millimetres = [{name: 1000 * array for name, array in arrays.items()} for arrays in (predicted, truth)]
    check(run(*millimetres, '--unit', 'mm'), expected)


def test_absolute_predictions(run, truth, predicted, expected):
    moved = {name: array + [3, 2, 1] for name, array in predicted.items()}
    assert run(moved, truth, '--protocol', 'mixste')['mixste/MPJPE'] > 1000
    check(run(moved, truth, '--protocol', 'mixste', '--subtract-root'), expected, 'mixste/')


def test_frames_that_are_told(run, truth, predicted, expected):
    frames = {name: np.r_[np.arange(len(array)), 3] for name, array in predicted.items()}
    told = {name: array[frames[name]] for name, array in predicted.items()}
    told |= {f'{name}:frames': value for name, value in frames.items()}
    check(run(told, truth), expected)
    counted = run(told, truth, '--protocol', 'mixste', '--detail')
    pairs = [np.concatenate([a[n][frames[n]] for n in NAMES[:2]]) for a in (predicted, truth)]
    by_hand = 1000 * mpjpe(pairs[0], pairs[1] - pairs[1][:, :1])
    assert counted['mixste/MPJPE/Walking'] == pytest.approx(by_hand)
    assert 'mixste/joints/MPJPE/left_wrist' in counted


def test_joints_without_a_label(run, truth, predicted):
    name = NAMES[0]
    labelled = truth[name].copy()
    labelled[:, [5, 9]] = np.nan
    kept = np.delete(np.arange(17), [5, 9])
    by_hand = 1000 * mpjpe(predicted[name][:, kept], (truth[name] - truth[name][:, :1])[:, kept])
    assert run({name: predicted[name]}, {name: labelled})['MPJPE'] == pytest.approx(by_hand)


def test_a_result_of_lift(run, truth, predicted, expected):
    pred, pose = predicted[NAMES[2]], truth[NAMES[2]]
    table = {'keypoints_3d': pred.astype(np.float32), 'skeleton_3d': np.array('h36m17'), 'track_ids': np.zeros(9, int)}
    assert run(table, {NAMES[2]: pose})['MPJPE'] == pytest.approx(expected['MPJPE/Sitting'], rel=1e-5)
    first, later = ({'frame_indices': np.arange(9)[part], 'track_ids': np.full(n, n)} for part, n in
                    ((slice(5), 5), (slice(5, None), 4)))  # fmt: skip
    two = {key: np.concatenate([first[key], later[key]]) for key in first} | {'keypoints_3d': pred}
    # two persons, each in a part of the frames; what the truth does not name is left out
    assert run(two, {'pred/5': pose, 'pred/4': pose})['all_frames/MPJPE'] == pytest.approx(expected['MPJPE/Sitting'])


def test_a_dump_against_its_config_and_itself(run, tmp_path):
    """Dumped as tools/test.py does, by the evaluator, beside the metric itself."""
    config = tmp_path / 'test_data.py'
    codec = {'type': 'RootRelativeLifting', 'confidence': True}
    pipeline = [
        {'type': 'VirtualCamera'},
        {'type': 'DetectedJoints'},
        {'type': 'Encode', 'codec': codec},
        {'type': 'PackPose', 'keys': ['lifting_target', 'lifting_target_visible']},
    ]
    dataset = {'type': 'ProceduralMotion', 'n_sequences': 3, 'n_frames': 20, 'views': 2, 'test_mode': True}
    config.write_text(f'test_dataloader = dict(dataset={dict(dataset, pipeline=pipeline)!r})')
    built = DATASETS.build(Config.fromfile(config).test_dataloader.dataset)
    samples = [built[i]['data_samples'] for i in range(6)]
    for i, sample in enumerate(samples):
        target = sample.lifting_target
        sample.pred_keypoints_3d = (target - target[:, :1]) * (1 + 0.01 * i) + 0.02
    evaluator = Evaluator([PoseMetric(), DumpPredictions(str(tmp_path / 'dump.pkl'))])
    evaluator.process(samples)
    expected = evaluator.evaluate(6)
    for truth in (config, tmp_path / 'dump.pkl'):
        check(run(tmp_path / 'dump.pkl', truth), expected)


def test_mistakes_are_one_line(main, fails, truth, predicted, tmp_path):
    np.savez(tmp_path / 'truth.npz', **truth)
    np.savez(tmp_path / 'pred.npz', **{NAMES[0]: predicted[NAMES[0]]})
    files = [tmp_path / 'pred.npz', tmp_path / 'truth.npz']
    assert "2 of 3 sequences have no prediction, 'S9/Walking 1/a' for one" in fails(main, *files)
    main([*map(str, files), '--partial'])
    assert 'give clip_len' in fails(main, *files, '--partial', '--protocol', 'motionagformer')
    assert 'does not exist' in fails(main, tmp_path / 'none.npz', files[1])
    assert 'invalid choice' in fails(main, *files, '--protocol', 'cvpr')
    np.savez(tmp_path / 'pred.npz', **{NAMES[0]: np.zeros((3, 17))})
    assert 'has shape (3, 17) and type float64, expected numbers (T, K, 3)' in fails(main, *files)
    np.savez(tmp_path / 'pred.npz', **{name: array[:, :16] for name, array in predicted.items()})
    assert 'S9/Walking/a: pred_keypoints_3d has shape (12, 16, 3)' in fails(main, *files)
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps([{'sequence': 'a', 'lifting_target': np.zeros((2, 17, 3))}]))
    assert 'without pred_keypoints_3d' in fails(main, tmp_path / 'dump.pkl', files[1])
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps(pytest.raises))
    assert 'executes nothing' in fails(main, tmp_path / 'bad.pkl', files[1])


def test_mpi_inf_3dhp_s_poses_in_files(run, shared):
    """The kit's figures, by group of joints too, from arrays in millimetres."""
    folder = shared / 'fixtures/parity/h36m_data/mpi_inf_3dhp_metrics'
    poses, expected = np.load(folder / 'poses.npz'), json.loads((folder / 'meta.json').read_text())['expected']
    arrays = ({'TS1': poses[name]} for name in ('pred', 'target'))
    figures = run(*arrays, '--protocol', 'mpi_inf_3dhp', '--unit', 'mm', '--detail')
    assert figures['mpi_inf_3dhp/MPJPE'] == pytest.approx(expected['mpjpe_17'], abs=1e-4)
    for key in ('PCK', 'AUC'):
        assert figures[f'mpi_inf_3dhp/{key}'] == pytest.approx(expected['Total'][key.lower()], abs=1e-4)
        for group, name in (('Head', 'Head'), ('Shoulder', 'Shou'), ('Ankle', 'Ankle')):
            found = figures[f'mpi_inf_3dhp/joints/{key}/{group}']
            assert found == pytest.approx(expected[name][key.lower()], abs=1e-4)
