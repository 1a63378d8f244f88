"""Utilities: registering everything, reading and writing files."""

from .cache import CacheFile
from .files import atomic_write, safe_name, shipped_root, write_json
from .memory import release_memory
from .parallel import run_parallel
from .setup_env import import_modules, load_plugins, register_all_modules
