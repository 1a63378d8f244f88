"""Files of each version keep loading (tests/data/versions): a result, its weights, a checkpoint of a training."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from poselifter.apis import Pose3DInferencer, init_model
from poselifter.engine import MotionRunner, load_config
from poselifter.io import read_keypoints, read_result

SIZE = {'model.backbone.depth': 1, 'model.backbone.embed_dims': 16, 'model.heads.pose.in_channels': 16}


@pytest.fixture(params=sorted(path.name for path in (Path(__file__).parents[1] / 'data/versions').iterdir()))
def files(request, data_dir):
    return data_dir / 'versions' / request.param


def test_weights_give_the_result(files, repository):
    """The result holds its input, so that the weights beside it must give it again."""
    result = read_result(files / 'result.npz')
    assert result.poses.shape == (20, 17, 3) and result.fps == 30
    config = load_config(repository / 'configs/mixste/procedural_27.py', SIZE)
    inferencer = Pose3DInferencer(init_model(config, str(files / 'weights.safetensors')))
    [again] = inferencer(read_keypoints(files / 'result.npz'))
    np.testing.assert_allclose(again['result'].poses, result.poses, atol=1e-4)


def test_a_training_goes_on(files, repository, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / 'tests/test_engine'))
    toy = importlib.import_module('toy_project')
    hooks = [{'type': 'EMAHook', 'momentum': 0.1}]
    changes = {'load_from': str(files / 'training.pth'), 'resume': True, 'custom_hooks': hooks}
    runner = MotionRunner.from_cfg(Config(toy.config(tmp_path, **changes)))
    runner.train()
    assert runner.epoch == 2 and runner.iter == 8
