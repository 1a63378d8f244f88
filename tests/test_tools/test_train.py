import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from poselifter.errors import InputError, run_program


def test_trains_into_the_folder_of_the_options(tool, write_config, tmp_path, capsys):
    config = write_config()
    tool('train').main([str(config), '--work-dir', str(tmp_path / 'mine'), '--cfg-options', 'train_cfg.max_epochs=1'])
    assert {path.name for path in (tmp_path / 'mine').glob('*.pth')} == {'epoch_1.pth', 'best_MPJPE_epoch_1.pth'}
    assert Config.fromfile(tmp_path / 'mine/toy.py').train_cfg.max_epochs == 1
    assert 'eta' in capsys.readouterr().out


def test_default_folder_has_the_name_of_the_config(tool, write_config, tmp_path, monkeypatch):
    config = write_config('mixste_toy.py', work_dir=None)
    monkeypatch.chdir(tmp_path)
    tool('train').main([str(config), '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1'])
    assert (tmp_path / 'work_dirs/mixste_toy/epoch_1.pth').is_file()
    assert not list((tmp_path / 'work_dirs/mixste_toy').glob('best*'))


def test_a_variant_has_a_folder_of_its_own(tool, write_config, fails, tmp_path, capsys):
    """Trained, printed and tested by its name."""
    config = write_config(variants={'short': {'train_cfg': {'max_epochs': 1}}, 'fixed': {'frozen_modules': ['layers']}})
    tool('train').main([str(config), '--variant', 'short'])
    assert (tmp_path / 'run_short/epoch_1.pth').is_file() and not (tmp_path / 'run_short/epoch_2.pth').exists()
    tool('test').main([str(config), str(tmp_path / 'run_short/epoch_1.pth'), '--variant', 'short'])
    assert len(list((tmp_path / 'run_short').glob('*/*.log'))) == 2 and not (tmp_path / 'run').exists()
    capsys.readouterr()
    show = tool('analysis_tools/print_config').main
    show([str(config), '--variants'])
    lines = ["fixed: frozen_modules=['layers']", 'short: train_cfg.max_epochs=1']
    assert capsys.readouterr().out.splitlines() == lines
    show([str(config), '--variant', 'fixed'])
    assert Config.fromstring(capsys.readouterr().out, '.py').frozen_modules == ['layers']
    assert "no variant 'shrot'" in fails(tool('train').main, config, '--variant', 'shrot')


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_launchers_pass_a_variant_on(repository, tmp_path, script):
    for name in ('python', 'srun'):
        (tmp_path / name).write_text('#!/bin/sh\necho "$@"\n')
        (tmp_path / name).chmod(0o755)
    places = ['part', 'job', 'c.py', 'x'] if 'slurm' in script else ['c.py', *['x'] * ('test' in script), '2']
    env = {**os.environ, 'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}', 'PYTHON': str(tmp_path / 'python')}
    command = [repository / f'tools/{script}.sh', *places, '--variant', 'a', '--cfg-options', 'key=a b']
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    launcher = 'slurm' if 'slurm' in script else 'pytorch'
    assert out.endswith(f'--launcher {launcher} --variant a --cfg-options key=a b\n') and 'c.py' in out


@pytest.mark.parametrize('named', [False, True])
def test_resume_goes_on_where_the_run_stopped(tool, write_config, tmp_path, epochs, assert_same_weights, toy, named):
    train = tool('train').main
    train([str(write_config('whole.py', train_cfg=epochs(3))), '--work-dir', str(tmp_path / 'whole')])
    stop = [{'type': 'StopAfter', 'iterations': 4}]
    train([str(write_config('first.py', train_cfg=epochs(3), custom_hooks=stop)), '--resume'])
    which = ['--resume', str(tmp_path / 'run/epoch_1.pth')] if named else ['--resume', 'auto']
    train([str(write_config('second.py', train_cfg=epochs(3))), *which])
    assert_same_weights(tmp_path / 'whole/epoch_3.pth', tmp_path / 'run/epoch_3.pth')


@pytest.mark.parametrize(('base', 'total', 'rate'), [(16, None, 0.01 * 4 / 16), (8, 8, 0.01), (4, 8, 0.02)])
def test_scaled_learning_rate_and_amp(tool, write_config, tmp_path, base, total, rate):
    """By the batch of the loader, or the one of all processes."""
    sizes = {'total_batch_size': total} if total else {}
    config = write_config(auto_scale_lr={'base_batch_size': base}, param_scheduler=None, **sizes)
    tool('train').main([str(config), '--amp', '--auto-scale-lr', '--cfg-options', 'train_cfg.max_epochs=1'])
    checkpoint = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 16 // (total or 4)
    assert checkpoint['optimizer']['param_groups'][0]['lr'] == pytest.approx(rate)
    assert 'AmpOptimWrapper' in checkpoint['meta']['cfg']


PRETRAINED = {'load_from': 'work_dirs/pretrain/epoch_2.pth', 'pretrained_by': 'configs/toy/pretrain.py'}


def test_start_from_a_pretraining_that_was_not_run(tool, write_config, fails, tmp_path):
    config, train = write_config(**PRETRAINED), tool('train').main
    for options in ([], ['--resume']):  # with nothing to resume, the run starts as it would without
        line = fails(train, config, *options)
        assert 'no checkpoint work_dirs/pretrain/epoch_2.pth, from which' in line and 'toy.py starts' in line
        assert '`python tools/train.py configs/toy/pretrain.py`' in line and 'load_from=FILE' in line
    other = ['load_from=None', 'pretrained_by=mine.py', 'total_batch_size=8']
    train([str(config), '--cfg-options', 'train_cfg.max_epochs=1', *other])
    assert (tmp_path / 'run/epoch_1.pth').is_file()


def test_resume_with_nothing_to_resume_starts_from_the_pretraining(tool, write_config, tmp_path, assert_same_weights):
    train = tool('train').main
    train([str(write_config()), '--work-dir', str(tmp_path / 'first')])
    config = write_config(load_from=str(tmp_path / 'first/epoch_2.pth'), pretrained_by='toy.py')
    for folder, options in (('a', []), ('b', ['--resume'])):
        train([str(config), '--work-dir', str(tmp_path / folder), *options])
    assert_same_weights(tmp_path / 'a/epoch_2.pth', tmp_path / 'b/epoch_2.pth')
    (tmp_path / 'first/epoch_2.pth').unlink()
    for name in ('epoch_2.pth', 'last_checkpoint'):
        (tmp_path / 'b' / name).unlink()
    train([str(config), '--work-dir', str(tmp_path / 'b'), '--resume'])  # from epoch_1, no longer in need of the start
    assert_same_weights(tmp_path / 'a/epoch_2.pth', tmp_path / 'b/epoch_2.pth')


def test_config_for_mixed_precision_on_gpus_trains_without_one(tool, write_config, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    wrapper = {'type': 'AmpOptimWrapper', 'optimizer': {'type': 'AdamW', 'lr': 0.01}, 'dtype': 'float16'}
    tool('train').main([str(write_config(optim_wrapper=wrapper)), '--cfg-options', 'train_cfg.max_epochs=1'])
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.parametrize(('changes', 'options', 'message'), [
    ({'model': {'type': 'MixStee'}}, [], 'MixStee is not in the poselifter::model registry; check the name'),
    ({'model': {'type': 'ToyLifter', 'widht': 3}}, [], "unexpected keyword argument 'widht'"),
    ({'optim_wrapper': {'optimizer': {'type': 'Adamm'}}}, [], 'Adamm is not in the'),
    ({'param_scheduler': {'type': 'Cosine'}}, [], 'Cosine is not in the'),
    ({'train_dataloader': None}, [], 'has no train_dataloader; training needs'),
    ({'val_cfg': None}, [], 'val_dataloader, val_cfg, and val_evaluator should be'),
    ({'custom_imports': {'imports': ['nowhere'], 'allow_failed_imports': False}}, [], 'nowhere'),
    ({}, ['--resume', 'none.pth'], 'no checkpoint none.pth'),
    ({}, ['--cfg-options', 'load_from=none.pth'], 'no checkpoint none.pth'),
    ({}, ['--cfg-options', 'optim_wrapper.lr_mult.x=1'], "optim_wrapper has no 'lr_mult'"),
    ({}, ['--cfg-options', 'nonsense'], 'KEY=VALUE'),
    ({}, ['--auto-scale-lr'], 'needs auto_scale_lr'),
    ({'frozen_modules': 'backbone'}, [], "frozen_modules: ToyLifter has no module 'backbone'"),
    ({'activation_checkpointing': 'layers.*'}, [], "activation_checkpointing: ToyLifter has no module 'layers.*'"),
    ({}, ['--launcher', 'pbs'], 'invalid choice'),
    ({}, ['--launcher', 'slurm'], 'needs the variable SLURM_PROCID'),
    ({}, ['--no-such-option'], 'unrecognized arguments'),
])  # fmt: skip
def test_mistakes_are_one_line(tool, write_config, fails, monkeypatch, changes, options, message):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert message in fails(tool('train').main, write_config(**changes), *options)


def test_broken_files_are_one_line_and_a_traceback_on_demand(tool, trained, fails, tmp_path):
    main, (config, checkpoint) = tool('train').main, trained
    assert 'no config' in fails(main, tmp_path / 'none.py')
    (tmp_path / 'bad.py').write_text('model = dict(\n')
    assert 'SyntaxError' in fails(main, tmp_path / 'bad.py')
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert 'is cut off' in fails(main, config, '--resume', checkpoint)
    with pytest.raises(InputError):
        run_program(main, [str(tmp_path / 'none.py'), '--debug'])


def test_runs_as_a_program(repository, environment, tmp_path):
    command = [sys.executable, repository / 'tools/train.py', tmp_path / 'none.py']
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith('error: no config') and result.stderr.count('\n') == 1
