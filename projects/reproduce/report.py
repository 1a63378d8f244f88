"""The tables of run.py as Markdown: means over seeds, paired differences, and whether the paper's order holds."""

import itertools
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HEAD = ['row', 'varies', 'paper', 'seeds', 'MPJPE', 'difference', 'P-MPJPE', 'CPU s']


class Report:
    """What the ledger says of a study.

    Args:
        study: the trainings.
        configs: folder of the systems, whose tables.yml have the papers' figures.
    """

    def __init__(self, study: Any, configs: Path) -> None:
        self.study, self.configs, self.entries = study, configs, study.entries()

    def text(self) -> str:
        """The checkpoints and all tables, between marks by which the pages of the systems take their own."""
        parts = [marked('checkpoints', [self.checkpoints()])]
        for system, tables in itertools.groupby(self.study.tables, lambda table: table.get('paper', '').split(' ')[0]):
            texts = [self.table(table) for table in tables]
            parts += [marked(system, texts)] if system else texts
        return '\n\n'.join(parts) + '\n'

    def checkpoints(self) -> str:
        """One row a system."""
        lines = [['system', 'config', 'MPJPE', 'P-MPJPE', 'MPJVE', 'steps', 'CPU s']]
        for name in self.study.checkpoints:
            entry = self.entries.get((name, 0))
            figures = [f'{entry[key]:.1f}' for key in ('MPJPE', 'P-MPJPE', 'MPJVE')] if entry else ['not run'] * 3
            lines.append([name, self.study.trainings[name]['config'], *figures, str(self.total(name, 0, 'steps'))])
            lines[-1].append(str(self.total(name, 0, 'cpu_s')))
        return '**One checkpoint of each system, the same data and budget**\n\n' + markdown(lines).strip()

    def table(self, table: Mapping[str, Any]) -> str:
        """One table, its claims below it, and the rows of the paper that have not been run."""
        rows, paper, title = table['rows'], {}, table.get('title', '')
        if 'paper' in table:
            system, _, number = table['paper'].partition(' ')
            content = yaml.safe_load((self.configs / system / 'tables.yml').read_text(encoding='utf-8'))[number]
            paper, title = content['rows'], f'{system}, {"" if " " in number else "table "}{number}: {content["title"]}'
        lines = [HEAD]
        for key in [key for key in (paper or rows) if self.seeds(rows.get(key))]:
            given = paper.get(key, {}).get('paper', {}).get(table.get('column'), '')
            lines.append([key, paper.get(key, {}).get('varies', ''), str(given), *self.cells(rows[key], table)])
        missing = [key for key in (paper or rows) if not self.seeds(rows.get(key))]
        notes = [self.sentence(claim, rows) for claim in table.get('claims', [])]
        notes += [self.order(rows, paper, table.get('column'))] if paper else []
        notes += [f'- Not run: {", ".join(missing)}.'] if missing else []
        against = f' Differences by pairs from {table["against"]}.' if 'against' in table else ''
        body = markdown(lines) if len(lines) > 1 else ''
        return '\n\n'.join(filter(None, [f'**{title}**{against}', body.strip(), '\n'.join(notes)]))

    def cells(self, row: Mapping[str, str], table: Mapping[str, Any]) -> list[str]:
        """Number of seeds, MPJPE, its difference, P-MPJPE, seconds of a row."""
        name, results = row['run'], self.seeds(row)
        other = row.get('against') or table['rows'][table['against']]['run']
        difference = '' if other == name else spread(self.differences(name, other), sign=True)
        errors = [spread([entry[key] for entry in results.values()]) for key in ('MPJPE', 'P-MPJPE')]
        costs = [cost for seed in results if isinstance(cost := self.total(name, seed, 'cpu_s'), int)]
        return [str(len(results)), errors[0], difference, errors[1], f'{statistics.fmean(costs):.0f}' if costs else '-']

    def seeds(self, row: Mapping[str, str] | None) -> dict[int, Mapping[str, Any]]:
        """The finished runs of a row by seed."""
        name = row and row['run']
        return {seed: self.entries[training, seed] for training, seed in sorted(self.entries) if training == name}

    def total(self, name: str, seed: int, key: str) -> int | str:
        """Steps or seconds of a training and of all that it starts from; ``'-'`` if one is not known."""
        values = [self.entries.get(step, {}).get(key) for step in self.study.chain(name, seed)]
        return '-' if None in values else sum(values)

    def differences(self, name: str, other: str) -> list[float]:
        """MPJPE of one training less that of another, mm, of the seeds that both have."""
        first, second = self.seeds({'run': name}), self.seeds({'run': other})
        return [first[seed]['MPJPE'] - second[seed]['MPJPE'] for seed in first if seed in second]

    def order(self, rows: Mapping[str, Mapping[str, str]], paper: Mapping[str, Any], column: str | None) -> str:
        """How many pairs of rows stand as in the paper, by the means over seeds."""
        numbers = {key: re.search(r'[\d.]+', str(paper[key].get('paper', {}).get(column, ''))) for key in rows}
        points = [
            (float(numbers[key][0]), statistics.fmean(entry['MPJPE'] for entry in results.values()))
            for key, row in rows.items()
            if numbers[key] and (results := self.seeds(row))
        ]
        pairs = [(a, b) for a, b in itertools.combinations(points, 2) if a[0] != b[0]]
        same = sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs)
        return f'- Of {len(pairs)} pairs of rows with different figures in the paper, {same} are in its order here.'

    def sentence(self, claim: Mapping[str, str], rows: Mapping[str, Mapping[str, str]]) -> str:
        """Whether a claim of the paper holds: in all seeds, in none, or now and then."""
        pairs = self.differences(rows[claim['better']]['run'], rows[claim['worse']]['run'])
        signs = {value < 0 for value in pairs}
        verdict = {0: 'not run yet', 2: 'undecided, the seeds disagree'}.get(len(signs))
        verdict = verdict or ('it holds' if True in signs else 'it is the other way round')
        verdict = f'so far {verdict}' if len(pairs) == 1 else verdict
        figures = f' ({spread(pairs, sign=True)} mm, {len(pairs)} seed{"s" * (len(pairs) > 1)})' if pairs else ''
        return f'- The paper: {claim["says"]}. Here: {verdict}{figures}.'


def marked(name: str, texts: Sequence[str]) -> str:
    """Texts between two comments."""
    return '\n\n'.join([f'<!-- begin {name} -->', *texts, f'<!-- end {name} -->'])


def spread(values: Sequence[float], sign: bool = False) -> str:
    """``'39.2 ± 0.3'``: mean and standard deviation over seeds."""
    if not values:
        return '-'
    deviation = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.fmean(values):{"+" if sign else ""}.1f}{deviation}'


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table without its empty columns; the first line is its head."""
    kept = [
        i for i, title in enumerate(lines[0]) if any(line[i] not in ('', '-') for line in lines[1:]) or title == 'row'
    ]
    lines = [[line[i] for i in kept] for line in lines]
    rows = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)
