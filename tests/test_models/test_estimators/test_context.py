"""Motion2vec's pretraining: the corrupted student, the moving teacher, and what goes on to the pose model."""

import numpy as np
import pytest
import torch
from tiny_parts import randomised
from torch import nn

from poselifter.apis import load_official
from poselifter.checkpoints import convert_official, load_checkpoint_file, load_weights
from poselifter.errors import InputError
from poselifter.models.backbones import MotionAGFormer
from poselifter.models.estimators import ContextPretrainer, Teacher
from poselifter.structures import MotionDataSample

TREE = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]
BACKBONE = {'num_frames': 5, 'num_joints': 4, 'embed_dims': 8, 'rep_dims': None, 'depth': 3, 'num_heads': 2}
BACKBONE |= {'type': 'MotionAGFormer', 'edges': TREE, 'layer_scale': 0.5}


def tiny(**changes):
    """A tiny pretrainer with random weights; its teacher has others."""
    torch.manual_seed(0)
    return randomised(ContextPretrainer(**{'backbone': BACKBONE, 'top_layers': 2, **changes})).train()


def clips():
    return torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(1))


def masks(count=3):
    """(2 * count, 5, 4)."""
    return torch.rand(2 * count, 5, 4, generator=torch.Generator().manual_seed(2)) < 0.4


def samples(mask):
    return MotionDataSample(masks=mask.unflatten(0, (2, -1)))


def official_layers(path):
    """Weights of an official file of bare layers, by the names of our backbone."""
    layers = {f'layers.{key}': value for key, value in load_checkpoint_file(path)['state_dict'].items()}
    return {key.removeprefix('backbone.'): value for key, value in convert_official(layers).state_dict.items()}


def test_moving_average_equals_official(parity):
    case = parity('motion2vec/ema_update')
    files = {path.stem: official_layers(path) for path in case.folder.glob('*.pth')}
    student = MotionAGFormer(num_frames=5, embed_dims=8, rep_dims=None, depth=2, num_heads=2)
    student.load_state_dict(files['teacher_0'], strict=False)
    teacher = Teacher(student, case.meta['decays'], steps=2)
    for step in (1, 2):
        student.load_state_dict(files[f'student_{step - 1}'], strict=False)
        teacher.update_parameters(student)
        found = teacher.module.state_dict()
        for key, expected in files[f'teacher_{step}'].items():
            torch.testing.assert_close(found[key], expected, rtol=0, atol=1e-6, msg=key)


@pytest.mark.parametrize(('decays', 'steps', 'expected'), [
    ((0.9, 0.98), 1, [0.9, 0.98, 0.98]),
    ((0.9, 0.98), 3, [0.9, 0.94, 0.98, 0.98]),
    ((0.9, 0.98), 2, [0.9, 0.98]),
    ((1, 1), 2, [1, 1, 1]),  # frozen
])  # fmt: skip
def test_decay_rises_linearly_and_stays(decays, steps, expected):
    student = nn.Linear(1, 1, bias=False)
    student.weight.data.fill_(1)
    teacher = Teacher(student, decays, steps)
    assert teacher.module.weight.item() == 1  # starts as a copy
    student.weight.data.fill_(0)
    for decay in expected:
        before = teacher.module.weight.item()
        teacher.update_parameters(student)
        assert teacher.module.weight.item() / before == pytest.approx(decay)


def test_no_gradient_reaches_the_teacher():
    model = tiny().train()
    before = {key: value.clone() for key, value in model.teacher.state_dict().items()}
    loss = model(clips(), samples(masks()), mode='loss')['loss_context']
    loss.backward()
    assert all(not p.requires_grad and p.grad is None for p in model.teacher.parameters())
    assert all(p.grad is not None for p in model.backbone.parameters())
    assert model.mask_token.grad.any()
    # in training too it runs in eval mode: its batch norms stay as they are
    assert all(torch.equal(value, before[key]) for key, value in model.teacher.state_dict().items())
    assert not model.targets(clips()).requires_grad
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    assert not trained & {id(p) for p in model.teacher.parameters()}


def test_features_are_the_students():
    model, x = tiny().eval(), clips()
    assert torch.equal(model(x), model.backbone(x))
    fresh = ContextPretrainer(BACKBONE, top_layers=2)
    assert 0 <= fresh.mask_token.min() < fresh.mask_token.max() <= 1
    for key, value in fresh.backbone.state_dict().items():
        assert torch.equal(fresh.teacher.module.state_dict()[key], value)


def test_pretraining_starts_the_pose_model_as_official(parity):
    case = parity('motion2vec/pretrain_to_pose')
    module = load_official(case.folder / 'initial.pth', **case.meta['constructor'])
    x, expected = np.load(case.folder / 'input.npy'), np.load(case.folder / 'output.npy')
    before = {key: value.clone() for key, value in module.network.state_dict().items()}
    assert np.abs(module(x) - expected).max() > 0.01
    load_weights(module.network, case.folder / 'checkpoint.pth', strict=False)
    np.testing.assert_allclose(module(x), expected, rtol=0, atol=2e-5)
    kept = {key for key, value in module.network.state_dict().items() if torch.equal(value, before[key])}
    kept -= {key for key in kept if key.endswith('num_batches_tracked')}
    fresh = {
        f'{part}.{kind}' for part in ('backbone.representation', 'heads.pose.linear') for kind in ('weight', 'bias')
    }
    assert kept == fresh


SMALL = {'num_frames': 4, 'embed_dims': 8, 'depth': 2, 'num_heads': 2}


@pytest.mark.parametrize(
    ('change', 'message'),
    [({'top_layers': 3}, 'averages 3 of 2'), ({'top_layers': 0}, 'averages 0'), ({'filler': 'zero'}, 'filler is')],
)
def test_settings_that_cannot_train_are_named(change, message):
    with pytest.raises(InputError, match=message):
        ContextPretrainer(**{'backbone': {'type': 'DSTformer', **SMALL}, 'top_layers': 2, **change})


def test_networks_that_cannot_be_masked_so_are_named():
    model = ContextPretrainer({'type': 'TemporalConvNet', 'embed_dims': 8, 'filter_widths': [3, 3, 3]}, top_layers=2)
    with pytest.raises(InputError, match='hides features of 8 channels, TemporalConvNet embeds into 34'):
        model(torch.randn(2, 27, 17, 2), MotionDataSample(masks=torch.rand(2, 1, 27, 17) < 0.5), mode='loss')


def test_noise_is_drawn_anew_and_follows_torchs_seed():
    model, x, mask = tiny(filler='noise', noise_std=0.05).eval(), clips().repeat(20, 1, 1, 1), masks(30)
    torch.manual_seed(3)
    first, second = model.corrupt(x, mask[:40]), model.corrupt(x, mask[:40])
    torch.manual_seed(3)
    assert torch.equal(model.corrupt(x, mask[:40]), first)
    drawn, again = first[mask[:40]], second[mask[:40]]
    assert not (drawn == again).any() and torch.equal(first[~mask[:40]], second[~mask[:40]])
    assert len(drawn.flatten().unique()) > 0.99 * drawn.numel()  # each token its own
    assert drawn.mean().item() == pytest.approx(0, abs=0.003)
    assert drawn.std().item() == pytest.approx(0.05, rel=0.03)
    assert not model.mask_token.requires_grad  # nothing that the optimiser would decay


def test_spreads_are_for_the_log():
    model, x, mask = tiny().eval(), clips(), masks()
    losses = model(x, samples(mask), mode='loss')
    assert not losses['target_std'].requires_grad and not losses['prediction_std'].requires_grad
    collapsed = tiny()
    collapsed.backbone.norm.weight.data.zero_()
    assert collapsed(x, samples(mask), mode='loss')['prediction_std'] < 1e-6
    parsed, log = model.parse_losses(losses)
    assert torch.equal(parsed, losses['loss_context']) and {'target_std', 'prediction_std'} <= log.keys()


def test_a_frame_that_is_one_token_is_hidden_as_a_whole():
    model = ContextPretrainer({'type': 'STMO', **SMALL, 'feedforward_dims': 12}, top_layers=2).eval()
    x, mask = torch.randn(2, 4, 17, 2), torch.rand(4, 4, 17) < 0.5
    mask[:, 1:3] = True
    corrupted, h = model.corrupt(x, mask), model.backbone.embed(x).repeat_interleave(2, 0)
    assert (corrupted[:, 1:3] == model.mask_token).all() and torch.equal(corrupted[:, [0, 3]], h[:, [0, 3]])
    found = model(x, samples(mask), mode='loss')['loss_context']
    student, target = model.backbone.encode(corrupted)[:, 1:3], model.targets(x).repeat_interleave(2, 0)[:, 1:3]
    torch.testing.assert_close(found, (student - target).square().mean() / 8**0.5)
