import pytest
import torch
import torch.nn.functional as F

from poselifter.errors import InputError
from poselifter.models.losses import context_targets, self_distillation


@pytest.fixture
def case(parity):
    """The official layers, targets and losses."""
    return parity('motion2vec/functions/targets_loss')


@pytest.mark.parametrize(
    ('norm', 'name'), [('none', 'plain'), ('layers', 'ln_layers'), ('final', 'ln_final'), ('both', 'ln_both')]
)
def test_targets_equal_official(case, norm, name):
    layers, expected = case.array('layer_outputs'), case.array(f'target_{name}')
    for given in (layers, list(layers), tuple(layers)):
        torch.testing.assert_close(context_targets(given, case.meta['K'], norm), expected, rtol=1e-5, atol=1e-6)


def test_loss_equals_official(case):
    pred, target, official = (case.array(name) for name in ('prediction', 'loss_target', 'loss_per_element'))
    torch.testing.assert_close(self_distillation(pred, target), official.mean(), rtol=1e-5, atol=0)
    for row in range(len(pred)):  # one place at a time
        weight = F.one_hot(torch.tensor(row), len(pred)).float()
        loss = self_distillation(pred, target, weight=weight)
        torch.testing.assert_close(loss, official[row].mean(), rtol=1e-5, atol=0)


def test_loss_counts_the_masked_places_only():
    pred, target = torch.randn(2, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    mask = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)) < 0.4
    loss = self_distillation(pred, target, weight=mask.float())
    torch.testing.assert_close(loss, self_distillation(pred[mask], target[mask]))
    target[~mask] = float('nan')
    torch.testing.assert_close(loss, self_distillation(pred, target, weight=mask.float()))
    assert self_distillation(pred, target, weight=torch.zeros(3, 4, 5)) == 0


def test_targets_of_a_shrunken_teacher_stay_large():
    layers = torch.randn(4, 2, 3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shrunken = context_targets(1e-2 * layers, 4, 'both')
    assert shrunken.std() == pytest.approx(1, rel=0.05)
    torch.testing.assert_close(shrunken.mean(-1), torch.zeros(2, 3, dtype=torch.float64))
    assert context_targets(1e-2 * layers, 4).std() < 0.02
    torch.testing.assert_close(context_targets(layers, 1), layers[-1])


def test_wrong_arguments_are_named():
    layers = torch.zeros(4, 2, 8)
    for top_k, norm in ((0, 'none'), (5, 'none'), (2, 'batch')):
        with pytest.raises(InputError, match=f"top_k {top_k} of 4 layers and norm '{norm}'"):
            context_targets(layers, top_k, norm)
    with pytest.raises(InputError, match=r'pred \(3, 8\), target \(2, 8\)'):
        self_distillation(torch.zeros(3, 8), torch.zeros(2, 8))
