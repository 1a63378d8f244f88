"""The originals' pretraining steps through the estimators' own ``forward``, with explicit masks and noise.

Also reproduced: what masks and noise do to inputs (tests/test_datasets/test_transforms_masks.py and
test_transforms_noise.py), losses alone (test_losses*.py), the steps through ``load_official`` (test_train_steps.py).
"""

import pytest
import torch

from poselifter.models.losses import mpjpe
from poselifter.structures import MotionDataSample

from ..test_train_steps import step, without_dropout, without_gradient


def motion2vec(case, norm='none'):
    """The estimator of a case, and its sample."""
    teacher, layers = case.folder / 'teacher.pth', case.meta['K_average_top_layers']
    module = case.official(teacher=teacher, average_top_k_layers=layers, norm_targets=norm)
    mask = case.array('mask').bool()
    return module, MotionDataSample(masks=mask.unflatten(0, (len(case.array('input')), -1)))


def with_noise(case, monkeypatch):
    """The noise case, whose noise is what the model will draw."""
    module, samples = motion2vec(case, 'both')
    network = module.network
    network.filler, network.noise_std = 'noise', 1.0
    monkeypatch.setattr(torch, 'randn_like', lambda h: case.array('noise').to(h))
    return module, samples


def test_motion2vec_with_noise(parity, monkeypatch):
    case = parity('motion2vec/pretrain_step_noise')
    module, samples = with_noise(case, monkeypatch)
    losses = module.network(case.array('input'), samples, mode='loss')
    assert losses['loss_context'].item() == pytest.approx(case.meta['loss'], rel=1e-5)
    assert losses['target_std'].item() == pytest.approx(case.array('target').std(0).mean().item(), abs=2e-5)
    assert losses['prediction_std'].item() == pytest.approx(case.array('prediction').std(0).mean().item(), abs=2e-5)


def test_motion2vec_with_noise_gradient(parity, monkeypatch):
    """The case has no gradients: that of the features in closed form; see test_every_backbone.py for the rest."""
    case = parity('motion2vec/pretrain_step_noise')
    module, samples = with_noise(case, monkeypatch)
    network, x = module.network.double(), case.array('input').double()
    seen, inner = [], network.backbone.encode

    def encode(h, **kwargs):
        seen.append(inner(h, **kwargs))
        seen[-1].retain_grad()
        return seen[-1]

    monkeypatch.setattr(network.backbone, 'encode', encode)
    network(x, samples, mode='loss')['loss_context'].backward()
    mask, prediction = samples.masks.flatten(0, 1), case.array('prediction')
    expected = 2 * (prediction - case.array('target')) / prediction.numel() / prediction.shape[-1] ** 0.5
    torch.testing.assert_close(seen[0].grad[mask].float(), expected, rtol=0, atol=1e-7)
    assert not seen[0].grad[~mask].any()
    assert network.mask_token.grad is None  # the noise stands in its place


@pytest.mark.parametrize('name', ['pretrain_step', 'pretrain_step_train'])
def test_motion2vec_as_released(parity, name):
    case = parity(f'motion2vec/{name}')
    module, samples = motion2vec(case)
    module.train(name.endswith('train'))
    x, target = case.array('input'), case.array('teacher_target')
    torch.testing.assert_close(module.network.targets(x), target[: len(x)], rtol=0, atol=2e-5)
    loss = module.network(x, samples, mode='loss')['loss_context']
    assert loss.item() == pytest.approx(case.meta['loss'], rel=1e-5)
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=5e-4, weight_decay=0.01)
    grads = step(case, module, loss, optimizer, gradient=1e-3, least=1e-6)
    for key, norm in case.meta.get('gradient_norms', {}).items():
        assert grads[key].norm().item() == pytest.approx(norm, rel=1e-3, abs=1e-5), key
    assert not any(p.grad is not None for p in module.network.teacher.parameters())


def test_pstmo_in_training_where_one_mask_says_all(parity):
    """The original's step but for joints replaced in removed frames."""
    case = parity('pstmo/stage1_train_step')
    x, frames = case.array('input'), case.array('mask').bool()
    joints = case.array('spatial_mask').bool() & ~frames[:, None]
    first, second = without_dropout(case.official()), without_dropout(case.official())
    samples = MotionDataSample(mask=(frames[:, None] | joints).expand(len(x), -1, -1))
    first.network(x, samples, mode='loss')['loss_reconstruction'].backward()
    output = second(x, mask=frames, spatial_mask=joints)
    mpjpe(output, torch.cat([x[:, ~frames], x[:, frames]], 1)).backward()
    for (key, one), other in zip(first.network.named_parameters(), second.network.parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-7, msg=key)
    buffers = (dict(module.network.named_buffers()) for module in (first, second))
    torch.testing.assert_close(*buffers)
    assert set(case.meta['parameters_without_gradient']) <= without_gradient(first)
