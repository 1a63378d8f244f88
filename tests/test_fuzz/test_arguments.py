"""Any arguments of any command, and any ``--cfg-options``, end in success or in one line."""

import argparse
import sys
from pathlib import Path
from urllib.error import URLError

import pytest
from fuzz import WORDS, ends_well, fuzz
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from poselifter import cli
from poselifter.detection import stream

TOOLS = sorted(
    str(path.relative_to(Path(__file__).parents[2] / 'tools').with_suffix(''))
    for path in (Path(__file__).parents[2] / 'tools').rglob('*.py')
    if 'def main(' in path.read_text()
)
#: Kinds of what fits an argument, by its name.
FITTING = {
    **{key: ['config', 'config', 'checkpoint'] for key in ('model', 'config')},
    **{key: ['checkpoint'] for key in ('checkpoint', 'in_file', 'motion_checkpoint', 'resume')},
    **{key: ['keypoints', 'poses'] for key in ('input', 'predictions', 'truth')},
    **{key: ['keypoints', 'empty', 'checkpoint', 'data'] for key in ('source', 'src_dir', 'fits', 'annotations')},
    'body_model': ['body'],
    'body_models': ['body', 'empty'],
    'library': ['library', 'config'],
    'logs': ['log'],
    'matrix': ['poses'],
    'name': ['mixste_procedural_27', 'nope'],
    'text': ['a person waves'],
    'iterations': ['2'],
    'variant': ['scratch'],
    'target': ['new.pth'],
    'output': ['new.npz'],
}
SLOW = {'analysis_tools/robustness', 'analysis_tools/visualize_embeddings', 'analysis_tools/visualize_pretraining'}
#: Which take a second where they succeed.
LASTING = {'misc/licences', 'model_converters/blazepose', 'model_converters/body_points'}
OPTIONS = [
    *('train_cfg.max_epochs=1', 'model.backbone.depth=2', 'model.heads.pose.loss=1'),
    *('seed=1', 'a.b.c=1', 'model=1', 'x', '='),
]

NEVER = ('help', 'debug', 'run', 'toy')  # the last two run a paper's whole table


class _Parsed(BaseException):
    pass


def parser_of(main, monkeypatch):
    """The parser that a program builds."""

    def stop(parser, *_):
        raise _Parsed(parser)

    with monkeypatch.context() as patch, pytest.raises(_Parsed) as built:
        patch.setattr(argparse.ArgumentParser, 'parse_args', stop)
        main([])
    return built.value.args[0]


def commands_of(parser, start=()):
    """The parsers of all subcommands by their words."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield start, parser
    for name, one in (groups[0].choices if groups else {}).items():
        yield from commands_of(one, (*start, name))


def draw_arguments(parser, rng, inputs, fitting):
    """Some arguments for a parser: fitting ones mostly for what it needs, odd ones mostly for the rest."""
    argv = []
    for action in parser._actions:
        needed = action.required and rng.random() < 0.97
        if action.dest in NEVER or not (needed or rng.random() < 0.2):
            continue
        words = [rng.choice([*(inputs[kind] for kind in ('junk', 'empty', 'keypoints')), *WORDS])]
        if action.dest == 'cfg_options':
            words = [rng.choice(OPTIONS) for _ in range(rng.randint(1, 2))]
        elif action.nargs == 0:
            words = []
        elif rng.random() < (fitting if needed else 0.5):
            kind = rng.choice([*(action.choices or FITTING.get(action.dest, ['new.out']))])
            words = [inputs.get(kind, kind)]
        words *= action.nargs if isinstance(action.nargs, int) and action.nargs else 1
        argv += [*action.option_strings[-1:], *words]
    return argv


def check(main, parser, start, inputs, examples, fitting):
    @fuzz(examples)
    @given(st.randoms(use_true_random=False))
    def drawn(rng):
        ends_well(main, *start, *draw_arguments(parser, rng, inputs, fitting))

    drawn()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Commands run in a folder below the test's own, so that ``../x`` stays in it, and reach no network."""

    def offline(*_, **__):
        raise URLError('tests are offline')

    monkeypatch.setattr('urllib.request.urlopen', offline)
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_commands(name, inputs, monkeypatch):
    parsers = dict(commands_of(parser_of(cli.main, monkeypatch)))
    monkeypatch.setattr(stream, '_CAMERAS', {sys.platform: 'none'})  # or a camera would be watched for ever
    monkeypatch.setattr('poselifter.apis.app.serve_app', lambda *_: None)  # nor a page be served
    monkeypatch.setattr('poselifter.apis.app.TINY_MODEL', str(inputs['config']))
    monkeypatch.setattr('poselifter.apis.fast.find_spec', lambda _: None)  # exports for --fast take long, too
    words = tuple(name.split())
    check(cli.main, parsers[words], words, inputs, 2 if name in ('doctor', 'app') else 15, 0.7)  # which take seconds


@pytest.mark.parametrize('name', TOOLS)
def test_tools(name, inputs, load_module, monkeypatch):
    main = load_module(f'tools/{name}.py').main
    examples = 4 if name in LASTING else 15
    check(main, parser_of(main, monkeypatch), (), inputs, examples, 0.3 if name in SLOW else 0.7)


def keys_of(config, start=''):
    """All dotted keys of a config, lists by number."""
    items = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in items:
        yield f'{start}{key}'
        yield from keys_of(value, f'{start}{key}.')


def test_cfg_options(inputs, load_module, tmp_path):
    main = load_module('tools/train.py').main
    keys = sorted(keys_of(Config.fromfile(inputs['config'])._cfg_dict.to_dict()))

    @fuzz(15)
    @given(st.randoms(use_true_random=False))
    def drawn(rng):
        pairs = [
            f'{rng.choice(keys)}={rng.choice([*WORDS, "[]", "True", "-0.5", "1", "{}", "(1,2)"])}'
            for _ in range(rng.randint(1, 2))
        ]
        ends_well(main, inputs['config'], '--work-dir', tmp_path / 'run', '--cfg-options', *pairs)

    drawn()
