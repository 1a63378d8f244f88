"""Many files in many processes, with a progress bar."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tqdm import tqdm

from ..errors import InputError


def run_parallel(
    function: Callable[..., Any], jobs: Iterable[tuple], workers: int, done: int = 0, unit: str = 'file'
) -> None:
    """Calls a function for every job, in worker processes.

    Args:
        function: of the top level of a module.
        jobs: arguments of each call.
        workers: number of processes.
        done: jobs that the bar shall count as finished already.
        unit: what the bar counts.

    Raises:
        InputError: a worker was killed.
    """
    jobs = list(jobs)
    bar = tqdm(total=len(jobs) + done, initial=done, unit=unit, desc='converting')
    with bar, ProcessPoolExecutor(workers, initializer=_end_with_parent) as pool:
        try:
            for job in as_completed([pool.submit(function, *args) for args in jobs]):
                job.result()
                bar.update()
        except BrokenProcessPool as error:
            raise InputError(
                'a worker process was ended from outside, likely for lack of memory; start again with fewer --workers'
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed; it would wait for work for ever."""

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
