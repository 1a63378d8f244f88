"""Real commands as processes that can be killed at any moment.

Each is a fork of one process that has imported torch and poselifter, which takes seconds, and then runs the program as
``python tools/train.py ...`` would, in a session of its own.
"""

import ast
import atexit
import gc
import hashlib
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import torch

REPOSITORY = Path(__file__).resolve().parents[2]
RUNS: list['Run'] = []
PATIENCE = 60  # seconds in which every run here ends
CONTEXT = multiprocessing.get_context('forkserver')
DONE = 'done before'
ROOMS = ('apis', 'codecs', 'datasets', 'engine.tool', 'evaluation', 'models', 'visualization.html')
CONTEXT.set_forkserver_preload(
    [
        *(f'poselifter.{room}' for room in ROOMS),
        'matplotlib.pyplot',
        'onnx',
        'onnxruntime',
        'onnxscript',
        'torch._dynamo',
        'torch.export',
        'torch.onnx',
        'yapf.yapflib.yapf_api',
    ]
)


class Command(NamedTuple):
    """A program (``poselifter``, or one below ``tools``), its arguments, and further ones of a run after a kill."""

    program: str
    arguments: tuple
    resume: tuple = ()


def _begin(command: Command, folder: Path, limit: int | None, env: dict[str, str]) -> None:
    gc.freeze()
    os.setsid()
    os.chdir(folder)
    multiprocessing.set_start_method('fork', force=True)  # as everywhere else; here it is that of CONTEXT
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        os.dup2(os.open(name + env.get('RANK', ''), os.O_WRONLY | os.O_TRUNC), number)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.path.insert(0, str(REPOSITORY / 'tests/test_engine'))  # the toy project
    sys.argv = [command.program, *map(str, command.arguments)]
    torch.set_num_threads(1)
    os.environ.update(env)
    try:
        if command.program == 'poselifter':
            runpy.run_module('poselifter.cli', run_name='__main__')
        else:
            path = REPOSITORY / 'tools' / command.program
            sys.path.insert(0, str(path.parent))
            runpy.run_path(str(path), run_name='__main__')
    finally:
        atexit._run_exitfuncs()  # which forks leave out


class Run:
    """A command that runs in a folder.

    Args:
        command: that is run.
        folder: where, made if it is not there; gets ``stdout`` and ``stderr``, with the rank where there is one.
        limit: bytes that a file may have, as if the disk were full then.
        **env: variables of its environment.
    """

    def __init__(self, command: Command, folder: Path, limit: int | None = None, **env: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.start = folder, time.monotonic()
        self.log = folder / f'stderr{env.get("RANK", "")}'
        for name in ('stdout', 'stderr'):  # before the process: it may be killed before it makes them
            (folder / f'{name}{env.get("RANK", "")}').touch()
        RUNS.append(self)
        self.process = CONTEXT.Process(target=_begin, args=(command, folder, limit, env))
        self.process.start()

    def children(self) -> list[int]:
        """Ids of processes that the command started and that live."""
        found = []
        for stat in Path('/proc').glob('[0-9]*/stat'):
            try:
                state, _, _, session = stat.read_text().rsplit(')', 1)[1].split()[:4]
            except OSError:
                continue
            if int(session) == self.process.pid and state != 'Z' and int(stat.parent.name) != self.process.pid:
                found.append(int(stat.parent.name))
        return found

    def end(self) -> int:
        """Waits; returns the exit status. All that the command started must end too."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, f'{self.folder} hangs'
        deadline = time.monotonic() + 15
        while self.children() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not self.children(), f'{self.folder}: processes outlive the one that was killed'
        return self.process.exitcode

    def kill(self, number: int, pid: int | None = None) -> None:
        """Sends a signal to the command, or to one of its processes."""
        with suppress(ProcessLookupError):  # ended, which ``exitcode`` learns only a moment later
            if self.process.exitcode is None:
                os.kill(pid or self.process.pid, number)

    @property
    def errors(self) -> str:
        """What it said on stderr."""
        return self.log.read_text()


def two(command: Command, folder: Path, port: int | str) -> list[Run]:
    """Two ranks of a training, as a launcher starts them."""
    command = command._replace(arguments=(*command.arguments, '--launcher', 'pytorch'))
    group = {'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port)}
    return [Run(command, folder, RANK=rank, LOCAL_RANK=rank, **group) for rank in '01']


def sentences(run: Run) -> list[str]:
    """The lines that say what is wrong; there must be no traceback."""
    assert 'Traceback' not in run.errors, run.errors
    return [line for line in run.errors.splitlines() if line.startswith('error: ')]


def final_files(folder: Path) -> dict[str, str]:
    """Names of files that count as whole, with their contents' hash (of checkpoints: of all that decides training)."""
    skip = ('stdout', 'stderr', 'last_')  # the last checkpoint's path is absolute
    files = [p for p in folder.rglob('*') if p.is_file() and not any(part[0] == '.' for part in _parts(p, folder))]
    for path in files:  # configs, in which is the folder's path
        assert path.suffix != '.py' or ast.parse(path.read_text()).body, f'{path} is half a config'
    kept = [
        p
        for p in files
        if not p.name.startswith(skip) and 'vis_data' not in p.parts and p.suffix not in ('.log', '.py')
    ]
    return {'/'.join(_parts(p, folder)): _digest(p) for p in kept}


def leftovers(folder: Path) -> list[str]:
    """Hidden files and folders, without those that have a purpose."""
    purpose = ('.lock', '.clips', '.parts')
    hidden = (p for p in folder.rglob('.*') if p.name not in purpose)
    return sorted('/'.join(_parts(p, folder)) for p in hidden)


def _parts(path: Path, folder: Path) -> tuple[str, ...]:
    return path.relative_to(folder).parts


def _digest(path: Path) -> str:
    if path.suffix != '.pth':
        return hashlib.sha1(path.read_bytes()).hexdigest()
    content = torch.load(path, weights_only=True)  # fails where it is not whole
    kept = [content[key] for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers') if key in content]
    digest = hashlib.sha1()
    _add(digest, kept)
    return digest.hexdigest()


def _add(digest: object, value: object) -> None:
    if isinstance(value, torch.Tensor):
        digest.update(value.numpy().tobytes())
    elif isinstance(value, dict):
        for key, item in value.items():
            digest.update(str(key).encode())
            _add(digest, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _add(digest, item)
    else:
        digest.update(repr(value).encode())


class Reference(NamedTuple):
    """An undisturbed run: its files and the seconds that it took."""

    files: dict[str, str]
    seconds: float


def reference(command: Command, folder: Path) -> Reference:
    """Runs a command in peace."""
    run = Run(command, folder)
    assert run.end() == 0, run.errors
    assert leftovers(folder) == []
    return Reference(final_files(folder), time.monotonic() - run.start)


def check_partial(run: Run, whole: Reference, same: bool = True) -> None:
    """Files of a run that was stopped: each is whole, and ``same`` as without the stop."""
    for name, digest in final_files(run.folder).items():
        if same and name in whole.files:
            assert digest == whole.files[name], f'{run.folder}/{name} differs'


def go_on(command: Command, folder: Path, whole: Reference) -> None:
    """The next run ends well with the files of the undisturbed one, and sweeps up."""
    run = Run(command._replace(arguments=(*command.arguments, *command.resume)), folder)
    assert run.end() == 0, run.errors
    files = final_files(folder)
    different = sorted(name for name in files.keys() | whole.files if files.get(name) != whole.files.get(name))
    assert not different, f'{folder}: {different} of {sorted(files)}'
    assert leftovers(folder) == []


def kill_at_random(command: Command, folder: Path, whole: Reference, rng: Random) -> str:
    """Kills a command at some moment, sometimes also the run that goes on; returns what came of it."""
    number = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
    outcome = ''
    for again in (False, True):
        further = command.resume if again else ()
        run = Run(command._replace(arguments=(*command.arguments, *further)), folder)
        time.sleep(rng.uniform(0, whole.seconds))
        run.kill(number)
        status = run.end()
        if status:
            assert status in (-number, 128 + number), run.errors
            assert 'Traceback' not in run.errors, run.errors
        check_partial(run, whole)
        if status and not outcome:
            outcome = 'left hidden files' if leftovers(folder) else 'killed'
        if again or rng.random() < 0.75:
            break
    go_on(command, folder, whole)
    return outcome or DONE
