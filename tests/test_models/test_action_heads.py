import pytest
import torch

from poselifter.models.heads import ActionEmbeddingHead, ActionHead
from poselifter.models.losses import supervised_contrastive
from poselifter.structures import MotionDataSample

HEADS = [ActionHead, ActionEmbeddingHead]


def build(cls, **changes):
    """A tiny head in eval mode, with a batch norm that does something."""
    torch.manual_seed(0)
    head = cls(**{'in_channels': 6, 'num_joints': 4, 'hidden_dims': 10, **changes}).eval()
    if cls is ActionHead:
        head.bn.running_mean.normal_()
        head.bn.running_var.uniform_(0.5, 2)
    return head


def clips(persons=3):
    return torch.randn(2, persons, 5, 4, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('cls', HEADS)
def test_a_clip_without_persons_stays_finite(cls):
    head, x = build(cls), clips().requires_grad_()
    out = head(x, torch.zeros(2, 3, dtype=torch.bool))
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad.isfinite().all()


def test_loss_of_embeddings_by_hand():
    head, x = build(ActionEmbeddingHead, temperature=0.5), torch.cat([clips(), clips().flip(0) + 0.1])
    action = torch.tensor([0, 1, 1, 0])
    losses = head.loss(x, MotionDataSample(action=action))
    assert list(losses) == ['loss_contrastive']
    torch.testing.assert_close(
        losses['loss_contrastive'], supervised_contrastive(head(x).unsqueeze(1), action, temperature=0.5)
    )


def test_dropout_is_on_the_features_of_every_frame():
    # after the mean over many frames, single drops no longer show; dropped after it, half of the channels would be 0
    torch.manual_seed(0)
    head = ActionHead(6, 4, hidden_dims=10).train()
    pooled = head.pool(torch.ones(1, 1, 2000, 4, 6))
    assert (pooled - 1).abs().max() < 0.15  # a standard deviation is 1 / sqrt(2000)
    assert pooled.std() > 0.01
    assert (ActionHead(6).dropout.p, ActionEmbeddingHead(6).dropout.p) == (0.5, 0.1)  # as released


def test_unknown_classes_do_not_count():
    torch.manual_seed(0)
    features, action = torch.randn(4, 1, 3, 17, 6), torch.tensor([2, -1, 0, 2])
    known = action >= 0
    for head in (ActionHead(6, num_classes=3, hidden_dims=8), ActionEmbeddingHead(6, hidden_dims=8)):
        head.eval()
        [(name, found)] = head.loss(features, MotionDataSample(action=action)).items()
        [expected] = head.loss(features[known], MotionDataSample(action=action[known])).values()
        torch.testing.assert_close(found, expected, msg=name)
        [none] = head.loss(features, MotionDataSample(action=torch.full((4,), -1))).values()
        assert none == 0
