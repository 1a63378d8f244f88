import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import poselifter
from poselifter.apis import fast
from poselifter.checkpoints import load_checkpoint_file, save_checkpoint_file
from poselifter.engine import load_config
from poselifter.registry import MODELS, WRITERS

KINDS = ('float32', 'bfloat16')


def test_writes_metrics_predictions_and_pictures(tool, trained, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setitem(WRITERS.module_dict, 'png', lambda path, result: drawn.append(path))
    monkeypatch.setattr('poselifter.structures.result.get_skeleton', lambda name: SimpleNamespace(num_joints=3))
    config, checkpoint = trained
    options = ['--out', tmp_path / 'a/metrics.json', '--dump', tmp_path / 'p.pkl', '--show-dir', tmp_path / 'show']
    tool('test').main([str(a) for a in (config, checkpoint, '--work-dir', tmp_path / 'tested', *options)])
    metrics = json.loads((tmp_path / 'a/metrics.json').read_text())
    assert metrics['clips'] == 9 and metrics['P-MPJPE'] == pytest.approx(metrics['MPJPE'] / 2)
    assert len(pickle.loads((tmp_path / 'p.pkl').read_bytes())) == 9
    assert len(drawn) == 8 and drawn[0].parent == tmp_path / 'show'
    assert list((tmp_path / 'tested').glob('*/*.log'))


def test_batch_size_and_container_do_not_matter(tool, trained, tmp_path):
    config, checkpoint = trained
    whole = load_checkpoint_file(checkpoint)
    save_checkpoint_file({key: whole[key] for key in ('state_dict',)}, tmp_path / 'm.safetensors')
    reports = []
    for number, (file, size) in enumerate([(checkpoint, 4), (tmp_path / 'm.safetensors', 9)]):
        out = tmp_path / f'{number}.json'
        tool('test').main(
            [str(config), str(file), '--out', str(out), '--cfg-options', f'test_dataloader.batch_size={size}']
        )
        reports.append(json.loads(out.read_text()))
    assert reports[0] == pytest.approx(reports[1], abs=1e-4)


def test_mistakes_are_one_line(tool, trained, write_config, fails, tmp_path):
    main, (config, checkpoint) = tool('test').main, trained
    assert 'none.pth' in fails(main, config, tmp_path / 'none.pth')
    assert 'no_such_model' in fails(main, config, 'no_such_model')
    assert 'expected a name that ends with .pkl' in fails(main, config, checkpoint, '--dump', 'x.json')
    assert 'expected the name of a file' in fails(main, config, checkpoint, '--out', tmp_path)
    assert 'has no test_dataloader' in fails(main, write_config('a.py', test_dataloader=None), checkpoint)
    assert '--baselines needs codec' in fails(main, write_config('b.py', codec=None), checkpoint, '--baselines')
    wide = write_config('c.py', model={'type': 'ToyLifter', 'width': 8})
    assert 'does not fit the model' in fails(main, wide, checkpoint)
    for content in (b'', checkpoint.read_bytes()[:900], b'text'):
        (tmp_path / 'bad.pth').write_bytes(content)
        assert 'bad.pth' in fails(main, config, tmp_path / 'bad.pth')


@pytest.mark.parametrize('seconds', [(2.0, 1.0), (1.0, 2.0), None])
def test_fast_says_what_it_takes_and_changes_little(runs, tmp_path, monkeypatch, seconds):
    """``seconds`` of float32 and of bfloat16; ``None`` measures."""
    options = {**runs.loaders('test'), 'model.backbone.depth': 1, 'model.test_cfg.flip_test': False}
    options |= {'test_dataloader.dataset.n_sequences': 2, 'test_dataloader.dataset.n_frames': 54}
    poselifter.register_all_modules()
    torch.manual_seed(0)
    model = MODELS.build(load_config('configs/mixste/procedural_27.py', options).model)
    model.heads['pose'].linear.weight.data *= 0.02  # as near to numbers of a trained one as it takes for 0.5 mm
    save_checkpoint_file({'state_dict': model.state_dict()}, tmp_path / 'm.pth')
    plain = runs.test('mixste/procedural_27', tmp_path / 'm.pth', options)
    assert not [line for line in log(tmp_path / 'tested') if 'fast:' in line]
    if seconds:
        measure = fast._measure
        monkeypatch.setattr(fast, '_measure', lambda *args: (measure(*args)[0], dict(zip(KINDS, seconds, strict=True))))
    quick = runs.test('mixste/procedural_27', tmp_path / 'm.pth', options, '--fast')
    said = [line.partition('fast: ')[2] for line in log(tmp_path / 'tested') if 'fast: ' in line]
    assert [line.split(': ')[0] for line in said[:2]] == list(KINDS) and len(said) == 3
    costs = dict(zip(KINDS, (float(line.split()[-4]) for line in said[:2]), strict=True))
    assert costs['float32'] == 0 < costs['bfloat16'] < fast.CLOSE
    [taken] = [name for name in KINDS if said[2].startswith(f'{name} is taken')]
    assert seconds is None or taken == KINDS[int(np.argmin(seconds))]
    distance = abs(quick['MPJPE'] - plain['MPJPE'])
    assert distance == 0 if taken == 'float32' else 0 < distance < 0.5


def log(folder):
    """Lines of the last run's log."""
    return max(folder.glob('*/*.log')).read_text().splitlines()
