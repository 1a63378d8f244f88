"""Fair timing of functions in one process."""

import time
from collections.abc import Callable
from statistics import median


def compare(*functions: Callable[[], object], rounds: int = 7) -> tuple[float, ...]:
    """Median seconds of each, run in turns so that other load hits all alike.

    Args:
        functions: they take nothing.
        rounds: how often each is run; one more run of each before is not counted.

    Returns:
        Seconds of each function.
    """
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds + 1):
        for function, seconds in zip(functions, times, strict=True):
            start = time.process_time()
            function()
            seconds.append(time.process_time() - start)
    return tuple(median(seconds[1:]) for seconds in times)
