"""Renews the table *paper / release / ours* in the README.md of each system that has a choices.yml.

    python docs/choices.py

configs/<system>/choices.yml lists what a recipe does on purpose where paper and released program differ from each
other or from us: ``what``, ``paper``, ``release`` and ``ours`` are the cells of a row, one line of markdown each. Where
a config states the choice, ``config`` (``h36m_243``, or with a variant ``h36m_243:paper``), ``key`` (dotted, a number
for an entry of a list) and ``value`` say so; a test compares them.
"""

from pathlib import Path
from typing import Any

import yaml

from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
CELLS = ('what', 'paper', 'release', 'ours')
START, END = '<!-- choices: made by docs/choices.py from choices.yml -->\n', '<!-- end of choices -->\n'


def read(path: Path) -> list[dict[str, Any]]:
    """The entries of a choices.yml.

    Raises:
        InputError: an entry lacks a cell, or has only some of ``config``, ``key`` and ``value``.
    """
    entries = yaml.safe_load(path.read_text(encoding='utf-8'))
    for entry in entries:
        keys = set(entry) - set(CELLS)
        if not set(CELLS) <= set(entry) or keys not in (set(), {'config', 'key', 'value'}):
            raise InputError(
                f'{path}: an entry has {", ".join(entry)}, expected {", ".join(CELLS)}, '
                f'and config, key and value or none of the three; mend it'
            )
    return entries


def table(entries: list[dict[str, Any]]) -> str:
    """A markdown table, a row an entry."""
    rows = [CELLS, ['---'] * len(CELLS), *([str(entry[cell]) for cell in CELLS] for entry in entries)]
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def renew(text: str, entries: list[dict[str, Any]]) -> str:
    """A page with the table between the two marks in place of what stood there."""
    before, rest = text.split(START)
    return f'{before}{START}\n{table(entries)}\n{END}{rest.split(END)[1]}'


def main() -> None:
    """Renews the pages of all systems.

    Raises:
        InputError: a README lacks the marks.
    """
    for path in sorted(CONFIGS.glob('*/choices.yml')):
        page = path.with_name('README.md')
        text = page.read_text(encoding='utf-8')
        if text.count(START) != 1 or text.count(END) != 1:
            raise InputError(f'{page} lacks the lines {START.strip()} and {END.strip()}; add them where the table goes')
        with atomic_write(page) as temporary:
            temporary.write_text(renew(text, read(path)), encoding='utf-8')


if __name__ == '__main__':
    run_program(lambda argv: main())
