"""Published checkpoints on files in the published formats, through converter, config and tools/test.py alone."""

import json

import numpy as np
import pytest
import torch
from toy_datasets.h36m import write_h36m, write_videos
from toy_datasets.mpi_inf_3dhp import write_3dhp

from poselifter import register_all_modules
from poselifter.apis import load_official
from poselifter.engine import load_config
from poselifter.geometry import Camera, normalize_screen
from poselifter.registry import MODELS

CAMERA = '55011271'  # its picture is square, as the cases' normalisation has it
SMALL = {
    'mixste': {'num_frames': 9, 'embed_dims': 16, 'depth': 2, 'num_heads': 4},
    'poseformer': {'num_frames': 9, 'joint_dims': 2, 'depth': 1, 'num_heads': 2},
    'pstmo': {'num_frames': 9, 'embed_dims': 16, 'feedforward_dims': 24},
}
VIDEOS = [('S9', 'Walking'), ('S11', 'Walking 2'), ('S9', 'Sitting'), ('S11', 'Sitting 1')]


def backbone(sizes):
    return {f'model.backbone.{name}': size for name, size in sizes.items()}


@pytest.fixture
def evaluate(tool, runs, repository, tmp_path):
    """Converts a checkpoint (PoseFormer's is read as it is) and tests it; returns metrics and predictions by name."""

    def run(checkpoint, config, data, system, more=None, changes=''):
        if system != 'poseformer':
            tool('model_converters/convert_official').main([str(checkpoint), str(tmp_path / 'model.pth')])
            checkpoint = tmp_path / 'model.pth'
        (tmp_path / 'config.py').write_text(f"_base_ = '{repository / 'configs' / config}.py'\n{changes}")
        options = {**backbone(SMALL[system]), **runs.loaders('test', **{'dataset.data_root': data})}
        options |= {'model.neck.feedforward_dims': 24} if system == 'pstmo' else {}
        return runs.predict(tmp_path / 'config.py', checkpoint, options | (more or {}))

    return run


@pytest.fixture
def videos(shared, tmp_path):
    """The bare arrays of an eval_videos case, written as files; returns (case folder, arrays by name)."""

    def write(system):
        case = shared / f'fixtures/parity/{system}/eval_videos'
        arrays = {path.stem: np.load(path) for path in case.glob('video*.npy')}
        named = [(*names, arrays[f'video{i}_keypoints'], arrays[f'video{i}_target']) for i, names in enumerate(VIDEOS)]
        write_videos(tmp_path, named, CAMERA)
        return case, arrays

    return write


ONE_CAMERA = f"test_dataloader = dict(dataset=dict(filter_cfg=dict(include=dict(camera=['{CAMERA}']))))\n"
KEYS = {'mpjpe': 'MPJPE', 'p_mpjpe': 'P-MPJPE', 'n_mpjpe': 'N-MPJPE', 'mpjve': 'MPJVE'}


@pytest.mark.parametrize(('system', 'config'), [('mixste', 'mixste/h36m_243'), ('poseformer', 'poseformer/h36m_81')])
def test_videos(evaluate, videos, tmp_path, system, config):
    case, arrays = videos(system)
    meta = json.loads((case / 'meta.json').read_text())
    found, samples = evaluate(case / 'checkpoint.pth', config, tmp_path, system, changes=ONE_CAMERA)
    for i, (subject, take) in enumerate(VIDEOS):
        sample = samples[f'{subject}/{take}/{CAMERA}']
        expected = arrays[f'video{i}_prediction'].reshape(-1, 17, 3)
        np.testing.assert_allclose(sample['pred_keypoints_3d'], expected, atol=1e-5)
        if system == 'mixste':  # one pose a frame: of frames that two clips show, the earlier clip's
            first = np.unique(sample['pred_frames'], return_index=True)[1]
            np.testing.assert_allclose(expected[first], arrays[f'video{i}_export'], atol=1e-5)
    for key, name in KEYS.items():
        assert found[f'{system}/{name}'] == pytest.approx(meta['average_over_actions_mm'][key], abs=1e-3)
        for action, values in meta['expected_mm'].items():
            assert found[f'{system}/{name}/{action}'] == pytest.approx(values[key], abs=1e-3)
    clean, n = [], {'Walking': 0, 'Sitting': 0}
    for action in n:  # by the definition: every frame once, its predictions averaged, the root zero
        errors = []
        for i in [i for i, (_, take) in enumerate(VIDEOS) if take.startswith(action)]:
            sample = samples['/'.join((*VIDEOS[i], CAMERA))]
            shown = np.arange(len(sample['keypoints']))
            frames = sample.get('pred_frames', shown)
            pose = np.stack([sample['pred_keypoints_3d'][frames == f].mean(0) for f in shown])
            errors.append(np.linalg.norm(pose - arrays[f'video{i}_target'], axis=-1)[:, 1:])
        clean.append(1000 * np.concatenate(errors).sum(-1).mean() / 17)
    assert found['MPJPE'] == pytest.approx(np.mean(clean), abs=1e-3)


def test_pstmo_on_human36m(evaluate, shared):
    case = shared / 'fixtures/parity/pstmo/h36m_eval_tds2'
    meta, expected = json.loads((case / 'meta.json').read_text()), np.load(case / 'output.npy')[:, 0]
    found, samples = evaluate(case / 'checkpoint.pth', 'pstmo/h36m_s_243', case, 'pstmo')
    poses = np.concatenate([sample['pred_keypoints_3d'] for sample in samples.values()])
    np.testing.assert_allclose(poses, expected, atol=3e-5)
    assert found['pstmo/MPJPE'] == pytest.approx(meta['p1_mm'], abs=0.01)
    assert found['pstmo/P-MPJPE'] == pytest.approx(meta['p2_mm_exact'], abs=0.01)
    assert found['MPJPE'] == pytest.approx(meta['p1_mm'], abs=0.01)  # this protocol's first figure is the clean one
    for action, values in meta['per_action'].items():
        assert found[f'pstmo/MPJPE/{action}'] == pytest.approx(values['p1'], abs=0.01)


def test_pstmo_on_mpi_inf_3dhp(evaluate, shared):
    case = shared / 'fixtures/parity/pstmo/mpi3dhp_eval'
    meta = json.loads((case / 'meta.json').read_text())
    found, samples = evaluate(case / 'checkpoint.pth', 'pstmo/mpi_inf_3dhp_s_81', case, 'pstmo')
    for name, values in meta['per_sequence'].items():
        valid = samples[name]['lifting_target_visible'][:, 0] > 0
        poses = 1000 * samples[name]['pred_keypoints_3d'][valid]
        np.testing.assert_allclose(poses, np.load(case / f'output_{name}.npy'), atol=2e-3)
        assert found[f'mpi_inf_3dhp/MPJPE/{name}'] == pytest.approx(values['mpjpe'], abs=1e-3)
        assert found[f'mpi_inf_3dhp/PCK/{name}'] == pytest.approx(values['pck'], abs=1e-6)
        assert found[f'mpi_inf_3dhp/AUC/{name}'] == pytest.approx(values['auc'], abs=1e-6)
    for key, value in meta['pooled'].items():
        assert found[f'mpi_inf_3dhp/{key.upper()}'] == pytest.approx(value, abs=1e-3 if key == 'mpjpe' else 1e-6)
    assert found['MPJPE'] == pytest.approx(meta['pooled']['mpjpe'], abs=1e-3)


def test_pstmo_with_its_refine_module(tool, runs, shared, tmp_path):
    """The authors' two files through converter and tools/test.py; the formula by hand, on what is not yet refined."""
    case, refiner = (shared / f'fixtures/parity/pstmo/{name}' for name in ('h36m_eval_tds2', 'refine'))
    convert, file = tool('model_converters/convert_official').main, tmp_path / 'model.pth'
    options = {**backbone({**SMALL['pstmo'], 'depth': 3}), **runs.loaders('test', **{'dataset.data_root': case})}
    options |= {'model.neck.feedforward_dims': 24}
    convert([str(case / 'checkpoint.pth'), str(file)])
    _, plain = runs.predict('pstmo/h36m_243', file, {**options, 'model.test_cfg.zero_root': False})
    convert([str(case / 'checkpoint.pth'), str(file), '--refiner', str(refiner / 'checkpoint.pth')])
    width = len(torch.load(refiner / 'checkpoint.pth')['module.post_refine.0.bias'])
    options |= {'model.heads.refined.hidden_dims': width}
    _, refined = runs.predict('pstmo/h36m_243', file, options, '--variant', 'table1_243_refined')
    module = load_official(refiner / 'checkpoint.pth')
    for name, sample in refined.items():
        camera = Camera.from_dict(sample['camera_param']).normalized()
        uv = normalize_screen(sample['keypoints'], *sample['img_shape'][::-1])
        z = plain[name]['pred_keypoints_3d'][..., 2] + sample['lifting_target'][:, :1, 2]
        z[:, 0] = sample['lifting_target'][:, 0, 2]
        points = np.concatenate([(uv - camera.centre) / camera.focal * z[..., None], z[..., None]], -1)
        pair = (plain[name]['pred_keypoints_3d'], (points - points[:, :1]).astype(np.float32))
        expected = module(*(array[:, None] for array in pair))[:, 0]
        expected[:, 0] = 0
        np.testing.assert_allclose(sample['pred_keypoints_3d'], expected, atol=2e-5)


SYSTEMS = {
    'mixste/h36m_243': SMALL['mixste'],
    'poseformer/h36m_81': SMALL['poseformer'],
    'videopose3d/h36m_243': {'embed_dims': 16, 'filter_widths': [3, 3]},
    'pstmo/h36m_s_243': SMALL['pstmo'],
    'pstmo/mpi_inf_3dhp_s_81': SMALL['pstmo'],
}


@pytest.mark.parametrize('config', SYSTEMS)
def test_the_configs_train(runs, tmp_path, config):
    """An epoch of the published recipe, cut down, on toy files; the paper's figure chooses the checkpoint."""
    of_3dhp = '3dhp' in config
    write_3dhp(tmp_path) if of_3dhp else write_h36m(tmp_path)
    loader = {'batch_size': 32, 'dataset.window.length': 9}
    loader |= {'dataset.window.stride': 9} if of_3dhp else {'dataset.subjects': 'S1,S5'}
    options = {**backbone(SYSTEMS[config]), **runs.loaders(**{'dataset.data_root': tmp_path})}
    options |= {'train_cfg.max_epochs': 1, **runs.loaders('train', **loader)}
    protocol = 'mpi_inf_3dhp' if of_3dhp else config.split('/')[0]
    assert list(runs.train(config, options).glob(f'best_{protocol}_MPJPE_epoch_1.pth'))


def test_frames_of_videopose3d_may_be_computed_together(repository):
    """The config's long windows give what a window for each frame gives."""
    register_all_modules()
    config = load_config(repository / 'configs/videopose3d/h36m_243.py').model
    config.backbone.update(embed_dims=16, filter_widths=[3, 3])
    sequences = [torch.randn(n, 17, 2, generator=torch.Generator().manual_seed(n)) for n in (300, 4)]
    together = MODELS.build(config).eval()
    config.test_cfg.window = {'length': 9, 'stride': 1}
    apart = MODELS.build(config).eval()
    apart.load_state_dict(together.state_dict())
    for one, other in zip(together.lift(sequences), apart.lift(sequences), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
