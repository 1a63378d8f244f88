"""Every published model: its output, its parameters and multiply-adds by the released code and by closed forms."""

import re

import pytest

from poselifter.models import list_models

UNUSED_POSE_HEAD = 512 * 3 + 3  # in released models of actions
FRAMES = {'mixste': 243, 'poseformer': 81, 'pstmo': 243, 'pstmo_s': 243, 'videopose3d': 243, 'motionagformer_xs': 27}
BLOCKS = {'xs': 12, 's': 26, 'b': 16, 'l': 26, 'b_81': 16, 'l_81': 26}
TENSORS = {f'motionagformer_{size}': blocks * 66 + 9 for size, blocks in BLOCKS.items()}  # of the released files
TENSORS |= {'motion2vec': 1065, 'motion2vec_81': 1065, 'motion2vec_large': 1065, 'motion2vec_large_81': 26 * 66 + 9}
TENSORS |= {'motionbert': 260, 'motionbert_lite': 260, 'motionbert_action': 258 + 9, 'motionbert_oneshot': 258 + 2}
TENSORS |= {'pstmo_s': 173 - 2 * 2 * (3 + 5)}  # q, k and v are one tensor here


@pytest.fixture(scope='module')
def sizes(load_module):
    """The script that makes docs/model_sizes.md, with the published figures."""
    return load_module('docs/model_sizes.py')


def attention(dims, tokens, seen):
    """MACs of two products over axes of ``seen`` tokens."""
    return 2 * tokens * seen * dims


def block(dims, ratio=2):
    """MACs of a transformer block's linear layers for one token."""
    return (4 + 2 * ratio) * dims**2


def mixste(t, j, d=512, depth=8):
    layers = t * j * (2 * depth * block(d) + 2 * d + 3 * d)
    return layers, depth * (attention(d, t * j, j) + attention(d, t * j, t))


def poseformer(t, j, c=32, d=544):
    layers = j * t * (2 * c + 4 * block(c)) + t * (4 * block(d) + d) + d * 51
    return layers, 4 * (attention(c, j * t, j) + attention(d, t, t))


def motionagformer(t, j, d, depth):
    mixers = 2 * 4 * d**2 + 2 * 2 * d**2  # two attentions, two graph convolutions
    token = 3 * d + depth * (4 * 8 * d**2 + mixers + 2 * 2 * d) + 512 * d + 3 * 512
    # attention over frames and joints, similarity of frames, both graphs
    return t * j * token, depth * d * t * j * (2 * t + 2 * j + t + t + j)


def motionbert(t, j, d, ratio, streams=2, depth=5):
    token = 3 * d + depth * (2 * streams * block(d, ratio) + 2 * 2 * d) + d * 512 + 512 * 3
    return t * j * token, depth * streams * (attention(d, t * j, j) + attention(d, t * j, t))


def pstmo_s_9(t, j, d=256):
    """Strides 1, 3, 3: encoder of frames, transformer, aggregator, both heads."""
    encoder = t * (2 * j * 512 + 2 * 512**2 + 512 * d)
    transformer = 3 * t * block(d, ratio=2)
    aggregator = sum(n * (4 * d**2 + d * 512) + out * 3 * 512 * d for n, out in ((9, 9), (9, 3), (3, 1)))
    layers = encoder + transformer + aggregator + (t + 1) * d * 51
    return layers, sum(attention(d, n, n) for n in (9, 9, 9, 9, 9, 3))


CLOSED_FORMS = {
    **dict.fromkeys(('mixste', 'mixste_81', 'mixste_27', 'mixste_1', 'mixste_humaneva_43'), (mixste, ())),
    **dict.fromkeys(('poseformer_9', 'poseformer_27', 'poseformer'), (poseformer, ())),
    **{f'motionagformer_{size}': (motionagformer, (64 if 's' in size else 128, n)) for size, n in BLOCKS.items()},
    'motion2vec_large': (motionagformer, (256, 16)),
    'motionbert': (motionbert, (512, 2)),
    'motionbert_lite': (motionbert, (256, 4)),
    'pstmo_s_9': (pstmo_s_9, ()),
}


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


@pytest.mark.parametrize('name', CLOSED_FORMS)
def test_multiply_adds_by_closed_forms(counted, sizes, name):
    row, (function, arguments) = counted(name).row, CLOSED_FORMS[name]
    t, j, _ = row['clip']
    assert (row['macs_of_layers'], row['macs_of_products']) == function(t, j, *arguments)
    if function is motionagformer:  # the released code scales each graph by two products with diagonal matrices
        scaling = 2 * arguments[1] * (j * t**3 + t * j**3)
        plus = {figure['plus'] for figure in sizes.PUBLISHED['figures'][name] if 'plus' in figure}
        assert plus == ({f'{scaling / 1e9:.3f} G'})
    if function is mixste:
        d, blocks = 512, 8 * 2 * (8 * 512**2 + 11 * 512)
        assert row['parameters'] == blocks + (2 * d + d) + j * d + t * d + 4 * d + 2 * d + 3 * d + 3


def test_an_action_model_has_no_frames_out(counted):
    row = counted('motionbert_action').row
    assert row['frames_out'] is None
    assert row['macs'] == counted('motionbert').row['macs'] - 243 * 17 * 512 * 3 + 17 * 512 * 2048 + 2048 * 60


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
    for path in (repository / 'configs/_base_/models').glob('*.py'):
        text = path.read_text()  # the first line is of the file's own size; a comment stands above each other one
        for comment, name in [(text.splitlines()[0], path.stem), *re.findall(r'(?m)^    # (.*)\n    (\w+)=', text)]:
            for stated in re.findall(r'([\d.]+) M parameters(?! as released)', comment):
                assert counted(name).row['parameters'] / 1e6 == pytest.approx(float(stated), abs=0.051), comment
