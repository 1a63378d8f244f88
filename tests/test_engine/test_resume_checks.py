import copy

import pytest
import torch

from poselifter.engine.resume import check_optimizer_state
from poselifter.errors import InputError


def trained(kind=torch.optim.AdamW, width=3, **options):
    layer = torch.nn.Linear(2, width)
    optimizer = kind(layer.parameters(), lr=0.1, **options)
    layer(torch.ones(4, 2)).square().sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize('kind', [torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop])
def test_its_own_state_fits(kind):
    check_optimizer_state(trained(kind), trained(kind).state_dict(), 'a.pth')


def change(**entry):
    state = copy.deepcopy(trained().state_dict())
    state['state'][0].update(entry)
    return state


@pytest.mark.parametrize(
    ('state', 'reason'),
    [
        (trained(width=4).state_dict(), r'exp_avg of parameter 0 has shape \(4, 2\), expected \(3, 2\)'),
        (change(exp_avg_sq=torch.zeros(5)), r'exp_avg_sq of parameter 0 has shape \(5,\)'),
        (change(exp_avg=torch.zeros(3, 2, dtype=torch.int64)), 'of torch.int64'),
        (trained(torch.optim.SGD, momentum=0.9).state_dict(), 'another optimiser than AdamW'),
        ({**trained().state_dict(), 'param_groups': []}, '0 parameters in groups'),
        ({'state': {99: {}}, 'param_groups': trained().state_dict()['param_groups']}, 'which no group has'),
        ({'state': {}}, 'damaged'),
        ([], 'damaged'),
    ],
)
def test_another_state_is_refused(state, reason):
    with pytest.raises(InputError, match=rf'a\.pth cannot be resumed: .*{reason}.* load_from=a\.pth'):
        check_optimizer_state(trained(), state, 'a.pth')
