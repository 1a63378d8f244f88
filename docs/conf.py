"""Sphinx settings: pip install -e .[docs]; sphinx-build -W --keep-going docs docs/_build.

The pages below docs/api are made here, from what each room of the package offers.
"""

import importlib
import inspect
import re
from pathlib import Path

import poselifter
from poselifter.cli import COMMANDS

project = 'poselifter'
author = 'The poselifter developers'
version = release = poselifter.__version__
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
exclude_patterns = ['_build']
myst_heading_anchors = 3
myst_enable_extensions = ['colon_fence', 'attrs_inline']
autodoc_typehints = 'signature'
autodoc_member_order = 'bysource'
autodoc_preserve_defaults = True
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = 'sphinx_book_theme'
html_title = f'poselifter {version}'
html_theme_options = {'show_toc_level': 2, 'show_navbar_depth': 1, 'collapse_navbar': True, 'navbar_persistent': []}

ROOMS = {  # page -> what its module is for
    'apis': 'Python API',
    'models': 'Models by name',
    'models.losses': 'Losses',
    'evaluation.functional': 'Metrics as functions',
    'skeletons': 'Joint sets',
    'io': 'Files',
    'structures': 'Data structures',
    'detection': 'Films and detectors',
    'tracking': 'Persons over time',
    'world': 'World coordinates',
    'geometry': 'Geometry',
    'codecs': 'Codecs',
    'datasets': 'Data sets',
    'datasets.transforms': 'Transforms',
    'evaluation.metrics': 'Metrics of a data set',
    'models.backbones': 'Backbones',
    'models.necks': 'Necks',
    'models.heads': 'Heads',
    'models.estimators': 'Estimators',
    'models.body_models': 'Body models',
    'visualization': 'Pictures and pages',
    'checkpoints': 'Checkpoints',
    'engine': 'Training',
    'registry': 'Registries',
    'errors': 'Errors',
}


def offered(module):
    """Names of the public classes and functions that a module offers, also of those that it imports on demand."""
    names = list(vars(module))
    if '__getattr__' in names:
        names += inspect.getclosurevars(module.__getattr__).nonlocals['modules']
    values = {name: getattr(module, name) for name in names if not name.startswith('_')}
    return {
        name: value
        for name, value in values.items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith(module.__name__)
    }


def write_api(app):
    """Writes docs/api: a page a room, and their list."""
    folder = Path(app.srcdir) / 'api'
    folder.mkdir(exist_ok=True)
    poselifter.register_all_modules()
    index = [
        '# API reference\n',
        'The commands, and the classes and functions that users of the package call.\n',
        '```{toctree}\n:maxdepth: 1\n\ncommands',
    ]
    for room, title in ROOMS.items():
        module = importlib.import_module(f'poselifter.{room}')
        lines = [f'# {title}: `poselifter.{room}`\n', f'{inspect.getdoc(module).splitlines()[0]}\n', '```{eval-rst}']
        for name, value in offered(module).items():
            kind = 'autoclass' if inspect.isclass(value) else 'autofunction'
            lines += [f'.. {kind}:: poselifter.{room}.{name}', *(['   :members:'] if kind == 'autoclass' else []), '']
        page = folder / f'{room}.md'
        text = '\n'.join([*lines, '```\n'])
        if not page.is_file() or page.read_text(encoding='utf-8') != text:  # Sphinx reads anew what is newer
            page.write_text(text, encoding='utf-8')
        index.append(room)
    (folder / 'index.md').write_text('\n'.join([*index, '```\n']), encoding='utf-8')


def write_commands(app):
    """Writes docs/api/commands.md: every command of the shell with its options."""
    from poselifter.io import expected_inputs, list_formats

    texts = {'inputs': expected_inputs(), 'motions': expected_inputs('motion')}
    texts |= {field: ', '.join(list_formats([field])) for field in ('poses', 'body')}
    lines = ['# Commands\n', 'What `poselifter COMMAND --help` prints; every command also has `--debug`.\n']
    for name, (function, options) in COMMANDS.items():
        lines += [f'## poselifter {name}\n', f'{inspect.getdoc(function)}\n', '| option | what |', '| --- | --- |']
        for names, settings in options:
            text = settings.get('help', '').format(**texts).replace('%(default)s', str(settings.get('default')))
            lines.append(f'| {" ".join(f"`{n}`" for n in names)} | {text.replace("|", " or ")} |')
        lines.append('')
    (Path(app.srcdir) / 'api/commands.md').write_text('\n'.join(lines), encoding='utf-8')


def outside(app, name, source):
    """Links to pages outside docs: to the page of the system, or the path alone, since they are no part of the site."""
    folder = (Path(app.srcdir) / name).parent
    if name == 'index':  # a guide is listed once; those that no list names come where the star is
        guides = sorted(f'user_guides/{path.stem}' for path in (folder / 'user_guides').glob('*.md'))
        source[0] = source[0].replace('user_guides/*', '\n'.join(g for g in guides if f'{g}\n' not in source[0]))

    def replace(match):
        path = (folder / match[2]).resolve()
        if path.is_relative_to(app.srcdir) or not path.is_file():
            return match[0]
        system = Path(app.srcdir) / f'systems/{path.parent.name}.md'
        if system.is_file():
            return f'[{match[1]}](/systems/{path.parent.name}.md)'
        return f'{match[1]} (`{path.relative_to(Path(app.srcdir).parent)}`)'

    source[0] = re.sub(r'(?<!!)\[([^\]]+)\]\(([^)#:]+\.md)\)', replace, source[0])


def setup(app):
    """Lets Sphinx write the pages of the API before it reads, and mends links."""
    app.connect('builder-inited', write_api)
    app.connect('builder-inited', write_commands)
    app.connect('source-read', outside)
