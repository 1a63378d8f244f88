"""Variants of P-STMO's configs: they train and test on toy files."""

import numpy as np
import pytest

from poselifter.engine import load_config

SMALL = {'model.backbone.num_frames': 9, 'model.backbone.embed_dims': 16, 'model.backbone.num_heads': 2}
SMALL |= {'model.backbone.feedforward_dims': 16, 'train_dataloader.dataset.window.length': 9}
NECK = {'model.neck.feedforward_dims': 16, 'model.neck.num_heads': 2}


@pytest.mark.parametrize(('config', 'variant', 'options'), [
    ('h36m_243', 'table1_243_refined', {**NECK, 'model.heads.refined.hidden_dims': 16}),
    ('mpi_inf_3dhp_s_81', 'refined', {**NECK, 'model.heads.refined.hidden_dims': 16}),
    pytest.param('h36m_s_243', 'wild', NECK, marks=pytest.mark.slow),
    pytest.param('h36m_s_243', 'cameras_scratch', NECK, marks=pytest.mark.slow),
    pytest.param('h36m_s_243', 'table3_sem', {}, marks=pytest.mark.slow),
    pytest.param('h36m_s_81', 'table4_transformer', {'model.backbone.embed_dims': 68}, marks=pytest.mark.slow),
    pytest.param('pretrain_h36m_s_243', 'wild', {'model.head.num_heads': 2}, marks=pytest.mark.slow),
    pytest.param('pretrain_h36m_s_243', 'figure5_joints_7', {'model.head.num_heads': 2}, marks=pytest.mark.slow),
])  # fmt: skip
def test_trains_and_tests(runs, toy_root, config, variant, options):
    splits = ('train',) if config.startswith('pretrain') else ('train', 'val', 'test')
    folder = toy_root / ('mpi_inf_3dhp' if '3dhp' in config else 'h36m')
    options = {**SMALL, **runs.loaders(*splits, **{'dataset.data_root': folder}), **options}
    once = {**options, 'train_cfg.max_epochs': 1}
    folder = runs.train(f'pstmo/{config}', once, '--variant', variant)
    if config.startswith('pretrain'):
        assert (folder / 'epoch_1.pth').is_file()
        return
    metrics, samples = runs.predict(f'pstmo/{config}', folder / 'epoch_1.pth', options, '--variant', variant)
    assert 10 < metrics['MPJPE'] < 2000
    for sample in samples.values():
        root = 14 if '3dhp' in config else 0
        assert sample['pred_keypoints_3d'].shape[1:] == (17, 3) and not sample['pred_keypoints_3d'][:, root].any()
        assert np.isfinite(sample['pred_keypoints_3d']).all()


def test_masks_of_figure_5(repository):
    for name, expected in (
        ('frames_90', {'rate': 0.9}),
        ('joints_7', {'count': 7}),
        ('both_80_3', {'rate': 0.8, 'count': 3}),
    ):
        config = load_config(repository / 'configs/pstmo/pretrain_h36m_s_243.py', variant=f'figure5_{name}')
        steps = config.train_dataloader.dataset.pipeline[2:-1]
        assert {key: value for step in steps for key, value in step.items() if key != 'type'} == expected
