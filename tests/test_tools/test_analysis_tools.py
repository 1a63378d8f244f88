import json

import pytest
from mmengine.config import Config


@pytest.fixture
def log(tmp_path):
    """Scalars of two epochs as mmengine writes them: 0.1 s an iteration, then 0.3 s."""
    rows = []
    for epoch in (1, 2):
        for i in (1, 2):
            step = 2 * (epoch - 1) + i
            rows.append(
                {'lr': 0.1, 'loss': 1 / step, 'time': 0.2 * epoch - 0.1, 'epoch': epoch, 'iter': step, 'step': step}
            )
        rows.append({'MPJPE': 100 / epoch, 'time': 0.01, 'step': epoch})
    path = tmp_path / 'scalars.json'
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n')
    return path


def test_print_config_shows_what_a_config_inherits(tool, write_config, tmp_path, capsys):
    write_config('base.py')
    (tmp_path / 'child.py').write_text("_base_ = ['base.py']\nmodel = dict(width=5)\n")
    main = tool('analysis_tools/print_config').main
    for option in ('--options', '--cfg-options'):
        main([str(tmp_path / 'child.py'), option, 'train_cfg.max_epochs=9'])
        config = Config.fromstring(capsys.readouterr().out, '.py')
        assert config.model == {'type': 'ToyLifter', 'width': 5} and config.train_cfg.max_epochs == 9


def test_time_of_iterations_by_epoch(tool, log, capsys):
    tool('analysis_tools/analyze_logs').main(['cal_train_time', str(log)])
    out = capsys.readouterr().out
    assert 'slowest epoch 2, average time is 0.3000 s/iter' in out
    assert 'fastest epoch 1, average time is 0.1000 s/iter' in out
    assert 'average iter time: 0.2000 s/iter' in out and 'time std over epochs is 0.1000' in out


def test_curves_of_every_log_and_key(tool, log, tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn, plot = [], Axes.plot
    monkeypatch.setattr(Axes, 'plot', lambda self, *a, **k: drawn.append((a, k['label'])) or plot(self, *a, **k))
    out = tmp_path / 'new/curves.png'
    main = tool('analysis_tools/analyze_logs').main
    main(['plot_curve', str(log), str(log), '--keys', 'loss', 'MPJPE', '--legend', *'abcd', '--out', str(out)])
    assert out.read_bytes().startswith(b'\x89PNG')
    assert [label for _, label in drawn] == list('abcd')
    assert [list(axis) for axis in drawn[0][0]] == [[1, 2, 3, 4], [1, 0.5, 1 / 3, 0.25]]
    assert [list(axis) for axis in drawn[3][0]] == [[1, 2], [100, 50]]


def test_logs_of_a_real_run(tool, trained, tmp_path, capsys):
    path = next((tmp_path / 'run').glob('*/vis_data/scalars.json'))
    main = tool('analysis_tools/analyze_logs').main
    main(['plot_curve', str(path), '--keys', 'loss', 'MPJPE', '--out', str(tmp_path / 'c.svg')])
    main(['cal_train_time', str(path)])
    assert 'average iter time' in capsys.readouterr().out


def test_mistakes_are_one_line(tool, log, tmp_path, fails, toy):
    main = tool('analysis_tools/analyze_logs').main
    assert "has no 'PCK'; it has MPJPE" in fails(main, 'plot_curve', log, '--keys', 'PCK')
    assert '--legend has 1 names, expected 2' in fails(main, 'plot_curve', log, '--keys', 'a', 'b', '--legend', 'x')
    assert 'No such file' in fails(main, 'cal_train_time', tmp_path / 'none.json')
    for text in ('', 'no json', '[]'):
        (tmp_path / 'bad.json').write_text(text)
        assert 'bad.json' in fails(main, 'cal_train_time', tmp_path / 'bad.json')
    assert 'no config' in fails(tool('analysis_tools/print_config').main, tmp_path / 'none.py')
