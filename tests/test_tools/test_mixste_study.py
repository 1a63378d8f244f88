"""The variants that are rows of MixSTE's tables: sizes by the closed form, losses, joints."""

import pytest
import torch
import yaml

import poselifter
from poselifter.engine import GradientTimesLossOptimWrapper, load_config
from poselifter.registry import DATASETS, MODELS, OPTIM_WRAPPERS
from poselifter.structures import MotionDataSample

JOINTS, MLP = 17, 2


@pytest.fixture
def variant(repository):
    """A variant of the config of Human3.6M."""
    return lambda name: load_config(repository / 'configs/mixste/h36m_243.py', variant=name)


def parameters(config):
    """Of the backbone."""
    poselifter.register_all_modules()
    with torch.device('meta'):
        return sum(p.numel() for p in MODELS.build(config.model.backbone).parameters())


def expected(depth, d, frames, joints=JOINTS):
    """Two kinds of blocks, embeddings of points, joints and frames, two norms."""
    return depth * 2 * (8 * d * d + 11 * d) + 2 * d + d + joints * d + frames * d + 4 * d


SIZES = [(d, w, 27) for d, w in ((4, 64), (6, 64), (8, 64), (10, 64), (8, 128), (8, 256), (8, 512), (8, 640))]


@pytest.mark.parametrize(('depth', 'width', 'frames'), [*SIZES, (8, 512, 128), (8, 512, 300)])
def test_sizes_of_table_7(variant, depth, width, frames):
    config = variant(f'table7_{depth}_{width}_{frames}')
    assert parameters(config) == expected(depth, width, frames)
    loader = config.train_dataloader
    assert loader.dataset.window.length == frames and config.auto_scale_lr.base_batch_size == loader.batch_size
    assert 1024 - frames < loader.batch_size * frames <= 1024
    assert 'window' not in config.test_dataloader.dataset and 'length' not in config.model.test_cfg.window


def test_components_of_table_5(variant):
    """Without separation a frame is one token of all joints' channels."""
    full, separate, alternating, baseline = map(
        variant, (None, 'table5_separate', 'table5_alternating', 'table5_baseline')
    )
    assert parameters(full) == parameters(separate) == expected(8, 512, 243)
    d, tokens = 512, 17 * 512
    spatial, temporal = (8 * (8 * width * width + 11 * width) for width in (d, tokens))
    rest = 3 * d + JOINTS * d + 243 * tokens + 2 * d + 2 * tokens
    assert parameters(alternating) == parameters(baseline) == spatial + temporal + rest
    assert [c.model.backbone.get('alternate', True) for c in (alternating, baseline)] == [True, False]
    for config in (separate, alternating, baseline):
        assert [loss.type for loss in config.model.heads.pose.losses] == ['MPJPELoss']


def test_losses_of_table_6(variant):
    """Parts of the full loss, with its weights; and the motion loss."""
    full = variant(None).model.heads.pose.losses
    parts = {'weighted': [0], 'tc': [0, 1], 'velocity': [0, 2]}
    for name, kept in parts.items():
        losses = variant(f'table6_{name}').model.heads.pose.losses
        assert losses == [full[i] for i in kept]
    assert variant('table6_motion').model.heads.pose.losses == [full[0], {'type': 'MotionLoss'}]


def test_16_joints_of_hrnet(variant, toy_root, monkeypatch):
    monkeypatch.setenv('POSELIFTER_DATA', str(toy_root))
    config = variant('table1_hrnet_243')
    assert parameters(config) == expected(8, 512, 243, joints=16)
    packed = DATASETS.build(config.train_dataloader.dataset)[0]
    assert packed['inputs'].shape == (243, 16, 2) and packed['data_samples'].target.shape == (243, 16, 3)
    config.model.backbone.update(depth=1, embed_dims=16)
    model = MODELS.build(config.model)
    losses = model(packed['inputs'][None], MotionDataSample.stack([packed['data_samples']]), mode='loss')
    assert len(losses) == 3 and all(torch.isfinite(loss) for loss in losses.values())


def test_released_gradient(variant):
    assert OPTIM_WRAPPERS.get(variant('released').optim_wrapper.type) is GradientTimesLossOptimWrapper


def test_every_variant_is_a_row_or_said(repository):
    """No variant without a row, no row of the paper without a run; rows of one key share a run."""
    text = (repository / 'configs/mixste/tables.yml').read_text()
    rows = [row for table in yaml.safe_load(text).values() for row in table['rows'].items()]
    runs = {step for _, row in rows for step in row.get('runs', ())}
    for name in ('h36m_243', 'h36m_gt_243', 'humaneva_43', 'mpi_inf_3dhp_1', 'mpi_inf_3dhp_27'):
        variants = load_config(repository / f'configs/mixste/{name}.py').variants
        assert {f'{name}:{key}' for key in variants} <= runs
    assert all('runs' in row or 'reason' in row or 'command' in row for _, row in rows)
