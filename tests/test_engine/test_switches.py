"""Each switch of docs/user_guides/training_switches.md does what it promises; resume with EMA is in test_resume.py."""

import copy
import os
from functools import partial

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from poselifter.engine.switches import checkpoint_activations, compile_losses
from poselifter.errors import InputError
from poselifter.registry import BACKBONES

with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='float16 with loss scaling needs a GPU')
ADAM = {'optimizer': {'type': 'AdamW', 'lr': 0.01}}


def saved(path):
    return torch.load(path, weights_only=True)


def note_steps(runner, what):
    """Calls ``what(optimizer)`` right before every step of the optimiser; returns the list of its results."""
    seen = []
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.optim_wrapper.optimizer.register_step_pre_hook(lambda optimizer, *_: seen.append(what(optimizer)))
    return seen


def test_ema_by_closed_form(make_runner, epochs, tmp_path):
    runner = make_runner(train_cfg=epochs(2), custom_hooks=[{'type': 'EMAHook', 'momentum': 0.1}])
    students, step = [], runner.model.train_step

    def train_step(*args, **kwargs):
        result = step(*args, **kwargs)
        students.append({k: v.clone() for k, v in runner.model.state_dict().items()})
        return result

    runner.model.train_step = train_step
    runner.train()
    mean = students[0]
    for student in students[1:]:
        mean = {key: 0.9 * mean[key] + 0.1 * student[key] for key in mean}
    checkpoint = saved(tmp_path / 'run/epoch_2.pth')
    for key, value in mean.items():
        torch.testing.assert_close(checkpoint['state_dict'][key], value)
        assert torch.equal(checkpoint['ema_state_dict'][f'module.{key}'], students[-1][key])  # mmengine swaps them
    assert len(students) == 8 and not torch.equal(mean['out.weight'], students[-1]['out.weight'])


def test_ema_is_what_is_validated_and_tested(make_runner, epochs, toy, tmp_path):
    runner = make_runner(train_cfg=epochs(2), custom_hooks=[{'type': 'EMAHook', 'momentum': 0.1}])
    runner.train()
    found = runner.message_hub.get_scalar('val/MPJPE').current()
    path = str(tmp_path / 'run/epoch_2.pth')
    same_data = {'test_dataloader': toy.loader(9, 4, False, seed=1), 'load_from': path}
    for name, hooks in (('with', [{'type': 'EMAHook'}]), ('without', [])):
        tested = make_runner(name, **same_data, custom_hooks=hooks).test()
        assert tested['MPJPE'] == pytest.approx(found, rel=1e-6)


def test_accumulated_gradients_equal_the_big_batch(make_runner, toy, epochs):
    model, adam = {'type': 'ToyLifter', 'dropout': 0.0}, {'optimizer': {'type': 'AdamW', 'lr': 0.01}}
    common = {'train_cfg': epochs(2), 'model': model, 'param_scheduler': None}
    big = make_runner('big', **common, optim_wrapper=adam, train_dataloader=toy.loader(16, 8, True)).train()
    small = make_runner(
        'small', **common, optim_wrapper={**adam, 'accumulative_counts': 2}, train_dataloader=toy.loader(16, 4, True)
    ).train()
    for a, b in zip(big.parameters(), small.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ('limit', 'shape'), [({'max_norm': 0.1}, 'norm'), ({'type': 'value', 'clip_value': 0.01}, 'value')]
)
def test_gradients_are_clipped_at_the_step(make_runner, epochs, limit, shape):
    def gradient(optimizer):
        return torch.cat([p.grad.flatten() for group in optimizer.param_groups for p in group['params']])

    found = {}
    for name, clip in (('free', None), ('clipped', limit)):
        runner = make_runner(name, train_cfg=epochs(1), optim_wrapper={**ADAM, 'clip_grad': clip} if clip else ADAM)
        found[name] = note_steps(runner, gradient)
        runner.train()
    free, clipped = found['free'][0], found['clipped'][0]
    if shape == 'norm':
        assert len(found['clipped']) == 4 and all(g.norm() == pytest.approx(0.1, rel=1e-4) for g in found['clipped'])
        torch.testing.assert_close(clipped, free * 0.1 / free.norm())
        log = runner.message_hub.get_scalar('train/grad_norm').data[0]
        assert log[0] == pytest.approx(free.norm().item())  # the log has the norm before
    else:
        torch.testing.assert_close(clipped, free.clamp(-0.01, 0.01))


@with_gpu
def test_float16_on_a_gpu(make_runner, epochs, tmp_path):
    wrapper = {**ADAM, 'type': 'AmpOptimWrapper', 'dtype': 'float16', 'loss_scale': 'dynamic'}
    runner, seen = make_runner(train_cfg=epochs(4), optim_wrapper=wrapper), []
    runner.model.hidden.register_forward_hook(lambda _, __, out: seen.append((out.dtype, out.requires_grad)))
    runner.train()
    assert {dtype for dtype, training in seen if training} == {torch.float16}
    assert runner.model.out.weight.dtype == torch.float32
    checkpoint = saved(tmp_path / 'run/epoch_4.pth')
    losses = checkpoint['message_hub']['log_scalars']['train/loss']['values']
    assert losses[-4:].mean() < losses[:4].mean() and checkpoint['optimizer']['loss_scaler']['scale'] > 1


REAL = {
    'DSTformer': ({'rep_dims': 8, 'drop_rate': 0.1, 'in_channels': 3}, ['layers.*'], 2),
    'MixSTE': ({'drop_rate': 0.1, 'drop_path_rate': 0.2}, ['spatial_blocks.*', 'temporal_blocks.*'], 4),
    'MotionAGFormer': ({'drop_rate': 0.1, 'in_channels': 3}, ['layers.*'], 2),
}


@pytest.mark.parametrize('kind', REAL)
def test_forgotten_activations_change_nothing(kind):
    """Loss, gradients and the statistics of batch norms, dropout and stochastic depth included."""
    options, patterns, count = REAL[kind]
    plain = BACKBONES.build(
        {'type': kind, 'num_frames': 9, 'num_joints': 17, 'embed_dims': 8, 'depth': 2, 'num_heads': 2, **options}
    )
    forgetful, calls = copy.deepcopy(plain), []
    for name, module in forgetful.named_modules():
        if name.startswith(tuple(p.replace('*', '') for p in patterns)) and name.count('.') == 1:
            forward = module.forward
            module.forward = lambda *a, forward=forward, name=name, **k: (calls.append(name), forward(*a, **k))[1]
    checkpoint_activations(forgetful, patterns)
    x = torch.randn(2, 9, 17, plain.in_channels)
    losses = []
    for model in (plain, forgetful):
        torch.manual_seed(0)
        losses.append(model(x).square().mean())
        if model is forgetful:
            assert len(calls) == len(set(calls)) == count
        losses[-1].backward()
    assert len(calls) == 2 * count and torch.equal(*losses)
    for (name, a), b in zip(plain.named_parameters(), forgetful.parameters(), strict=True):
        assert (a.grad is None and b.grad is None) or torch.equal(a.grad, b.grad), name
    assert plain.state_dict().keys() == forgetful.state_dict().keys()
    for a, b in zip(plain.buffers(), forgetful.buffers(), strict=True):
        assert torch.equal(a, b)
    assert any(isinstance(m, _BatchNorm) for m in plain.modules()) == (kind == 'MotionAGFormer')


def test_products_are_not_repeated():
    """A training step has as many operations as without; only what lies between the products is made again."""
    options = {'num_frames': 9, 'num_joints': 17, 'embed_dims': 8, 'depth': 2, 'num_heads': 2}
    plain = BACKBONES.build({'type': 'MixSTE', **options})
    forgetful, kept, counts = copy.deepcopy(plain), [], []
    checkpoint_activations(forgetful, ['spatial_blocks.*', 'temporal_blocks.*'])
    for model in (plain, forgetful):
        with FlopCounterMode(display=False) as counter:
            with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
                loss = model(torch.rand(2, 9, 17, 2)).sum()
            loss.backward()
        counts.append((counter.get_total_flops(), len(kept)))
        kept.clear()
    assert counts[0][0] == counts[1][0] and counts[1][1] < counts[0][1] / 2


def test_activation_checkpointing_in_a_config(make_runner, epochs, assert_same_weights, tmp_path, toy, monkeypatch):
    calls, forward = [], torch.nn.Dropout.forward
    monkeypatch.setattr(torch.nn.Dropout, 'forward', lambda self, x: (calls.append(self.training), forward(self, x))[1])
    make_runner('plain', train_cfg=epochs(1)).train()
    once = sum(calls)
    make_runner('forgetful', train_cfg=epochs(1), activation_checkpointing='drop*').train()
    assert once == 4 and sum(calls) == 3 * once
    assert_same_weights(tmp_path / 'plain/epoch_1.pth', tmp_path / 'forgetful/epoch_1.pth')


def test_compiled_training_agrees(make_runner, epochs, tmp_path, monkeypatch):
    torch._dynamo.reset()
    # the graphs of the default, without its C++: that is torch's own matter, and takes longer than all else
    monkeypatch.setattr(torch, 'compile', partial(torch.compile, backend='aot_eager'))
    common = {'model': {'type': 'ToyLifter', 'dropout': 0.0}, 'train_cfg': epochs(2)}
    before = torch._dynamo.utils.counters['stats']['unique_graphs']
    plain, compiled = make_runner('plain', **common), make_runner('compiled', **common, compile=True)
    plain.train()
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] == before
    compiled.train()
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] == before + 1  # once, and not for validation
    losses = [runner.message_hub.get_scalar('train/loss').data[0] for runner in (plain, compiled)]
    assert len(losses[0]) == 8 and losses[1] == pytest.approx(losses[0], abs=1e-4)
    paths = [tmp_path / name / 'epoch_2.pth' for name in ('plain', 'compiled')]
    assert saved(paths[0])['state_dict'].keys() == saved(paths[1])['state_dict'].keys()
    reports = [make_runner(f'{i}', model=common['model'], load_from=str(path)).test() for i, path in enumerate(paths)]
    assert reports[0] == pytest.approx(reports[1], rel=1e-3)


def test_a_real_backbone_compiles_in_one_piece():
    torch._dynamo.reset()
    model = BACKBONES.build(
        {'type': 'DSTformer', 'num_frames': 9, 'embed_dims': 8, 'rep_dims': 8, 'depth': 2, 'num_heads': 2}
    )
    x = torch.randn(2, 9, 17, 3)
    model.forward, plain = lambda x, mode, forward=model.forward: forward(x).square().mean(), model.forward
    expected = plain(x).square().mean()
    compile_losses(model, {'backend': 'eager', 'fullgraph': True})
    torch.testing.assert_close(model(x, mode='loss'), expected, atol=1e-6, rtol=1e-5)


FSDP = {'launcher': 'pytorch', 'model_wrapper_cfg': {'type': 'MMFullyShardedDataParallel'}}


@pytest.fixture
def fsdp(launched, monkeypatch):
    """Changes of a config for FSDP in one process; several processes are in test_launchers.py."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    return copy.deepcopy(FSDP)


@pytest.mark.filterwarnings('ignore:FSDP is switching to use `NO_SHARD`')
def test_fsdp_in_one_process_saves_loads_and_resumes(make_runner, epochs, fsdp, assert_same_weights, tmp_path):
    start = make_runner('start', train_cfg=epochs(1))
    start.train()
    start = str(tmp_path / 'start/epoch_1.pth')
    make_runner('plain', train_cfg=epochs(2), load_from=start).train()
    stop = [{'type': 'StopAfter', 'iterations': 4}]
    make_runner('fsdp', train_cfg=epochs(2), load_from=start, custom_hooks=stop, **copy.deepcopy(fsdp)).train()
    make_runner('fsdp', train_cfg=epochs(2), resume=True, **fsdp).train()
    assert_same_weights(tmp_path / 'plain/epoch_2.pth', tmp_path / 'fsdp/epoch_2.pth')


@pytest.mark.filterwarnings('ignore:FSDP is switching to use `NO_SHARD`')
def test_fsdp_refuses_averaged_weights(make_runner, fsdp):
    with pytest.raises(InputError, match=r'averaged weights \(EMAHook, a teacher\) cannot be kept'):
        make_runner(custom_hooks=[{'type': 'EMAHook'}], **fsdp)


@pytest.fixture
def undo_deterministic():
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    os.environ.pop('CUBLAS_WORKSPACE_CONFIG', None)


def test_deterministic_mode(make_runner, epochs, assert_same_weights, tmp_path, undo_deterministic):
    for name in ('first', 'second'):
        make_runner(name, train_cfg=epochs(2), randomness={'seed': 0, 'deterministic': True}).train()
        assert torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.deterministic
        torch.rand(3)
    assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'
    assert_same_weights(tmp_path / 'first/epoch_2.pth', tmp_path / 'second/epoch_2.pth')
    make_runner('other', train_cfg=epochs(2), randomness={'seed': 1, 'deterministic': True}).train()
    assert not torch.equal(
        saved(tmp_path / 'first/epoch_2.pth')['state_dict']['out.weight'],
        saved(tmp_path / 'other/epoch_2.pth')['state_dict']['out.weight'],
    )
