"""The pages of docs/advanced_guides run as they stand: a folder gets their files, and their commands run there."""

import inspect
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import poselifter
from poselifter.cli import COMMANDS, main
from poselifter.engine import load_config
from poselifter.io import read_keypoints
from poselifter.models.parts import BaseHead, build_part
from poselifter.registry import DATASETS, LOSSES, MEASURES, MODELS, READERS, TRANSFORMS, WRITERS

PAGES = Path(__file__).parents[2] / 'docs/advanced_guides'
# files at most, test aside; and the room of the module where it is part of the package
PROMISED = {'dataset': 3, 'backbone': 2, 'head': 2, 'reader': 1, 'writer': 1, 'metric': 1, 'command': 1}
ROOMS = {
    'dataset': 'datasets', 'backbone': 'models/backbones', 'head': 'models/heads', 'reader': 'io/readers',
    'writer': 'io/writers', 'metric': 'evaluation/metrics',
}  # fmt: skip
BLOCK = re.compile(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', re.M | re.S)


def text_of(page):
    return (PAGES / f'{"" if page == "other_parts" else "add_"}{page}.md').read_text()


def files_of(page):
    return {path: text for _, path, text in BLOCK.findall(text_of(page)) if path}


def commands_of(page):
    """Command lines; a line that ends with a backslash goes on."""
    blocks = [text.replace('\\\n', ' ') for kind, _, text in BLOCK.findall(text_of(page)) if kind == 'bash']
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def follow(repository, tmp_path, monkeypatch, load_module):
    """Writes the files of a page to a folder like the repository; returns what runs a command there."""
    poselifter.register_all_modules()
    registries = (DATASETS, LOSSES, MEASURES, MODELS, READERS, TRANSFORMS, WRITERS)
    tables = [*(registry.module_dict for registry in registries), COMMANDS]
    before = [dict(table) for table in tables]
    for name in ('configs', 'tools', 'demo'):
        (tmp_path / name).symlink_to(repository / name)
    monkeypatch.chdir(tmp_path)

    def run(line):
        words = shlex.split(line)
        while '=' in words[0]:
            name, value = words.pop(0).split('=')
            if name == 'PYTHONPATH':
                monkeypatch.syspath_prepend(value)
            else:
                monkeypatch.setenv(name, value)
        if words[0] == 'poselifter':
            main(words[1:])
        elif words[1].startswith('tools/'):
            load_module(words[1]).main(words[2:])
        else:
            runpy.run_path(words[1], run_name='__main__')

    def write(page):
        for path, text in files_of(page).items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        return run

    yield write
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in str(getattr(module, '__file__', '')) or name in Path('projects').glob('*'):
            del sys.modules[name]


def last_scalars(work_dir):
    """The figures of the last validation."""
    [path] = Path(work_dir).glob('*/vis_data/scalars.json')
    return json.loads(path.read_text().splitlines()[-1])


@pytest.mark.parametrize('page', PROMISED)
def test_pages_are_short_and_keep_the_number_of_files(page, repository):
    assert 1 <= len(files_of(page)) <= PROMISED[page]
    assert 55 <= len(text_of(page).splitlines()) <= 120
    for link in re.findall(r'\]\((\.\./[^)]+)\)', text_of(page)):
        assert (PAGES / link).is_file(), link
    for test in re.findall(r'tests/[\w/]+\.py', text_of(page)):
        assert (repository / test).is_file(), test


def test_the_text_says_where_each_file_goes():
    """The site does not show the title of a block, so its path stands in the three lines above it, too."""
    for page in (*PROMISED, 'other_parts'):
        text = text_of(page)
        for block in BLOCK.finditer(text):
            above = text[: block.start()].splitlines()[-3:]
            assert not block[2] or f'`{block[2]}`' in ' '.join(above), (page, block[2])


def test_a_data_set_trains_an_epoch(follow, capsys):
    run = follow('dataset')
    make, check, train = commands_of('dataset')
    run(make)
    run(check)
    assert 'the pipeline runs' in capsys.readouterr().out
    run(train)
    assert Path('work_dirs/walks_27/epoch_1.pth').is_file()
    data = DATASETS.build(load_config('projects/walks/walks_27.py').train_dataloader.dataset)
    assert {data.get_data_info(i)['subject'] for i in range(2)} == {'A', 'B'}
    sample = data.samples([0])[0]
    assert sample['keypoints'].shape == (27, 17, 2) and sample['sequence'] == 'A walk' and sample['fps'] == 50
    with np.load('projects/walks/walks.npz') as file:
        np.testing.assert_allclose(sample['lifting_target'], file['poses_mm'][:27] / 1000, rtol=1e-6)


def asked_by(module, fixture):
    """The tests of a contract that need only the piece itself, and clips."""
    tests = [value for name, value in vars(module).items() if name.startswith('test_')]
    return [test for test in tests if {fixture} <= set(inspect.signature(test).parameters) <= {fixture, 'x'}]


def test_a_backbone_trains_and_keeps_the_contract(follow, load_module):
    run = follow('backbone')
    for command in commands_of('backbone'):
        run(command)
    assert torch.load('work_dirs/axial/epoch_1.pth', weights_only=True)['state_dict']['backbone.norm.weight'].shape == (
        32,
    )
    assert last_scalars('work_dirs/axial')['MPJPE'] > 0
    contract = load_module('tests/test_models/test_every_backbone.py')
    tests = asked_by(contract, 'backbone')
    assert len(tests) > 10
    for test in tests:
        torch.manual_seed(0)
        net = MODELS.build({'type': 'AxialTransformer', **contract.SIZE, 'embed_dims': 8, 'depth': 2, 'num_heads': 2})
        for parameter in net.parameters():
            parameter.data.add_(torch.randn_like(parameter), alpha=0.2)
        x = torch.randn(2, contract.FRAMES, contract.JOINTS, contract.CHANNELS)
        test(**{'backbone': net, **({'x': x} if 'x' in inspect.signature(test).parameters else {})})
    contract.test_padding_equals_a_shorter_clip(net.float().eval(), x, 4)


def test_a_head_predicts_and_keeps_the_contract(follow, load_module):
    run = follow('head')
    for command in commands_of('head'):
        run(command)
    with np.load('out/clip.npz') as result, np.load('demo/clip.npz') as clip:
        assert result['keypoints_3d'].shape == (len(clip['keypoints']), 17, 3)
        assert not result['keypoints_3d'][:, 0].any()
    contract = load_module('tests/test_models/test_every_head.py')
    tests = asked_by(contract, 'head')
    assert len(tests) >= 5
    for test in tests:
        torch.manual_seed(0)
        test(contract.randomised(build_part({'type': 'BoneHead'}, BaseHead, contract.SIZES)))
    head = build_part({'type': 'BoneHead'}, BaseHead, {'in_channels': 3})
    torch.nn.init.eye_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)
    poses = head(torch.ones(1, 1, 17, 3))[0, 0, :, 0]
    assert poses.tolist() == [0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 3, 4, 5, 3, 4, 5]  # bones from the pelvis


def test_a_loss_and_a_transform_take_part_in_a_training(follow):
    run = follow('other_parts')
    [train] = commands_of('other_parts')
    run(train)
    path = next(Path('work_dirs/parts').glob('*/vis_data/config.py'))
    assert 'HideLegs' in path.read_text() and 'DepthLoss' in path.read_text()
    names = ('loss_mpjpe', 'loss_depth')
    log = next(Path('work_dirs/parts').glob('*/*.log')).read_text()
    assert all(name in log for name in names)
    hide = TRANSFORMS.build({'type': 'HideLegs', 'prob': 1.0})
    inputs = np.ones((4, 17, 3), np.float32)
    hidden = hide.apply({'inputs': inputs}, np.random.default_rng(0))['inputs']
    assert inputs.all() and np.flatnonzero(~hidden.any((0, 2))).tolist() == [2, 3, 5, 6]
    a, b = torch.zeros(1, 2, 17, 3), torch.tensor([5.0, 7, -2]).expand(1, 2, 17, 3)
    assert LOSSES.build({'type': 'DepthLoss'})(a, b) == 2


def test_a_file_of_the_reader_is_lifted(follow, capsys):
    run = follow('reader')
    lift, usage = commands_of('reader')
    points = read_keypoints('demo/clip.npz').keypoints[:9]
    points = np.concatenate([points, np.ones((9, 17, 1))], -1).tolist()
    people = [{'id': 3, 'frame': frame, 'points': row} for frame, row in enumerate(points)]
    content = {'made_by': 'dots', 'rate': 25, 'size': [1280, 720], 'people': people}
    Path('walk.json').write_text(json.dumps(content))
    run(lift)
    expected = 'walk.json (Dots files): skeleton coco17, 9 frames, 1 person, image 1280 x 720, fps 25'
    assert expected in capsys.readouterr().out
    with np.load('out/walk.npz') as result:
        assert result['keypoints_3d'].shape == (9, 17, 3)
        np.testing.assert_allclose(result['keypoints'], np.array(points)[..., :2], atol=1e-3)
    with pytest.raises(SystemExit):
        run(usage)
    assert 'Dots files' in ' '.join(capsys.readouterr().out.split())
    people[4]['points'] = people[4]['points'][:16]
    Path('walk.json').write_text(json.dumps(content))
    Path('out/walk.npz').unlink()
    with pytest.raises(SystemExit):
        run(lift)
    assert 'error: walk.json: people: points are not 17 times x, y, score' in capsys.readouterr().err


def test_a_writer_writes(follow, capsys):
    run = follow('writer')
    lift, usage = commands_of('writer')
    run(lift)
    lines = [line.split('\t') for line in Path('out/clip.tsv').read_text().splitlines()]
    with np.load('out/clip.npz') as result:
        poses = result['keypoints_3d']
    assert lines[0] == ['track', 'frame', 'joint', 'x', 'y', 'z'] and lines[1][2] == 'pelvis'
    written = np.array([line[3:] for line in lines[1:]], float).reshape(-1, 17, 3)
    np.testing.assert_allclose(written, poses * 1000, atol=0.051)
    with pytest.raises(SystemExit):
        run(usage)
    assert 'png, trc, tsv' in ' '.join(capsys.readouterr().out.split())


def test_a_measure_is_among_the_figures(follow, rng):
    run = follow('metric')
    [train] = commands_of('metric')
    run(train)
    figures = last_scalars('work_dirs/depth')
    assert 0 < figures['Depth'] < figures['MPJPE'] and 'all_frames/Depth' in figures
    pred, target, visible = rng.normal(size=(4, 17, 3)), rng.normal(size=(4, 17, 3)), rng.integers(0, 2, (4, 17))
    values, counted = MEASURES.get('depth')(pred, target, visible)
    np.testing.assert_allclose(values, np.sqrt((pred - target) ** 2)[..., 2])
    assert (counted == visible).all()


def test_a_command_runs(follow, capsys):
    run = follow('command')
    about, usage = commands_of('command')
    run(about)
    lines = capsys.readouterr().out.splitlines()
    seen = np.mean(np.load('demo/clip.npz')['keypoints_visible'][:, 0] > 0)
    assert 'skeleton h36m17' in lines[-2] and lines[-1] == f'joint 0: seen in {seen:.0%} of the rows'
    with pytest.raises(SystemExit) as stop:
        run(about.replace('--joint 0', '--joint 17'))
    assert stop.value.code == 2 and 'error: --joint is 17, expected 0 to 16' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(usage)
    assert '--debug' in capsys.readouterr().out


def test_inside_the_package_a_file_is_enough(repository, tmp_path):
    """The modules of the pages, laid into a copy of the package, are known to it without any list."""
    names = {'dataset': 'Walks', 'backbone': 'AxialTransformer', 'head': 'BoneHead'}
    names |= {'reader': 'dots', 'writer': 'tsv', 'metric': 'depth'}
    package = tmp_path / 'poselifter'
    for path in (repository / 'poselifter').rglob('*.*'):
        if path.suffix in ('.py', '.json', '.yml'):
            copy = tmp_path / path.relative_to(repository)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path) if path.suffix != '.py' else copy.write_bytes(path.read_bytes())
    for page, room in ROOMS.items():
        path, text = next(iter(files_of(page).items()))
        (package / room / Path(path).name).write_text(text)
    code = (
        'import poselifter; poselifter.register_all_modules(); from poselifter.registry import *; '
        f'tables = [DATASETS, MODELS, MODELS, READERS, WRITERS, MEASURES]; '
        f'print([name in table for name, table in zip({list(names.values())}, tables)], poselifter.__file__)'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], env={**os.environ, 'PYTHONPATH': str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.split() == [*str([True] * 6).split(), str(package / '__init__.py')]


def test_every_page_is_in_the_index_and_every_word_is_explained():
    index = (PAGES.parent / 'index.md').read_text()
    assert [path.stem for path in PAGES.glob('*.md') if f'advanced_guides/{path.stem}' not in index] == []
    words = re.findall(r'^\*\*(.+?)\*\*', (PAGES / 'words.md').read_text(), re.M)
    expected = """clip sequence window track segment sample batch result table part feature token codec metadata valid
        visible present official released variant protocol merge embed encode"""
    assert set(expected.split()) | {'network space', 'camera space', 'lifting target'} <= set(words)
    assert words == sorted(words)
