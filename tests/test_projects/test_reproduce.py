"""The papers' tables in small: a killed training goes on, finished ones stay, the report counts as by hand."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml

from poselifter.apis.zoo import find
from poselifter.errors import InputError

SMALL = {
    **{f'model.backbone.{key}': value for key, value in {'embed_dims': 16, 'depth': 1, 'num_heads': 2}.items()},
    **{f'{part}_dataloader.num_workers': 0 for part in ('train', 'test')},
    **{f'{part}_dataloader.persistent_workers': False for part in ('train', 'test')},
    **{f'{part}_dataloader.dataset.ann_file': 'cmu_tiny.npz' for part in ('train', 'test')},
    'windows': {'stride': 60},
    'train_dataloader.batch_size': 12,
    'test_dataloader.dataset.views': 1,
    'val_cfg': None,
    'val_dataloader': None,
    'val_evaluator': None,
    'default_hooks.checkpoint.save_best': None,
}
TRAININGS = {
    'first': {'config': 'motionbert/pretrain_cmu_27', 'like': 'small', 'epochs': 5, 'transforms': {'FrameMask': None}},
    'second': {'config': 'motionbert/cmu_27', 'from': 'first', 'like': 'small', 'epochs': 1},
    'scratch': {
        'config': 'motionbert/cmu_27:scratch',
        'like': 'small',
        'epochs': 2,
        'set': {'windows': {'stride': 27}},
    },
}
TABLE = {
    'paper': 'motionbert 5',
    'column': 'MPJPE',
    'against': 'table5_none',
    'rows': {'table5_none': {'run': 'scratch'}, 'table5_2d': {'run': 'second'}},
    'claims': [{'says': 'pretraining is better', 'better': 'table5_2d', 'worse': 'table5_none'}],
}


@pytest.fixture
def run(repository, monkeypatch):
    """The module, whose tools run in this process."""
    monkeypatch.syspath_prepend(str(repository / 'projects' / 'reproduce'))
    monkeypatch.delitem(sys.modules, 'run', raising=False)
    import run

    def call(folder, tool, *arguments):
        runpy.run_path(str(repository / tool), run_name='tool')['main'](list(map(str, arguments)))

    monkeypatch.setattr(run, 'call', call)
    monkeypatch.setattr(run, 'SEEDS', 1)
    return run


@pytest.fixture
def rows(data_dir, tmp_path):
    folders = {f'{part}_dataloader.dataset.data_root': str(data_dir) for part in ('train', 'test')}
    content = {
        'settings': {'small': {**SMALL, **folders}},
        'trainings': TRAININGS,
        'checkpoints': [],
        'tables': [TABLE],
    }
    path = tmp_path / 'rows.yml'
    path.write_text(yaml.safe_dump(content))
    return path


def test_goes_on_after_a_kill(run, rows, repository, tmp_path):
    """Killed between two epochs: it ends in the weights of a whole run; what is done is not done again."""
    study = run.Study(rows, tmp_path / 'work', tmp_path / 'ledger.jsonl')
    program = [sys.executable, repository / 'projects/reproduce/run.py', '--rows', rows, '--only', 'first']
    process = subprocess.Popen(
        [*program, '--work-dir', study.work, '--ledger', study.ledger],
        env={**os.environ, 'PYTHONPATH': str(repository)},
        start_new_session=True,
    )
    try:
        while not list(study.folder('first', 0).glob('epoch_*.pth')):
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert not study.weights('first', 0).is_file() and not study.ledger.exists()
    whole = run.Study(rows, tmp_path / 'whole', tmp_path / 'whole.jsonl')
    for each in (study, whole):
        each.run(['first', 'second'] if each is study else ['first'])
    ends = [torch.load(each.weights('first', 0), weights_only=True)['state_dict'] for each in (study, whole)]
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())
    first, second, *others = (json.loads(line) for line in study.ledger.read_text().splitlines())
    assert first['cpu_s'] is None and 'MPJPE' not in first and first['seed'] == second['seed'] == 0
    assert second['MPJPE'] > 0 and not others
    times = study.weights('second', 0).stat().st_mtime_ns
    study.run(['first', 'second'])
    assert study.weights('second', 0).stat().st_mtime_ns == times
    assert {name for name, _ in study.missing()} == {'scratch'}


def test_changed_rows_are_missing_again(run, rows, tmp_path):
    study = run.Study(rows, tmp_path, tmp_path / 'ledger.jsonl')
    run.append(study.ledger, {'training': 'first', 'recipe': study.recipe('first'), 'seed': 1})
    assert list(study.entries()) == [('first', 1)]
    rows.write_text(rows.read_text().replace('epochs: 5', 'epochs: 4'))
    changed = run.Study(rows, tmp_path, study.ledger)
    assert changed.entries() == {} and changed.recipe('second') != study.recipe('second')
    assert changed.recipe('scratch') == study.recipe('scratch')


def test_what_a_row_says_is_what_is_trained(run, rows, tmp_path):
    study = run.Study(rows, tmp_path, tmp_path / 'ledger.jsonl')
    first, second, scratch = (study.config(name, 2) for name in TRAININGS)
    steps = [step.type for step in first.train_dataloader.dataset.pipeline]
    assert 'JointMask' in steps and 'FrameMask' not in steps and first.train_cfg.max_epochs == 5
    assert second.load_from == str(study.weights('first', 2)) and scratch.load_from is None
    assert scratch.train_dataloader.dataset.window.stride == 27 != second.train_dataloader.dataset.window.stride
    assert {c.train_dataloader.dataset.seed for c in (first, second, scratch)} == {2}
    study.trainings['scratch']['start'] = 'mixste_cmu_27'
    assert study.config('scratch', 0).load_from == str(run.ROOT / find('mixste_cmu_27').weights)


def test_report(run, rows, tmp_path, repository):
    """Two seeds: means, the mean of the differences of pairs and its deviation, and a claim that holds in both."""
    from report import Report

    study = run.Study(rows, tmp_path, tmp_path / 'ledger.jsonl')
    for name, errors in {'scratch': (100, 104), 'second': (97, 99), 'first': (None, None)}.items():
        for seed, error in enumerate(errors):
            entry = {'training': name, 'recipe': study.recipe(name), 'seed': seed, 'cpu_s': 10}
            run.append(study.ledger, entry | ({'MPJPE': error, 'P-MPJPE': error / 2} if error else {}))
    text = Report(study, repository / 'configs').text()
    assert '| table5_2d | + 2D data | 37.5 | 2 | 98.0 ± 1.4 | -4.0 ± 1.4 | 49.0 ± 0.7 | 20 |' in text
    assert '| table5_none | none | 39.2 | 2 | 102.0 ± 2.8 |  | 51.0 ± 1.4 | 10 |' in text
    assert '- The paper: pretraining is better. Here: it holds (-4.0 ± 1.4 mm, 2 seeds).' in text
    assert '- Of 1 pairs of rows with different figures in the paper, 1 are in its order here.' in text
    assert '- Not run: table5_lifting, table5_noise, table5_mask.' in text


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('from: first', 'from: fist', 'training second is'),
        ('run: second', 'run: third', 'no trainings third; mend'),
        ('settings:', 'setting:', 'has no settings, trainings'),
        ('like: small', 'liked: small', 'training first is'),
    ],
)
def test_mistakes_are_said(run, rows, tmp_path, old, new, message):
    rows.write_text(rows.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        run.Study(rows, tmp_path, tmp_path / 'ledger.jsonl')


def test_shipped_rows_are_as_their_configs(run, repository, tmp_path):
    """Every training's config is valid, and every row stands in the paper's table."""
    study = run.Study(run.HERE / 'rows.yml', tmp_path, tmp_path / 'ledger.jsonl')
    for name in study.trainings:
        config = study.config(name, 0)
        assert config.train_cfg.max_epochs == config.param_scheduler[1].T_max
    for table in study.tables:
        if 'paper' in table:
            system, _, number = table['paper'].partition(' ')
            paper = yaml.safe_load((repository / f'configs/{system}/tables.yml').read_text())[number]
            assert set(table['rows']) <= set(paper['rows']) and table['column'] in paper['columns']
            assert {claim[key] for claim in table['claims'] for key in ('better', 'worse')} <= set(table['rows'])
