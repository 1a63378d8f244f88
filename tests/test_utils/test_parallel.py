import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.utils import CacheFile, run_parallel

PROGRAM = """
import torch
from poselifter.utils import run_parallel

def work(number):
    torch.nn.functional.gelu(torch.ones(4, 1000, 1000)).sum()
    return number

if __name__ == '__main__':
    work(0)  # the parent has threads now, which a forked process lacks
    print(run_parallel(work, [(1,), (2,), (3,)], workers=2))
"""


def test_workers_do_not_wait_for_threads_of_their_parent(tmp_path):
    (tmp_path / 'program.py').write_text(PROGRAM)
    environment = {**os.environ, 'OMP_NUM_THREADS': '2'}
    run = subprocess.run(
        [sys.executable, tmp_path / 'program.py'], env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.stdout.strip() == '[1, 2, 3]', run.stderr


def killed(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_ends_the_run():
    with pytest.raises(InputError, match='start again with fewer --workers'):
        run_parallel(killed, [(n,) for n in range(50)], workers=2)


SLOW = """
import sys, time
from pathlib import Path
from poselifter.errors import run_program
from poselifter.utils import run_parallel

def work(number):
    time.sleep(0.3)
    Path(sys.argv[1], str(number)).touch()

if __name__ == '__main__':
    run_program(lambda argv: run_parallel(work, [(n,) for n in range(60)], workers=2))
"""


def test_ctrl_c_ends_the_jobs_in_work_and_starts_no_other(tmp_path):
    (tmp_path / 'program.py').write_text(SLOW)
    done = tmp_path / 'done'
    done.mkdir()
    command = [sys.executable, tmp_path / 'program.py', done]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as program:
        while not list(done.iterdir()):
            time.sleep(0.05)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to every process
        lines = program.stderr.read()
    assert program.returncode == 130 and 'Traceback' not in lines and len(list(done.iterdir())) < 10


def test_a_part_counts_while_it_is_whole_and_of_the_same_source(tmp_path):
    kept = CacheFile(tmp_path / 'new/part.npz', 'a')
    assert kept.load() is None
    kept.save({'poses': np.arange(3)}, {'id': 'x', 'clips': [[1, 2]]})
    result = kept.load()
    np.testing.assert_array_equal(result.pop('poses'), np.arange(3))
    assert result == {'id': 'x', 'clips': [[1, 2]]}
    assert CacheFile(kept.path, 'b').load() is None
    whole = kept.path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(np.arange(3).tobytes())] ^= 1
    for damaged in (whole[:200], bytes(flipped), b'', b'no zip'):
        kept.path.write_bytes(damaged)
        assert kept.load() is None
    for foreign in ({'poses': np.arange(3)}, {'metadata': '[]'}, {'metadata': np.zeros(2)}):
        np.savez(kept.path, **foreign)
        assert kept.load() is None
