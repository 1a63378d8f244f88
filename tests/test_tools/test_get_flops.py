import json
import re

import pytest
from mmengine.config import Config


@pytest.fixture
def get_flops(tool):
    return tool('analysis_tools/get_flops')


def test_a_chain_of_frames_saves_the_similarity(get_flops, counted, repository, tmp_path):
    path = tmp_path / 'chain.py'
    base = repository / 'configs/motionagformer/h36m_27.py'
    path.write_text(f"_base_ = '{base}'\nmodel = dict(backbone=dict(temporal_graph='chain'))\n")
    chain, similarity = get_flops.count(str(path)), counted('motionagformer_xs').row
    assert chain['macs_of_layers'] == similarity['macs_of_layers']
    assert similarity['macs'] - chain['macs'] == 12 * 17 * 27 * 27 * 64


@pytest.mark.parametrize('frames', [243, 1242])
def test_frames_of_a_longer_clip_share_videopose3ds_work(get_flops, frames):
    row = get_flops.count('videopose3d', (frames, 17, 2))
    left, macs = frames - 2, (frames - 2) * 34 * 3 * 1024
    for dilation in (3, 9, 27, 81):
        left -= 2 * dilation
        macs += left * (3 + 1) * 1024**2
    assert left == frames - 242 == row['frames_out']
    assert (row['macs'], row['macs_of_products']) == (macs + left * 1024 * 51, 0)


def test_a_config_counts_as_its_model(get_flops, counted, repository):
    config, model = get_flops.count(str(repository / 'configs/mixste/cmu_27.py')), counted('mixste_small').row
    assert {**config, 'model': ''} == {**model, 'model': ''}
    options = {'model.backbone.num_frames': 9}
    with_neck = get_flops.count(str(repository / 'configs/_base_/models/pstmo.py'), cfg_options=options)
    assert with_neck['parameters'] == 5_191_270


def test_table_and_numbers_are_written(get_flops, tmp_path, capsys):
    out = tmp_path / 'new/sizes.json'
    get_flops.main(['mixste_small', 'mixste_1', '--out', str(out)])
    small = '| mixste_small | 27 x 17 x 6 | 27 | 271,619 | 130.9 M | 120.6 M | 4.849 M |'
    assert capsys.readouterr().out.splitlines()[2] == small
    assert [row['model'] for row in json.loads(out.read_text())] == ['mixste_small', 'mixste_1']
    get_flops.main(['mixste_1', '--linear-only'])
    assert '| 33,659,907 | 570.5 M | 570.5 M |' in capsys.readouterr().out


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
    assert '0 is given, expected a whole number from 1 on' in fails(main, 'mixste', '--input-shape', 27, 0, 2)
    for arguments in ([], ['--all', 'mixste'], ['--all', '--input-shape', 1, 17, 2]):
        assert 'give models' in fails(main, *arguments)
    assert 'cannot be timed' in fails(main, 'mixste_small', '--fps', '--device', 'nonsense')
    model = {'backbone': {'type': 'Nothing'}, 'heads': {'pose': {'type': 'PoseHead'}}}
    Config({'model': model}).dump(tmp_path / 'c.py')
    assert 'Nothing' in fails(main, tmp_path / 'c.py')
