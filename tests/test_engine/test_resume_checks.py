import copy
import re

import pytest
import torch

from poselifter.engine.resume import optimizer_difference
from poselifter.errors import InputError


def trained(kind=torch.optim.AdamW, width=3, **options):
    layer = torch.nn.Linear(2, width)
    optimizer = kind(layer.parameters(), lr=0.1, **options)
    layer(torch.ones(4, 2)).square().sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize('kind', [torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop])
def test_its_own_state_fits(kind):
    assert optimizer_difference(trained(kind), trained(kind).state_dict()) is None


def change(**entry):
    state = copy.deepcopy(trained().state_dict())
    state['state'][0].update(entry)
    return state


@pytest.mark.parametrize(('state', 'reason'), [
    (trained(width=4).state_dict(), r'exp_avg of parameter 0 has shape \(4, 2\), expected \(3, 2\)'),
    (change(exp_avg_sq=torch.zeros(5)), r'exp_avg_sq of parameter 0 has shape \(5,\)'),
    (change(exp_avg=torch.zeros(3, 2, dtype=torch.int64)), 'of torch.int64'),
    (trained(torch.optim.SGD, momentum=0.9).state_dict(), 'another optimiser than AdamW'),
    ({**trained().state_dict(), 'param_groups': []}, '0 parameters in groups'),
    ({'state': {99: {}}, 'param_groups': trained().state_dict()['param_groups']}, 'which no group has'),
])  # fmt: skip
def test_another_state_is_told(state, reason):
    assert re.search(reason, optimizer_difference(trained(), state))


@pytest.mark.parametrize(('change', 'reason'), [
    ({'optimizer': {'state': {}}}, "KeyError: 'param_groups'"),
    ({'optimizer': []}, 'TypeError'),
    ({'optimizer': trained().state_dict()}, 'the training 4 in'),
    ({'message_hub': 5}, 'TypeError'),
    ({'param_schedulers': [5, 5]}, 'Error'),
    ({'meta': {'epoch': 10**9, 'iter': 3}}, 'it has 1000000000 epochs or iterations, the config 2'),
    ({'meta': {}}, "KeyError: 'epoch'"),
])  # fmt: skip
def test_a_damaged_training_state_is_one_sentence(make_runner, tmp_path, change, reason):
    path = tmp_path / 'run/epoch_1.pth'
    if not path.is_file():
        make_runner().train()
    torch.save({**torch.load(path, weights_only=True), **change}, tmp_path / 'odd.pth')
    with pytest.raises(InputError, match=rf'odd\.pth cannot be resumed: .*{reason}.* load_from=.*odd\.pth'):
        make_runner(resume=True, load_from=str(tmp_path / 'odd.pth')).train()
