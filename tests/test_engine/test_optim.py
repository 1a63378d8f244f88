import pytest
import torch
from tiny_parts import tiny_part
from torch import nn

from poselifter.engine import MotionOptimWrapperConstructor
from poselifter.engine.hooks import FreezeHook
from poselifter.errors import InputError
from poselifter.registry import MODELS, OPTIM_WRAPPERS

TINY = {'num_frames': 9, 'num_joints': 17, 'in_channels': 2}
LAYERS = {  # sizes, layers, a parameter of layer 0, one of the last, one below, one above
    'DSTformer': ({'depth': 3}, 3, ('layers.0.', 'layers.2.', 'input_projection.weight', 'representation.weight')),
    'MixSTE': ({'depth': 3}, 3, ('spatial_blocks.0.', 'temporal_blocks.2.', 'frame_embedding.', 'temporal_norm.')),
    'PoseFormer': ({}, 4, ('spatial.blocks.0.', 'temporal_blocks.1.', 'spatial.input_projection.', 'norm.')),
    'TemporalConvNet': ({'num_frames': 27}, 2, ('convs.1.', 'norms.3.', 'first_norm.', None)),
    # the MLP of a frame is one layer too
    'STMO': ({}, 3, ('spatial.blocks.0.', 'temporal_blocks.1.', 'spatial.last.', None)),
}


class Net(nn.Module):
    def __init__(self, backbone=None):
        super().__init__()
        self.backbone = backbone or nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.neck = nn.Linear(4, 4, bias=False)
        self.head = nn.Linear(4, 2)


def build(model, lr=0.1, **paramwise_cfg):
    optimizer = {'type': 'AdamW', 'lr': lr, 'weight_decay': 0.01}
    return MotionOptimWrapperConstructor({'optimizer': optimizer}, paramwise_cfg)(model).optimizer


def rates(model, optimizer):
    """Rate by parameter name."""
    found = {id(p): group['lr'] for group in optimizer.param_groups for p in group['params']}
    return {name: found.get(id(p)) for name, p in model.named_parameters()}


def test_plain_runs_have_one_group_in_the_models_order():
    model = Net()
    (group,) = build(model).param_groups
    assert group['name'] == 'all' and group['lr'] == 0.1
    assert [id(p) for p in group['params']] == [id(p) for p in model.parameters()]


def test_custom_keys_are_groups_with_names():
    model = Net()
    optimizer = build(model, custom_keys={'backbone': {'lr_mult': 0.1}, 'backbone.1': {'decay_mult': 0.0}})
    summary = {g['name']: (g['lr'], g['weight_decay'], len(g['params'])) for g in optimizer.param_groups}
    assert summary == {'backbone': (pytest.approx(0.01), 0.01, 2), 'backbone.1': (0.1, 0.0, 2), 'rest': (0.1, 0.01, 3)}
    assert sum(len(g['params']) for g in optimizer.param_groups) == len(list(model.parameters()))


def test_groups_of_one_key_that_differ_say_how():
    optimizer = build(Net(), custom_keys={'backbone': {'lr_mult': 0.1}}, bias_decay_mult=0.0)
    names = {g['name']: g['weight_decay'] for g in optimizer.param_groups}
    assert names == {'backbone': 0.01, 'rest (weight_decay=0.01)': 0.01, 'rest (weight_decay=0.0)': 0.0}


def test_table_instead_of_a_line_for_each_parameter(make_runner, epochs, capsys):
    wrapper = {
        'optimizer': {'type': 'AdamW', 'lr': 0.01, 'weight_decay': 0.02},
        'paramwise_cfg': {'custom_keys': {'out': {'lr_mult': 0.1}}},
    }
    make_runner(train_cfg=epochs(1), optim_wrapper=wrapper, param_scheduler=None).train()
    text = capsys.readouterr().out
    assert 'paramwise_options' not in text
    lines = text[text.index('parameter groups:') :].splitlines()[1:4]
    assert [line.split('  ')[1].strip() for line in lines] == ['name', 'rest', 'out']
    assert [line.split() for line in lines[1:]] == [
        ['rest', '0.01', '0.02', '2', '48'],
        ['out', '0.001', '0.02', '2', '51'],
    ]


@pytest.mark.parametrize('kind', LAYERS)
def test_layer_decay(kind):
    sizes, depth, (first, last, below, above) = LAYERS[kind]
    model = Net(tiny_part(kind, **{**TINY, **sizes}))
    found = {name.removeprefix('backbone.'): lr for name, lr in rates(model, build(model, layer_decay=0.5)).items()}
    for prefix, power in ((first, depth), (last, 1), (below, depth + 1), (above, 0)):
        values = [lr for name, lr in found.items() if prefix and name.startswith(prefix) and lr is not None]
        assert prefix is None or (values and values == pytest.approx([0.1 * 0.5**power] * len(values)))
    assert found['neck.weight'] == found['head.bias'] == 0.1
    trained = {name.removeprefix('backbone.') for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name, lr in found.items() if lr is not None} == trained


def test_layer_decay_multiplies_other_rules():
    model = Net(tiny_part('MixSTE', **TINY))
    optimizer = build(model, layer_decay=0.5, custom_keys={'backbone': {'lr_mult': 0.1}})
    assert {g['name']: g['lr'] for g in optimizer.param_groups} == {
        'backbone': pytest.approx(0.1 * 0.1),
        'backbone embeddings': pytest.approx(0.1 * 0.1 * 0.125),
        'backbone layer 0': pytest.approx(0.1 * 0.1 * 0.25),
        'backbone layer 1': pytest.approx(0.1 * 0.1 * 0.5),
        'rest': 0.1,
    }
    with pytest.raises(
        InputError,
        match=r'layer_decay needs .* backbone with layers that derives from poselifter.models.parts.BaseBackbone',
    ):
        build(Net(nn.Linear(2, 2)), layer_decay=0.5)


@MODELS.register_module(force=True)
class ToyTwoParts:
    """Made by :func:`two_parts`; a name for the registry."""

    def __new__(cls):
        import toy_project

        model = toy_project.ToyLifter(dropout=0.0)
        model.backbone = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm2d(4), nn.Dropout(0.5))
        forward = model.forward
        model.forward = lambda inputs, *args, **kwargs: forward(
            model.backbone(torch.stack(list(inputs))), *args, **kwargs
        )
        return model


def test_a_frozen_backbone_stays_as_it_is(make_runner, epochs, assert_same_weights, tmp_path, capsys):
    changes = {'model': {'type': 'ToyTwoParts'}, 'frozen_modules': 'backbone', 'train_cfg': epochs(3)}
    runner = make_runner('whole', **changes)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    assert not any(p.requires_grad for p in runner.model.backbone.parameters())  # before any wrapper looks
    runner.train()
    for key, value in runner.model.state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith('backbone'), key
    held = {id(p) for group in runner.optim_wrapper.param_groups for p in group['params']}
    assert held == {id(p) for n, p in runner.model.named_parameters() if not n.startswith('backbone')}
    assert '(frozen)  -' in capsys.readouterr().out

    make_runner('halves', **changes, custom_hooks=[{'type': 'StopAfter', 'iterations': 4}]).train()
    resumed = make_runner('halves', **changes, resume=True)
    resumed.train()
    assert resumed.iter == 12 and sum(isinstance(hook, FreezeHook) for hook in resumed.hooks) == 1
    assert_same_weights(tmp_path / 'whole/epoch_3.pth', tmp_path / 'halves/epoch_3.pth')


def test_frozen_parts_in_a_wrapper_for_processes(make_runner, epochs, launched, monkeypatch):
    """Which would wait for gradients of whatever could learn when it was made."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    runner = make_runner(
        model={'type': 'ToyTwoParts'}, frozen_modules=['backbone'], train_cfg=epochs(1), launcher='pytorch'
    )
    before = runner.model.module.backbone[1].running_mean.clone()
    runner.train()
    assert torch.equal(runner.model.module.backbone[1].running_mean, before)


def test_freezing_nothing_or_everything_is_an_error(make_runner, epochs):
    with pytest.raises(
        InputError, match=r"frozen_modules: ToyLifter has no module 'backbone', only .*hidden, dropout, out"
    ):
        make_runner(frozen_modules=['backbone'])
    with pytest.raises(InputError, match='every parameter is frozen'):
        make_runner('all', frozen_modules=['hidden', 'out'], train_cfg=epochs(1)).train()


def warmup(end=5, groups='hidden'):
    return [
        {'type': 'GroupWarmupLR', 'groups': groups, 'start_factor': 0.2, 'by_epoch': False, 'end': end},
        {'type': 'ExponentialLR', 'gamma': 0.5, 'by_epoch': True},
    ]


PARTS = {'optimizer': {'type': 'SGD', 'lr': 1e-3}, 'paramwise_cfg': {'custom_keys': {'hidden': {'lr_mult': 0.1}}}}


def test_warm_up_of_one_group_and_resume(make_runner, epochs, resumes):
    common = {'optim_wrapper': PARTS, 'param_scheduler': warmup(), 'train_cfg': epochs(3)}
    runner, seen = make_runner('seen', **common), []
    step = runner.model.train_step

    def train_step(data, optim_wrapper):
        seen.append({g['name']: g['lr'] for g in optim_wrapper.optimizer.param_groups})
        return step(data, optim_wrapper)

    runner.model.train_step = train_step
    runner.train()
    decay = [0.5 ** (i // 4) for i in range(12)]
    assert [rate['rest'] for rate in seen] == pytest.approx([1e-3 * d for d in decay])
    rise = [min(0.2 + 0.2 * i, 1.0) for i in range(12)]  # from 0.2 to 1 in the fifth iteration
    assert [rate['hidden'] for rate in seen] == pytest.approx([1e-4 * d * r for d, r in zip(decay, rise, strict=True)])

    resumes(4, 'epoch_3.pth', **{**common, 'param_scheduler': warmup(7)})


def test_warm_up_of_an_unknown_group(make_runner, epochs):
    with pytest.raises(InputError, match='no group of parameters is named text_encoder, only hidden, rest'):
        make_runner(optim_wrapper=PARTS, param_scheduler=warmup(groups='text_encoder'), train_cfg=epochs(1)).train()


@pytest.mark.parametrize('counts', [1, 2])
def test_gradient_times_loss(counts):
    """A step of SGD is the plain one times the loss; of several batches each counts with its own."""
    weight, values = nn.Parameter(torch.tensor([2.0])), torch.tensor([3.0, 5.0])
    sgd = torch.optim.SGD([weight], lr=0.01)
    wrapper = OPTIM_WRAPPERS.get('GradientTimesLossOptimWrapper')(optimizer=sgd, accumulative_counts=counts)
    wrapper.initialize_count_status(nn.Linear(1, 1), 0, counts)
    for value in values[:counts]:
        wrapper.update_params((weight * value).sum())
    gradient = (2 * values * values)[:counts].mean()  # loss 2 v, gradient v
    assert weight.item() == pytest.approx(2 - 0.01 * gradient.item())
