"""What fits no other room: registering everything, writing files whole."""

from .files import atomic_write, shipped_root
from .parallel import run_parallel
from .setup_env import register_all_modules

__all__ = ['atomic_write', 'register_all_modules', 'run_parallel', 'shipped_root']
