"""Commands in the pages exist, with the options given to them; also those that cannot run in test_blocks.py."""

import re
from functools import cache
from pathlib import Path

import pytest

from poselifter.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ('*.md', 'docs/**/*.md', 'configs/*/README.md', 'projects/*/*.md', 'demo/*.md', 'benchmarks/*.md')
    for path in sorted(ROOT.glob(pattern))
    if not {'_build', 'api'} & set(path.parts)
]
CODE = re.compile(r'^ *```(?:bash|text)?\n(.*?)^ *```$|(?<!`)`([^`\n]+)`(?!`)', re.M | re.S)
COMMAND = re.compile(r'(?:python )?((?:tools|benchmarks|projects|demo|docs)/\S+\.(?:py|sh))\b(.*)|poselifter ([a-z].*)')
OPTION = re.compile(r'(?<![\w-])--?[a-z][\w-]*')
OTHERS = re.compile(r'^\| [^|]+\|', re.M)  # the column of other programs
LAUNCHED = {'dist_train': 'train', 'dist_test': 'test', 'slurm_train': 'train', 'slurm_test': 'test'}
OF_ALL = ('--help', '--version', '--debug')
ADDED = 'about'  # the command that add_command.md adds


def lines(page):
    """Commands in the code of a page, one a line."""
    text = (ROOT / page).read_text(encoding='utf-8')
    text = OTHERS.sub('|', text) if page.endswith('migration.md') else text
    for block, inline in CODE.findall(text):
        for line in (block or inline).replace('\\\n', ' ').splitlines():
            for part in re.split(r' && | \| ', line.partition(' #')[0]):
                yield re.sub(r'^(\s|\$ |[A-Z_]+=\S+ )*', '', part)


@cache
def source(program):
    """Text of a program, and of what gives it options."""
    if program.endswith('.sh'):
        name = Path(program).stem
        return (ROOT / program).read_text() + (source(f'tools/{LAUNCHED[name]}.py') if name in LAUNCHED else '')
    return (ROOT / program).read_text() + (ROOT / 'poselifter/engine/tool.py').read_text()


def options_of(words):
    """Options of a command of the shell by its words; ``None`` if there is none."""
    for count in (2, 1):
        if ' '.join(words[:count]) in COMMANDS:
            name = ' '.join(words[:count])
            program = source(f'tools/{name}.py') if name in ('train', 'test') else ''
            return {option for names, _ in COMMANDS[name][1] for option in names} | set(OPTION.findall(program))
    return None


@pytest.mark.parametrize('page', PAGES)
def test_commands_and_options_exist(page):
    wrong, made = [], re.findall('title="(.+?)"', (ROOT / page).read_text(encoding='utf-8'))
    for line in lines(page):
        match = COMMAND.match(line)
        if match and match[1]:
            options = {*OPTION.findall(match[2])} - {*OF_ALL}
            if match[1] in made:
                continue
            if not (ROOT / match[1]).is_file() or any(f"'{option}'" not in source(match[1]) for option in options):
                wrong.append(line)
        elif match and not line.endswith('COMMAND --help'):
            words = match[3].split()
            options = options_of(words)
            if words[0] == ADDED or words in (['zoo'], ['command']):
                continue
            if options is None or not {*OPTION.findall(match[3])} <= {*options, *OF_ALL}:
                wrong.append(line)
    assert not wrong
