"""Every published model: its output, its parameters and multiply-adds by the released code and by closed forms."""

import importlib.util
import re

import pytest
import torch
from mmengine.analysis import FlopAnalyzer

from poselifter.models import create_model, list_models

UNUSED_POSE_HEAD = 512 * 3 + 3  # in released models of actions
FRAMES = {'mixste': 243, 'poseformer': 81, 'pstmo': 243, 'pstmo_s': 243, 'videopose3d': 243, 'motionagformer_xs': 27}
BLOCKS = {'xs': 12, 's': 26, 'b': 16, 'l': 26, 'b_81': 16, 'l_81': 26}
TENSORS = {  # of the released files
    'motionbert': 260,
    'motionbert_lite': 260,
    'motionbert_action': 258 + 9,
    'motionbert_oneshot': 258 + 2,
    **{f'motionagformer_{size}': blocks * 66 + 9 for size, blocks in BLOCKS.items()},
    'motion2vec': 1065,
    'motion2vec_81': 1065,
    'motion2vec_large': 1065,
    'motion2vec_large_81': 26 * 66 + 9,
    'pstmo_s': 173 - 2 * 2 * (3 + 5),  # q, k and v are one tensor here
}


@pytest.fixture(scope='module')
def sizes(repository):
    """docs/model_sizes.py as a module."""
    spec = importlib.util.spec_from_file_location('model_sizes', repository / 'docs/model_sizes.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def attention(dims, tokens, seen):
    """Two products over axes of ``seen`` tokens."""
    return 2 * tokens * seen * dims


def block(dims, ratio=2):
    """MACs of a transformer block's linear layers for one token."""
    return (4 + 2 * ratio) * dims**2


@pytest.mark.parametrize('name', list_models())
def test_every_name_builds_and_runs(counted, name):
    model, row, output = counted(name)
    frames, joints, channels = row['clip']
    assert channels == model.backbone.in_channels and frames == FRAMES.get(name, frames)
    assert not re.search(r'_\d+$', name) or name.endswith(f'_{frames}')
    outputs = output if set(model.heads) == set(output) else {next(iter(model.heads)): output}
    shapes = {'action': (1, 60), 'embedding': (1, 2048), 'sequence': (1, frames, joints, 3)}
    shapes |= {'mesh': (1, frames, 82), 'pose': (1, row['frames_out'], joints, 3)}
    for head, prediction in outputs.items():
        assert (prediction['theta'] if head == 'mesh' else prediction).shape == shapes[head]
    if row['frames_out'] == 1:
        assert model.output_frames(frames)[model.heads['pose'].feature].tolist() == [frames // 2]


def test_parameters_are_those_of_the_released_code(counted, sizes):
    released = 0
    for name, figures in sizes.PUBLISHED['figures'].items():
        for figure in figures:
            if figure['source'] == 'released code':
                unused = UNUSED_POSE_HEAD if 'unused pose head' in figure.get('note', '') else 0
                assert counted(name).row['parameters'] + unused == sizes.amount(figure['parameters'])[0], name
                released += 1
    assert released == 33
    for name, tensors in TENSORS.items():
        assert len(counted(name).model.state_dict()) == tensors, name


def test_multiply_adds_are_those_of_the_released_code(counted, sizes):
    """By the way of counting that is named beside each figure, to the printed digits."""
    for name, figures in sizes.PUBLISHED['figures'].items():
        for figure in figures:
            if figure['source'] == 'released code' and 'macs' in figure:
                row, way = counted(name).row, sizes.PUBLISHED['ways'][figure['macs_counted']]
                macs = sum(n * row[part] for part, n in way.items()) + sizes.amount(figure.get('plus', '0'))[0]
                digits, unit = figure['macs'].split()
                digit = 10.0 ** -len(digits.partition('.')[2]) * {'M': 1e6, 'G': 1e9}[unit]
                assert macs == pytest.approx(sizes.amount(figure['macs'])[0], abs=0.6 * digit), name


@pytest.mark.parametrize('name', ['mixste', 'mixste_81', 'mixste_27', 'mixste_1', 'mixste_humaneva_43'])
def test_mixste_by_its_closed_forms(counted, name):
    row = counted(name).row
    t, j, _ = row['clip']
    d, depth = 512, 8
    blocks = depth * 2 * (8 * d**2 + 11 * d)
    assert row['parameters'] == blocks + (2 * d + d) + j * d + t * d + 4 * d + 2 * d + 3 * d + 3
    assert row['macs_of_layers'] == t * j * (2 * depth * block(d) + 2 * d + 3 * d)
    assert row['macs_of_products'] == depth * (attention(d, t * j, j) + attention(d, t * j, t))
    assert row['frames_out'] == t


@pytest.mark.parametrize('name', ['poseformer_9', 'poseformer_27', 'poseformer'])
def test_poseformer_by_its_closed_forms(counted, name):
    row = counted(name).row
    t, c, d = row['clip'][0], 32, 544
    assert row['macs_of_layers'] == 17 * t * (2 * c + 4 * block(c)) + t * (4 * block(d) + d) + d * 51
    assert row['macs_of_products'] == 4 * (attention(c, 17 * t, 17) + attention(d, t, t))


@pytest.mark.parametrize(
    ('name', 'dims'),
    [(f'motionagformer_{size}', 64 if 's' in size else 128) for size in BLOCKS] + [('motion2vec_large', 256)],
)
def test_motionagformer_by_its_closed_forms(counted, sizes, name, dims):
    row, depth = counted(name).row, BLOCKS.get(name.removeprefix('motionagformer_'), 16)
    t, j, _ = row['clip']
    mixers = 2 * 4 * dims**2 + 2 * 2 * dims**2  # two attentions, two graph convolutions
    token = 3 * dims + depth * (4 * 8 * dims**2 + mixers + 2 * 2 * dims) + 512 * dims + 3 * 512
    assert row['macs_of_layers'] == t * j * token
    # attention over frames and joints, similarity of frames, both graphs
    assert row['macs_of_products'] == depth * dims * t * j * (2 * t + 2 * j + t + t + j)
    # the released code scales each graph by two products with diagonal matrices
    scaling = 2 * depth * (j * t**3 + t * j**3)
    plus = {figure['plus'] for figure in sizes.PUBLISHED['figures'][name] if 'plus' in figure}
    assert plus == {f'{scaling / 1e9:.3f} G'}


@pytest.mark.parametrize(('name', 'd', 'ratio'), [('motionbert', 512, 2), ('motionbert_lite', 256, 4)])
def test_motionbert_by_its_closed_forms(counted, name, d, ratio):
    row = counted(name).row
    token = 3 * d + 5 * (4 * (4 + 2 * ratio) * d**2 + 2 * 2 * d) + d * 512 + 512 * 3
    assert row['macs_of_layers'] == 243 * 17 * token
    streams = 2
    assert row['macs_of_products'] == 5 * streams * (attention(d, 243 * 17, 17) + attention(d, 243 * 17, 243))


def test_pstmo_by_its_closed_form(counted):
    """P-STMO-S, 9 frames, strides 1, 3, 3: encoder of frames, transformer, aggregator, both heads."""
    row = counted('pstmo_s_9').row
    d, t = 256, 9
    encoder = t * (34 * 512 + 2 * 512**2 + 512 * d)
    transformer = 3 * t * block(d, ratio=2)
    aggregator = sum(n * (4 * d**2 + d * 512) + out * 3 * 512 * d for n, out in ((9, 9), (9, 3), (3, 1)))
    assert row['macs_of_layers'] == encoder + transformer + aggregator + (t + 1) * d * 51
    assert row['macs_of_products'] == sum(attention(d, n, n) for n in (9, 9, 9, 9, 9, 3))


def test_an_action_model_has_no_frames_out(counted):
    row = counted('motionbert_action').row
    assert row['frames_out'] is None
    assert row['macs'] == counted('motionbert').row['macs'] - 243 * 17 * 512 * 3 + 17 * 512 * 2048 + 2048 * 60


@pytest.mark.parametrize('name', ['mixste_small', 'pstmo_9', 'videopose3d_27', 'poseformer_9'])
def test_layers_agree_with_mmengines_analyser(counted, name):
    """It traces a real pass; of attention it counts nothing, so layers only."""
    row, model = counted(name).row, create_model(name).eval()
    seen = FlopAnalyzer(model, (torch.zeros(1, *row['clip']),)).unsupported_ops_warnings(False)
    operators = seen.uncalled_modules_warnings(False).by_operator()
    assert operators['linear'] + operators.get('conv', 0) == row['macs_of_layers']
    assert row['parameters'] == sum(p.numel() for p in model.parameters())


def test_the_docs_are_what_the_command_gives_now(counted, sizes, repository, tmp_path, monkeypatch):
    text, page = (repository / 'docs/model_sizes.md').read_text(), tmp_path / 'page.md'
    assert 'python docs/model_sizes.py\n' in text
    page.write_text(re.sub(r'(?m)^\|.*\n', '', text))
    monkeypatch.setattr(sizes.get_flops, 'count', lambda name: counted(name).row)
    sizes.main(page)
    assert page.read_text() == text
    explained = 0
    for line in re.findall(r'(?m)^\|.*', text)[2:]:
        *_, differs, because = [cell.strip() for cell in line.strip('|').split('|')]
        large = [percent for percent in re.findall(r'([-+\d.]+) %', differs) if abs(float(percent)) > 2]
        assert len(because.split(';')) >= len(large) or not large, line
        explained += len(large)
        # what an explanation leaves
        assert all(abs(float(percent)) <= 2 for percent in re.findall(r'\(([-+\d.]+) %\)', because)), line
    assert explained > 20


def test_published_figures_are_of_models_and_ways_that_exist(counted, sizes, repository):
    figures = [figure for of_model in sizes.PUBLISHED['figures'].values() for figure in of_model]
    assert set(sizes.PUBLISHED['figures']) <= set(list_models())
    ways = {figure[key] for figure in figures for key in ('parameters_counted', 'macs_counted') if key in figure}
    assert ways == set(sizes.PUBLISHED['ways'])
    for name in list_models():
        first = (repository / f'configs/_base_/models/{name}.py').read_text().splitlines()[0]
        for stated in re.findall(r'([\d.]+) M parameters(?! as released)', first):
            assert counted(name).row['parameters'] / 1e6 == pytest.approx(float(stated), abs=0.051), first
