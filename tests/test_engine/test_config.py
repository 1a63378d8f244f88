import pytest

from poselifter.engine import load_config
from poselifter.errors import InputError

TEXT = """
model = dict(type='Net', layers=[dict(width=1), dict(width=2)], sizes=[1, 2])
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'net.py').write_text(TEXT)
    return tmp_path / 'net.py'


def test_options_change_values_list_entries_and_add_leaves(config):
    options = {
        'optim_wrapper.optimizer.lr': 0.5,
        'model.layers.1.width': 3,
        'optim_wrapper.clip_grad': {'max_norm': 1},
        'load_from': 'x.pth',
        'model.sizes': [3],
    }
    cfg = load_config(config, options)
    assert cfg.optim_wrapper.optimizer.lr == 0.5 and cfg.model.layers[1].width == 3 and cfg.model.layers[0].width == 1
    assert cfg.optim_wrapper.clip_grad.max_norm == 1 and cfg.load_from == 'x.pth' and cfg.model.sizes == [3]


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('modle.type', "has no 'modle'; did you mean model"),
        ('max_epochs', "has no 'max_epochs'"),
        ('optim_wrapper.optimiser.lr', "optim_wrapper has no 'optimiser'; did you mean optimizer"),
        ('optim_wrapper.optimizer.lr.x', 'optim_wrapper.optimizer.lr is 0.1 and has nothing below'),
        ('model.layers.2.width', "model.layers has 2 entries, no '2'"),
        ('model.layers.first', "model.layers has 2 entries, no 'first'"),
        ('model.sizes.0', 'give a list of numbers as a whole'),
    ],
)
def test_options_that_lead_nowhere(config, key, message):
    with pytest.raises(InputError, match=message):
        load_config(config, {key: 1})


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('model = dict(', 'SyntaxError'),
        ("_base_ = ['missing.py']", 'FileNotFoundError'),
        ("custom_imports = dict(imports=['no_such_module'], allow_failed_imports=False)", 'no_such_module'),
        ('x = undefined_name', 'NameError'),
    ],
)
def test_broken_configs(tmp_path, text, message):
    (tmp_path / 'bad.py').write_text(text)
    with pytest.raises(InputError, match=f'bad.py cannot be read: .*{message}'):
        load_config(tmp_path / 'bad.py')


def test_missing_config(tmp_path):
    with pytest.raises(InputError, match='no config'):
        load_config(tmp_path / 'none.py')
