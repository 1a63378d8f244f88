"""Sentences on trainings that something stopped."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from ..errors import in_short

_TOGETHER = 'look at what the others said and at MASTER_ADDR and MASTER_PORT, then start all of them again'


def reason_of(error: Exception, loader: DataLoader) -> str | None:
    """A sentence on what stopped a training or test from outside, or on batches of one clip; ``None`` for all else.

    Args:
        error: that ended it.
        loader: of the run.
    """
    text = str(error)
    if any('DataLoader worker' in str(each) for each in _chain(error)):
        return (
            'a worker process of a loader was ended from outside, likely for lack of memory; go on with --resume '
            'and fewer num_workers'
        )
    if _is_of_group(error):
        return (
            f'another process of the training has ended or stands still ({in_short(error)}); look at what it said, '
            f'then go on with --resume'
        )
    if 'DataLoader timed out' in text:
        names = ', '.join(type(part).__name__ for part in parts_of(_waiting(error) or loader.dataset))
        return (
            f'a loader of {names} gave no batch for {text.split()[-2]} seconds; look at its files and disk, then '
            f'go on with --resume, with num_workers=0 to see where it stands'
        )
    if 'more than 1 value per channel' in text:
        return (
            f'{len(loader.dataset)} samples in batches of {loader.batch_size} leave a batch of one, on which batch '
            f'norm cannot train; set train_dataloader.batch_size to 2 or more and drop_last=True'
        )
    return None


def reason_of_start(error: Exception) -> str | None:
    """A sentence on processes that did not come together to build a training or test; ``None`` for all else."""
    if not _is_of_group(error):
        return None
    return f'the processes did not come together, or one of them has ended ({in_short(error)}); {_TOGETHER}'


@contextmanager
def ended_if_alone(seconds: float) -> Iterator[None]:
    """Ends this process with one sentence and status 2 where a group of processes takes longer to come together.

    torch's store waits without end for an answer of a first process that took the connection and then stood still.
    """
    timer = threading.Timer(seconds, _end, [f'the processes did not come together within {seconds:g} s; {_TOGETHER}'])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(reason: str) -> None:
    print(f'error: {reason}', file=sys.stderr, flush=True)
    os._exit(2)  # the thread that waits can be neither interrupted nor joined


def _is_of_group(error: Exception) -> bool:
    """Says whether the exchange between processes raised an error; gloo raises plain ones that begin with a place."""
    return isinstance(error, torch.distributed.DistError) or (
        isinstance(error, RuntimeError) and 'gloo' in str(error).lower()
    )


def _waiting(error: BaseException) -> Any:
    """The data set of the loader in which an error was raised, of training, validation or test."""
    traceback = error.__traceback__
    while traceback is not None:
        loader = traceback.tb_frame.f_locals.get('self')
        if isinstance(loader, _BaseDataLoaderIter):
            return loader._dataset
        traceback = traceback.tb_next
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, that during which it was raised, and so on."""
    while error is not None:
        yield error
        error = error.__context__


def parts_of(dataset: Any) -> list[Any]:
    """The data sets that a data set joins, or itself."""
    parts = getattr(dataset, 'datasets', None)
    return [dataset] if parts is None else [piece for part in parts for piece in parts_of(part)]
