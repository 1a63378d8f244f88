"""Utilities: registering everything, reading and writing files."""

from .cache import CacheFile
from .files import atomic_write, safe_name, shipped_root, write_json
from .lazy import import_on_demand
from .memory import release_memory
from .parallel import count_cores, count_threads, run_parallel
from .setup_env import (
    import_modules,
    import_without_training,
    load_plugins,
    register_all_modules,
    set_default_scope,
)
