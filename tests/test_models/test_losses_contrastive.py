import math

import pytest
import torch
import torch.nn.functional as F

from poselifter.errors import InputError
from poselifter.models.losses import focal_kl_contrastive, supervised_contrastive


@pytest.fixture
def supcon(parity):
    """The official features, labels and values."""
    return parity('motionbert/functions').functions('supcon')


def test_supervised_equals_official(supcon):
    features, labels = supcon['features'], supcon['labels']
    mask = (labels[:, None] == labels).float()
    cases = {
        'out_t007_all': dict(labels=labels),
        'out_t010_all': dict(labels=labels, temperature=0.1),
        'out_t010_one': dict(labels=labels, temperature=0.1, contrast_mode='one'),
        'out_t010_simclr': dict(temperature=0.1),
        'out_t010_mask': dict(mask=mask, temperature=0.1),
    }
    for name, arguments in cases.items():
        torch.testing.assert_close(supervised_contrastive(features, **arguments), supcon[name], rtol=1e-5, atol=0)


def test_supervised_with_one_view_equals_official(supcon):
    features, labels = supcon['features_one_view'], supcon['labels']
    for name, base in (('out_one_view_t010', 0.07), ('out_one_view_base010', 0.1)):
        loss = supervised_contrastive(features, labels, temperature=0.1, base_temperature=base)
        torch.testing.assert_close(loss, supcon[name], rtol=1e-5, atol=0)


def by_loops(features, mask, temperature, base):
    """One view, equation 2 of the paper in loops; rows without partner left out."""
    rows = []
    for i in range(len(features)):
        scores = {k: features[i] @ features[k] / temperature for k in range(len(features)) if k != i}
        whole = sum(score.exp() for score in scores.values())
        partners = [(scores[k].exp() / whole).log() for k in scores if mask[i, k]]
        if partners:
            rows.append(-temperature / base * sum(partners) / len(partners))
    return sum(rows) / len(rows)


def test_a_sample_without_partner_is_left_out(supcon):
    # the original's value is NaN there; the lonely ones still stand in the others' denominators
    features, labels = supcon['features_one_view'], supcon['labels_with_singleton']
    assert supcon['out_one_view_singleton'].isnan()
    features.requires_grad_()
    loss = supervised_contrastive(features, labels, temperature=0.1)
    expected = by_loops(features[:, 0].double(), labels[:, None] == labels, 0.1, 0.07)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
    loss.backward()
    assert features.grad.isfinite().all()


def test_a_mask_may_be_one_sided():
    features = F.normalize(
        torch.randn(5, 1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    mask = torch.tensor([[1, 1, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]])
    loss = supervised_contrastive(features, mask=mask)
    torch.testing.assert_close(loss, by_loops(features[:, 0], mask, 0.07, 0.07))


@pytest.mark.parametrize('count', [1, 4])
def test_nobody_with_a_partner_is_zero_with_zero_gradient(count):
    features = torch.randn(count, 1, 8, requires_grad=True)
    loss = supervised_contrastive(features, torch.arange(count))
    loss.backward()
    assert loss == 0 and not features.grad.any()


def test_supervised_gradient_by_finite_differences():
    features = torch.randn(5, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 2])
    for mode in ('all', 'one'):
        arguments = dict(temperature=0.5, base_temperature=0.3, contrast_mode=mode)
        assert torch.autograd.gradcheck(lambda x, a=arguments: supervised_contrastive(x, labels, **a), features)


def test_supervised_refuses_what_does_not_fit():
    features, labels = torch.randn(4, 1, 8), torch.arange(4)
    for arguments in (dict(labels=labels, mask=torch.eye(4)), dict(contrast_mode='some')):
        with pytest.raises(InputError, match='at most one of labels and mask'):
            supervised_contrastive(features, **arguments)
    with pytest.raises(InputError, match=r'features \(4, 8\)'):
        supervised_contrastive(features[:, 0])
    with pytest.raises(InputError, match=r'\(3, 3\) pairs, expected 4 samples'):
        supervised_contrastive(features, labels[:3])


def one_hot(*true, number=17):
    target = torch.zeros(number, dtype=torch.float64)
    target[list(true)] = 1 / len(true)
    return target


def random_similarity(*shape):
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_equal_similarities_in_closed_form():
    same = torch.full((17,), 0.3, dtype=torch.float64)
    one = focal_kl_contrastive(same, one_hot(0))
    two = focal_kl_contrastive(same, one_hot(3, 8))
    assert one.item() == pytest.approx((16 / 17) ** 2 * math.log(17)) and one.item() == pytest.approx(2.5097, abs=5e-5)
    assert two.item() == pytest.approx((16 / 17) ** 2 * math.log(8.5)) and two.item() == pytest.approx(1.8957, abs=5e-5)
    both = focal_kl_contrastive(torch.stack([same, same]), torch.stack([one_hot(0), one_hot(3, 8)]))
    torch.testing.assert_close(both, (one + two) / 2)  # the mean over clips


@pytest.mark.parametrize('gamma', [0.0, 0.5, 1.0, 2.0, 5.0])
def test_a_perfect_match_costs_nothing(gamma):
    similarity = random_similarity(6, 17)
    assert focal_kl_contrastive(similarity, similarity.softmax(-1), gamma).abs() < 1e-12
    # the share of the true text goes to 1, up to where float32 cannot tell it from 1
    for height in (20.0, 1000.0):
        sure = (height * one_hot(5)).float().requires_grad_()
        loss = focal_kl_contrastive(sure, one_hot(5).float(), gamma)
        loss.backward()
        assert 0 <= loss < 1e-6 and sure.grad.isfinite().all()


def test_sign():
    # never negative for equal shares of the true labels; slightly so for some unequal ones, which stays visible
    similarity = random_similarity(200, 17)
    for true in ((0,), (0, 1), (0, 1, 2, 3)):
        assert all(focal_kl_contrastive(row, one_hot(*true)) >= 0 for row in similarity)
    target = torch.tensor([0.9, 0.1], dtype=torch.float64)
    shares = torch.tensor([0.89, 0.11], dtype=torch.float64)
    loss = focal_kl_contrastive(shares.log(), target)
    expected = 0.11**2 * 0.9 * math.log(0.9 / 0.89) + 0.89**2 * 0.1 * math.log(0.1 / 0.11)
    assert loss.item() == pytest.approx(expected) and loss < 0


def test_a_text_that_is_ruled_out_does_not_count():
    similarity, target = random_similarity(4, 17), one_hot(0, 2).expand(4, 17)
    masked = similarity.clone()
    masked[:, 16] = -math.inf
    masked.requires_grad_()
    loss = focal_kl_contrastive(masked, target)
    torch.testing.assert_close(loss, focal_kl_contrastive(similarity[:, :16], target[:, :16]))
    loss.backward()
    assert masked.grad.isfinite().all()


def test_focal_gradient_by_finite_differences():
    similarity = random_similarity(3, 5).requires_grad_()
    target = torch.tensor([[1, 0, 0, 0, 0], [0.5, 0, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.3, 0.1]], dtype=torch.float64)
    for gamma in (0.0, 1.0, 2.0, 3.5):
        assert torch.autograd.gradcheck(lambda x, g=gamma: focal_kl_contrastive(x, target, g), similarity)


def test_focal_refuses_other_shapes():
    with pytest.raises(InputError, match=r'similarity \(2, 17\) and target \(17,\)'):
        focal_kl_contrastive(torch.zeros(2, 17), torch.zeros(17))
