"""How much slower this machine is than the one for which limits of time are stated."""

import time

REFERENCE = 0.06  # seconds of a loop there


def _loop() -> float:
    start, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number * number
    return time.process_time() - start


SLOWER = max(1.0, min(_loop() for _ in range(2)) / REFERENCE)
