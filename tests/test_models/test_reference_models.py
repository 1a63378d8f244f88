"""The papers' equations, written plainly, give what the product gives."""

import pytest
import torch
from tiny_parts import random_clips, randomised

from poselifter.apis import init_model


@pytest.fixture
def reference(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / 'benchmarks'))
    from reference_models import reference

    return reference


SMALL = {'embed_dims': 32, 'depth': 2, 'num_frames': 9}
CASES = {
    'motionbert/h36m_243': {**SMALL, 'rep_dims': 24},
    'actionpose/h36m_243': {**SMALL, 'rep_dims': 24, 'align_layer': 1},
    'mixste/h36m_243': SMALL,
    'poseformer/h36m_81': {'joint_dims': 8, 'depth': 2, 'num_frames': 9},
    'pstmo/h36m_s_243': {**SMALL, 'feedforward_dims': 48},
    'videopose3d/h36m_243': {'embed_dims': 16, 'filter_widths': [3, 3], 'num_frames': 9},
    'motionagformer/h36m_243': {**SMALL, 'rep_dims': 24},
    'motion2vec/h36m_243': {**SMALL, 'edges': 'h36m17', 'self_loops': True, 'temporal_graph': 'past', 'rep_dims': 24},
}


@pytest.mark.parametrize('name', CASES)
def test_equal(name, reference):
    torch.manual_seed(0)
    options = {f'model.backbone.{key}': value for key, value in CASES[name].items()}
    model = randomised(init_model(f'configs/{name}.py', cfg_options={**options, 'model.test_cfg.window': {}})).double()
    clips = random_clips(2, 9, 17, model.backbone.in_channels)
    with torch.no_grad():
        poses, expected = model.pose(clips), reference(model)(clips)
    assert expected.std() > 0.05
    torch.testing.assert_close(poses, expected, atol=1e-6, rtol=1e-6)
