"""Renews model_zoo.md and data_zoo.md from configs/*/metafile.yml and docs/datasets/datasets.yml.

    python docs/zoo.py

A page keeps what a person wrote: only the lines between two marks are made here.
"""

import re
from pathlib import Path

import yaml

from poselifter.utils import atomic_write

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
MARKS = re.compile(r'(<!-- begin (\w+) -->\n)(.*?)(<!-- end \2 -->)', re.S)
REACH = ', to be reached'


def table(head: str, rows: list[list[str]]) -> str:
    """A markdown table; ``head`` are its titles, divided by bars."""
    titles = head.split(' | ')
    lines = [titles, ['---'] * len(titles), *rows]
    return '\n' + ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines) + '\n'


def figures(metrics: dict[str, float]) -> str:
    """``'MPJPE 40.9, PCK 94.4'``."""
    return ', '.join(f'{name} {value}' for name, value in metrics.items())


def recipes(models: list[dict]) -> str:
    """The figures that configs are to reach, and ours where there are some."""
    rows = []
    for model in models:
        config = Path(model['Config']).name
        ours = {r['Dataset']: figures(r['Metrics']) for r in model.get('Results', []) if REACH not in r['Dataset']}
        for result in model.get('Results', []):
            data, reach, place = result['Dataset'].partition(REACH)
            if reach:
                variant = f' --variant {result["Variant"]}' if 'Variant' in result else ''
                where = place.strip(' ()').removeprefix('paper, ') or 'paper'
                rows.append([f'`{config}{variant}`', data, figures(result['Metrics']), where, ours.get(data, '-')])
    return table('config | data | paper | where | ours', rows)


def parts_of_models() -> dict[str, str]:
    """The tables of model_zoo.md by the folder of their configs."""
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text(encoding='utf-8'))
    parts = {}
    for path in index['Import']:
        models = yaml.safe_load((ROOT / path).read_text(encoding='utf-8'))['Models']
        parts[Path(path).parent.name] = recipes(models)
    return parts


def parts_of_data() -> dict[str, str]:
    """The table of data_zoo.md."""
    sets = yaml.safe_load((DOCS / 'datasets/datasets.yml').read_text(encoding='utf-8'))
    rows = []
    for one in sets:
        configs = ' '.join(f'`{name}`' for name in one['configs'])
        link = f'[{one["name"]}](datasets/{one["page"]}.md)'
        rows.append([link, one['content'], one['used for'], one['access'], configs])
    return {'sets': table('data set | what it has | used for | access | `configs/_base_/datasets/`', rows)}


def renew(text: str, parts: dict[str, str]) -> str:
    """A page with the parts between their marks in place of what stood there."""
    return MARKS.sub(lambda match: match[1] + parts[match[2]] + match[4], text)


PAGES = {'model_zoo.md': parts_of_models, 'data_zoo.md': parts_of_data}

if __name__ == '__main__':
    for name, parts in PAGES.items():
        new = renew((DOCS / name).read_text(encoding='utf-8'), parts())
        with atomic_write(DOCS / name) as temporary:
            temporary.write_text(new, encoding='utf-8')
