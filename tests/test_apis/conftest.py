import numpy as np
import pytest
import torch
from tiny_parts import tiny_lifter

from poselifter.apis import export_model


@pytest.fixture(scope='session')
def walk():
    """Keypoints (T, J, 2) that move slowly, as people do: ``walk(n_frames, seed=0, joints=17)``."""

    def make(n_frames, seed=0, joints=17):
        rng = np.random.default_rng(seed)
        path = np.cumsum(rng.normal(0, 1, (n_frames, joints, 2)), 0)
        return (rng.uniform(400, 600, (1, joints, 2)) + path).astype(np.float32)

    return make


@pytest.fixture(scope='session')
def exported(tmp_path_factory):
    """A tiny MixSTE, its exported file and the report."""
    pytest.importorskip('onnxscript')
    if tuple(map(int, torch.__version__.split('.')[:2])) < (2, 13):
        pytest.skip('older versions of torch write few networks')
    model, path = tiny_lifter('MixSTE'), tmp_path_factory.mktemp('export') / 'tiny.onnx'
    return model, path, export_model(model, path, licence='CC0')
