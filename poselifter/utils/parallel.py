"""Many files in many processes, with a progress bar."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..errors import InputError


def run_parallel(
    function: Callable[..., Any], jobs: Iterable[tuple], workers: int, done: int = 0, unit: str = 'file'
) -> list[Any]:
    """Calls a function for every job, in worker processes.

    Args:
        function: of the top level of a module.
        jobs: arguments of each call.
        workers: number of processes; no more are started than there are jobs.
        done: jobs that the bar shall count as finished already.
        unit: what the bar counts.

    Returns:
        What the calls returned, in the order of the jobs.

    Raises:
        InputError: a worker was killed.
    """
    from tqdm import tqdm

    jobs = list(jobs)
    bar = tqdm(total=len(jobs) + done, initial=done, unit=unit, desc='converting')
    pool = ProcessPoolExecutor(min(workers, len(jobs)) or 1, initializer=_start)
    try:
        with bar:
            calls = [pool.submit(function, *args) for args in jobs]
            for call in as_completed(calls):
                call.result()
                bar.update()
            return [call.result() for call in calls]
    except BrokenProcessPool as error:
        raise InputError(
            'a worker process was ended from outside, likely for lack of memory; start again with fewer --workers'
        ) from error
    finally:  # the pool as a context would finish all jobs after Ctrl-C
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    """Makes a worker end with its parent, were it killed, and keeps torch to one thread, as those of a DataLoader."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process: the parent says when to stop
    import torch  # takes seconds, which `poselifter --version` need not wait

    torch.set_num_threads(1)  # threads of the parent do not exist in a forked process: torch would wait for ever

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def count_threads() -> int:
    """Threads for one network: ``OMP_NUM_THREADS`` where it is set, as by who starts many processes, or all cores."""
    given = os.environ.get('OMP_NUM_THREADS', '')
    return int(given) if given.isdecimal() and int(given) else count_cores()
