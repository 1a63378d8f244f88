"""The tables of run.py as Markdown: means over seeds, paired differences, and whether the paper's order holds."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Entries = Mapping[tuple[str, int], Mapping[str, Any]]


def report(tables: Sequence[Mapping[str, Any]], entries: Entries, configs: Path) -> str:
    """All tables.

    Args:
        tables: of rows.yml.
        entries: lines of the ledger by training and seed.
        configs: folder of the systems, whose tables.yml have the papers' figures.
    """
    return '\n\n'.join(one(table, entries, configs) for table in tables) + '\n'


def one(table: Mapping[str, Any], entries: Entries, configs: Path) -> str:
    """One table, its claims below it, and the rows of the paper that have not been run."""
    system, _, number = table['paper'].partition(' ')
    paper = yaml.safe_load((configs / system / 'tables.yml').read_text(encoding='utf-8'))[number]
    runs = {key: row['run'] for key, row in table['rows'].items()}
    head = ['row', 'varies', 'paper', 'seeds', 'MPJPE', 'difference', 'P-MPJPE', 'CPU s']
    lines, open_rows = [head, ['---'] * len(head)], []
    for key, row in paper['rows'].items():
        results = seeds_of(entries, runs.get(key))
        if not results:
            open_rows.append(key)
            continue
        costs = [entry['cpu_s'] for entry in results.values() if entry['cpu_s']]
        cells = [key, row['varies'], str(row.get('paper', {}).get(table['column'], '-')), str(len(results))]
        cells += [spread([entry['MPJPE'] for entry in results.values()])]
        cells += [
            spread(differences(entries, runs[key], runs[table['against']]), sign=True)
            if key != table['against']
            else ''
        ]
        cells += [spread([entry['P-MPJPE'] for entry in results.values()])]
        lines.append([*cells, f'{statistics.fmean(costs):.0f}' if costs else '-'])
    title = f'**{system}, {"" if " " in number else "table "}{number}: {paper["title"]}**'
    body = '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
    notes = [sentence(claim, entries, runs) for claim in table['claims']]
    notes += [f'Not run: {", ".join(open_rows)}.'] if open_rows else []
    return f'{title} Differences are from {table["against"]}, by pairs.\n\n{body}\n\n' + '\n'.join(notes)


def seeds_of(entries: Entries, name: str | None) -> dict[int, Mapping[str, Any]]:
    """The finished runs of a training by seed."""
    return {seed: entries[training, seed] for training, seed in sorted(entries) if training == name}


def differences(entries: Entries, name: str, other: str) -> list[float]:
    """MPJPE of one training less that of another, mm, of the seeds that both have."""
    first, second = seeds_of(entries, name), seeds_of(entries, other)
    return [first[seed]['MPJPE'] - second[seed]['MPJPE'] for seed in first if seed in second]


def spread(values: Sequence[float], sign: bool = False) -> str:
    """``'39.2 ± 0.3'``: mean and standard deviation over seeds."""
    if not values:
        return '-'
    deviation = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.fmean(values):{"+" if sign else ""}.1f}{deviation}'


def sentence(claim: Mapping[str, str], entries: Entries, runs: Mapping[str, str]) -> str:
    """Whether a claim of the paper holds: in all seeds, in none, or now and then."""
    pairs = differences(entries, runs[claim['better']], runs[claim['worse']])
    signs = {value < 0 for value in pairs}
    verdicts = {0: 'not run yet', 2: 'undecided, the seeds disagree'}
    verdict = verdicts.get(len(signs)) or ('holds' if True in signs else 'does not hold, it is the other way round')
    figures = f' ({spread(pairs, sign=True)} mm, {len(pairs)} seed{"s" * (len(pairs) > 1)})' if pairs else ''
    return f'- The paper: {claim["says"]}. Here: {verdict}{figures}.'
