"""Fair timing of two functions in one process."""

import time
from collections.abc import Callable
from statistics import median


def compare(ours: Callable[[], object], other: Callable[[], object], rounds: int = 7) -> tuple[float, float]:
    """Median seconds of both, run in turns so that other load hits both alike.

    Args:
        ours: one function.
        other: the other one.
        rounds: how often each is run; one more run of each before is not counted.

    Returns:
        (seconds of ``ours``, seconds of ``other``).
    """
    times: dict[Callable, list[float]] = {ours: [], other: []}
    for _ in range(rounds + 1):
        for function, seconds in times.items():
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return median(times[ours][1:]), median(times[other][1:])
