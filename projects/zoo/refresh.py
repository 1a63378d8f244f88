"""Renews what depends on the default model: its calibration, the tables of the docs, the demo's picture, model cards.

    python projects/zoo/refresh.py [--only WORD ...] [--list]

After `DEFAULT_MODEL` (poselifter/apis/zoo.py) or its weights have changed. A table stands in a page between the lines
`<!-- made by: COMMAND -->` and `<!-- end -->`; COMMAND runs in the root of the repository with the data of
../shared/data. What it printed is kept in out/refresh for as long as the weights are the same, so that a run that was
stopped goes on; remove that folder to measure anew. --only takes the steps whose command contains one of the words.
"""

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from poselifter.apis.zoo import DEFAULT_MODEL, find
from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / 'shared' / 'data'
BLOCK = re.compile(r'<!-- made by: (?P<command>.*?) -->\n.*?<!-- end -->\n', re.DOTALL)
FIRST = ['python benchmarks/lifting_options.py calibrate']  # later figures of the uncertainty depend on it
OF_ALL_MODELS = ['python benchmarks/out_of_distribution.py']  # it keeps what it has measured by itself
LAST = [
    'python demo/lift_demo.py --out-dir out/refresh/demo --formats png',
    'cp out/refresh/demo/clip.png docs/images/clip.png',
    'python docs/model_cards.py',
]


def pages() -> list[Path]:
    """Pages with tables that commands make."""
    found = [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md'), *(ROOT / 'configs').rglob('*.md')]
    return [path for path in sorted(found) if BLOCK.search(path.read_text(encoding='utf-8'))]


def run(command: str) -> str:
    """What a command prints; an earlier run with the same weights is believed.

    Raises:
        InputError: the command fails.
    """
    key = hashlib.sha256(f'{command}\n{find(DEFAULT_MODEL).sha256}'.encode()).hexdigest()[:16]
    kept = ROOT / 'out' / 'refresh' / f'{key}.txt'
    if kept.is_file() and command not in OF_ALL_MODELS:
        return kept.read_text(encoding='utf-8')
    print(f'$ {command}', flush=True)
    paths = {'POSELIFTER_DATA': str(DATA), 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    words = shlex.split(command)
    words = [sys.executable, *words[1:]] if words[0] == 'python' else words
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **paths}, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise InputError(f'{command} ended with status {done.returncode}; mend that and run this again')
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(kept) as path:
        Path(path).write_text(done.stdout, encoding='utf-8')
    return done.stdout


def block(command: str, output: str) -> str:
    """The part of a page: tables with bold lines over them, or what else was printed as it is."""
    if re.search(r'^\|', output, re.MULTILINE):
        parts = re.findall(r'^(?:\*\*.*|(?:\|.*\n)+)', output, re.MULTILINE)
        body = '\n\n'.join(part.strip() for part in parts)
    else:
        body = f'```\n$ {command}\n{output.strip()}\n```'
    return f'<!-- made by: {command} -->\n\n{body}\n\n<!-- end -->\n'


def main(argv: list[str] | None = None) -> None:
    """Runs the steps in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', metavar='WORD', help='only commands that contain one of these')
    parser.add_argument('--list', action='store_true', help='print the commands and what they renew')
    args = parser.parse_args(argv)
    tables = [(m['command'], path) for path in pages() for m in BLOCK.finditer(path.read_text(encoding='utf-8'))]
    steps = [*((command, None) for command in FIRST), *tables, *((command, None) for command in LAST)]
    for command, page in steps:
        if args.only and not any(re.search(rf'\b{re.escape(word)}\b', command) for word in args.only):
            continue
        if args.list:
            print(f'{page.relative_to(ROOT) if page else ""}\t{command}')
            continue
        made = block(command, run(command))
        if page:
            text = page.read_text(encoding='utf-8')
            page.write_text(BLOCK.sub(lambda m, c=command, new=made: new if m['command'] == c else m[0], text), 'utf-8')


if __name__ == '__main__':
    run_program(main)
