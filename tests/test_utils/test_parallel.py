"""Worker processes."""

import os
import subprocess
import sys

PROGRAM = """
import torch
from poselifter.utils import run_parallel

def work(number):
    torch.nn.functional.gelu(torch.ones(4, 1000, 1000)).sum()

if __name__ == '__main__':
    work(0)  # the parent has threads now, which a forked process lacks
    run_parallel(work, [(1,), (2,), (3,)], workers=2)
    print('done')
"""


def test_workers_do_not_wait_for_threads_of_their_parent(tmp_path):
    (tmp_path / 'program.py').write_text(PROGRAM)
    environment = {**os.environ, 'OMP_NUM_THREADS': '2'}
    run = subprocess.run(
        [sys.executable, tmp_path / 'program.py'], env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.stdout.strip() == 'done', run.stderr
