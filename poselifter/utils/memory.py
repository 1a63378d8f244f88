"""Memory of long runs."""

import ctypes
import sys


def release_memory() -> None:
    """Gives freed memory back to the system: glibc keeps what lies below arrays that still live, 250 MB of an hour."""
    if sys.platform == 'linux' and hasattr(ctypes.CDLL(None), 'malloc_trim'):
        ctypes.CDLL(None).malloc_trim(0)
