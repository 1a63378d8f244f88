import json
import re

import pytest
import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config

from poselifter.models import create_model, list_models


@pytest.fixture
def get_flops(tool):
    return tool('analysis_tools/get_flops')


def attention(dims, tokens, seen):
    """Two products over axes of ``seen`` tokens."""
    return 2 * tokens * seen * dims


def block(dims, ratio=2):
    """MACs of a transformer block's linear layers for one token."""
    return (4 + 2 * ratio) * dims**2


@pytest.mark.parametrize('name', ['mixste', 'mixste_81', 'mixste_27', 'mixste_1', 'mixste_humaneva_43'])
def test_mixste_by_its_closed_forms(get_flops, name):
    row = get_flops.count(name)
    t, j, _ = row['clip']
    d, depth = 512, 8
    blocks = depth * 2 * (8 * d**2 + 11 * d)
    assert row['parameters'] == blocks + (2 * d + d) + j * d + t * d + 4 * d + 2 * d + 3 * d + 3
    assert row['macs_of_layers'] == t * j * (2 * depth * block(d) + 2 * d + 3 * d)
    assert row['macs_of_products'] == depth * (attention(d, t * j, j) + attention(d, t * j, t))
    assert row['frames_out'] == t


def test_mixste_by_its_reference(get_flops):
    """33.557 M a token in linear layers; attention 36.2 M a frame at 243 frames, 13.6 M at 81."""
    row = get_flops.count('mixste')
    assert row['macs_of_layers'] / 17 / 243 == pytest.approx(33.557e6, abs=500)
    assert row['macs_of_products'] / 243 == pytest.approx(36.2e6, abs=5e4)
    assert get_flops.count('mixste_81')['macs_of_products'] / 81 == pytest.approx(13.6e6, abs=5e4)


@pytest.mark.parametrize(
    ('name', 'parameters', 'layers', 'products'),
    [('poseformer_9', 9_563_645, 90, 1), ('poseformer_27', 9_573_455, 271, 5), ('poseformer', 9_602_885, 812, 35)],
)
def test_poseformer(get_flops, name, parameters, layers, products):
    row = get_flops.count(name)
    t, c, d = row['clip'][0], 32, 544
    assert row['parameters'] == parameters and row['frames_out'] == 1
    assert row['macs_of_layers'] == 17 * t * (2 * c + 4 * block(c)) + t * (4 * block(d) + d) + d * 51
    assert row['macs_of_products'] == 4 * (attention(c, 17 * t, 17) + attention(d, t, t))
    assert (round(row['macs_of_layers'] / 1e6), round(row['macs_of_products'] / 1e6)) == (layers, products)


@pytest.mark.parametrize(
    ('name', 'dims', 'depth', 'parameters', 'all_products', 'layers'),
    [
        ('motionagformer_xs', 64, 12, 2_241_531, 1.08, 1.01),
        ('motionagformer_s', 64, 26, 4_817_119, 7.86, 6.51),
        ('motionagformer_b', 128, 16, 11_723_811, 64.5, 48.0),
        ('motion2vec_large', 256, 16, 46_505_891, 216.4, 191.2),
        ('motionagformer_l', 128, 26, 19_007_111, 104.6, 77.8),
        ('motionagformer_l_81', 128, 26, 18_998_687, 28.1, 25.9),
    ],
)
def test_motionagformer_in_both_columns(get_flops, repository, name, dims, depth, parameters, all_products, layers):
    row = get_flops.count(name)
    t, j, _ = row['clip']
    mixers = 2 * 4 * dims**2 + 2 * 2 * dims**2  # two attentions, two graph convolutions
    token = 3 * dims + depth * (4 * 8 * dims**2 + mixers + 2 * 2 * dims) + 512 * dims + 3 * 512
    assert row['macs_of_layers'] == t * j * token
    # attention over frames and joints, similarity of frames, both graphs
    assert row['macs_of_products'] == depth * dims * t * j * (2 * t + 2 * j + t + t + j)
    assert row['parameters'] == parameters
    assert row['macs_of_layers'] / 1e9 == pytest.approx(layers, abs=0.006 if layers < 10 else 0.06)
    # "with all products" of the released code: two more with diagonal matrices scale each graph
    scaling = 2 * depth * (j * t**3 + t * j**3)
    assert (row['macs'] + scaling) / 1e9 == pytest.approx(all_products, abs=0.006 if layers < 10 else 0.06)
    figures = json.loads((repository / 'docs/model_sizes.json').read_text())['figures'][name]
    plus = {figure['plus'] for figure in figures if 'plus' in figure}
    assert plus == {f'{scaling / 1e9:.3f} G'}


def test_a_chain_of_frames_saves_the_similarity(get_flops, repository, tmp_path):
    path = tmp_path / 'chain.py'
    base = repository / 'configs/_base_/models/motionagformer_xs.py'
    path.write_text(f"_base_ = '{base}'\nmodel = dict(backbone=dict(temporal_graph='chain'))\n")
    chain, similarity = get_flops.count(str(path)), get_flops.count('motionagformer_xs')
    assert chain['macs_of_layers'] == similarity['macs_of_layers']
    assert similarity['macs'] - chain['macs'] == 12 * 17 * 27 * 27 * 64


@pytest.mark.parametrize(
    ('name', 'd', 'ratio', 'gmacs'), [('motionbert', 512, 2, 185.4), ('motionbert_lite', 256, 4, 71.05)]
)
def test_motionbert(get_flops, name, d, ratio, gmacs):
    row = get_flops.count(name)
    token = 3 * d + 5 * (4 * (4 + 2 * ratio) * d**2 + 2 * 2 * d) + d * 512 + 512 * 3
    assert row['macs_of_layers'] == 243 * 17 * token
    streams = 2
    assert row['macs_of_products'] == 5 * streams * (attention(d, 243 * 17, 17) + attention(d, 243 * 17, 243))
    # measured by running the released program: 370.8 and 142.1 GFLOP, 2 a MAC
    assert row['macs'] / 1e9 == pytest.approx(gmacs, abs=0.05)


def test_motionbert_as_other_papers_quote_it(get_flops):
    assert get_flops.count('motionbert')['macs_of_layers'] / 1e9 == pytest.approx(174.4, abs=0.05)


# the paper's tables 3, 5 and 6: FLOPs are 2 a MAC, and attention's products are left out
@pytest.mark.parametrize(
    ('name', 'mflops'), [('pstmo', 1737), ('pstmo_s', 1482), ('pstmo_s_81', 493), ('pstmo_s_27', 163)]
)
def test_pstmo(get_flops, name, mflops):
    row = get_flops.count(name)
    assert 2 * row['macs_of_layers'] / 1e6 == pytest.approx(mflops, rel=0.004)
    assert row['frames_out'] == 1


def test_pstmo_by_its_closed_form(get_flops):
    """P-STMO-S, 9 frames, strides 1, 3, 3: encoder of frames, transformer, aggregator, both heads."""
    row = get_flops.count('pstmo_s_9')
    d, t = 256, 9
    encoder = t * (34 * 512 + 2 * 512**2 + 512 * d)
    transformer = 3 * t * block(d, ratio=2)
    aggregator = sum(n * (4 * d**2 + d * 512) + out * 3 * 512 * d for n, out in ((9, 9), (9, 3), (3, 1)))
    assert row['macs_of_layers'] == encoder + transformer + aggregator + (t + 1) * d * 51
    assert row['macs_of_products'] == sum(attention(d, n, n) for n in (9, 9, 9, 9, 9, 3))


@pytest.mark.parametrize('frames', [243, 1242])
def test_frames_of_a_longer_clip_share_videopose3ds_work(get_flops, frames):
    row = get_flops.count('videopose3d', (frames, 17, 2))
    left, macs = frames - 2, (frames - 2) * 34 * 3 * 1024
    for dilation in (3, 9, 27, 81):
        left -= 2 * dilation
        macs += left * (3 + 1) * 1024**2
    assert left == frames - 242 == row['frames_out']
    assert (row['macs'], row['macs_of_products']) == (macs + left * 1024 * 51, 0)


def test_an_action_model_has_no_frames_out(get_flops):
    """The released count, 60,421,193, has the unused pose head: 512 x 3 weights and 3 offsets."""
    row = get_flops.count('motionbert_action')
    assert row['frames_out'] is None and row['parameters'] == 60_421_193 - 512 * 3 - 3
    assert row['macs'] == get_flops.count('motionbert')['macs'] - 243 * 17 * 512 * 3 + 17 * 512 * 2048 + 2048 * 60


@pytest.mark.parametrize('name', ['mixste_small', 'pstmo_9', 'videopose3d_27', 'poseformer_9'])
def test_layers_agree_with_mmengines_analyser(get_flops, name):
    """It traces a real pass; of attention it counts nothing, so layers only."""
    row, model = get_flops.count(name), create_model(name).eval()
    seen = FlopAnalyzer(model, (torch.zeros(1, *row['clip']),)).unsupported_ops_warnings(False)
    operators = seen.uncalled_modules_warnings(False).by_operator()
    assert operators['linear'] + operators.get('conv', 0) == row['macs_of_layers']
    assert row['parameters'] == sum(p.numel() for p in model.parameters())


def test_a_config_counts_as_its_model(get_flops, repository):
    config, model = get_flops.count(str(repository / 'configs/mixste/cmu_27.py')), get_flops.count('mixste_small')
    assert {**config, 'model': ''} == {**model, 'model': ''}
    with_neck = get_flops.count(str(repository / 'configs/_base_/models/pstmo_9.py'))
    assert with_neck['parameters'] == 5_191_270


@pytest.mark.slow
def test_the_docs_are_what_the_command_gives_now(get_flops, repository, tmp_path, capsys):
    page, out = tmp_path / 'page.md', tmp_path / 'sizes.json'
    text = (repository / 'docs/model_sizes.md').read_text()
    command = re.search(r'python tools/analysis_tools/get_flops.py (--all.*)\n', text)[1].split()
    page.write_text(re.sub(r'(?m)^\|.*\n', '', text))
    get_flops.main([str(page) if word.startswith('docs/') else word for word in command] + ['--out', str(out)])
    assert page.read_text() == text and capsys.readouterr().out.strip() in text
    rows = {row['model']: row for row in json.loads(out.read_text())}
    assert list(rows) == list_models()
    explained = 0
    for line in re.findall(r'(?m)^\|.*', text)[2:]:
        *_, differs, because = [cell.strip() for cell in line.strip('|').split('|')]
        large = [share for share in re.findall(r'([-+\d.]+) %', differs) if abs(float(share)) > 2]
        assert len(because.split(';')) >= len(large) or not large, line
        explained += len(large)
        # what an explanation leaves
        assert all(abs(float(share)) <= 2 for share in re.findall(r'\(([-+\d.]+) %\)', because)), line
    assert explained > 20
    for name in rows:
        first = (repository / f'configs/_base_/models/{name}.py').read_text().splitlines()[0]
        for stated in re.findall(r'([\d.]+) M parameters(?! as released)', first):
            assert rows[name]['parameters'] / 1e6 == pytest.approx(float(stated), abs=0.051), first


def test_every_figure_is_of_a_model(repository):
    known = json.loads((repository / 'docs/model_sizes.json').read_text())
    assert set(known['figures']) <= set(list_models())
    ways = {
        figure.get(f'{key}_counted')
        for figures in known['figures'].values()
        for figure in figures
        for key in ('parameters', 'macs')
    }
    assert ways - {None} == set(known['ways'])


def test_table_and_numbers_are_written(get_flops, tmp_path, capsys):
    out, page = tmp_path / 'new/sizes.json', tmp_path / 'page.md'
    page.write_text('before\n<!-- get_flops -->\n| old |\n| --- |\n\n| another | table |\n')
    get_flops.main(['mixste_small', 'mixste_1', '--out', str(out), '--markdown', str(page)])
    table = capsys.readouterr().out.strip()
    assert page.read_text() == f'before\n<!-- get_flops -->\n{table}\n\n| another | table |\n'
    assert table.splitlines()[2].startswith(
        '| mixste_small | 27 x 17 x 6 | 27 | 271,619 | 130.9 M | 120.6 M | 4.849 M |'
    )
    assert [row['model'] for row in json.loads(out.read_text())] == ['mixste_small', 'mixste_1']
    get_flops.main(['mixste_1', '--linear-only', '--markdown', str(tmp_path / 'fresh.md')])
    assert '| 33,659,907 | 570.5 M | 570.5 M |' in (tmp_path / 'fresh.md').read_text()


def test_published_figures_are_for_the_published_clip(get_flops, capsys, monkeypatch, tmp_path):
    get_flops.main(['motionbert', '--input-shape', '81', '17', '3'])
    assert 'released code' not in capsys.readouterr().out
    get_flops.main(['motionbert'])
    assert "Motion2vec's table: 42.5 M parameters, 174.7 G | +0.1 %, -5.8 % | linear" in capsys.readouterr().out
    monkeypatch.setattr(get_flops, 'PUBLISHED', tmp_path / 'none.json')
    get_flops.main(['motionbert'])
    assert '| 763.0 M |  |  |  |' in capsys.readouterr().out


def test_speed_is_the_median_after_a_warm_up(get_flops, monkeypatch, capsys):
    durations = iter([9, 9, 0.1, 0.1, 0.1, 5, 5] * 2)
    ticks = iter([t for seconds in durations for t in (0, seconds)])
    monkeypatch.setattr(get_flops.time, 'perf_counter', lambda: next(ticks))
    get_flops.main(['mixste_small', '--fps', '--batch-size', '2', '--device', 'cpu'])
    out = capsys.readouterr().out
    assert '| frames/s, batch 1 | frames/s, batch 2 |' in out and '| 270 | 540 |' in out
    assert re.search(r'measured on cpu \(.+\), 1 CPU threads', out)


def test_mistakes_are_one_line(get_flops, fails, repository, tmp_path):
    main = get_flops.main
    assert 'did you mean mixste_small' in fails(main, 'mixste_smal')
    assert 'no config' in fails(main, tmp_path / 'none.py')
    assert 'expected backbone and heads' in fails(main, repository / 'configs/_base_/datasets/cmu.py')
    assert 'expected (B, T, 17, 2) with T in 1 to 243' in fails(main, 'mixste', '--input-shape', 300, 17, 2)
    assert 'expected (B, T, 17, 2)' in fails(main, 'mixste', '--input-shape', 243, 17, 3)
    assert 'clips have exactly num_frames frames' in fails(main, 'poseformer_9', '--input-shape', 5, 17, 2)
    assert 'take numbers from 1 on' in fails(main, 'mixste', '--input-shape', 27, 0, 2)
    for arguments in ([], ['--all', 'mixste'], ['--all', '--input-shape', 1, 17, 2]):
        assert 'give models' in fails(main, *arguments)
    assert 'cannot be timed' in fails(main, 'mixste_small', '--fps', '--device', 'nonsense')
    (tmp_path / 'page.md').write_text('no table\n')
    assert '<!-- get_flops -->' in fails(main, 'mixste_small', '--markdown', tmp_path / 'page.md')
    assert (tmp_path / 'page.md').read_text() == 'no table\n'


def test_a_config_that_cannot_be_built_is_one_line(get_flops, fails, tmp_path):
    Config({'model': {'backbone': {'type': 'Nothing'}, 'heads': {'pose': {'type': 'PoseHead'}}}}).dump(
        tmp_path / 'c.py'
    )
    assert 'Nothing' in fails(get_flops.main, tmp_path / 'c.py')
