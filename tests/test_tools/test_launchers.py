import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from faults.harness import Command, two

SRUN = """#!/usr/bin/env bash
# stands in for Slurm: notes its options, then runs the program as the only task
printf '%s\\n' "$@" > "$SRUN_LOG"
while [ "${1%%python*}" = "$1" ]; do shift; done
[ -z "${SRUN_ONLY_NOTES:-}" ] || exit 0
SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_LOCALID=0 MASTER_ADDR=127.0.0.1 MASTER_PORT=$PORT exec "$@"
"""

#: Runs in the place of tools/train.py, since each start of two processes takes as long as all that they do here.
PROGRAM = """import runpy, sys
train, test = (runpy.run_path(f'{sys.argv[-1]}/tools/{name}.py')['main'] for name in ('train', 'test'))
folder, launcher = sys.argv[1], sys.argv[2:4]
train([f'{folder}/two.py', '--work-dir', f'{folder}/two', *launcher])
test([f'{folder}/two.py', f'{folder}/two/epoch_2.pth', '--out', f'{folder}/two.json', *launcher])
train([f'{folder}/first.py', *launcher])
train([f'{folder}/rest.py', '--resume', *launcher])
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


def wait_for(happens, processes, seconds=240):
    """Waits until something happens while processes live."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end and all(process.poll() is None for process in processes)
        time.sleep(0.05)


def assert_equal(one, two, **tolerances):
    """Compares tensors by name, one for one."""
    assert one.keys() == two.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, two[key], **tolerances)


@pytest.mark.slow
def test_two_processes_equal_one(tool, write_config, toy, environment, repository, tmp_path, epochs):
    """Training, testing with each kind of metric (the number of test clips is odd), and FSDP, stopped and resumed."""
    (tmp_path / 'tools').mkdir()
    for name in ('dist_train.sh', 'launch.sh'):
        (tmp_path / 'tools' / name).symlink_to(repository / 'tools' / name)
    (tmp_path / 'tools/train.py').write_text(PROGRAM)

    plain = {'model': {'type': 'ToyBodies', 'dropout': 0.0}, 'env_cfg': {'dist_cfg': {'backend': 'nccl'}}}
    plain['test_evaluator'] = METRICS
    one = write_config('one.py', **plain)
    write_config('two.py', **plain, train_dataloader=toy.loader(16, 2, True))  # half of the batch each
    tool('train').main([str(one), '--work-dir', str(tmp_path / 'one')])
    tool('test').main([str(one), str(tmp_path / 'one/epoch_2.pth'), '--out', str(tmp_path / 'one.json')])

    spread = {**plain, 'model': {'type': 'ToyLifter', 'dropout': 0.0}, 'train_cfg': epochs(3)}
    spread['optim_wrapper'] = {'optimizer': {'type': 'AdamW', 'lr': 0.01}, 'clip_grad': {'max_norm': 0.1}}
    spread['test_evaluator'] = {'type': 'ToyMetric'}
    tool('train').main([str(write_config('whole.py', **spread)), '--work-dir', str(tmp_path / 'whole')])
    policy = {'type': 'torch.distributed.fsdp.wrap.size_based_auto_wrap_policy', 'min_num_params': 30}
    wrapper = {'type': 'MMFullyShardedDataParallel', 'auto_wrap_policy': policy}
    spread |= {'total_batch_size': 4, 'model_wrapper_cfg': wrapper}
    write_config('first.py', **spread, custom_hooks=[{'type': 'StopAfter', 'iterations': 4}])
    rest = write_config('rest.py', **spread)

    run(tmp_path / 'tools/dist_train.sh', tmp_path, 2, repository, env=environment)
    one, two = (torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True) for name in ('one', 'two'))
    assert_equal(one['state_dict'], two['state_dict'], rtol=1e-5, atol=1e-6)
    reports = [json.loads((tmp_path / f'{name}.json').read_text()) for name in ('one', 'two')]
    assert reports[0]['toy/clips'] == reports[1]['toy/clips'] == 9
    assert {'P-MPJPE', 'MPJPE/c', 'mesh/MPVE', 'mesh/PA-MPJPE/a', 'action/top2'} <= reports[0].keys()
    assert reports[0] == pytest.approx(reports[1], rel=1e-6)

    one, two = (torch.load(tmp_path / name / 'epoch_3.pth', weights_only=True) for name in ('whole', 'run'))
    assert two['meta']['iter'] == 12
    assert_equal(one['state_dict'], two['state_dict'], rtol=1e-5, atol=1e-6)
    assert one['optimizer']['param_groups'] == two['optimizer']['param_groups']
    for number, state in one['optimizer']['state'].items():
        assert_equal(state, two['optimizer']['state'][number], rtol=1e-4, atol=1e-8)
    report = tool('test').main([str(rest), str(tmp_path / 'run/epoch_3.pth'), '--out', str(tmp_path / 'm.json')])
    assert report is None and json.loads((tmp_path / 'm.json').read_text())['clips'] == 9


@pytest.mark.slow
def test_two_machines_of_which_one_is_lost(
    write_config, environment, repository, tmp_path, epochs, assert_same_weights
):
    """Two agents of torchrun, as on two machines: all start again, and end with the weights of an undisturbed run.

    A process is killed; then the second machine with all that it runs, which comes back.
    """
    settings = {'train_cfg': epochs(5), 'custom_hooks': [{'type': 'WaitInThirdEpoch'}]}
    whole, config = (write_config(f'{name}.py', work_dir=tmp_path / name, **settings) for name in ('whole', 'lost'))
    script = repository / 'tools/dist_train.sh'
    for rank in two(Command('train.py', (whole,)), tmp_path / 'ranks', environment['PORT']):
        assert rank.end() == 0, rank.errors
    waits, log = [tmp_path / name for name in ('first', 'second')], tmp_path / 'log'
    env = {**environment, 'NNODES': '2', 'MAX_RESTARTS': '4'}

    def start(rank, **more):
        with open(log, 'a') as file:
            command = [script, config, '1', '--resume']
            return subprocess.Popen(command, env={**env, 'NODE_RANK': rank, **more}, stdout=file, stderr=file)

    def counts():
        return [
            log.read_text().count(text) for text in ('another process of the training has ended', 'Load checkpoint')
        ]

    agents = [start('0'), start('1', TOY_WAIT=os.pathsep.join(map(str, waits)))]
    try:
        for lost, reached in zip(('process', 'machine'), waits, strict=True):
            wait_for(reached.exists, agents)
            before = counts()
            [worker] = Path(f'/proc/{agents[1].pid}/task/{agents[1].pid}/children').read_text().split()
            if lost == 'machine':
                agents[1].kill()
                agents[1].wait()
            os.kill(int(worker), signal.SIGKILL)
        agents[1] = start('1')
        ends = [agent.wait(timeout=240) for agent in agents]
    finally:
        for agent in agents:
            agent.terminate()
    assert ends == [0, 0], log.read_text()[-3000:]
    assert min(before) > 0 and all(now > once for now, once in zip(counts(), before, strict=True)), log.read_text()
    assert_same_weights(*(tmp_path / name / 'epoch_5.pth' for name in ('whole', 'lost')))


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
    assert checkpoint.is_file()
    env |= {'GPUS_PER_NODE': '0', 'SRUN_ONLY_NOTES': '1'}
    run(repository / 'tools/slurm_test.sh', 'cpu', 'job', config, checkpoint, '--out', tmp_path / 'm.json', env=env)
    options = log.read_text().split('\n')[:-1]
    program = [repository / 'tools/test.py', config, checkpoint, '--launcher', 'slurm', '--out', tmp_path / 'm.json']
    assert options[-len(program) :] == [str(word) for word in program] and 'gres' not in log.read_text()


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_scripts_say_what_they_want(repository, script):
    result = subprocess.run([repository / f'tools/{script}.sh'], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith('error: usage: ') and 'CONFIG' in result.stderr


@pytest.mark.parametrize(('script', 'files'), [('train', ['c.py']), ('test', ['c.py', 'c.pth'])])
def test_scripts_pass_openmmlabs_variables_on(repository, tmp_path, script, files):
    (tmp_path / 'python').write_text('#!/bin/sh\necho "$@ PYTHONPATH=$PYTHONPATH OMP=$OMP_NUM_THREADS"\n')
    (tmp_path / 'python').chmod(0o755)
    env = {key: value for key, value in os.environ.items() if key not in ('OMP_NUM_THREADS', 'PYTHONPATH')}
    env |= {'PYTHON': str(tmp_path / 'python'), 'NNODES': '3', 'NODE_RANK': '1', 'MASTER_ADDR': 'head', 'PORT': '1234'}
    command = [repository / f'tools/dist_{script}.sh', *files, '4', '--amp']
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    for words in (
        '-m torch.distributed.run',
        '--nnodes=3 --nproc_per_node=4 --rdzv_backend=c10d --rdzv_endpoint=head:1234 --rdzv_id=1234',
        'is_host=0',
        f'{repository}/tools/{script}.py {" ".join(files)} --launcher pytorch --amp',
        f'PYTHONPATH={repository} ',
    ):
        assert words in out
    if subprocess.run('nvidia-smi -L', shell=True, capture_output=True, check=False).returncode != 0:
        assert f'OMP={max(1, len(os.sched_getaffinity(0)) // 4)}' in out
