import numpy as np
import pytest
from scipy.io import loadmat

from poselifter.errors import InputError
from poselifter.evaluation.functional import mpjpe, mpjve, p_mpjpe
from poselifter.evaluation.metrics import PROTOCOLS, PoseMetric
from poselifter.skeletons import flip_keypoints, get_skeleton
from poselifter.structures import WindowPolicy

KEYS = {'mpjpe': 'MPJPE', 'p_mpjpe': 'P-MPJPE', 'n_mpjpe': 'N-MPJPE', 'mpjve': 'MPJVE'}
MPI = get_skeleton('mpi_inf_3dhp17')


def _sample(pred, target, frames=None, visible=None, **facts):
    """A sample's dict; poses in metres, the target relative to its root."""
    facts = {'sequence': 'clip', 'action_name': 'walk', 'skeleton_3d': 'h36m17', **facts}
    visible = np.ones(target.shape[:2]) if visible is None else visible
    found = {'pred_keypoints_3d': pred, 'lifting_target': target, 'lifting_target_visible': visible, **facts}
    return found if frames is None else {**found, 'pred_frames': frames}


def _evaluate(samples, **kwargs):
    """Figures of :class:`PoseMetric` without the protocol before their keys."""
    metric = PoseMetric(**kwargs)
    metric.process(None, samples)
    return metric.report(metric.results)[0]


@pytest.mark.parametrize('system', ['mixste', 'poseformer'])
def test_videos_of_all_lengths(parity, system):
    case = parity(f'{system}/eval_videos')
    samples = []
    for i, action in enumerate(['Walking', 'Walking', 'Sitting', 'Sitting']):
        target, pred = case[f'video{i}_target'].copy(), case[f'video{i}_prediction'].reshape(-1, 17, 3)
        target[:, 0] = 0  # the case keeps the trajectory there
        frames = WindowPolicy(9).cut(len(target)).inputs.ravel() if system == 'mixste' else None
        samples.append(_sample(pred, target, frames, action_name=action))
    figures = _evaluate(samples, protocol=system)
    expected = {'': case['meta']['average_over_actions_mm']}
    expected |= {f'/{action}': values for action, values in case['meta']['expected_mm'].items()}
    for group, values in expected.items():
        for name, key in KEYS.items():
            assert figures[key + group] == pytest.approx(values[name], rel=1e-6)


def test_videopose3d(parity):
    case = parity('videopose3d/functions/protocol')
    samples = []
    for i, action in enumerate(case['action']):
        target = case[f'poses_{i}'].copy()
        target[:, 0] = 0
        samples.append(_sample(case[f'prediction_{i}'], target, action_name=str(action)))
    figures = _evaluate(samples, protocol='videopose3d')
    names = sorted({s['action_name'] for s in samples})
    found = [[figures[f'{key}/{action}'] for key in KEYS.values()] for action in names]
    np.testing.assert_allclose(found, case['per_action'], rtol=1e-6)
    np.testing.assert_allclose([figures[key] for key in KEYS.values()], case['out'], rtol=1e-6)


@pytest.mark.parametrize('setting', ['rootrel', 'global', 'rootrel_gt2d'])
def test_motionbert(parity, setting):
    case = parity('motionbert/functions/h36m_protocol')
    samples = []
    for source in dict.fromkeys(case['source'].tolist()):
        rows = np.flatnonzero(case['source'] == source)
        clips = np.isin(case['split_id'][:, 0], rows)
        frames = (case['split_id'][clips] - rows[0]).ravel()
        pred = case[f'results_mm_{setting}'][clips].reshape(-1, 17, 3) / 1000
        target = case['joints_25d_image'][rows] / 1000
        samples.append(_sample(pred, target, frames, sequence=source, action_name=case['action'][rows[0]]))
    figures = _evaluate(samples, protocol='motionbert')
    for key, name, group in (('MPJPE', 'e1', 'p1'), ('P-MPJPE', 'e2', 'p2')):
        assert figures[key] == pytest.approx(float(case[f'{name}_{setting}']), rel=1e-6)
        per_action = [figures[f'{key}/{action}'] for action in case['action_names']]
        np.testing.assert_allclose(per_action, case[f'per_action_{group}_{setting}'], rtol=1e-6)


def test_motionagformer(parity):
    case = parity('motionagformer/functions/h36m_evaluate')
    meta, ids = case['meta'], case['split_ids']
    output = (case['network_output'] + flip_keypoints(case['network_output_of_flipped_input'], 'h36m17')) / 2
    output[:, :, 0] = 0
    samples = []
    for source in dict.fromkeys(meta['source']):
        rows = np.flatnonzero(np.array(meta['source']) == source)
        clips = np.isin(ids[:, 0], rows)
        frames = (ids[clips] - rows[0]).ravel()
        height = 1002 if meta['camera_name'][rows[0]] in ('54138969', '60457274') else 1000
        pixels = output[clips].reshape(-1, 17, 3).astype(float) * 500 + [500, height / 2, 0]
        pred = pixels * case['factor_2_5d'][rows][frames][:, None, None] / 1000
        target = case['joints_2_5d_image'][rows] / 1000
        samples.append(_sample(pred, target, frames, sequence=source, action_name=meta['action'][rows[0]]))
    figures = _evaluate(samples, protocol='motionagformer', clip_len=9, detail=True)
    for key, name in (('MPJPE', 'mpjpe_mm'), ('P-MPJPE', 'p_mpjpe_mm'), ('MPJAE', 'acceleration_error')):
        assert figures[key] == pytest.approx(meta[name], rel=1e-6)
    joints = [figures[f'joints/MPJPE/{joint}'] for joint in get_skeleton('h36m17').joint_names]
    np.testing.assert_allclose(joints, case['joint_errors'], atol=1e-4)
    assert figures['variance/joints'] == pytest.approx(case['joint_errors'].var(), rel=1e-5)
    with pytest.raises(InputError, match='expected clips of 7; give clip_len'):
        _evaluate(samples, protocol='motionagformer', clip_len=7)


def test_mpi_inf_3dhp_of_pstmo(parity, shared):
    case = parity('pstmo/mpi3dhp_eval')
    folder = shared / 'fixtures/parity/pstmo/mpi3dhp_eval'
    data = np.load(folder / 'data_test_3dhp.npz', allow_pickle=True)['data'].item()
    samples = []
    for name, arrays in data.items():
        valid = arrays['valid'].ravel() > 0
        pred = np.zeros((len(valid), 17, 3))  # what is predicted elsewhere must not matter
        pred[valid] = loadmat(folder / 'inference_data.mat')[name][:, :, 0].T.swapaxes(1, 2).transpose(0, 2, 1)
        visible = np.repeat(valid[:, None], 17, 1)
        target = arrays['data_3d'] / 1000
        samples.append(_sample(pred / 1000, target, None, visible, sequence=name, skeleton_3d=MPI.name))
    figures = _evaluate(samples, protocol='mpi_inf_3dhp')
    expected = {'': case['meta']['pooled'], **{f'/{n}': v for n, v in case['meta']['per_sequence'].items()}}
    for group, values in expected.items():
        for key, name in (('MPJPE', 'mpjpe'), ('PCK', 'pck'), ('AUC', 'auc')):
            assert figures[key + group] == pytest.approx(values[name], rel=1e-6)


def test_mpi_inf_3dhp_of_motionagformer(parity):
    case = parity('motionagformer/functions/mpi_inf_3dhp_evaluate')
    samples = []
    for name in ('TS1', 'TS5'):
        frames = np.flatnonzero(case[f'{name}_valid'])
        pred = case[f'{name}_prediction'][:, :, 0].transpose(2, 1, 0) / 1000.0
        samples.append(_sample(pred, case[f'{name}_data_3d'] / 1000, frames, sequence=name, skeleton_3d=MPI.name))
    figures = _evaluate(samples, protocol='mpi_inf_3dhp')
    assert figures['MPJPE'] == pytest.approx(case['meta']['mpjpe_mm'], rel=1e-6)


def test_sheets_of_the_kit(parity):
    case = parity('motionagformer/functions/mpi_inf_3dhp_pck_auc')
    samples = []
    for name in (f'TS{i}' for i in range(1, 7)):
        errors = case[f'errors_{name}']
        pred = np.zeros((len(errors), 17, 3))
        pred[..., 1] = errors / 1000
        samples.append(_sample(pred, np.zeros_like(pred), sequence=name, skeleton_3d=MPI.name))
    figures = _evaluate(samples, protocol='mpi_inf_3dhp', metrics=['pck', 'auc'], detail=True)
    sheets = case['meta']['sequencewise_table'], case['meta']['activitywise_table']
    head = next(row for row in sheets[0] if row[0] == 'PCK')[1:10]
    groups = {'Shou': 'Shoulder'}
    for key in ('PCK', 'AUC'):
        by_sequence, by_activity = ([row[0] for row in sheet].index(key) for sheet in sheets)
        rows = {f'/{row[0].replace("TestSeq", "TS")}': row for row in sheets[0][by_sequence + 1 : by_sequence + 7]}
        rows[''] = next(row for row in sheets[1][by_activity:] if row[0] == 'All')
        for suffix, row in rows.items():
            assert figures[key + suffix] == pytest.approx(row[9], abs=1e-6)
            found = [figures[f'joints/{key}/{groups.get(group, group)}{suffix}'] for group in head]
            np.testing.assert_allclose(found, row[1:10], atol=1e-6)


def test_clean_counts_each_frame_once(rng):
    target = rng.normal(size=(7, 17, 3))
    target -= target[:, :1]
    frames = np.array([0, 1, 2, 3, 2, 3, 4, 5])  # the last frame is not predicted
    pred = target[frames] + rng.normal(scale=0.1, size=(8, 17, 3))
    figures = _evaluate([_sample(pred, target, frames)])
    merged = np.stack([pred[frames == t].mean(0) for t in range(6)])
    merged[:, 0] = 0
    for key, function in (('MPJPE', mpjpe), ('P-MPJPE', p_mpjpe), ('MPJVE', mpjve)):
        assert figures[key] == pytest.approx(function(1000 * merged, 1000 * target[:6]), rel=1e-12)


def test_no_velocity_spans_a_frame_that_is_not_predicted(rng):
    target = rng.normal(size=(7, 17, 3))
    frames = np.array([0, 1, 2, 4, 5, 6])
    pred = (target - target[:, :1] + rng.normal(size=(7, 17, 3)))[frames]
    parts = [_sample(pred[:3], target[:3]), _sample(pred[3:], target[4:])]
    assert _evaluate([_sample(pred, target, frames)])['MPJVE'] == pytest.approx(_evaluate(parts)['MPJVE'], rel=1e-12)


def test_what_sets_the_papers_apart(rng):
    target = rng.normal(size=(20, 17, 3))
    target -= target[:, :1]
    pred = target + rng.normal(scale=0.05, size=target.shape)
    by_hand = {'keep': pred, 'zero': pred.copy(), 'centre': pred - pred[:, :1]}
    by_hand['zero'][:, 0] = 0
    for name, protocol in PROTOCOLS.items():
        figures = _evaluate([_sample(pred, target)], protocol=name, metrics=['mpjpe'])
        assert figures['MPJPE'] == pytest.approx(1000 * mpjpe(by_hand[protocol.root], target), rel=1e-9)


def test_motionbert_averages_errors_and_drops_exact_frames(rng):
    target = rng.normal(size=(4, 17, 3))
    target -= target[:, :1]
    frames = np.array([0, 1, 2, 1, 2, 3])
    pred = target[frames] + rng.normal(scale=0.1, size=(6, 17, 3))
    pred[:, 0], pred[0] = 0, target[0]
    errors = 1000 * np.linalg.norm(pred - target[frames], axis=-1).mean(-1)
    expected = np.mean([errors[frames == t].mean() for t in (1, 2, 3)])  # frame 0 has no error
    assert _evaluate([_sample(pred, target, frames)], protocol='motionbert')['MPJPE'] == pytest.approx(expected)


def test_humaneva_by_action_and_subject(rng):
    samples = []
    for action in ('Walking', 'Jog'):
        for subject in ('S1', 'S2'):
            target = rng.normal(size=(5, 15, 3))
            pred = target + rng.normal(scale=0.1, size=target.shape)
            target = target - target[:, :1]
            samples.append(_sample(pred, target, action_name=action, subject=subject, skeleton_3d='humaneva15'))
    figures = _evaluate(samples, protocol='humaneva')
    assert {f'MPJPE/{a} {s}' for a in ('Walking', 'Jog') for s in ('S1', 'S2')} < set(figures)
    assert figures['MPJPE/Jog S2'] == pytest.approx(
        1000 * mpjpe(samples[3]['pred_keypoints_3d'], samples[3]['lifting_target'])
    )


def test_humaneva_averages_walking_and_jogging_and_reports_boxing_apart():
    samples = []
    for frames, (action, error) in enumerate([('Walking', 10), ('Jog', 20), ('Box', 90)], start=3):
        pred = np.full((frames, 15, 3), [error / 1000, 0, 0])
        samples.append(_sample(pred, 0 * pred, action_name=action, subject='S1', skeleton_3d='humaneva15'))
    figures = _evaluate(samples, protocol='humaneva', detail=True)
    assert figures['MPJPE'] == pytest.approx(15) and figures['MPJPE/Box S1'] == pytest.approx(90)
    assert figures['all_frames/MPJPE'] == pytest.approx((3 * 10 + 4 * 20) / 7)
    assert figures['joints/MPJPE/pelvis'] == pytest.approx(15) and figures['over40'] == 0
    mixed = _evaluate(samples, protocol='humaneva', group_by=['subject'])
    assert mixed['MPJPE'] == mixed['MPJPE/S1'] == pytest.approx((3 * 10 + 4 * 20) / 7)
    every = _evaluate(samples, protocol='videopose3d', group_by=['action_name+subject'])
    assert every['MPJPE'] == pytest.approx(40)
    with pytest.raises(InputError, match='saw nothing but Box, Gestures, ThrowCatch'):
        _evaluate(samples[2:], protocol='humaneva')


def test_detail_of_poses_with_known_errors():
    target = np.zeros((4, 17, 3))
    pred = target.copy()
    pred[:, :, 1] = np.array([10, 29, 35, 45])[:, None] / 1000  # of each joint, in mm
    samples = [_sample(pred[:2], target[:2], action_name='a'), _sample(pred[2:], target[2:], action_name='b')]
    figures = _evaluate(samples, protocol='videopose3d', detail=True)
    assert [figures[key] for key in ('under30', 'over40', 'under30/a', 'over40/b')] == [50, 25, 100, 50]
    assert figures['joints/MPJPE/left_knee'] == pytest.approx((10 + 29 + 35 + 45) / 4)
    assert figures['joints/MPJPE/left_knee/b'] == pytest.approx(40)
    assert figures['variance/action_name'] == pytest.approx(np.var([19.5, 40]))
    assert figures['variance/joints'] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize('frames', [[0, 1, 2], [0, 1, 2, 3, 9], [-1, 0, 1, 2, 3]])
def test_frames_that_do_not_fit_are_named(frames):
    sample = _sample(np.zeros((5, 17, 3)), np.zeros((5, 17, 3)), np.array(frames))
    with pytest.raises(InputError, match='clip: 5 poses are predicted for a sequence of 5 frames'):
        _evaluate([sample])
