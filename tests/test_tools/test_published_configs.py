"""The configs of the published networks, cut down: they train, and test what they trained."""

import pytest

SMALL = {
    'mixste/procedural_243': {'embed_dims': 16, 'depth': 1},
    'motionbert/procedural_243': {'embed_dims': 16, 'rep_dims': 16, 'depth': 1},
    'actionpose/procedural_243': {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'align_layer': 1},
    'pstmo/procedural_243': {'embed_dims': 16, 'depth': 1},
    'poseformer/procedural_81': {'joint_dims': 8, 'depth': 1},
    'videopose3d/procedural_243': {'embed_dims': 16, 'filter_widths': '3,3'},
    'motionagformer/procedural_243': {'embed_dims': 16, 'rep_dims': 16, 'depth': 1},
    'motion2vec/procedural_243': {'embed_dims': 16, 'rep_dims': 16, 'depth': 1},
}


@pytest.mark.parametrize('config', SMALL)
def test_trains_and_tests(train_and_test, config):
    sizes = {**({} if 'videopose3d' in config else {'num_frames': 9}), **SMALL[config]}
    options = [f'model.backbone.{name}={value}' for name, value in sizes.items()]
    options += ['train_dataloader.dataset.window.length=9', 'train_dataloader.dataset.window.stride=27']
    options += ['train_dataloader.batch_size=8']
    metrics, _ = train_and_test(config, options, {'n_sequences': 4, 'n_frames': 60})
    assert 30 < metrics['P-MPJPE'] < metrics['MPJPE'] < 5000


def test_every_published_network_has_one(repository):
    folders = {path.parent.name for path in (repository / 'configs').glob('*/procedural_*.py')}
    assert {name.split('/')[0] for name in SMALL} == folders
