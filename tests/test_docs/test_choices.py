"""Where paper, release and ours differ: the READMEs are what the data give, and the configs state what they say."""

from functools import reduce
from pathlib import Path

import pytest

from poselifter.engine import load_config
from poselifter.errors import InputError

CONFIGS = Path(__file__).parents[2] / 'configs'
FILES = sorted(CONFIGS.glob('*/choices.yml'))


@pytest.fixture(scope='module')
def choices(load_module):
    return load_module('docs/choices.py')


def stated(folder, config, key):
    """The value of a dotted key of a config, ``'h36m_243:scratch'`` is one of its variants."""
    stem, _, variant = config.partition(':')
    node = load_config(folder / f'{stem}.py', variant=variant or None)
    return reduce(lambda n, part: n[int(part)] if isinstance(n, (list, tuple)) else n[part], key.split('.'), node)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.parent.name)
def test_the_table_is_what_the_data_give_and_the_configs_agree(choices, path):
    entries, text = choices.read(path), path.with_name('README.md').read_text()
    assert choices.renew(text, entries) == text, 'run python docs/choices.py'
    assert len(entries) > 3 and not any('\n' in str(entry[cell]).strip() for entry in entries for cell in choices.CELLS)
    for entry in entries:
        if 'config' in entry:
            value = stated(path.parent, entry['config'], entry['key'])
            assert value == entry['value'], f'{entry["config"]}: {entry["key"]} is {value}, {path} says otherwise'
    assert sum('config' in entry for entry in entries) > 2


def test_a_changed_value_or_a_wrong_entry_is_noticed(choices, tmp_path):
    entries = choices.read(CONFIGS / 'mixste/choices.yml')
    text = (CONFIGS / 'mixste/README.md').read_text()
    assert choices.renew(text, [{**entries[0], 'ours': 'otherwise'}, *entries[1:]]) != text
    (tmp_path / 'choices.yml').write_text('- {what: rate, paper: 1, release: 2, ours: 3, config: h36m_243}\n')
    with pytest.raises(InputError, match='config, key and value'):
        choices.read(tmp_path / 'choices.yml')
