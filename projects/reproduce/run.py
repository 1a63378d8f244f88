"""Tables of the papers, small, on CMU motion capture; and one checkpoint of each system with the same budget.

    python projects/reproduce/run.py                   # runs what is missing: checkpoints, then seed after seed
    python projects/reproduce/run.py --list            # says what that is
    python projects/reproduce/run.py --report          # prints the tables from the ledger; --readme: into README.md

Trainings and tables are data, rows.yml beside this file. A training that is done has a line in the ledger; one that was
stopped in any way goes on from its last epoch with the same command, to the same weights.
"""

import copy
import hashlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from report import Report

import poselifter
from poselifter.apis.zoo import find
from poselifter.checkpoints import load_checkpoint_file
from poselifter.engine import load_config
from poselifter.engine.config import change_config
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.utils import atomic_write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEEDS = 3
RESULTS = '## Results\n'  # where README.md ends, and the tables begin
METRICS = ('MPJPE', 'P-MPJPE', 'MPJVE')


class Study:
    """The trainings of a file of rows, and what is known of them.

    Args:
        rows: the file.
        work: folder of the runs.
        ledger: file of lines, one a finished training.

    Raises:
        InputError: a training or a table has another form than rows.yml says.
    """

    def __init__(self, rows: Path, work: Path, ledger: Path) -> None:
        self.rows, self.work, self.ledger = rows, work, ledger
        with reading(f'{rows} has no settings, trainings, checkpoints and tables', 'mend it', (Exception,)):
            content = yaml.safe_load(rows.read_text(encoding='utf-8'))
            self.settings, self.trainings = content['settings'], content['trainings']
            self.checkpoints, self.tables = content['checkpoints'], content['tables']
            parts = [row for table in self.tables for row in table['rows'].values()]
            named = [row[key] for row in parts for key in ('run', 'against') if key in row]
            self.tested = dict.fromkeys([*self.checkpoints, *named])
        if unknown := set(self.tested) - set(self.trainings):
            raise InputError(f'{rows}: no trainings {", ".join(sorted(unknown))}; mend checkpoints and tables')
        for name, training in self.trainings.items():
            unknown = set(training) - {'config', 'from', 'start', 'epochs', 'like', 'set', 'transforms'}
            if unknown or training.get('from', name) not in self.trainings or 'config' not in training:
                raise InputError(f'{rows}: training {name} is {training}; mend it, see the head of the file')

    def full(self, name: str) -> dict[str, Any]:
        """A training with the settings that it takes over, and those of what it starts from."""
        training = dict(self.trainings[name])
        kinds = [self.settings[kind] for kind in training.pop('like', '').split()]
        training['set'] = {
            key: value for options in (*kinds, training.get('set', {})) for key, value in options.items()
        }
        if 'from' in training:
            training['from'] = {'name': training['from'], **self.full(training['from'])}
        return training

    def recipe(self, name: str) -> str:
        """Digest of all that decides about a training's result but the code; a changed row is trained anew."""
        return hashlib.sha256(json.dumps(self.full(name), sort_keys=True).encode()).hexdigest()[:8]

    @cached_property
    def order(self) -> list[tuple[str, int]]:
        """All trainings with their seeds, in the order in which they are done."""
        plan = [(name, 0) for name in self.checkpoints]
        plan += [(name, seed) for seed in range(SEEDS) for name in self.tested if name not in self.checkpoints]
        return list(dict.fromkeys(step for name, seed in plan for step in self.chain(name, seed)))

    def chain(self, name: str, seed: int) -> list[tuple[str, int]]:
        """A training behind all that it starts from."""
        start = self.trainings[name].get('from')
        return [*(self.chain(start, seed) if start else []), (name, seed)]

    def entries(self) -> dict[tuple[str, int], dict]:
        """Lines of the ledger by training and seed; those of rows that have changed since are left out."""
        lines = self.ledger.read_text(encoding='utf-8').splitlines() if self.ledger.is_file() else []
        entries = [json.loads(line) for line in lines]
        current = {name: self.recipe(name) for name in self.trainings}
        return {(e['training'], e['seed']): e for e in entries if e['recipe'] == current.get(e['training'])}

    def missing(self) -> Iterator[tuple[str, int]]:
        """What is to do, and trainings whose weights are lost though another one starts from them."""
        done = self.entries()
        todo = [run for run in self.order if run not in done]
        needed = {step for name, seed in todo for step in self.chain(name, seed)}
        return (run for run in self.order if run in needed and (run not in done or not self.weights(*run).is_file()))

    def folder(self, name: str, seed: int) -> Path:
        """Work folder of a training."""
        return self.work / f'{name}_{self.recipe(name)}' / f'seed_{seed}'

    def weights(self, name: str, seed: int) -> Path:
        """The checkpoint that a training leaves."""
        training = self.trainings[name]
        epochs = training.get('epochs') or base(training['config']).train_cfg.max_epochs
        return self.folder(name, seed) / f'epoch_{epochs}.pth'

    def config(self, name: str, seed: int) -> Config:
        """The config of a training."""
        training = self.full(name)
        config = copy.deepcopy(base(training['config']))
        config = change_config(config, {key: value for key, value in training['set'].items() if key != 'windows'})
        if 'epochs' in training:
            config.train_cfg.max_epochs = config.param_scheduler[1].T_max = training['epochs']
        dataset, steps = config.train_dataloader.dataset, training.get('transforms', {})
        for part in dataset.get('datasets', [dataset]):
            part.seed = seed
            part.window.update(training['set'].get('windows', {}))
            part.pipeline = list(changed(part.pipeline, steps))
        if config.get('test_dataloader'):
            tested = config.test_dataloader.dataset
            tested.pipeline = list(changed(tested.pipeline, steps))
        config.randomness, config.load_from, config.pretrained_by = {'seed': seed}, None, None
        config.default_hooks.checkpoint.max_keep_ckpts = 1
        if 'from' in training:
            config.load_from = str(self.weights(training['from']['name'], seed))
        elif 'start' in training:
            config.load_from = str(ROOT / find(training['start']).weights)
        return config

    def do(self, name: str, seed: int) -> dict[str, Any]:
        """Trains and tests; returns the line of the ledger."""
        folder, config, began, spent = self.folder(name, seed), self.config(name, seed), time.time(), cpu_seconds()
        code, resumed = commit(), any(folder.glob('epoch_*.pth'))
        folder.mkdir(parents=True, exist_ok=True)
        config.dump(folder / 'config.py')
        call(folder, 'tools/train.py', folder / 'config.py', '--work-dir', folder, '--resume')
        used, weights = cpu_seconds() - spent, self.weights(name, seed)
        entry = {
            'training': name,
            'recipe': self.recipe(name),
            'seed': seed,
            'config': self.trainings[name]['config'],
            'steps': load_checkpoint_file(weights)['meta']['iter'],
            'commit': code,
            'date': time.strftime('%Y-%m-%d %H:%M'),
            'cpu_s': None if resumed else round(used),
            'wall_s': round(time.time() - began),
        }
        if name in self.tested:
            out = folder / 'metrics.json'
            call(folder, 'tools/test.py', folder / 'config.py', weights, '--work-dir', folder / 'test', '--out', out)
            metrics = json.loads(out.read_text(encoding='utf-8'))
            entry |= {key: round(metrics[key], 2) for key in METRICS}
            shutil.rmtree(folder / 'test')
        return entry

    def run(self, only: list[str] | None = None) -> None:
        """Does what is missing, one training after the other.

        Raises:
            InputError: some trainings failed; the others are done.
        """
        failed, done = [], set()
        for name, seed in self.missing():
            if only and name not in only:
                continue
            if any(step in failed for step in self.chain(name, seed)[:-1]):
                continue
            try:
                entry = self.do(name, seed)
            except subprocess.CalledProcessError as error:
                print(f'{name}, seed {seed}: {shlex.join(map(str, error.cmd))} failed', flush=True)
                failed.append((name, seed))
                continue
            if (name, seed) not in self.entries() and (name, seed) not in done:
                append(self.ledger, entry)
            done.add((name, seed))
            print(json.dumps(entry), flush=True)
        if failed:
            raise InputError(
                f'failed: {", ".join(f"{name} (seed {seed})" for name, seed in failed)}; see their log.txt'
            )


@cache
def base(name: str) -> Config:
    """A config of the project, 'CONFIG' or 'CONFIG:VARIANT'."""
    path, _, variant = name.partition(':')
    return load_config(ROOT / 'configs' / f'{path}.py', variant=variant or None)


def changed(pipeline: list[dict], changes: dict[str, dict | None]) -> Iterator[dict]:
    """The steps of a pipeline with other settings by type; ``None`` leaves a step out."""
    for step in pipeline:
        if changes.get(step['type'], {}) is not None:
            yield {**step, **changes.get(step['type'], {})}


def call(folder: Path, tool: str, *arguments: Any) -> None:
    """Runs a tool on one core in a process of its own; what it says goes to ``log.txt`` in the folder."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, str(ROOT / tool), *map(str, arguments)]
    with (folder / 'log.txt').open('a', encoding='utf-8') as log:
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True)


def cpu_seconds() -> float:
    """Seconds of a core that finished children of this process have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def append(ledger: Path, entry: dict[str, Any]) -> None:
    """Adds a line with one write, so that a stop leaves all of it or nothing."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.open('ab') as file:
        file.write(json.dumps(entry).encode() + b'\n')
        file.flush()
        os.fsync(file.fileno())


def commit() -> str:
    """The code that runs."""
    described = ['git', '-C', str(ROOT), 'describe', '--always', '--dirty', '--exclude=*']
    return subprocess.run(described, capture_output=True, text=True, check=False).stdout.strip()


def main(argv: list[str] | None = None) -> None:
    """Runs, lists or reports."""
    parser = ToolParser(__doc__)
    parser.add_argument('--list', action='store_true', help='print what is missing, in order')
    parser.add_argument('--report', action='store_true', help='print the tables')
    parser.add_argument('--readme', action='store_true', help='put the tables into README.md')
    parser.add_argument('--only', nargs='+', metavar='NAME', help='only these trainings')
    parser.add_argument('--rows', type=Path, default=HERE / 'rows.yml')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/reproduce'))
    parser.add_argument('--ledger', type=Path, default=HERE / 'ledger.jsonl')
    args = parser.parse_args(argv)
    poselifter.register_all_modules()
    study = Study(args.rows, args.work_dir.resolve(), args.ledger)
    if args.report:
        print(Report(study, ROOT / 'configs').text())
    elif args.readme:
        head = (HERE / 'README.md').read_text(encoding='utf-8').split(RESULTS)[0]
        with atomic_write(HERE / 'README.md') as path:
            path.write_text(f'{head}{RESULTS}\n{Report(study, ROOT / "configs").text()}', encoding='utf-8')
    elif args.list:
        print('\n'.join(f'{name}, seed {seed}' for name, seed in study.missing()))
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends too
        study.run(args.only)


if __name__ == '__main__':
    run_program(main)
