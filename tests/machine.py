"""How much slower this machine is, right now, than the one for which limits of time are stated."""

import subprocess
import sys
import time

_LOOP, _IMPORT = 0.06, 1.2  # seconds of processor time there, alone on its core


def _loop() -> float:
    start, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number * number
    return time.process_time() - start


def slower() -> float:
    """Factor, at least 1: of a loop, or of what reads much memory and many files, whichever is slowed down more."""
    code = 'import time, torch; print(time.process_time())'
    imported = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    return max(1.0, min(_loop() for _ in range(2)) / _LOOP, float(imported) / _IMPORT)


SLOWER = slower()
