"""Tables of the papers: their figures, ours beside them, and the commands that make each row.

    python tools/misc/table.py motionbert                    # lists the tables
    python tools/misc/table.py motionbert 7                  # prints one
    python tools/misc/table.py motionbert 7 --run --seeds 5  # trains and tests what is missing

The tables stand in ``configs/SYSTEM/tables.yml``. A run that was stopped in any way goes on with the same command. Rows
that begin with the same steps share them. ``--toy`` runs every row for two steps on made-up files.
"""

import itertools
import json
import os
import re
import runpy
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from mmengine.config import Config

import poselifter
from poselifter.engine import load_config
from poselifter.engine.config import change_config
from poselifter.engine.tool import ToolParser, config_errors
from poselifter.errors import InputError, reading, run_program
from poselifter.registry import METRICS

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
_ERRORS = (yaml.YAMLError, AttributeError, KeyError, TypeError)
FIELD = r'{(.*?)}'
FORM = 'runs: [CONFIG:VARIANT, ...], or a dict of these by column, or reason: TEXT, or command: TEXT'


@dataclass(frozen=True)
class Step:
    """A training, or a test of what the step before has left.

    Attributes:
        config: name below ``configs``, ``'motionbert/h36m_243'``.
        variant: of the config.
        only_tests: whether nothing is trained.
    """

    config: str
    variant: str | None
    only_tests: bool

    def name_beside(self, system: str) -> str:
        """The name in a folder of a system's runs."""
        name = self.config.removeprefix(f'{system}/').replace('/', '-')
        return ('test_' if self.only_tests else '') + name + (f'_{self.variant}' if self.variant else '')


Chain = tuple[Step, ...]


@dataclass(frozen=True)
class Row:
    """A row of a table, or a point of a curve.

    Attributes:
        varies: what is special about it.
        paper: the paper's figures by column.
        chains: by column, steps of which each starts from what the one before has left.
        reason: why it cannot be run.
        command: of another tool after them, ``tools/... {config} {checkpoint} --out {out}.png``: config and checkpoint
            of the first chain, and the start of a name in its folder. ``{COLUMN}`` is the folder of a column's run,
            ``{COLUMN.config}`` and ``{COLUMN.checkpoint}`` what it has left, ``{COLUMN.pkl}`` its predictions, dumped
            first; ``{pkl}`` is of the first chain.
    """

    varies: str
    paper: Mapping[str, Any]
    chains: Mapping[str, Chain]
    reason: str
    command: str


@dataclass(frozen=True)
class Table:
    """A table: columns, each with its key of the metrics of ``tools/test.py`` (``None``: not measured), and rows."""

    title: str
    columns: Mapping[str, str | None]
    rows: Mapping[str, Row]


@cache
def read(step: Step) -> Config:
    """The config of a step."""
    if step.variant:
        return change_config(read(replace(step, variant=None)), variant=step.variant)
    return load_config(CONFIGS / f'{step.config}.py')


@cache
def reported_keys(step: Step, evaluator: str = 'test_evaluator') -> tuple[str, ...]:
    """Keys of the overall figures that testing a step's config reports, or another ``evaluator`` of it."""
    poselifter.register_all_modules()
    config = read(step)
    evaluators = config.get(evaluator) or []
    with config_errors(config):
        metrics = [METRICS.build(e) for e in (evaluators if isinstance(evaluators, list) else [evaluators])]
    return tuple(f'{metric.prefix}/{key}' if metric.prefix else key for metric in metrics for key in metric.reports)


def read_tables(system: str, only: str | None = None) -> dict[str, Table]:
    """The tables of a system, checked.

    Args:
        system: folder below ``configs``.
        only: name of the one table to read.

    Raises:
        InputError: the system has no tables, or none of this name; a row has another form than :data:`FORM`; a config
            or a variant does not exist; a chain starts from weights that no step makes; or testing does not report a
            column's key.
    """
    path = CONFIGS / system / 'tables.yml'
    if not path.is_file():
        present = ', '.join(sorted(file.parent.name for file in CONFIGS.glob('*/tables.yml')))
        raise InputError(f'no tables of {system!r} ({path}); choose one of {present}')
    with reading(f'{path} is no dict of tables with title, columns and rows', 'mend it', _ERRORS):
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
        entries = {str(name): (entry['title'], entry['columns'], entry['rows']) for name, entry in content.items()}
    tables = {}
    for name, (title, columns, rows) in choose(entries, only and [only], f'table of {system}').items():
        made = {}
        for key, entry in rows.items():
            try:
                made[key] = _row(system, entry, columns)
            except InputError as error:
                raise InputError(f'{path}, table {name}, row {key}: {error}') from error
        tables[name] = Table(title, columns, made)
    return tables


def _row(system: str, entry: Any, columns: Mapping[str, str | None]) -> Row:
    """One row, checked."""
    entry = entry if isinstance(entry, dict) else {}
    unknown = set(entry) - {'varies', 'paper', 'runs', 'reason', 'command'}
    if unknown or ('reason' in entry) == bool({'runs', 'command'} & set(entry)):
        raise InputError(f'it has {", ".join(entry) or "nothing"}, expected varies, paper, and {FORM}')
    paper, runs = entry.get('paper') or {}, entry.get('runs') or {}
    if not isinstance(runs, dict):
        runs = dict.fromkeys(columns or ['picture'], runs)
    unknown = [column for column in (*paper, *runs) if column not in columns and columns]
    if unknown:
        raise InputError(f'no column {unknown[0]!r}, only {", ".join(columns)}; mend the row')
    chains = {column: _chain(system, steps) for column, steps in runs.items()}
    for column, chain in chains.items():
        key, reported = columns.get(column), reported_keys(chain[-1])
        if key and not any(key == name or key.startswith(f'{name}/') for name in reported):
            raise InputError(
                f'{column} is {key!r}, which {chain[-1].config} does not report, only {", ".join(reported)}'
            )
    command = str(entry.get('command', '')).removeprefix('python ')
    parts = ('config', 'checkpoint', 'pkl') if chains else ()
    fields = {'out', *parts, *chains, *(f'{column}.{part}' for column in chains for part in parts)}
    wrong = set(re.findall(FIELD, command)) - fields
    if wrong or (command and not (ROOT / command.split()[0]).is_file()):
        raise InputError(
            f'found the command {command!r}, expected a tool and of {{...}} only {", ".join(sorted(fields))}'
        )
    return Row(str(entry.get('varies', '')), paper, chains, entry.get('reason', ''), command)


def _chain(system: str, texts: Any) -> Chain:
    """The steps of a chain, checked."""
    matches = [re.fullmatch(r'(test )?([\w/]+?)(?::(\w+))?', str(text)) for text in texts or [None]]
    if not isinstance(texts, list) or not all(matches):
        raise InputError(f'found the chain {texts!r}, expected {FORM}')
    names = [match[2] if '/' in match[2] else f'{system}/{match[2]}' for match in matches]
    chain = tuple(Step(name, match[3], bool(match[1])) for name, match in zip(names, matches, strict=True))
    if chain[0].only_tests or any(step.only_tests for step in chain[:-1]):
        raise InputError(f'{texts!r} tests before it trains; "test" is for the last of several steps')
    for step in chain:
        read(step)
    start = read(chain[0]).get('load_from')
    if start and '://' not in start:
        raise InputError(
            f'{texts[0]} starts from {start}; put what makes it ({read(chain[0]).get("pretrained_by")}) first'
        )
    return chain


def shown(path: Path) -> str:
    """A path as it is typed in the current folder."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@dataclass(frozen=True)
class Study:
    """Runs of a system's rows below a folder.

    Attributes:
        work: the folder.
        toys: step -> config that stands for it, with its file's name.
        shorter: what a row's own command becomes for toys.
    """

    work: Path
    toys: Mapping[Step, Config] = field(default_factory=dict)
    shorter: Callable[[str], str] = str

    def folder(self, chain: Chain, seed: int | str) -> Path:
        """The folder of the last step of a chain; chains that begin alike share those of their first steps."""
        system = chain[0].config.split('/')[0]
        return self.work / system / '+'.join(step.name_beside(system) for step in chain) / f'seed_{seed}'

    def checkpoint(self, chain: Chain, seed: int) -> Path:
        """The file that a chain leaves when all of its steps are done."""
        chain = chain[:-1] if chain[-1].only_tests else chain
        loop = (self.toys.get(chain[-1]) or read(chain[-1])).train_cfg
        name = f'epoch_{loop.max_epochs}.pth' if loop.get('by_epoch', True) else f'iter_{loop.max_iters}.pth'
        return self.folder(chain, seed) / name

    def config(self, step: Step) -> list[str]:
        """The arguments that name a step's config and variant."""
        if self.toys:
            return [shown(Path(self.toys[step].filename))]
        variant = ['--variant', step.variant] if step.variant else []
        return [shown(CONFIGS / f'{step.config}.py'), *variant]

    def commands(self, chain: Chain, seed: int) -> Iterator[tuple[list[str], Path]]:
        """The commands of a chain, and the file that each leaves when it is done."""
        for i, step in enumerate(chain):
            if not step.only_tests:
                start = [f'load_from={shown(self.checkpoint(chain[:i], seed))}'] if i else []
                options = ['--resume', '--cfg-options', *start, f'randomness.seed={seed}']
                made = self.checkpoint(chain[: i + 1], seed)
                yield ['tools/train.py', *self.config(step), '--work-dir', shown(made.parent), *options], made
        if read(chain[-1]).get('test_dataloader'):  # some pretraining has none
            yield self.test(chain, seed, '--out', 'metrics.json')

    def test(self, chain: Chain, seed: int, option: str, name: str) -> tuple[list[str], Path]:
        """The command that tests what a chain leaves, and the file in its folder that the option names."""
        checkpoint, made = self.checkpoint(chain, seed), self.folder(chain, seed) / name
        arguments = [*self.config(chain[-1]), shown(checkpoint), '--work-dir', shown(made.parent)]
        return ['tools/test.py', *arguments, option, shown(made)], made

    def command(self, key: str, row: Row, seed: int) -> Iterator[tuple[list[str], Path]]:
        """The row's own command, if it has one, after dumps that it reads; and how the names of their files begin."""
        if not row.command:
            return
        first = next(iter(row.chains.values()), None)
        out = (self.folder(first, seed) if first else self.work / 'pictures') / key
        names = {'out': shown(out)}
        for column, chain in ({'': first} | dict(row.chains) if first else {}).items():
            dot, (dumps, dump) = column and f'{column}.', self.test(chain, seed, '--dump', 'predictions.pkl')
            names |= {column: shown(dump.parent), f'{dot}pkl': shown(dump)}
            names[f'{dot}config'] = shlex.join(self.config(chain[-1]))
            names[f'{dot}checkpoint'] = shown(self.checkpoint(chain, seed))
            if f'{{{dot}pkl}}' in row.command:
                yield dumps, dump
        yield shlex.split(re.sub(FIELD, lambda match: names[match[1]], self.shorter(row.command))), out

    def figures(self, chain: Chain, key: str) -> list[float]:
        """The figures of a chain's runs so far."""
        files = sorted(self.folder(chain, '*').parent.glob('seed_*/metrics.json'))
        return [value for file in files if (value := json.loads(file.read_text()).get(key)) is not None]

    def run(self, rows: Mapping[str, Row], seeds: int) -> list[str]:
        """Runs what is missing of some rows by key; returns what failed, a sentence each."""
        failed = []
        for seed, (key, row) in itertools.product(range(seeds), rows.items()):
            chains = [self.commands(chain, seed) for chain in dict.fromkeys(row.chains.values())]
            for steps in map(list, (*chains, self.command(key, row, seed))):
                if steps and _done(steps[-1][1]):  # checkpoints before it may be gone
                    continue
                for command, made in steps:
                    if not _done(made) and not _call(command, bool(self.toys)):
                        failed.append(f'row {key}, seed {seed}: {shlex.join(command)}')
                        break
        return failed


def _done(made: Path) -> bool:
    """Whether a file is there, or one that begins with its name."""
    return made.exists() or any(made.parent.glob(f'{made.name}.*'))


def _call(command: list[str], here: bool) -> bool:
    """Runs a tool in a process of its own, or ``here``, which saves a start; returns whether it ended well."""
    print('python', shlex.join(command), flush=True)
    tool = ROOT / command[0]
    if not here:
        return subprocess.run([sys.executable, str(tool), *command[1:]], check=False).returncode == 0
    if str(tool.parent) not in sys.path:
        sys.path.append(str(tool.parent))  # of what it shares with its neighbours
    try:
        runpy.run_path(str(tool), run_name='tool')['main'](command[1:])
    except Exception as error:  # whatever is wrong with a row, the others can run
        print(f'{type(error).__name__}: {error}')
        return False
    return True


def mean(values: list[float]) -> str:
    """``'39.25 ± 0.27 (5)'``: mean, standard deviation and number of runs; of one run its value."""
    spread = f' ± {statistics.stdev(values):.2f} ({len(values)})' if len(values) > 1 else ''
    return f'{statistics.fmean(values):.2f}{spread}' if values else '-'


def as_text(study: Study, name: str, table: Table) -> str:
    """A table, and below it what each row needs."""
    lines = [['row', 'varies', *(part for column in table.columns for part in (column, 'ours'))]]
    notes = []
    for key, row in table.rows.items():
        cells = []
        for column, metric in table.columns.items():
            chain = row.chains.get(column)
            cells += [str(row.paper.get(column, '-')), mean(study.figures(chain, metric)) if chain and metric else '-']
        lines.append([key, row.varies, *cells])
        chains = [study.commands(chain, 0) for chain in row.chains.values()]
        commands = [shlex.join(command) for steps in (*chains, study.command(key, row, 0)) for command, _ in steps]
        notes += ['', f'{key}: {row.reason}'.rstrip(), *(f'  python {command}' for command in dict.fromkeys(commands))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = ['  '.join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return '\n'.join([f'table {name}: {table.title}', '', *body, *notes, ''])


def toy_study(folder: Path, tables: Mapping[str, Table], stack: ExitStack) -> Study:
    """A study of short runs on made-up files below a folder, which tools find until ``stack`` ends."""
    if not (ROOT / 'tests/toy_datasets').is_dir():
        raise InputError(f'--toy needs the folder tests of the repository, {ROOT} has none; clone the repository')
    sys.path.insert(0, str(ROOT / 'tests'))
    from toy_datasets.study import hastened, shorter, write_config, write_study

    stack.enter_context(hastened())
    stack.enter_context(patch.dict(os.environ, POSELIFTER_DATA=str(write_study(folder / 'data'))))
    stack.callback(read.cache_clear)
    read.cache_clear()  # configs name the files' folder
    chains = [chain for table in tables.values() for row in table.rows.values() for chain in row.chains.values()]
    steps = dict.fromkeys(itertools.chain.from_iterable(chains))
    toys = {step: write_config(read(step), folder / f'{step.name_beside("")}.py') for step in steps}
    return Study(folder / 'runs', toys, shorter)


def choose(named: Mapping[str, Any], names: list[str] | None, what: str) -> dict[str, Any]:
    """The entries of these names, all by default; raises an InputError for others."""
    for name in names or ():
        if name not in named:
            raise InputError(f'no {what} {name!r}; choose of {", ".join(get_close_matches(name, named) or named)}')
    return {name: named[name] for name in names or named}


def main(argv: list[str] | None = None) -> None:
    """Lists, prints or runs tables."""
    parser = ToolParser(__doc__)
    parser.add_argument('system', help='folder below configs')
    parser.add_argument('table', nargs='?', help="number of the table, or 'figure 7'; without it all")
    parser.add_argument('--rows', nargs='+', metavar='KEY', help='only these rows of the table')
    parser.add_argument('--run', action='store_true', help='run what is missing')
    parser.add_argument('--seeds', type=int, default=1, metavar='N', help='runs of each row (default: %(default)s)')
    parser.add_argument('--work-dir', help='folder of the runs (default: work_dirs/tables, for toys a temporary one)')
    parser.add_argument('--toy', action='store_true', help='run all, two steps each, on made-up files')
    args = parser.parse_args(argv)
    if args.rows and not args.table:
        raise InputError('--rows needs the table that they belong to; give TABLE')
    tables = read_tables(args.system, args.table)
    if not args.table and not (args.run or args.toy):
        print('\n'.join(f'{name:10}{len(table.rows):3} rows  {table.title}' for name, table in tables.items()))
        return
    if args.rows:
        [(name, table)] = tables.items()
        tables = {name: replace(table, rows=choose(table.rows, args.rows, f'row of table {name}'))}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends too
    failed = []
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        work = Path(args.work_dir or (temporary if args.toy else 'work_dirs/tables'))
        study = toy_study(work, tables, stack) if args.toy else Study(work)
        for name, table in tables.items():
            failed += study.run(table.rows, args.seeds) if args.run or args.toy else []
            print(as_text(study, name, table))
    if failed:
        raise InputError(f'these failed, see above; the same command goes on: {"; ".join(failed)}')


if __name__ == '__main__':
    run_program(main)
