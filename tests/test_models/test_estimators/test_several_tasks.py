"""Poses, classes and embeddings from one backbone: one pass, and the numbers of three models of one task each."""

import numpy as np
import pytest
import torch
from tiny_parts import randomised

from poselifter.models.estimators import MotionEstimator
from poselifter.structures import MotionDataSample

BACKBONE = dict(type='MixSTE', num_frames=9, in_channels=3, embed_dims=16, depth=2, num_heads=2)
HEADS = {
    'pose': dict(type='PoseHead'),
    'action': dict(type='ActionHead', num_classes=5, hidden_dims=8),
    'embedding': dict(type='ActionEmbeddingHead', hidden_dims=8),
}
CODEC = dict(type='RootRelativeLifting', confidence=True, window_box=False)
LENGTHS = (9, 4, 23, 30)


def estimator(*names, **test_cfg):
    """The same weights, whichever heads there are."""
    torch.manual_seed(0)
    whole = randomised(MotionEstimator(BACKBONE, HEADS, CODEC, test_cfg=test_cfg), 0.1)
    if not names:
        return whole
    part = MotionEstimator(BACKBONE, {name: HEADS[name] for name in names}, CODEC, test_cfg=test_cfg).eval()
    part.load_state_dict(whole.state_dict(), strict=False)
    return part


@pytest.fixture
def sequences():
    return [torch.rand(n, 17, 3, generator=torch.Generator().manual_seed(n)) for n in LENGTHS]


def predict(model, clips, **facts):
    return model(clips, [MotionDataSample(**facts) for _ in clips], mode='predict')


def calls(model):
    """Clips in each pass of the backbone, from now on."""
    seen = []
    model.backbone.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    return seen


@pytest.mark.parametrize('flip_test', [False, True])
def test_one_pass_serves_all_heads(sequences, flip_test):
    model = estimator(flip_test=flip_test, window=dict(stride=4))
    windows = sum(len(model.window.cut(n).inputs) for n in LENGTHS)
    seen = calls(model)
    predict(model, sequences)
    assert seen == [windows * (1 + flip_test)]  # the mirrored clips are in the same batch
    model.over_time(sequences, list(HEADS))
    assert seen == [windows * (1 + flip_test)] * 2
    model.over_time(sequences, ['action', 'embedding'])
    assert seen[2:] == [windows]  # nobody needs the mirrored ones
    clips, sample = torch.rand(2, 9, 17, 3), MotionDataSample(target=torch.rand(2, 9, 17, 3))
    sample.action = torch.tensor([1, 1])
    losses = model(clips, sample, mode='loss')
    assert len(losses) == 3 and seen[3:] == [2]


@pytest.mark.parametrize('flip_test', [False, True])
def test_numbers_are_those_of_models_of_one_task(sequences, flip_test):
    """Poses to the digit; a sequence's scores and embeddings are the mean over its windows, read as clips alone."""
    settings = dict(flip_test=flip_test, window=dict(stride=4), batch_size=5)
    together = predict(estimator(**settings), sequences)
    lifted = predict(estimator('pose', **settings), sequences)
    single = {name: estimator(name, **settings) for name in ('action', 'embedding')}
    for sequence, found, pose in zip(sequences, together, lifted, strict=True):
        torch.testing.assert_close(found.pred_keypoints_3d, pose.pred_keypoints_3d, rtol=0, atol=1e-6)
        clips = [sequence[rows] for rows in single['action'].window.cut(len(sequence)).inputs]
        for name, model in single.items():
            key = model.heads[name].predicts[0]
            mean = torch.stack([clip.get(key) for clip in predict(model, clips)]).mean(0)
            torch.testing.assert_close(found.get(key), mean, rtol=0, atol=1e-6)


def test_scores_over_time_by_hand(sequences):
    """A frame's scores: the mean of the windows that show it, by a triangle over a window's frames."""
    model, sequence = estimator(flip_test=False, window=dict(stride=4)), sequences[2]
    [found] = model.over_time([sequence], list(HEADS))
    starts = [*range(0, len(sequence) - 9 + 1, 4), len(sequence) - 9]
    triangle = np.minimum(np.arange(1, 10), np.arange(9, 0, -1))
    total, weight = np.zeros((len(sequence), 5)), np.zeros((len(sequence), 1))
    for start in dict.fromkeys(starts):
        scores = model(sequence[start : start + 9][None])['action'][0].softmax(-1)
        total[start : start + 9] += triangle[:, None] * scores.detach().numpy()
        weight[start : start + 9] += triangle[:, None]
    np.testing.assert_allclose(found['action'].detach().numpy(), total / weight, atol=1e-6)
    torch.testing.assert_close(found['pose'], model.lift([sequence])[0])
    assert found['embedding'].shape == (len(sequence), 8)
