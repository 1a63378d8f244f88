"""Full disks, cut files, processes that vanish or stand still: one sentence, no damage, a next run that ends well."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from random import Random
from socket import create_server

import pytest
from faults.harness import PATIENCE, Run, check_partial, final_files, go_on, leftovers, reference, sentences, two
from mmengine.config import Config

FORMS = int(os.environ.get('POSELIFTER_KILLS', 20)) // 20  # of each fault


def says(run, match):
    """The run must end with status 2 and one sentence."""
    assert run.end() == 2, run.errors
    [said] = sentences(run)
    assert match in said, said


def fails(run, match):
    """The run must end with status 2 and one sentence, and leave nothing unfinished."""
    says(run, match)
    assert leftovers(run.folder) == []


@pytest.mark.parametrize('name', ['train', 'database', 'convert', 'lift', 'film', 'fit-body', 'export'])
def test_a_full_disk(name, commands, tmp_path):
    """Files end at some byte, as if the disk were full."""
    whole, rng = reference(commands[name], tmp_path / 'whole'), Random(name)
    largest = max(path.stat().st_size for path in (tmp_path / 'whole').rglob('*') if not path.name.endswith('.log'))
    for k in range(FORMS):
        run = Run(commands[name], tmp_path / str(k), limit=rng.randint(2000, largest - 1))
        fails(run, 'File too large')
        check_partial(run, whole)
        go_on(commands[name], run.folder, whole)


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a disk of so many kilobytes on a folder."""
    mounted = []

    def mount(folder, size):
        folder.mkdir(parents=True)
        command = ['mount', '-t', 'tmpfs', '-o', f'size={size}k', 'tmpfs', folder]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip('this system mounts no disk for us')
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(['umount', folder], check=True)


@pytest.mark.parametrize(('name', 'place', 'sizes'), [('train', 'run', (24, 72)), ('lift', 'out', (8, 40))])
def test_a_small_disk(name, place, sizes, commands, tmp_path, small_disk):
    whole, rng = reference(commands[name], tmp_path / 'whole'), Random(name)
    for k in range(FORMS):
        folder = tmp_path / str(k)
        small_disk(folder / place, 4 * rng.randint(*(size // 4 for size in sizes)))
        run = Run(commands[name], folder)
        fails(run, 'No space left')
        check_partial(run, whole)
        subprocess.run(['mount', '-o', 'remount,size=99m', folder / place], check=True)
        go_on(commands[name], folder, whole)


@pytest.mark.parametrize('name', ['convert', 'lift', 'film', 'fit-body', 'export'])
def test_a_cut_input(name, commands, tmp_path):
    """A film may lose its end and still be one."""
    command, rng = commands[name], Random(name)
    place = next(k for k, word in enumerate(command.arguments) if isinstance(word, Path) and word.suffix != '.py')
    source = command.arguments[place]
    for k in range(3 * FORMS):
        cut = tmp_path / f'{k}{source.suffix}'
        cut.write_bytes(source.read_bytes()[: rng.randrange(source.stat().st_size - 1)])
        run = Run(
            command._replace(arguments=(*command.arguments[:place], cut, *command.arguments[place + 1 :])),
            tmp_path / str(k),
        )
        if name == 'film' and run.end() == 0:
            continue
        fails(run, cut.name)
        assert sorted(path.name for path in run.folder.rglob('*')) == ['stderr', 'stdout']


def test_cut_data_of_a_training(commands, tmp_path, data_dir, repository):
    data = (data_dir / 'cmu_tiny.npz').read_bytes()
    shutil.copytree(data_dir, tmp_path / 'data', ignore=shutil.ignore_patterns('*.mp4'))
    for fraction in (0, 0.3, 0.99):
        (tmp_path / 'data/cmu_tiny.npz').write_bytes(data[: int(fraction * len(data))])
        options = [
            f'train_dataloader.dataset.{key}={value}'
            for key, value in (('data_root', tmp_path / 'data'), ('ann_file', 'cmu_tiny.npz'))
        ]
        arguments = (repository / 'configs/mixste/cmu_27.py', '--work-dir', 'run', '--cfg-options', *options)
        run = Run(commands['train']._replace(arguments=arguments), tmp_path / 'run')
        fails(run, 'cmu_tiny.npz')


def wait_for(path):
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f'{path} does not come'
        time.sleep(0.01)


def kill_child(run):
    """Kills a fork of a run, as soon as it has one."""
    while run.process.exitcode is None:
        for pid in run.children():
            with contextlib.suppress(OSError):  # others, of programs that a run asks for versions, come and go
                if b'forkserver' in Path(f'/proc/{pid}/cmdline').read_bytes():
                    run.kill(signal.SIGKILL, pid)
                    return


@pytest.fixture
def training(toy, commands, inputs, tmp_path):
    """A training of the toy with changes of its config, as a command."""

    def make(name, **changes):
        config = Config.fromfile(inputs / 'toy.py')
        config.merge_from_dict(changes)
        config.dump(tmp_path / f'{name}.py')
        return commands['train']._replace(arguments=(tmp_path / f'{name}.py',))

    return make


def test_a_killed_loader(training, tmp_path):
    command = training(
        'loader', train_dataloader={'num_workers': 1, 'persistent_workers': True}, **{'train_cfg.max_epochs': 12}
    )
    whole = reference(command, tmp_path / 'whole')
    for k in range(FORMS):
        run = Run(command, tmp_path / str(k))
        wait_for(run.folder / 'run/epoch_1.pth')
        kill_child(run)
        fails(
            run, 'a worker process of a loader was ended from outside, likely for lack of memory; go on with --resume'
        )
        go_on(command, run.folder, whole)


def test_a_killed_converter(commands, tmp_path):
    whole = reference(commands['database'], tmp_path / 'whole')
    for k in range(FORMS):
        run = Run(commands['database'], tmp_path / str(k))
        kill_child(run)
        if run.end():  # what the worker was writing is left, until the next run removes it
            says(run, 'a worker process was ended from outside')
        check_partial(run, whole)
        go_on(commands['database'], run.folder, whole)


GROUP = {'timeout': 5, 'backend': 'gloo'}
ANOTHER = ('another process of the training', 'the processes did not come together')  # in a step; before the first


def lose_a_rank(command, folder, port, rng, seconds):
    """Loses a rank at some moment, and goes on with both; returns whether the other one was disturbed."""
    number, rank = rng.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP]), rng.randrange(2)
    runs = two(command, folder, port)
    moment = rng.uniform(0, seconds)
    time.sleep(moment)
    runs[rank].kill(number)
    start, told = time.monotonic(), f'{number.name} to rank {rank} after {moment:.2f} s'
    status = runs[1 - rank].end()
    assert time.monotonic() - start < GROUP['timeout'] + seconds + 10, told
    if status:  # it was not done before
        said = sentences(runs[1 - rank])
        assert status == 2 and len(said) == 1 and any(words in said[0] for words in ANOTHER), (
            told,
            runs[1 - rank].errors,
        )
        assert rank == 0 or leftovers(folder) == [], told
    runs[rank].kill(signal.SIGKILL)
    assert runs[rank].end() in (0, 2, -signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM), (told, runs[rank].errors)
    for run in two(command._replace(arguments=(*command.arguments, '--resume')), folder, port):
        assert run.end() == 0, (told, run.errors)
    return bool(status)


def test_one_of_two_ranks(training, tmp_path, free_port, told):
    """If one ends, or stands still for longer than the timeout, the other says so, at any moment; both can go on."""
    command, start = training('two', **{'env_cfg.dist_cfg': GROUP}), time.monotonic()
    for run in two(command, tmp_path / 'whole', free_port):
        assert run.end() == 0, run.errors
    seconds, rng, lost = time.monotonic() - start, Random(f'ranks {FORMS}'), 0
    for k in range(2 * FORMS):
        lost += lose_a_rank(command, tmp_path / str(k), free_port, rng, seconds)
        assert final_files(tmp_path / str(k)) == final_files(tmp_path / 'whole')
        assert leftovers(tmp_path / str(k)) == []
    told(f'{2 * FORMS} ranks lost, {lost} of them before the other was done')


@pytest.mark.parametrize(('rank', 'silent'), [(0, False), (1, False), (1, True)])
def test_a_rank_that_does_not_come(rank, silent, training, tmp_path, free_port):
    """The other blames no config, nor waits without end for a first one that answers the call and stands still."""
    group = {'RANK': str(rank), 'LOCAL_RANK': str(rank), 'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1'}
    command = training('alone', **{'env_cfg.dist_cfg': {**GROUP, 'timeout': 2}})
    command = command._replace(arguments=(*command.arguments, '--launcher', 'pytorch'))
    with create_server(('127.0.0.1', free_port)) if silent else contextlib.nullcontext():
        run = Run(command, tmp_path / 'alone', MASTER_PORT=str(free_port), **group)
        fails(run, 'the processes did not come together')
    assert 'config' not in sentences(run)[0]


@pytest.mark.parametrize('policy', ['stop', 'skip'])
def test_the_clip_of_another_rank_is_named(policy, training, tmp_path, free_port):
    """Rank 1 gets a clip with a NaN: both name it, and none of rank 0; with ``skip`` both train on."""
    hooks = [{'type': 'SpoilBatches', 'iterations': [1], 'rank': 1}, {'type': 'DivergenceHook', 'policy': policy}]
    command = training('nan', custom_hooks=hooks, **{'env_cfg.dist_cfg': GROUP})
    command = command._replace(arguments=(*command.arguments, '--launcher', 'pytorch'))
    group = {'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(free_port)}
    spoiled = tmp_path / 'spoiled'
    folder = tmp_path / 'run'
    runs = [Run(command, folder, RANK=r, LOCAL_RANK=r, TOY_SPOILED=str(spoiled), **group) for r in '01']
    statuses, [log] = [run.end() for run in runs], folder.rglob('*.log')
    named = f'clips with numbers that are not finite: {spoiled.read_text()}'
    if policy == 'skip':
        assert statuses == [0, 0] and f'step 2 is left out: its loss is not finite; {named}\n' in log.read_text()
    else:
        assert statuses == [2, 2]
        assert all(f'the loss of step 2 is not finite ({named});' in sentences(run)[0] for run in runs)
