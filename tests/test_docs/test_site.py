"""The site builds without a warning, its links lead somewhere, and pages made by scripts are up to date."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest

from poselifter.cli import COMMANDS
from poselifter.skeletons import get_skeleton, list_skeletons


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors.add(values.get('id'))
        self.links.update(values[key] for key in ('href', 'src') if values.get(key))


@pytest.mark.slow
def test_the_site_builds_and_its_links_lead_somewhere(repository, tmp_path):
    pytest.importorskip('sphinx_book_theme', reason='needs poselifter[docs]')
    command = [sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', str(repository / 'docs'), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = [path for path in tmp_path.rglob('*.html') if '_static' not in path.parts]
    pages = {path: Page(path.read_text(encoding='utf-8')) for path in files}
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            target = (path.parent / unquote(address.partition('?')[0])).resolve() if address else path
            if '://' in link or link.startswith(('mailto:', 'data:')):
                continue
            if not target.exists() or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                wrong.append(f'{path.name}: {link}')
    assert not wrong
    assert len(pages) > 80
    assert 'motion.webp' in (tmp_path / 'index.html').read_text()
    for name in ('apis.html#poselifter.apis.Pose3DInferencer', 'skeletons.html#poselifter.skeletons.get_skeleton'):
        page, anchor = name.split('#')
        assert anchor in pages[tmp_path / 'api' / page].anchors


@pytest.mark.parametrize('page', ['model_zoo.md', 'data_zoo.md'])
def test_pages_of_the_zoo_are_what_the_metafiles_give(load_module, repository, page):
    zoo = load_module('docs/zoo.py')
    text = (repository / 'docs' / page).read_text(encoding='utf-8')
    assert zoo.renew(text, zoo.PAGES[page]()) == text, 'run python docs/zoo.py'


def test_every_data_set_of_the_configs_is_in_the_data_zoo(repository):
    text = (repository / 'docs/data_zoo.md').read_text(encoding='utf-8')
    names = {path.stem for path in (repository / 'configs/_base_/datasets').glob('*.py')} - {'loaders'}
    assert {name for name in names if f'`{name}`' not in text} == set()


def test_pictures_are_small_and_joints_have_places(load_module, repository):
    sizes = {path.name: path.stat().st_size for path in (repository / 'docs/images').iterdir()}
    assert {name for name, size in sizes.items() if size > 500_000} == set()
    pictures = load_module('docs/pictures.py')
    for name in list_skeletons():
        places = [pictures.place(joint, name) for joint in get_skeleton(name).joint_names]
        assert len(set(places)) == len(places), name
        apart = pictures.spread(np.array(places), 0.112)
        far = np.linalg.norm(apart[:, None] - apart, axis=-1) + np.eye(len(apart))
        assert far.min() > 0.104, name  # else a disc covers another one's number


def test_migration_and_troubleshooting_name_what_exists(repository):
    """Options, commands, configs and variants that the pages name."""
    from poselifter.engine import load_config

    text = (repository / 'docs/migration.md').read_text(encoding='utf-8')
    for line in text.splitlines():
        for config in set(re.findall(r'configs/(?:\w+/)+\w+\.py', line)) if line.startswith('|') else ():
            for variant in re.findall(r'--variant (\w+)', line) or [None]:
                load_config(repository / config, variant=variant)
    options = {name for _, (_, given) in COMMANDS.items() for names, _ in given for name in names}
    page = (repository / 'docs/user_guides/troubleshooting.md').read_text(encoding='utf-8')
    used = set(re.findall(r'(--[a-z][\w-]+)', page)) - {'--debug', '--json', '--version'}
    assert used <= options
