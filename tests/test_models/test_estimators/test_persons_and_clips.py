"""The estimator on clips of several persons: folding, who counts, predictions of heads that read clips."""

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.estimators import MotionEstimator
from poselifter.structures import MotionDataSample

BACKBONE = dict(type='MixSTE', num_frames=9, in_channels=3, embed_dims=16, depth=2, num_heads=2)
ACTION = dict(type='ActionHead', in_channels=16, num_classes=5, hidden_dims=8)
EMBEDDING = dict(type='ActionEmbeddingHead', in_channels=16, hidden_dims=8)


def estimator(heads, **changes):
    torch.manual_seed(0)
    model = MotionEstimator(BACKBONE, heads, **changes).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.1)
    return model


@pytest.fixture
def clips():
    return torch.rand(3, 2, 9, 17, 3, generator=torch.Generator().manual_seed(1))


def test_losses_know_labels_and_who_is_there(clips):
    model = estimator({'action': ACTION, 'embedding': EMBEDDING})
    sample = MotionDataSample(action=torch.tensor([1, 4, 1]))
    losses = model(clips, sample, mode='loss')
    expected = torch.nn.functional.cross_entropy(model(clips)['action'], sample.action)
    torch.testing.assert_close(losses['action.loss_action'], expected)
    sample.present = torch.tensor([[True, False]] * 3)
    alone = model(clips[:, :1], MotionDataSample(action=sample.action), mode='loss')
    masked = model(clips, sample, mode='loss')
    assert masked.keys() == alone.keys() == losses.keys()
    for name in masked:
        torch.testing.assert_close(masked[name], alone[name])
        assert not torch.allclose(masked[name], losses[name])


@pytest.mark.parametrize('official', [False, True])
def test_padding_persons_change_nothing_unless_official(clips, official):
    """People of zeros, named by the samples or not: in output, losses and predictions."""
    model = estimator({'action': {**ACTION, 'official': official}, 'embedding': {**EMBEDDING, 'official': official}})
    padded = torch.cat([torch.zeros_like(clips[:, :1]), clips, torch.zeros_like(clips)], 1)
    label = {'action': torch.tensor([1, 4, 1])}
    named = MotionDataSample(**label, present=torch.tensor([[False, True, True, False, False]] * 3))
    plain, *others = (
        {
            **model(inputs),
            **model(inputs, sample, mode='loss'),
            **dict(model(list(inputs), [MotionDataSample() for _ in inputs], mode='predict')[0].items()),
        }
        for inputs, sample in ((clips, MotionDataSample(**label)), (padded, MotionDataSample(**label)), (padded, named))
    )
    for found in others:
        for name, value in plain.items():
            assert torch.allclose(found[name], value, atol=1e-6) != official, name


def test_predictions_of_clips_together_or_alone(clips):
    model = estimator({'action': ACTION, 'embedding': EMBEDDING})
    short = torch.rand(1, 5, 17, 3)
    sequences = [clips[0], short, clips[1], clips[2]]
    samples = model(sequences, [MotionDataSample() for _ in sequences], mode='predict')
    for sequence, sample in zip(sequences, samples, strict=True):
        outputs = model(sequence[None])
        torch.testing.assert_close(sample.pred_scores, outputs['action'][0].softmax(-1))
        torch.testing.assert_close(sample.pred_embedding, outputs['embedding'][0])
    there = MotionDataSample(present=torch.tensor([True, False]))
    [masked] = model([clips[0]], [there], mode='predict')
    torch.testing.assert_close(masked.pred_scores, model(clips[:1, :1])['action'][0].softmax(-1))


def test_a_pose_head_needs_a_codec():
    with pytest.raises(InputError, match='the head pose needs codec'):
        estimator({'pose': {'type': 'PoseHead'}})
