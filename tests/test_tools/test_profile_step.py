"""The parts of a training step on the CPU, for all kinds of models."""

import pytest

CASES = {
    'mixste/procedural_27': ['model.backbone.depth=1', 'model.backbone.embed_dims=8', 'model.heads.pose.in_channels=8'],
    'motionbert/action_procedural': ['model.backbone.depth=1'],  # classes
    'actionpose/pretrain_procedural': ['model.backbone.depth=1', 'model.backbone.align_layer=1'],  # texts
}


@pytest.mark.parametrize('amp', [False, True])
@pytest.mark.parametrize('name', CASES)
def test_parts_and_operations_of_a_step(name, amp, tool, repository, capsys):
    changes = [*CASES[name], 'train_dataloader.dataset.n_sequences=4']
    config = str(repository / f'configs/{name}.py')
    flags = ['--steps', '1', '--batch-size', '2', *['--amp'] * amp]
    tool('analysis_tools/profile_step').main([config, *flags, '--cfg-options', *changes])
    printed = capsys.readouterr().out
    parts = {line.split()[0]: float(line.split()[1]) for line in printed.splitlines() if ' ms ' in line}
    assert list(parts) == ['data', 'forward', 'backward', 'optimiser']
    assert min(parts.values()) > 0
    assert 'aten::' in printed


def test_a_config_without_training_data(tool, fails, write_config):
    main = tool('analysis_tools/profile_step').main
    assert 'has no train_dataloader' in fails(main, write_config('a.py', train_dataloader=None))
