"""The tables of the papers: all rows are valid, each is printed with its command, and runs in small."""

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

FOLDER = Path(__file__).parents[2] / 'configs'
SYSTEMS = ['motionbert', 'pstmo', 'actionpose', 'motion2vec', 'mixste']  # in the order of the reference page
TABLES = """
'1':
  title: Toys
  columns: {MPJPE: MPJPE, half: P-MPJPE, params: null}
  rows:
    plain: {varies: nothing, paper: {MPJPE: 3.5 ± 0.1, params: 1}, runs: [start, toy]}
    wide:
      {varies: width, paper: {MPJPE: 3}, runs: {MPJPE: ['start', 'toy:wide']},
       command: 'tools/test.py {config} {checkpoint} --out {out}.json'}
    both:
      varies: two runs
      runs: {MPJPE: [start, 'toy:wide'], half: [start, toy]}
      command: 'tools/test.py {half.config} {half.checkpoint} --out {out}.json --work-dir {MPJPE.pkl}.again'
    again: {varies: test data, runs: [start, toy, 'test toy:more']}
    none: {varies: heads, paper: {MPJPE: 2}, reason: cannot be built}
"""


@pytest.fixture
def table(tool, toy, tmp_path, monkeypatch, environment):
    """The tool over a made-up system ``toys`` below ``tmp_path``, whose runs go to the current folder."""
    tool = tool('misc/table')
    (tmp_path / 'configs/toys').mkdir(parents=True)
    more = {'test_dataloader': {'dataset': {'n': 5}}}
    variants = {'wide': {'model': {'width': 32}}, 'more': more, 'bound': {'load_from': 'x/epoch_9.pth'}}
    hooks = [{'type': 'WaitInThirdEpoch'}]
    for name, changes in {'start': {}, 'toy': {'variants': variants, 'custom_hooks': hooks}}.items():
        changes = {'train_cfg': {'by_epoch': True, 'max_epochs': 4, 'val_interval': 4}, **changes}
        Config(toy.config(None, **changes)).dump(tmp_path / f'configs/toys/{name}.py')
    (tmp_path / 'configs/toys/tables.yml').write_text(TABLES)
    monkeypatch.setattr(tool, 'CONFIGS', tmp_path / 'configs')
    call = tool._call  # a process takes seconds to start
    monkeypatch.setattr(tool, '_call', lambda command, _: call(command, True))
    monkeypatch.setenv('PYTHONPATH', environment['PYTHONPATH'])
    monkeypatch.chdir(tmp_path)
    return tool


RUNS = Path('work_dirs/tables/toys')


def test_runs_what_is_missing_and_prints_it(table, capsys):
    table.main(['toys'])
    assert capsys.readouterr().out.endswith('1           5 rows  Toys\n')
    table.main(['toys', '1', '--run', '--seeds', '2'])
    folders = {f'{path.parent.name}/{path.name}' for path in RUNS.glob('*/*')}
    names = ('start', 'start+toy', 'start+toy_wide', 'start+toy+test_toy_more')
    assert folders == {f'{name}/seed_{seed}' for name in names for seed in (0, 1)}
    clips = [json.loads((RUNS / f'{name}/seed_0/metrics.json').read_text())['clips'] for name in names[1:]]
    assert clips == [9, 9, 5] and not (RUNS / 'start/seed_0/metrics.json').exists()
    logs = [path.read_text() for path in (RUNS / 'start+toy/seed_1').glob('*/*.log')]
    assert any('Load checkpoint from work_dirs/tables/toys/start/seed_1/epoch_4.pth' in log for log in logs)
    drawn, tested = (RUNS / f'start+toy_wide/seed_1/{name}.json' for name in ('wide', 'metrics'))
    assert drawn.read_text() == tested.read_text()
    both = (RUNS / 'start+toy_wide/seed_1/both.json').read_text()
    assert both == (RUNS / 'start+toy/seed_1/metrics.json').read_text() != tested.read_text()
    assert (RUNS / 'start+toy_wide/seed_1/predictions.pkl').is_file()
    (RUNS / 'start/seed_0/epoch_4.pth').unlink()  # whose fruit is there
    times = {path: path.stat().st_mtime_ns for path in RUNS.rglob('*')}
    capsys.readouterr()
    table.main(['toys', '1', '--run', '--seeds', '2', '--rows', 'plain', 'none'])
    assert times == {path: path.stat().st_mtime_ns for path in RUNS.rglob('*')}
    said = capsys.readouterr().out
    values = [json.loads((RUNS / f'start+toy/seed_{seed}/metrics.json').read_text())['MPJPE'] for seed in (0, 1)]
    expected = f'{sum(values) / 2:.2f} ± {abs(values[0] - values[1]) / 2**0.5:.2f} (2)'
    [cells] = [re.split(r'\s{2,}', line) for line in said.splitlines() if line.startswith('plain  ')]
    assert cells[:4] == ['plain', 'nothing', '3.5 ± 0.1', expected] and cells[-2:] == ['1', '-']
    assert 'none: cannot be built' in said and 'wide' not in said


def test_the_printed_command_works(table, capsys):
    table.main(['toys', '1', '--rows', 'plain'])
    commands = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith('  python ')]
    assert len(commands) == 3
    assert all(table._call(shlex.split(command)[1:], True) for command in commands[:-1])
    subprocess.run(commands[-1].replace('tools/', f'{FOLDER.parent}/tools/', 1), shell=True, check=True)
    assert (RUNS / 'start+toy/seed_0/metrics.json').is_file()


def test_goes_on_after_a_kill(table, tmp_path, environment, assert_same_weights):
    """Killed in the third epoch of the second step: the first step stays, the second goes on where it was."""
    start = f"import sys; sys.path.insert(0, '{FOLDER.parent}/tools/misc'); import table; from pathlib import Path; "
    start += "table.CONFIGS = Path('configs').resolve(); table.main(['toys', '1', '--run', '--rows', 'plain'])"
    env = {**environment, 'TOY_WAIT': str(tmp_path / 'waits')}
    process = subprocess.Popen([sys.executable, '-c', start], env=env, start_new_session=True)
    try:
        while not (tmp_path / 'waits').exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    first, second = RUNS / 'start/seed_0/epoch_4.pth', RUNS / 'start+toy/seed_0'
    before = first.stat().st_mtime_ns
    assert (second / 'epoch_2.pth').is_file() and not (second / 'epoch_4.pth').exists()
    table.main(['toys', '1', '--run', '--rows', 'plain'])
    assert first.stat().st_mtime_ns == before and (second / 'metrics.json').is_file()
    log = max(second.glob('*/*.log'), key=lambda path: path.stat().st_mtime_ns)
    resumed = [path.read_text() for path in second.glob('*/*.log')]
    assert any('Epoch(train) [3]' in text and 'Epoch(train) [1]' not in text for text in resumed), log
    table.main(['toys', '1', '--run', '--rows', 'plain', '--work-dir', 'whole'])
    assert_same_weights(Path('whole/toys/start+toy/seed_0/epoch_4.pth'), second / 'epoch_4.pth')


def test_a_failed_row_does_not_stop_the_others(table, tmp_path, fails):
    path = tmp_path / 'configs/toys/toy.py'
    path.write_text(path.read_text().replace("'width': 32", "'width': -1").replace('width=32', 'width=-1'))
    line = fails(table.main, 'toys', '1', '--run', '--rows', 'wide', 'plain')
    assert 'row wide, seed 0: tools/train.py' in line and 'plain' not in line
    assert (RUNS / 'start+toy/seed_0/metrics.json').is_file()


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('runs: [start, toy]', 'runs: [start, yot]', 'row plain: no config'),
    ('toy:wide', 'toy:weird', "row wide: no variant 'weird'"),
    ('MPJPE: MPJPE,', 'MPJPE: MPVE,', "row plain: MPJPE is 'MPVE', which toys/toy does not report, only MPJPE"),
    ('paper: {MPJPE: 2}', 'paper: {MPJPV: 2}', "row none: no column 'MPJPV', only MPJPE, half, params"),
    (', reason: cannot be built', '', 'row none: it has varies, paper, expected varies, paper, and runs'),
    ('reason: cannot', 'runs: [start], reason: cannot', 'row none: it has varies, paper, runs, reason'),
    ('runs: [start, toy]', 'runs: start', "row plain: found the chain 'start'"),
    ('runs: [start, toy]', "runs: ['toy:bound']", 'row plain: toy:bound starts from x/epoch_9.pth; put what makes it'),
    ('runs: [start, toy]', 'runs: [test start, toy]', 'row plain: '),
    ('{checkpoint}', '{file}', "row wide: found the command 'tools/test.py {config} {file} --out {out}.json'"),
    ('{MPJPE.pkl}', '{quarter.pkl}', 'row both: found the command'),
    ('tools/test', 'tools/taste', "row wide: found the command 'tools/taste.py"),
    ('title: Toys', 'name: Toys', 'is no dict of tables with title, columns and rows'),
    ('title: Toys', 'title: [', 'is no dict of tables'),
])  # fmt: skip
def test_mistakes_are_found_before_any_run(table, tmp_path, fails, old, new, message):
    assert old in TABLES
    (tmp_path / 'configs/toys/tables.yml').write_text(TABLES.replace(old, new))
    assert message in fails(table.main, 'toys', '1', '--run', '--rows', 'again')
    assert not RUNS.exists()


def test_wrong_names_say_what_there_is(table, fails):
    assert "no tables of 'toy'" in fails(table.main, 'toy')
    assert "no table of toys '7'; choose of 1" in fails(table.main, 'toys', '7')
    assert "no row of table 1 'plan'; choose of plain" in fails(table.main, 'toys', '1', '--rows', 'plan')
    assert 'give TABLE' in fails(table.main, 'toys', '--rows', 'plain')


@pytest.mark.parametrize('system', SYSTEMS)
def test_the_tables_of_a_system_are_valid(tool, system):
    """Its chains fit, and what a config keeps the best checkpoint by is reported."""
    tool = tool('misc/table')
    for name, content in tool.read_tables(system).items():
        assert content.rows and content.title, name
        for key, row in content.rows.items():
            assert row.reason or row.chains or row.command, key
            assert row.varies, key
            for chain in row.chains.values():
                best = tool.read(chain[-1]).default_hooks.checkpoint.get('save_best')
                assert not best or best in tool.reported_keys(chain[-1], 'val_evaluator'), (key, best)


@pytest.mark.parametrize('system', SYSTEMS)
def test_every_row_of_the_paper_is_in_a_table(tool, shared, system):
    """The keys and figures of the reference page; a key of several values is the start of several rows' keys."""
    if not (shared / 'reference/tables.md').is_file():
        pytest.skip("needs the page of the papers' tables, which is not part of the repository")
    page, place = (shared / 'reference/tables.md').read_text(), SYSTEMS.index(system)
    part = page.split('\n## ')[place + 1]
    expected = set(re.findall(r'`(\w+)`', ' '.join(re.findall(r'^\| *(`table.*?`)', part, re.MULTILINE))))
    tables = tool('misc/table').read_tables(system)
    keys = {key for content in tables.values() for key in content.rows}
    assert expected and [key for key in sorted(expected) if not any(k.startswith(key) for k in keys)] == []
    figures = page.split('own figures of results')[1].splitlines()[2 + place].split('|')[3]
    figures = figures.replace('7 to 10', '7, 8, 9, 10')
    assert {f'figure {number}' for number in re.findall(r'\d+', figures)} <= tables.keys()


def toy_rows():
    """Of all tables one row in so many; 1 in POSELIFTER_ROWS takes all of them, which is minutes."""
    rows = []
    for system in SYSTEMS:
        content = yaml.safe_load((FOLDER / system / 'tables.yml').read_text())
        rows += [(system, str(name), key) for name, table in content.items() for key in table['rows']]
    tables = {}
    for system, name, key in rows[:: int(os.environ.get('POSELIFTER_ROWS', 16))]:
        tables.setdefault((system, name), []).append(key)
    return tables


@pytest.fixture(scope='module')
def toy_study(repository, tmp_path_factory):
    """(tables, study) of a system in small; runs share what chains begin with, and one reading of the configs."""
    spec = importlib.util.spec_from_file_location('table_of_toys', repository / 'tools/misc/table.py')
    tool, folder = importlib.util.module_from_spec(spec), tmp_path_factory.mktemp('toys')
    sys.modules[spec.name] = tool  # dataclasses look it up
    spec.loader.exec_module(tool)
    with ExitStack() as stack:

        @cache
        def study(system):
            tables = tool.read_tables(system)
            return tables, tool.toy_study(folder, tables, stack)

        yield study


@pytest.mark.slow
@pytest.mark.parametrize(('system', 'name'), toy_rows())
def test_rows_in_small(toy_study, capsys, system, name):
    tables, study = toy_study(system)
    failed = study.run({key: tables[name].rows[key] for key in toy_rows()[system, name]}, 1)
    assert not failed, capsys.readouterr().out[-8000:]


def test_toys_on_the_command_line(tool, capsys):
    tool('misc/table').main(['mixste', '7', '--rows', 'table7_4_64_27', '--toy'])
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith('table7_4_64_27  ')]
    assert float(row.split()[-1]) > 0  # ours
