import json
import os
import subprocess
import sys

import pytest
import torch

SRUN = """#!/usr/bin/env bash
# stands in for Slurm: notes its options, then runs the program as the only task
printf '%s\\n' "$@" > "$SRUN_LOG"
while [ "${1%%python*}" = "$1" ]; do shift; done
SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_LOCALID=0 MASTER_ADDR=127.0.0.1 MASTER_PORT=$PORT exec "$@"
"""

TWO_TRAININGS = """import runpy, sys
main = runpy.run_path(sys.argv[1])['main']
main([sys.argv[2], '--launcher', 'pytorch'])
main([sys.argv[3], '--launcher', 'pytorch', '--resume'])
"""
METRICS = [
    {'type': 'ToyMetric', 'prefix': 'toy'},
    {'type': 'PoseMetric'},
    {'type': 'MeshMetric', 'prefix': 'mesh'},
    {'type': 'ActionMetric', 'prefix': 'action', 'top_k': [1, 2], 'merge': True, 'interval': 'action_name'},
]


def run(*command, env):
    result = subprocess.run(
        [str(c) for c in command], env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]


@pytest.mark.slow
def test_two_processes_equal_one(tool, write_config, toy, environment, repository, tmp_path):
    """Training, and testing with each kind of metric; the number of test clips is odd."""
    common = {'model': {'type': 'ToyBodies', 'dropout': 0.0}, 'env_cfg': {'dist_cfg': {'backend': 'nccl'}}}
    common['test_evaluator'] = METRICS
    one = write_config('one.py', **common)
    tool('train').main([str(one), '--work-dir', str(tmp_path / 'one')])
    tool('test').main([str(one), str(tmp_path / 'one/epoch_2.pth'), '--out', str(tmp_path / 'one.json')])

    two = write_config('two.py', **common, train_dataloader=toy.loader(16, 2, True))  # half of the batch each
    run(repository / 'tools/dist_train.sh', two, 2, '--work-dir', tmp_path / 'two', env=environment)
    checkpoint = tmp_path / 'two/epoch_2.pth'
    weights = [torch.load(p, weights_only=True)['state_dict'] for p in (tmp_path / 'one/epoch_2.pth', checkpoint)]
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=1e-5, atol=1e-6)
    run(repository / 'tools/dist_test.sh', two, checkpoint, 2, '--out', tmp_path / 'two.json', env=environment)
    reports = [json.loads((tmp_path / f'{name}.json').read_text()) for name in ('one', 'two')]
    assert reports[0]['toy/clips'] == reports[1]['toy/clips'] == 9
    assert {'P-MPJPE', 'MPJPE/c', 'mesh/MPVE', 'mesh/PA-MPJPE/a', 'action/top2'} <= reports[0].keys()
    assert reports[0] == pytest.approx(reports[1], rel=1e-6)


@pytest.mark.slow
def test_two_processes_that_share_the_weights_equal_one(tool, write_config, environment, repository, tmp_path, epochs):
    """FSDP, each linear layer spread; stopped, and resumed: weights and optimiser as of one process."""
    common = {
        'model': {'type': 'ToyLifter', 'dropout': 0.0},
        'train_cfg': epochs(3),
        'optim_wrapper': {'optimizer': {'type': 'AdamW', 'lr': 0.01}, 'clip_grad': {'max_norm': 0.1}},
        'env_cfg': {'dist_cfg': {'backend': 'nccl'}},
    }
    tool('train').main([str(write_config('one.py', **common)), '--work-dir', str(tmp_path / 'one')])
    policy = {'type': 'torch.distributed.fsdp.wrap.size_based_auto_wrap_policy', 'min_num_params': 30}
    wrapper = {'type': 'MMFullyShardedDataParallel', 'auto_wrap_policy': policy}
    common |= {'total_batch_size': 4, 'model_wrapper_cfg': wrapper}
    stop = [{'type': 'StopAfter', 'iterations': 4}]
    first, rest = write_config('first.py', **common, custom_hooks=stop), write_config('rest.py', **common)
    (tmp_path / 'program.py').write_text(TWO_TRAININGS)
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--standalone']
    run(*launcher, tmp_path / 'program.py', repository / 'tools/train.py', first, rest, env=environment)
    one, two = (torch.load(tmp_path / f, weights_only=True) for f in ('one/epoch_3.pth', 'run/epoch_3.pth'))
    assert two['meta']['iter'] == 12 and one['state_dict'].keys() == two['state_dict'].keys()
    for key, value in one['state_dict'].items():
        torch.testing.assert_close(value, two['state_dict'][key], rtol=1e-5, atol=1e-6)
    assert one['optimizer']['param_groups'] == two['optimizer']['param_groups']
    for number, state in one['optimizer']['state'].items():
        for key, value in state.items():
            torch.testing.assert_close(value, two['optimizer']['state'][number][key], rtol=1e-4, atol=1e-8)
    report = tool('test').main([str(rest), str(tmp_path / 'run/epoch_3.pth'), '--out', str(tmp_path / 'm.json')])
    assert report is None and json.loads((tmp_path / 'm.json').read_text())['clips'] == 9


@pytest.mark.slow
def test_slurm_scripts(write_config, environment, repository, tmp_path):
    (tmp_path / 'srun').write_text(SRUN)
    (tmp_path / 'srun').chmod(0o755)
    log = tmp_path / 'srun.log'
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    env = {**environment, 'PATH': path, 'SRUN_LOG': str(log), 'GPUS': '1', 'SRUN_ARGS': '--quiet --time=9'}
    config = write_config(env_cfg={'dist_cfg': {'backend': 'nccl'}})
    short = ['--cfg-options', 'train_cfg.max_epochs=1']
    run(repository / 'tools/slurm_train.sh', 'gpu', 'job', config, tmp_path / 'slurm', *short, env=env)
    options = log.read_text().split('\n')
    assert options[:2] == ['-p', 'gpu'] and '--job-name=job' in options and '--ntasks=1' in options
    assert {'--gres=gpu:1', '--ntasks-per-node=1', '--cpus-per-task=5', '--quiet', '--time=9'} <= set(options)
    checkpoint = tmp_path / 'slurm/epoch_1.pth'
    env['GPUS_PER_NODE'] = '0'
    run(repository / 'tools/slurm_test.sh', 'cpu', 'job', config, checkpoint, '--out', tmp_path / 'm.json', env=env)
    assert 'gres' not in log.read_text()
    assert json.loads((tmp_path / 'm.json').read_text())['clips'] == 9


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_scripts_say_what_they_want(repository, script):
    result = subprocess.run([repository / f'tools/{script}.sh'], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith('error: usage: ') and 'CONFIG' in result.stderr


def test_dist_train_passes_openmmlabs_variables_on(repository, tmp_path):
    (tmp_path / 'python').write_text('#!/bin/sh\necho "$@ PYTHONPATH=$PYTHONPATH OMP=$OMP_NUM_THREADS"\n')
    (tmp_path / 'python').chmod(0o755)
    env = {key: value for key, value in os.environ.items() if key not in ('OMP_NUM_THREADS', 'PYTHONPATH')}
    env |= {'PYTHON': str(tmp_path / 'python'), 'NNODES': '3', 'NODE_RANK': '1', 'MASTER_ADDR': 'head', 'PORT': '1234'}
    command = [repository / 'tools/dist_train.sh', 'c.py', '4', '--amp']
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    for words in (
        '-m torch.distributed.run',
        '--nnodes=3 --node_rank=1 --master_addr=head --master_port=1234 --nproc_per_node=4',
        'c.py --launcher pytorch --amp',
        f'PYTHONPATH={repository} ',
    ):
        assert words in out
    if subprocess.run('nvidia-smi -L', shell=True, capture_output=True, check=False).returncode != 0:
        assert f'OMP={max(1, len(os.sched_getaffinity(0)) // 4)}' in out
