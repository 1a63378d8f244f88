import numpy as np
import pytest


@pytest.fixture(scope='session')
def walk():
    """Keypoints (T, J, 2) that move slowly, as people do: ``walk(n_frames, seed=0, joints=17)``."""

    def make(n_frames, seed=0, joints=17):
        rng = np.random.default_rng(seed)
        path = np.cumsum(rng.normal(0, 1, (n_frames, joints, 2)), 0)
        return (rng.uniform(400, 600, (1, joints, 2)) + path).astype(np.float32)

    return make
