"""Blocks of shell and Python in README and documentation run: on toy files, and training for two steps.

A block that needs something begins with a line ``# needs ...``, which readers see too. There are stand-ins for all but
what ``LACKING`` names; test_commands.py looks at the options of those blocks. The pages that add a part are run by
test_guides.py, trust.md by test_trust.py.

Of programs that measure, train or set up for minutes only the file is looked for, and the options ``LONG`` are left
out of other lines. The long form,
``POSELIFTER_BLOCKS=60 python -m pytest -n 0 -s tests/test_docs/test_blocks.py -k long``, runs these lines as they are,
in a clone of the last commit: each until it ends, or for so many seconds.

Lines of other programs (``FOREIGN``: pip, ruff and others) are run by neither, nor are lines of ``python -m pytest``,
of which the files are looked for. A block of ``text`` is no command: it has what a program prints, or the form of a
command, with its options in brackets.
"""

import argparse
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.config import DictAction
from toy_datasets.downloads import write_downloads
from toy_datasets.study import hastened, write_config, write_study
from toy_reader import write_bert, write_official, write_others

from poselifter.apis import init_model, live, zoo
from poselifter.cli import main
from poselifter.detection import open_frames
from poselifter.detection.stream import LiveFrames
from poselifter.engine import load_config
from poselifter.io import read_keypoints, write_keypoints
from poselifter.models.body_models import fitting
from poselifter.registry import HEADS, READERS, WRITERS

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^( *)```(bash|python)\n(.*?)^ *```$', re.M | re.S)
ELSEWHERE = re.compile(r'advanced_guides/(add_|other_parts)|user_guides/trust|docs/(api|_build)/')
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ('*.md', 'docs/**/*.md', 'configs/*/README.md', 'demo/README.md', 'projects/*/README.md')
    for path in ROOT.glob(pattern)
    if not ELSEWHERE.search(path.as_posix()) and BLOCK.search(path.read_text(encoding='utf-8'))
)
#: What blocks need and cannot be had here, not as a toy either; Blender's module can (374 MB).
LACKING = re.compile(
    r' *# needs (an hour|days|a finished row|Python 3\.10|a network|uv|mim|two machines|a Slurm'
    r'|pip install "poselifter\[ray'
    f'{"" if find_spec("bpy") else "|Blender"})'
)
FOLDERS = ('benchmarks', 'configs', 'demo', 'docs', 'projects', 'tests', 'tools', 'zoo')
#: Programs that take a config and a checkpoint: the config is made small, the checkpoint is one of its network.
TRAINED = re.compile('action_baselines|robustness|test|visualize_(attention|embeddings|fusion|pretraining|text_motion)')
#: Programs of which only the file is looked for without POSELIFTER_BLOCKS, the seconds that each may take.
SECONDS = int(os.environ.get('POSELIFTER_BLOCKS', 0))
SEEN = re.compile(
    r'(bash )?(tools/(check|quickstart|run_tests|setup_env)\.sh|python (benchmarks|docs|projects/reproduce)/\w+\.py)'
)
CONFIGS = {  # where a page leaves it open
    'docs/user_guides/actions.md': 'configs/motionbert/action_procedural.py',
    'docs/user_guides/text_motion.md': 'configs/actionpose/pretrain_procedural.py',
}
STAND_INS = {'S11/Photo*': 'S9/Walking*', '93_c1': '09_12a'}  # what toys have
LONG = ('--fps', '--run', '--toy')  # options that measure or train for minutes
FOREIGN = ('pip', 'source', 'ruff', 'sphinx-build', 'git', 'pre-commit')  # words of other programs


def blocks(page):
    """Kind and text of a page's blocks, but for those that need what is lacking."""
    found = BLOCK.findall((ROOT / page).read_text(encoding='utf-8'))
    runs = [block for block in found if not LACKING.match(block[2])]
    return [(kind, re.sub(f'^{indent}', '', text, flags=re.M)) for indent, kind, text in runs]


def lines(text):
    """Command lines of a block without comments; a line that ends with a backslash goes on."""
    for line in text.replace('\\\n', ' ').splitlines():
        for command in line.split(' && '):
            words = shlex.split(command, comments=True)
            if words:
                yield words


@pytest.fixture(scope='session')
def study(tmp_path_factory):
    """A folder with toys of all data sets."""
    return write_study(tmp_path_factory.mktemp('study') / 'data')


@pytest.fixture(scope='session')
def inputs(tmp_path_factory):
    """A folder of files with the names that the pages give to a reader's own."""
    folder = tmp_path_factory.mktemp('inputs')
    with av.open(str(ROOT / 'tests/data/two_persons.mp4')) as film:
        images = [frame.to_image() for frame, _ in zip(film.decode(video=0), range(8), strict=False)]
    (folder / 'shots').mkdir()
    for number, image in enumerate(images):
        image.save(folder / f'shots/img_{number:03}.png')
    (folder / 'films').mkdir()
    for name, rate in (('film.mp4', 20), ('other.mov', 20), ('films/a.mp4', 2)):  # one lasts for seconds
        with av.open(str(folder / name), 'w') as film:
            stream = film.add_stream('mpeg4', rate=rate)
            stream.width, stream.height, stream.pix_fmt = *images[0].size, 'yuv420p'
            for image in images:
                film.mux(stream.encode(av.VideoFrame.from_image(image)))
            film.mux(stream.encode())
    with np.load(ROOT / 'demo/clip.npz') as clip:
        clip = {key: clip[key] for key in clip.files if key not in ('truth_3d', 'about')}
    for key in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
        if key in clip:
            clip[key] = clip[key][:40]
    np.savez(folder / 'keypoints.npz', **clip)
    write_keypoints(folder / 'keypoints.json', read_keypoints(folder / 'keypoints.npz'))
    (folder / 'clips').mkdir()
    for name in ('a.npz', 'b.npz', 'clips/a.npz', 'clips/b.npz'):
        shutil.copy(folder / 'keypoints.npz', folder / name)
    shutil.copy(ROOT / 'tests/data/dlc_single.csv', folder / 'walkDLC.csv')
    main(['lift', f'{folder}/keypoints.npz', '-o', f'{folder}/made', '--formats', 'npz,trc,c3d,bvh,amass'])
    (folder / 'out').mkdir()
    for source, name in (('.npz', 'out/walk.npz'), ('.trc', 'walk.trc'), ('.c3d', 'walk.c3d'), ('.bvh', 'walk.bvh')):
        shutil.copy(folder / f'made/keypoints{source}', folder / name)
    shutil.copy(folder / 'made/keypoints_amass.npz', folder / 'walk_poses.npz')
    write_others(folder)
    return folder


def write_weights(text, folder):
    """Fresh weights under the names that a text gives to its configs' checkpoints."""
    for config, name in re.findall(r"(configs/\S+\.py)(?:',\s*'| --checkpoint )([^'\s]+\.pth)", text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({'state_dict': init_model(config).state_dict()}, path)


def of_one_person(text):
    """The files that a text reads, where the film of the tests has two persons, whose files are numbered."""
    for name, ending in re.findall(r"filepath='(out/\w+)\.(bvh|glb)'", text):
        if not Path(f'{name}.{ending}').exists():
            shutil.copy(f'{name}_0.{ending}', f'{name}.{ending}')


OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument('--cfg-options', nargs='+', action=DictAction)
OPTIONS.add_argument('--variant')


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """A folder for configs in small, and the checkpoints of those that were trained, for all pages."""
    return tmp_path_factory.mktemp('trained'), {}


@pytest.fixture
def desk(inputs, monkeypatch):
    """A film in place of the camera, and a browser that shows what a page's server gives it and then is closed."""

    def visit(url):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b'<html' in answer.read()
        raise KeyboardInterrupt  # as Ctrl-C

    monkeypatch.setattr(webbrowser, 'open', visit)
    film = inputs / 'films/a.mp4'
    monkeypatch.setattr(live, 'open_live', lambda source: LiveFrames(open_frames(film), paced=False))


@pytest.fixture
def reader(page, tmp_path, monkeypatch, study, inputs, desk, trained, load_module, request):
    """Who follows a page, in a folder that looks like the repository."""
    for name in FOLDERS:
        (tmp_path / name).symlink_to(ROOT / name)
    if page.startswith('demo/'):  # which makes its clip anew
        (tmp_path / 'demo').unlink()
        shutil.copytree(ROOT / 'demo', tmp_path / 'demo')
    if page.startswith('docs/datasets/'):  # which convert files, into this folder
        shutil.copytree(study, tmp_path / 'data')
        write_downloads(tmp_path, tmp_path / 'data')
    else:
        (tmp_path / 'data').symlink_to(study)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('POSELIFTER_DATA', str(study))
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    text = (ROOT / page).read_text(encoding='utf-8')
    write_official(tmp_path, text)
    if 'FOLDER\n' in text:
        write_bert(tmp_path / 'FOLDER')
    monkeypatch.setattr('poselifter.apis.fast.find_spec', lambda _: None)  # exports for --fast take long
    minimise = fitting._minimise
    monkeypatch.setattr(fitting, '_minimise', lambda problem, iterations: minimise(problem, min(iterations, 5)))
    known = {name: kind for name, kind in HEADS.module_dict.items() if name != 'SymmetricPoseHead'}
    monkeypatch.setattr(HEADS, '_module_dict', known)  # README adds this one, as a project does
    yield Reader(page, tmp_path, *trained, monkeypatch, load_module, request)
    for registry in (READERS, WRITERS):
        registry.module_dict.pop('ssv', None)
    for name in [name for name in sys.modules if name.partition('.')[0] == 'symmetric_head']:
        del sys.modules[name]  # so that the next import adds all of it again


class Reader:
    """Runs lines of shell of a page in a folder, configs in small.

    Args:
        page: whose lines they are.
        folder: where they run.
        toys: folder for what serves all pages.
        made: checkpoints of the small configs that were trained.
        monkeypatch: sets variables of the environment.
        load_module: gives a tool as a module.
        request: gives ``small_lifter``, an exported model, to pages that need one; others take longer to export.
    """

    def __init__(self, page, folder, toys, made, monkeypatch, load_module, request):
        self.page, self.folder, self.toys, self.made = page, folder, toys, made
        self.monkeypatch, self.load_module, self.request = monkeypatch, load_module, request

    def small(self, words):
        """A config, and perhaps a variant, in small, and its checkpoint."""
        config = next(word for word in words if 'configs/' in word)
        given = OPTIONS.parse_known_args(words)[0]
        of_bert = 'BertTextEncoder' in str(given.cfg_options)
        enough = 60 if self.page in CONFIGS else 4  # for actions, each motion twice
        path = self.toys / f'{config.replace("/", "_")[:-3]}_{given.variant}{"_bert" * of_bert}_{enough}.py'
        if path not in self.made:
            toy = load_config(ROOT / config, given.cfg_options if of_bert else None, given.variant)
            for loader, most in ((toy.train_dataloader, 60), (toy.get('test_dataloader') or {}, enough)):
                if loader.get('dataset', {}).get('type') == 'ProceduralMotion':
                    loader.dataset['n_sequences'] = min(loader.dataset['n_sequences'], most)
            # what a page tests has a line of its own
            toy.update(val_dataloader=None, val_evaluator=None, val_cfg=None)
            write_config(toy, path)
            work = path.with_suffix('')
            self.load_module('tools/train.py').main([str(path), '--work-dir', str(work)])
            [self.made[path]] = work.glob('iter_*.pth')
        return path, self.made[path]

    def shell(self, words):
        """Runs a line, or checks that what it names is there."""
        if words[0] == 'poselifter' and words[1] in ('train', 'test'):
            words = ['python', f'tools/{words[1]}.py', *words[2:]]
        words = words[words[0] == 'export' :]
        while words and '=' in words[0]:
            name, value = words.pop(0).split('=')
            self.monkeypatch.setenv(name, value)
            if name == 'PYTHONPATH':
                self.monkeypatch.syspath_prepend(value)
        if not words:
            return
        words = [STAND_INS.get(word, word) for word in words if word not in LONG or words[0] == 'poselifter']
        line = ' '.join(words)
        if '../shared/' in line:
            return  # films that lie beside the repository, as the page says
        if SEEN.match(line):
            assert (ROOT / SEEN.match(line)[0].split()[-1]).is_file()
        elif words[0] == 'poselifter':
            write_weights(line, self.folder)
            if words[1] == 'export' and words[2] in zoo.zoo_models():
                assert set(words[3:]) <= {'-o', '--json', words[words.index('-o') + 1]}
                shutil.copy(self.request.getfixturevalue('small_lifter'), words[words.index('-o') + 1])
            else:
                if words[1:] == ['app']:
                    words += ['--model', str(self.request.getfixturevalue('small_lifter'))]
                main(words[1:])
        elif words[:3] == ['python', '-m', 'pytest']:
            assert all((ROOT / word).exists() for word in words if word.startswith('tests/'))
        elif words[0] in FOREIGN:
            assert shutil.which(words[0]) or words[0] in ('source', 'pip', 'pre-commit', 'sphinx-build')
        else:
            words = words[words[0] == 'python' :]
            self.program(Path(words[0]), [CONFIGS[self.page] if word == 'CONFIG' else word for word in words[1:]])

    def program(self, path, rest):
        """Runs a program of the repository with its arguments; what trains or tests, on small configs."""
        assert (ROOT / path).is_file(), path
        tool = path.stem.removeprefix('dist_')
        if path.suffix == '.sh':
            rest = [word for word in rest if not word.isdigit()]  # processes
        if tool == 'train':
            given = OPTIONS.parse_known_args(rest)[0]
            load_config(ROOT / rest[0], given.cfg_options, given.variant)  # of which the small one knows nothing
            self.small(rest)
        elif TRAINED.fullmatch(tool):
            stand_in = dict(zip(rest, map(str, self.small(rest)), strict=False))  # of config and checkpoint
            words = [stand_in.get(word, word) for word in rest]
            if '--variant' in words:
                at = words.index('--variant')
                del words[at : at + 2]
            self.load_module(f'{path.parent}/{tool}.py').main(words)
        elif path.parts[0] in ('tools', 'demo'):
            for name in rest:
                if name.startswith('work_dirs/') and not Path(name).exists():  # what the training before it leaves
                    Path(name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(list(self.made.values())[-1], name)
            self.load_module(str(path)).main(rest)
        else:
            runpy.run_path(str(path), run_name='__main__')


@pytest.mark.slow
@pytest.mark.parametrize('page', PAGES)
def test_blocks_run(page, reader):
    with ExitStack() as stack:
        stack.enter_context(hastened())
        for kind, text in blocks(page):
            if kind == 'python':
                names = {'__name__': 'block'}
                write_weights(text, Path.cwd())
                if 'import bpy' in text:
                    of_one_person(text)
                exec(compile(text, page, 'exec'), names)
            else:
                for words in lines(text):
                    reader.shell(words)


def is_long(words):
    """Whether a line is left to the long form, as it is or with an option of ``LONG``."""
    line = ' '.join(words)
    return SEEN.match(line) or '../shared/' in line or (words[0] != 'poselifter' and not {*LONG}.isdisjoint(words))


def test_texts_are_no_commands():
    command = re.compile(r'^ *(bash|git|mim|pip|poselifter|python|source|uvx) (?!.*(\[|\\$))', re.M)
    for page in PAGES:
        texts = re.findall(r'^ *```text\n(.*?)^ *```$', (ROOT / page).read_text(encoding='utf-8'), re.M | re.S)
        assert not [text for text in texts if command.search(text)], page


def long_lines():
    """The lines that only the long form runs, without what may be left out of them."""
    texts = [text for page in PAGES for kind, text in blocks(page) if kind == 'bash']
    found = {' '.join(words) for text in texts for words in lines(text) if is_long(words)}
    hours = re.findall(
        r'^# needs an hour.*\n((?:\w.*\n)+)', '\n'.join((ROOT / page).read_text() for page in PAGES), re.M
    )
    return sorted({re.sub(r' \[\w+\]', '', line) for line in found} | set(''.join(hours).splitlines()))


@pytest.fixture(scope='module')
def clone(tmp_path_factory):
    """A clone of the repository, with the shared folder beside it."""
    if not (ROOT / '../shared').exists():
        pytest.skip('needs the shared folder')
    folder = tmp_path_factory.mktemp('clone')
    subprocess.run(['git', 'clone', '-q', str(ROOT), str(folder / 'main')], check=True)
    (folder / 'shared').symlink_to((ROOT / '../shared').resolve())
    (folder / 'main/data').mkdir()
    (folder / 'main/data/cmu').symlink_to(folder / 'shared/data/cmu')
    return folder / 'main'


@pytest.mark.skipif(not SECONDS, reason='minutes each: POSELIFTER_BLOCKS=60 runs them')
@pytest.mark.parametrize('line', long_lines() if SECONDS else [None])
def test_long_lines_begin_well(line, clone, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', str(clone))
    monkeypatch.setenv('POSELIFTER_DATA', str(clone.parent / 'shared/data'))
    log, begun = clone.parent / 'log', time.monotonic()
    with open(log, 'w') as output:
        run = subprocess.Popen(line, shell=True, cwd=clone, stdout=output, stderr=output, start_new_session=True)
    try:
        status = run.wait(SECONDS)
    except subprocess.TimeoutExpired:
        status = None
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    said = log.read_text(errors='replace')
    print(f'{"stopped" if status is None else "ended"} after {time.monotonic() - begun:.0f} s: {line}')
    assert not status and 'Traceback' not in said, said[-2000:]
