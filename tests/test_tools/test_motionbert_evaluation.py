"""The evaluations of MotionBERT and MotionAGFormer, from the official file to the papers' figures."""

import json

import numpy as np
import pytest
import torch
from toy_datasets import h36m_motionbert as toy

import poselifter
from poselifter.apis import load_official
from poselifter.evaluation.metrics import PoseMetric
from poselifter.registry import DATASETS, MODELS
from poselifter.skeletons import get_skeleton

FILE = 'h36m_sh_conf_cam_source_final.pkl'
LEFT, RIGHT = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]
BLOCKED = 's_09_act_05_subact_02'


@pytest.fixture(autouse=True)
def registered():
    poselifter.register_all_modules()


def mirrored(clips):
    """The official flip, in words of its own: negate x, swap left and right rows."""
    clips = clips.copy() * [-1, 1, 1]
    clips[..., LEFT + RIGHT, :] = clips[..., RIGHT + LEFT, :]
    return clips


def samples_of(folder, codec, keys=('keypoints', 'factor', 'lifting_target', 'lifting_target_visible')):
    """The test part, as the shipped config's pipeline packs it."""
    pipeline = [{'type': 'Encode', 'codec': codec}, {'type': 'PackPose', 'keys': list(keys)}]
    cfg = {'type': 'Human36mMotionBERTDataset', 'split': 'test', 'test_mode': True, 'pipeline': pipeline}
    dataset = DATASETS.build({**cfg, 'data_root': str(folder)})
    return [dataset[i] for i in range(len(dataset))]


def model_that_returns(known, codec, flip_test):
    """The estimator with a network that knows the outputs of some inputs by heart."""
    backbone = {'type': 'DSTformer', 'num_frames': 9, 'embed_dims': 8, 'rep_dims': 8, 'depth': 1, 'num_heads': 1}
    test_cfg = {'window': {'tail': 'drop'}, 'merge': False, 'flip_test': flip_test}
    cfg = {'type': 'MotionEstimator', 'backbone': backbone, 'heads': {'pose': {'type': 'PoseHead'}}}
    model = MODELS.build({**cfg, 'codec': codec, 'test_cfg': test_cfg}).eval()
    inputs, outputs = (np.concatenate(arrays) for arrays in zip(*known, strict=True))

    def pose(clips):
        distance = np.abs(clips.numpy()[:, None] - inputs[None]).max((2, 3, 4))
        assert (distance.min(1) < 1e-5).all()
        return torch.from_numpy(outputs[distance.argmin(1)])

    model.extract_feat = lambda clips: {'features': pose(clips)}
    model.heads['pose'].forward = lambda features: features
    return model


def score(samples, protocol, **kwargs):
    metric = PoseMetric(protocol, **kwargs)
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.compute_metrics(metric.results)


@pytest.mark.parametrize(
    ('setting', 'options'),
    [('rootrel', {}), ('global', {'root_relative': False}), ('rootrel_gt2d', {'paste_2d': True})],
)
def test_motionbert_s_reader_and_evaluation(shared, tmp_path, setting, options):
    case = np.load(shared / 'fixtures/parity/motionbert/functions/h36m_protocol.npz')
    names = ('joint_2d', 'confidence', 'joint3d_image', 'camera_name', 'source', 'action')
    part = {**{name: case[name] for name in names}, '2.5d_factor': case['factor']}
    toy.write_file(tmp_path / FILE, test={**part, 'joints_2.5d_image': case['joints_25d_image']})
    codec = {'type': 'ImageSpaceLifting', **options}
    items = samples_of(tmp_path, codec)
    model = model_that_returns([(case['clips_2d'], case['predictions'])], codec, flip_test=False)
    results = model([item['inputs'] for item in items], [item['data_samples'] for item in items], 'predict')
    figures = score(results, 'motionbert')
    assert figures['MPJPE'] == pytest.approx(case[f'e1_{setting}'], rel=1e-6)
    assert figures['P-MPJPE'] == pytest.approx(case[f'e2_{setting}'], rel=1e-6)
    for name, p1, p2 in zip(
        case['action_names'], case[f'per_action_p1_{setting}'], case[f'per_action_p2_{setting}'], strict=True
    ):
        assert figures[f'MPJPE/{name}'] == pytest.approx(p1, rel=1e-6)
        assert figures[f'P-MPJPE/{name}'] == pytest.approx(p2, rel=1e-6)


def test_motionagformer_s_reader_and_evaluation(shared, tmp_path):
    folder = shared / 'fixtures/parity/motionagformer/functions/h36m_evaluate'
    case = {**{p.stem: np.load(p) for p in folder.glob('*.npy')}, **json.loads((folder / 'meta.json').read_text())}
    names = ('joint_2d', 'confidence', 'joint3d_image', 'camera_name', 'source', 'action')
    part = {**{name: case[name] for name in names}, '2.5d_factor': case['factor_2_5d']}
    toy.write_file(tmp_path / FILE, test={**part, 'joints_2.5d_image': case['joints_2_5d_image']})
    codec = {'type': 'ImageSpaceLifting'}
    items = samples_of(tmp_path, codec)
    known = [(case['clip_input'], case['network_output'])]
    known.append((mirrored(case['clip_input']), case['network_output_of_flipped_input']))
    model = model_that_returns(known, codec, flip_test=True)
    results = model([item['inputs'] for item in items], [item['data_samples'] for item in items], 'predict')

    # one video is shorter than a clip; its program drew a clip's frames at random: lift those frames
    drawn = next(frames for frames in case['split_ids'] if (np.diff(frames) != 1).any())
    short = next(i for i, result in enumerate(results) if not len(result.pred_frames))
    frames = torch.from_numpy(drawn - drawn[0])
    stretched = items[short]['data_samples'].clone()
    stretched.set_data({'factor': stretched.factor[frames]})
    lifted = model([items[short]['inputs'][frames]], [stretched], 'predict')[0].pred_keypoints_3d
    results[short].set_data({'pred_keypoints_3d': lifted, 'pred_frames': frames})

    figures = score(results, 'motionagformer', clip_len=9, detail=True)
    assert figures['MPJPE'] == pytest.approx(case['mpjpe_mm'], abs=1e-4)
    assert figures['P-MPJPE'] == pytest.approx(case['p_mpjpe_mm'], abs=1e-4)
    assert figures['MPJAE'] == pytest.approx(case['acceleration_error'], abs=1e-4)
    names = get_skeleton('h36m17').joint_names
    found = [figures[f'joints/MPJPE/{name}'] for name in names]
    np.testing.assert_allclose(found, case['joint_errors'], atol=1e-4)


SYSTEMS = {  # a converted checkpoint of each, the config it is tested with, and how
    'motionbert': ('motionbert/dstformer_pose', 'motionbert/h36m_243', 27, ('MPJPE', 'P-MPJPE', 'MPJVE')),
    'motionagformer': ('motionagformer/pose_knn', 'motionagformer/h36m_27', 9, ('MPJPE', 'P-MPJPE', 'MPJAE')),
}


class Run:
    """tools/test.py on a toy file with a converted checkpoint; returns metrics and predictions by sequence."""

    def __init__(self, system, tool, runs, shared):
        case, self.config, self.frames, self.keys = SYSTEMS[system]
        self.checkpoint = shared / 'fixtures/parity' / case / 'checkpoint.pth'
        self.meta = json.loads((self.checkpoint.parent / 'meta.json').read_text())
        self.system, self.runs = system, runs
        toy.write_file(runs.folder / FILE)
        tool('model_converters/convert_official').main([str(self.checkpoint), str(runs.folder / 'ours.pth')])

    def __call__(self, **changes):
        given = self.meta['constructor']
        sizes = {'num_frames': self.frames, 'embed_dims': given['dim_feat'], 'rep_dims': given['dim_rep']}
        sizes |= {'depth': given.get('depth', given.get('n_layers')), 'num_heads': given['num_heads']}
        options = {f'model.backbone.{name}': value for name, value in sizes.items()}
        data = {'dataset.data_root': self.runs.folder, 'dataset.min_frames': self.frames}
        options |= self.runs.loaders('test', **data)
        options |= {'test_evaluator.0.clip_len': self.frames} if self.system == 'motionagformer' else {}
        return self.runs.predict(self.config, self.runs.folder / 'ours.pth', {**options, **changes})

    def official(self, true_2d=False):
        """The figures by the description of the released evaluation, clip by clip in float64."""
        network = load_official(self.checkpoint, **self.meta['constructor'])
        part, errors, predictions = toy.make_part(toy.TEST, True, 1), {}, {}
        starts = np.flatnonzero(np.r_[True, np.array(part['source'])[1:] != np.array(part['source'])[:-1]])
        for first, end in zip(starts, [*starts[1:], len(part['source'])], strict=True):
            source, poses = part['source'][first], []
            for start in range(first, end - self.frames + 1, self.frames):
                frames = slice(start, start + self.frames)
                height = 1002 if part['camera_name'][start] in ('54138969', '60457274') else 1000
                xy, score = part['joint_2d'][frames], part['confidence'][frames]
                if true_2d:
                    xy, score = part['joint3d_image'][frames][..., :2], np.ones_like(score)
                clip = np.concatenate([xy / 500 - [1, height / 1000], score], -1)
                with torch.no_grad():
                    both = network(torch.from_numpy(np.stack([clip, mirrored(clip)])).float()).double().numpy()
                pose = (both[0] + mirrored(both[1])) / 2
                pose[:, 0] = 0
                if true_2d:
                    pose[..., :2] = clip[..., :2]
                pose = (pose - pose[:, :1]) * 500 * part['2.5d_factor'][frames, None, None]
                truth = part['joints_2.5d_image'][frames]
                poses.append(pose)
                if source[:-6] != BLOCKED:
                    errors.setdefault(part['action'][start], []).append((pose, truth - truth[:, :1]))
            predictions[source] = np.concatenate(poses) / 1000
        return errors, predictions


def check_actions(metrics, errors, system):
    """MPJPE of each action, whose clips are equally long here, and the mean of the actions."""
    norms = {action: [np.linalg.norm(pose - truth, axis=-1) for pose, truth in errors[action]] for action in errors}
    for action in errors:
        assert metrics[f'{system}/MPJPE/{action}'] == pytest.approx(np.mean(norms[action]), rel=1e-4)
    assert metrics[f'{system}/MPJPE'] == pytest.approx(np.mean([np.mean(n) for n in norms.values()]), rel=1e-4)


@pytest.mark.parametrize('system', SYSTEMS)
def test_a_converted_checkpoint_through_the_tool(tool, runs, shared, system):
    run = Run(system, tool, runs, shared)
    metrics, dumped = run()
    errors, predictions = run.official()
    assert set(errors) == {'Directions', 'Discussion', 'Greeting', 'WalkTogether'} and BLOCKED + '_ca_03' in predictions
    for source, poses in predictions.items():
        np.testing.assert_allclose(dumped[source]['pred_keypoints_3d'], poses, atol=2e-5)
        np.testing.assert_array_equal(dumped[source]['pred_frames'], np.arange(len(poses)))
    check_actions(metrics, errors, system)
    assert {f'{system}/{key}' for key in run.keys} | {'MPJPE'} <= metrics.keys()
    assert metrics['MPJPE/Greeting'] != pytest.approx(metrics[f'{system}/MPJPE/Greeting'])  # the clean one counts all

    loader = {'test_dataloader.batch_size': 3, 'test_dataloader.num_workers': 2}
    other, _ = run(**loader, **{'model.test_cfg.batch_size': 2})
    assert other == pytest.approx(metrics, abs=1e-3)


def test_true_2d_is_a_matter_of_options(tool, runs, shared):
    """The command of docs/datasets/h36m_motionbert.md."""
    run = Run('motionbert', tool, runs, shared)
    places = ['codec', 'model.codec', *(f'{k}_dataloader.dataset.pipeline.0.codec' for k in ('train', 'val', 'test'))]
    metrics, _ = run(**{f'{place}.{key}': True for place in places for key in ('gt_2d', 'paste_2d')})
    errors, _ = run.official(true_2d=True)
    check_actions(metrics, errors, 'motionbert')


@pytest.mark.parametrize(
    'config',
    ['motionbert/h36m_243', 'motionagformer/h36m_243', 'motionagformer/h36m_81', 'motionagformer/h36m_27']
    + ['motion2vec/h36m_243'],
)
def test_every_config_trains_and_tests(runs, tmp_path, config):
    """An epoch on the toy file, the network cut down; the paper's figures stand beside the clean ones."""
    toy.write_file(tmp_path / FILE)
    system = 'motionbert' if 'bert' in config else 'motionagformer'
    options = {f'model.backbone.{k}': v for k, v in {'num_frames': 9, 'embed_dims': 16, 'depth': 1}.items()}
    options |= runs.loaders(**{'dataset.data_root': tmp_path, 'dataset.min_frames': 9})
    options |= {'train_dataloader.dataset.window.length': 9, 'train_dataloader.batch_size': 4}
    if system == 'motionagformer':
        options |= {f'{phase}_evaluator.0.clip_len': 9 for phase in ('val', 'test')}
    metrics, _ = runs.train_and_test(config, options)
    assert 30 < metrics[f'{system}/P-MPJPE'] < metrics[f'{system}/MPJPE'] < 5000 and 'MPJPE' in metrics


def test_mpi_inf_3dhp_of_motionagformer(tool, runs, shared, tmp_path):
    """A clip around every frame, the middle one counts; MPJPE over the valid frames of all sequences."""
    folder = shared / 'fixtures/parity/motionagformer/functions/mpi_inf_3dhp_evaluate'
    meta = json.loads((folder / 'meta.json').read_text())
    names = ('data_2d', 'data_3d', 'valid')
    data = {ts: {name: np.load(folder / f'{ts}_{name}.npy') for name in names} for ts in ('TS1', 'TS5')}
    np.savez(tmp_path / 'data_test_3dhp.npz', data=data)
    tool('model_converters/convert_official').main([str(folder / 'checkpoint.pth'), str(tmp_path / 'ours.pth')])
    given = meta['constructor']
    sizes = {'num_frames': 9, 'embed_dims': given['dim_feat'], 'rep_dims': given['dim_rep'], 'temporal_graph': 'chain'}
    sizes |= {'depth': given['n_layers'], 'num_heads': given['num_heads']}
    options = {f'model.backbone.{name}': value for name, value in sizes.items()}
    options |= runs.loaders('test', **{'dataset.data_root': tmp_path})
    metrics, samples = runs.predict('motionagformer/mpi_inf_3dhp_81', tmp_path / 'ours.pth', options)
    for name, sample in samples.items():
        valid = data[name]['valid'] != 0
        official = np.load(folder / f'{name}_prediction.npy')[:, :, 0].transpose(2, 1, 0)
        np.testing.assert_allclose(sample['pred_keypoints_3d'][valid] * 1000, official, atol=1e-3)
    assert metrics['mpi_inf_3dhp/MPJPE'] == pytest.approx(meta['mpjpe_mm'], abs=1e-3)
