"""VideoPose3D's schedule of batch norms, and P-STMO's of the rate, against the originals' numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from poselifter.engine.hooks import BatchNormMomentumHook, batch_norm_momentum
from poselifter.registry import PARAM_SCHEDULERS


def test_momentum_equals_official(shared):
    case = np.load(shared / 'fixtures/parity/videopose3d/functions/bn_momentum.npz')
    epochs = int(case['epochs'])
    found = [batch_norm_momentum(epoch, epochs) for epoch in range(epochs + 1)]
    np.testing.assert_allclose(found, case['out'], rtol=1e-6)


def test_every_batch_norm_of_a_model_gets_it():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(2)), nn.LayerNorm(3))
    hook = BatchNormMomentumHook()
    for epoch, expected in ((0, 0.1), (5, 0.01)):
        hook.before_train_epoch(SimpleNamespace(epoch=epoch, max_epochs=10, model=model))
        assert model[0].momentum == model[1][0].momentum == pytest.approx(expected)


def test_the_rate_of_pstmos_config_equals_official(shared, repository):
    case = np.load(shared / 'fixtures/parity/pstmo/functions/learning_rate.npz')
    config = Config.fromfile(repository / 'configs/_base_/protocols/pstmo.py')
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=float(case['start']))
    scheduler = PARAM_SCHEDULERS.build({**config.param_scheduler, 'optimizer': optimizer})
    rates = []
    for _ in range(len(case['out'])):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, case['out'], rtol=1e-6)
