import json

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

import poselifter
from poselifter.checkpoints import save_checkpoint_file
from poselifter.engine import load_config
from poselifter.models.backbones import MixSTE
from poselifter.registry import MODELS

TINY = {'model.backbone.embed_dims': 16, 'model.backbone.depth': 1, 'model.heads.pose.in_channels': 16}
TINY |= {'model.test_cfg.flip_test': False, 'model.test_cfg.window.stride': 27}
SINGLE = {'test_dataloader.num_workers': 0, 'test_dataloader.persistent_workers': False}
SMALL = {**TINY, **SINGLE, 'test_dataloader.dataset.n_sequences': 3, 'test_dataloader.dataset.n_frames': 40}


@pytest.fixture
def run(tool, repository, tmp_path):
    """Runs the tool on a config of ``configs/mixste`` with an untrained model; returns the rows by name and level."""

    def start(name, options, *flags):
        path = repository / f'configs/mixste/{name}.py'
        poselifter.register_all_modules()
        torch.manual_seed(0)
        model = MODELS.build(load_config(path, options).model)
        save_checkpoint_file({'state_dict': model.state_dict()}, tmp_path / 'tiny.pth')
        out = ['--work-dir', tmp_path / 'run', '--out', tmp_path / 'rows.json', '--cfg-options']
        out += [f'{key}={value}' for key, value in options.items()]
        tool('analysis_tools/robustness').main([str(a) for a in (path, tmp_path / 'tiny.pth', *flags, *out)])
        rows = json.loads((tmp_path / 'rows.json').read_text())
        return {(row['corruption'], row['level']): row for row in rows}

    return start


def test_table_and_picture(run, tmp_path, capsys):
    rows = run('procedural_27', SMALL, '--plot', tmp_path / 'new/p.png')
    assert len(rows) == 1 + 9 * 3 and ('shuffle', 27) in rows
    assert (tmp_path / 'new/p.png').read_bytes().startswith(b'\x89PNG')
    text = capsys.readouterr().out.splitlines()
    table = text[next(i for i, line in enumerate(text) if line.startswith('corruption')) :]
    assert len(table) == 1 + len(rows) + 1 and table[-1].startswith('wrote')
    assert 'Results by' not in '\n'.join(text)
    clean = rows['clean', None]
    assert f'{clean["MPJPE"]:.2f} (+0.00)' in table[1]
    for (name, _), row in rows.items():
        assert name in ('clean', 'rate') or row['MPJPE'] != clean['MPJPE']


def test_shuffling_moves_all_frames_of_a_window_that_leaves_frames_out(run):
    """P-STMO's Table 8: what the network reads are the frames of its own window, in another order."""
    window = {'outputs': 1, 'stride': 40, 'dilation': 2}
    options = {**SMALL, **{f'model.test_cfg.window.{key}': value for key, value in window.items()}}
    seen = []

    def record(module, args):
        if isinstance(module, MixSTE):
            seen.append(args[0].flatten(2))

    with register_module_forward_pre_hook(record):
        rows = run(
            'procedural_27',
            {**options, 'test_dataloader.dataset.n_frames': 80},
            '--corruptions',
            'shuffle',
            '--metrics',
            'MPJPE',
        )
    assert list(rows)[-1] == ('shuffle', 27)
    clean, shuffled = seen[: len(seen) // 4], seen[-len(seen) // 4 :]
    for before, after in zip(torch.cat(clean), torch.cat(shuffled), strict=True):
        order = torch.cdist(after, before).argmin(1)
        torch.testing.assert_close(after, before[order])
        place = torch.stack([order, torch.arange(27)]).float()
        assert len({*map(tuple, before.tolist())}) == len({*order.tolist()}) and abs(torch.corrcoef(place)[0, 1]) < 0.6


def test_clean_row_is_that_of_the_test_tool(run, runs, tmp_path):
    rows = run('procedural_27', SMALL, '--corruptions', 'gaussian', '--metrics', 'MPJPE', 'MPJVE')
    metrics = runs.test('mixste/procedural_27', tmp_path / 'tiny.pth', SMALL)
    assert rows['clean', None]['MPJPE'] == pytest.approx(metrics['MPJPE'], rel=1e-6)
    assert set(rows) == {('clean', None), ('gaussian', 0.01), ('gaussian', 0.03), ('gaussian', 0.05)}
    assert set(rows['clean', None]) == {'corruption', 'level', 'MPJPE', 'MPJVE'}


def test_runs_on_cmu_with_workers(run, data_dir):
    data = {'data_root': data_dir, 'ann_file': 'cmu_tiny.npz', 'views': 1}
    options = {**TINY, **{f'test_dataloader.dataset.{key}': value for key, value in data.items()}}
    rows = run('cmu_27', options, '--corruptions', 'frames')
    values = [rows[key]['MPJVE'] for key in (('clean', None), ('frames', 0.1), ('frames', 0.3), ('frames', 0.5))]
    assert len(set(values)) == 4  # workers see each corruption


def test_mistakes_are_one_line(tool, fails, trained, repository, tmp_path):
    main, (config, checkpoint) = tool('analysis_tools/robustness').main, trained
    assert 'has no Encode' in fails(main, config, checkpoint)
    assert "invalid choice: 'fog'" in fails(main, config, checkpoint, '--corruptions', 'fog')
    assert 'none.pth' in fails(main, config, tmp_path / 'none.pth')
