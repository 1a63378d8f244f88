"""What poselifter is built on: versions that were tested, and the search for known holes."""

import json
import os
import re
import subprocess

import pytest
import yaml
from packaging.requirements import Requirement


def lines(path):
    return [Requirement(line) for line in path.read_text().splitlines() if line and not line.startswith('#')]


def test_the_lowest_versions_are_those_that_are_allowed(repository):
    """An exact version for each that is needed, the first that its bound allows."""
    exact = {need.name: next(iter(need.specifier)).version for need in lines(repository / 'requirements/lowest.txt')}
    extras = re.findall(r"'([\w\[\]-]+>=[^']+)'", (repository / 'setup.py').read_text())
    assert len(extras) > 10 and any(extra.startswith('ray') for extra in extras)
    needs = [need for name in ('runtime', 'optional') for need in lines(repository / f'requirements/{name}.txt')]
    for need in [*needs, *map(Requirement, extras)]:
        least = next(each.version for each in need.specifier if each.operator == '>=')
        assert need.specifier.contains(exact[need.name])
        assert re.match(rf'{re.escape(least)}(\.0|\.1)*$', exact[need.name]), need.name


def test_the_lowest_versions_are_tried_every_week(repository):
    """By a job, with the commands that the page has."""
    job = yaml.safe_load((repository / '.github/workflows/lowest.yml').read_text())
    assert len(job[True]['schedule']) == 1  # yaml reads the key "on" so
    runs = '\n'.join(step.get('run', '') for step in job['jobs']['lowest']['steps'])
    page = (repository / 'docs/researcher_guides/faults.md').read_text()
    [block] = [text for text in page.split('```') if 'requirements/lowest.txt &&' in text]
    commands = [line.strip() for line in runs.splitlines() if line.startswith('lowest/bin/python')]
    assert 'requirements/lowest.txt' in runs and commands and all(command in block for command in commands)


def test_the_pinned_versions_are_allowed(repository):
    pinned = {need.name.lower(): next(iter(need.specifier)).version
              for need in lines(repository / 'requirements/constraints.txt')}  # fmt: skip
    for name in ('runtime', 'optional', 'tests', 'docs'):
        for need in lines(repository / f'requirements/{name}.txt'):
            assert need.specifier.contains(pinned[need.name.lower()]), need.name


def test_style_is_checked_by_one_version(repository):
    hooks = (repository / '.pre-commit-config.yaml').read_text()
    pinned = re.search(r'^ruff==(.+)$', (repository / 'requirements/constraints.txt').read_text(), re.M)[1]
    assert re.search(r'ruff-pre-commit\n +rev: v(.+)\n', hooks)[1] == pinned


def test_the_programs_of_the_pages_are_those_that_are_searched(repository):
    named = json.loads((repository / 'requirements/browser.json').read_text())['dependencies']
    assets = repository / 'poselifter/visualization/assets'
    three = re.search(r'const \w+="(\d+)"', (assets / 'three.module.min.js').read_text()[:400])[1]
    runtime = re.search(r'ONNX Runtime Web v([\d.]+)', (assets / 'onnxruntime/ort.wasm.min.mjs').read_text()[:200])[1]
    assert named == {'three': f'0.{three}.0', 'onnxruntime-web': runtime}


@pytest.mark.parametrize(('python', 'npm', 'status'), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (127, 127, 1)])
def test_nothing_is_clean_that_was_not_looked_up(repository, tmp_path, python, npm, status):
    """What pip-audit is asked, and that each failure of a search is one of the whole."""
    for name, ends in (('pip-audit', python), ('npm', npm)):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n[ "$1" = install ] || exit {ends}\n')
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, 'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'}
    done = subprocess.run(['bash', repository / 'tools/audit.sh'], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert '--strict' in done.stdout and 'constraints.txt' in done.stdout and 'npm audit' in done.stdout
    assert done.stderr.count('error: ') == (python != 0) + (npm != 0)
