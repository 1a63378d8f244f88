import numpy as np
import pytest
import torch

from poselifter.apis import Pose3DInferencer, lift_table
from poselifter.errors import InputError
from poselifter.structures import KeypointTable

CONFIG = 'configs/motionbert/multitask_cmu.py'


@pytest.fixture(scope='module')
def inferencer(repository):
    torch.manual_seed(0)
    return Pose3DInferencer(repository / CONFIG)


@pytest.fixture
def table(walk):
    """Two persons; the second is away for longer than a gap may be."""
    frames, ids = np.r_[np.arange(40), np.arange(20), np.arange(60, 90)], np.repeat([3, 7], [40, 50])
    return KeypointTable(walk(90), np.ones((90, 17)), frames, ids, 'h36m17', (1000, 1000), 30.0)


def test_one_call_gives_all(inferencer, table):
    model, seen = inferencer.model, []
    hook = model.backbone.register_forward_hook(lambda *_: seen.append(1))
    [result] = inferencer(table)
    hook.remove()
    assert len(seen) == 1  # for three segments, plain and mirrored, and three heads
    found = result['predictions']
    np.testing.assert_array_equal(found['keypoints_3d'], lift_table(model, table))
    segments = found['segments']
    assert [s['track'] for s in segments] == [3, 7, 7]
    assert [s['frames'].tolist() for s in segments] == [[*range(40)], [*range(20)], [*range(60, 90)]]
    for segment in segments:
        assert segment['scores'].shape == (len(segment['frames']), 6) and segment['embedding'].shape == (128,)
        np.testing.assert_allclose(segment['scores'].sum(1), 1, atol=1e-5)
        assert np.linalg.norm(segment['embedding']) == pytest.approx(1, abs=1e-5)
        name, score = segment['top'][0]
        assert score == pytest.approx(segment['scores'].mean(0).max()) and name in model.cfg.actions
        assert f'track {segment["track"]}: {name} {score:.2f}' in ' '.join(result['notes'])


def test_models_that_do_not_lift_are_named(repository):
    with pytest.raises(InputError, match=r"has the heads \['action'\], expected one called pose"):
        Pose3DInferencer(repository / 'configs/motionbert/action_cmu.py')
