"""The configs that ship, on the small excerpt of real motion: training, resuming, testing."""

import pytest
import torch

DROPOUT = {'model.backbone.drop_rate': 0.1, 'model.backbone.drop_path_rate': 0.1}


@pytest.fixture
def shrunk(runs, data_dir):
    """Options that let a shipped config run on the excerpt in seconds."""

    def options(config='mixste/cmu_27', **more):
        sizes = {'embed_dims': 16, 'depth': 1, 'num_heads': 2} | ({'rep_dims': 16} if 'motionbert' in config else {})
        made = {f'model.backbone.{name}': size for name, size in sizes.items()}
        made |= {'model.heads.pose.in_channels': 16}
        if 'procedural' in config:
            made |= runs.loaders(**{'dataset.n_sequences': 6})
        else:
            made |= runs.loaders(**{'dataset.data_root': data_dir, 'dataset.ann_file': 'cmu_tiny.npz'})
            made |= runs.loaders('val', 'test', **{'dataset.views': 1})
        return {**made, **more}

    return options


def test_resumed_training_ends_in_the_same_weights(runs, shrunk, assert_same_weights):
    """Dropout, stochastic depth, virtual cameras, noise and flips drawn as if nothing had happened, by a worker too."""
    options = shrunk(**DROPOUT, **{'train_cfg.max_epochs': 2, 'train_dataloader.dataset.window.stride': 9})
    options |= runs.loaders('train', num_workers=1)
    whole = runs.train('mixste/cmu_27', options, name='whole')
    torch.manual_seed(9)  # the state of the generators must not matter
    resumed = runs.train('mixste/cmu_27', options, '--resume', whole / 'epoch_1.pth', name='resumed')
    assert_same_weights(whole / 'epoch_2.pth', resumed / 'epoch_2.pth')
    with pytest.raises(AssertionError):
        assert_same_weights(whole / 'epoch_1.pth', whole / 'epoch_2.pth')


#: Another number of sequences in a batch, of windows in a pass, and of workers.
OTHERWISE = {'test_dataloader.batch_size': 7, 'model.test_cfg.batch_size': 5, 'test_dataloader.num_workers': 1}


@pytest.mark.parametrize('config', ['mixste/cmu_27', 'mixste/procedural_27', 'motionbert/cmu_27'])
def test_every_config_trains_and_tests(runs, shrunk, tmp_path, config):
    """An epoch of each, cut down; the metrics are those of poses, and do not depend on batches and workers."""
    options = shrunk(config, **{'train_dataloader.dataset.window.stride': 27})
    options |= {'optim_wrapper.optimizer.lr': 5e-3, 'param_scheduler.0.end': 10}  # an epoch is short
    pictures = tmp_path / 'pictures'
    metrics, checkpoint = runs.train_and_test(config, options, '--baselines', '--show-dir', pictures)
    assert {'MPJPE', 'P-MPJPE', 'MPJVE', 'MPJPE/walk'} <= metrics.keys()
    assert 30 < metrics['MPJPE'] < 1000
    assert metrics['P-MPJPE'] < metrics['MPJPE']
    assert metrics['baselines/linear_regression/MPJPE'] < metrics['baselines/mean_pose/MPJPE']
    assert len(list(pictures.glob('*.png'))) > 3
    plain = {key: value for key, value in metrics.items() if not key.startswith('baselines/')}
    assert runs.test(config, checkpoint, {**options, **OTHERWISE}) == pytest.approx(plain, abs=1e-3)


PUBLISHED = {
    'mixste/procedural_243': {},
    'motionbert/procedural_243': {'rep_dims': 16},
    'actionpose/procedural_243': {'rep_dims': 16, 'align_layer': 1},
    'pstmo/procedural_243': {},
    'poseformer/procedural_81': {'joint_dims': 8, 'embed_dims': None},
    'videopose3d/procedural_243': {'filter_widths': '3,3', 'num_frames': None, 'depth': None},
    'motionagformer/procedural_243': {'rep_dims': 16},
    'motion2vec/procedural_243': {'rep_dims': 16},
}


@pytest.mark.parametrize('config', PUBLISHED)
def test_published_networks_train_and_test(runs, config):
    sizes = {'num_frames': 9, 'embed_dims': 16, 'depth': 1, **PUBLISHED[config]}
    options = {f'model.backbone.{name}': size for name, size in sizes.items() if size}
    options |= runs.loaders(**{'dataset.n_sequences': 4, 'dataset.n_frames': 60})
    options |= runs.loaders('train', **{'dataset.window.length': 9, 'dataset.window.stride': 27, 'batch_size': 8})
    metrics, _ = runs.train_and_test(config, options)
    assert 30 < metrics['P-MPJPE'] < metrics['MPJPE'] < 5000


def test_every_published_network_has_a_config(repository):
    folders = {path.parent.name for path in (repository / 'configs').glob('*/procedural_*.py')}
    assert {name.split('/')[0] for name in PUBLISHED} == folders
