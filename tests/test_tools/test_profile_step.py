"""The parts of a training step on the CPU."""

import pytest


@pytest.mark.parametrize('options', [[], ['--amp']])
def test_parts_and_operations_of_a_step(options, tool, capsys):
    changes = ['model.backbone.depth=1', 'model.backbone.embed_dims=8', 'model.heads.pose.in_channels=8']
    tool('analysis_tools/profile_step').main(
        ['configs/mixste/cmu_27.py', '--steps', '1', '--batch-size', '2', *options, '--cfg-options', *changes]
    )
    printed = capsys.readouterr().out
    parts = {line.split()[0]: float(line.split()[1]) for line in printed.splitlines()[:3]}
    assert list(parts) == ['forward', 'backward', 'optimiser']
    assert min(parts.values()) > 0
    assert 'aten::' in printed
