import pytest
import torch
from mmengine.config import ConfigDict

from poselifter.engine import use_amp
from poselifter.errors import InputError


def test_amp_without_gpu_trains_with_a_bfloat16_forward(make_runner, toy, epochs, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    wrapper = use_amp(ConfigDict(optimizer={'type': 'AdamW', 'lr': 0.01}, dtype='float16'))
    assert wrapper['type'] == 'CPUAmpOptimWrapper' and 'dtype' not in wrapper
    runner = make_runner(train_cfg=epochs(3), optim_wrapper=wrapper)
    runner.model.hidden.register_forward_hook(lambda _, __, out: seen.append((out.dtype, out.requires_grad)))
    before = runner.model.out.weight.clone()
    runner.train()
    assert {dtype for dtype, training in seen if training} == {torch.bfloat16}
    assert runner.model.out.weight.dtype == torch.float32 and not torch.equal(before, runner.model.out.weight)
    scalars = torch.load(tmp_path / 'run/epoch_3.pth', weights_only=True)['message_hub']['log_scalars']
    losses = scalars['train/loss']['values']
    assert losses[-4:].mean() < losses[:4].mean()


def test_amp_with_gpu_is_mmengines_and_other_wrappers_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert use_amp({'optimizer': {}, 'type': 'OptimWrapper'})['type'] == 'AmpOptimWrapper'
    assert use_amp({'dtype': 'bfloat16'}) == {'dtype': 'bfloat16', 'loss_scale': 'dynamic', 'type': 'AmpOptimWrapper'}
    with pytest.raises(InputError, match='found ApexOptimWrapper'):
        use_amp({'type': 'ApexOptimWrapper'})
