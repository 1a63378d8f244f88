"""Renews the table of model_sizes.md: counts of get_flops beside the figures that papers give.

    python docs/model_sizes.py

The figures stand in model_sizes.json.
"""

import json
import re
import sys
from pathlib import Path

from poselifter.models import list_models
from poselifter.utils import atomic_write

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / 'tools/analysis_tools'))
import get_flops  # noqa: E402

MARK = '<!-- model_sizes -->\n'
PUBLISHED = json.loads((DOCS / 'model_sizes.json').read_text(encoding='utf-8'))


def amount(text: str) -> tuple[float, bool]:
    """A figure as printed: ``'645 M a frame'`` is 645e6, and for a frame."""
    digits, unit, a_frame = re.fullmatch(r'([\d.,]+)( [MG])?( a frame)?', text).groups()
    return float(digits.replace(',', '')) * {' M': 1e6, ' G': 1e9}.get(unit, 1), bool(a_frame)


def percent(ratio: float) -> str:
    """The difference of a ratio from 1: ``'+6.3 %'``."""
    return '0' if ratio == 1 else re.sub(r'^[+-]0\.0', '0.0', f'{100 * (ratio - 1):+.1f} %')


def compare(row: dict, figure: dict[str, str]) -> list[str]:
    """The cells ``published``, ``differs by``, ``because`` of a published figure beside what get_flops counts."""
    published, differences, reasons = [], [], []
    for key in ('parameters', 'macs'):
        if key not in figure:
            continue
        value, a_frame = amount(figure[key])
        frames = row['frames_out'] if a_frame else 1
        published.append(figure[key] + (' parameters' if key == 'parameters' else ''))
        differences.append(percent(value * frames / row[key]))
        way = figure.get(f'{key}_counted')
        if way:
            counted = sum(n * row[part] for part, n in PUBLISHED['ways'][way].items())
            counted += amount(figure.get('plus', '0'))[0]
            reasons.append(f'{way}: {get_flops.short(counted / frames)} ({percent(value * frames / counted)})')
    reasons += [figure['note']] if 'note' in figure else []
    return [f'{figure["source"]}: {", ".join(published)}', ', '.join(differences), '; '.join(reasons)]


def table(rows: list[dict]) -> str:
    """A markdown table: a line a model, and one more for each further published figure."""
    head, alignment, *body = get_flops.cells(rows)
    lines = [[*head, 'published', 'differs by', 'because'], [*alignment, '---', '---', '---']]
    for row, line in zip(rows, body, strict=True):
        figures = PUBLISHED['figures'].get(row['model'], [])
        comparisons = [compare(row, figure) for figure in figures] or [[''] * 3]
        lines.append(line + comparisons[0])
        lines += [[''] * len(line) + more for more in comparisons[1:]]
    return get_flops.markdown(lines)


def main(page: Path = DOCS / 'model_sizes.md') -> None:
    """Puts the table of all models in the place of the one under the mark."""
    rows = [get_flops.count(name) for name in list_models()]
    before, after = page.read_text(encoding='utf-8').split(MARK)
    after = re.sub(r'^(\|.*\n)*', '', after)
    with atomic_write(page) as temporary:
        temporary.write_text(f'{before}{MARK}{table(rows)}{after}', encoding='utf-8')


if __name__ == '__main__':
    main()
