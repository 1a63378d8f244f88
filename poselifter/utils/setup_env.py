"""Makes every registered class known: ours, and those of plugins."""

import importlib
import os
import pkgutil
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ..errors import reading

PLUGIN_GROUP = 'poselifter.plugins'
_ROOMS = ('codecs', 'checkpoints', 'datasets', 'models.factory', 'evaluation', 'engine')
_ROOMS += ('io', 'detection', 'visualization', 'apis.inferencers', 'apis.action_inferencer')


def register_all_modules(init_default_scope: bool = True) -> None:
    """Imports all rooms that register classes, then every plugin.

    Args:
        init_default_scope: make ``poselifter`` mmengine's default scope, so
            that configs name our classes without a prefix.

    Raises:
        InputError: a plugin cannot be imported; the message names it.
    """
    for room in _ROOMS:
        importlib.import_module(f'poselifter.{room}')
    load_plugins()
    if init_default_scope:
        set_default_scope()


def set_default_scope() -> None:
    """Makes ``poselifter`` mmengine's default scope; rooms then register their classes when one is asked for."""
    from mmengine.registry import DefaultScope  # which imports torch

    name, current = 'poselifter', DefaultScope.get_current_instance()
    if current is None or current.scope_name != name:
        if DefaultScope.check_instance_created(name):
            DefaultScope._instance_dict.move_to_end(name)
        else:
            DefaultScope.get_instance(name, scope_name=name)


def import_without_training() -> None:
    """Imports mmengine, in a program that never trains, without two optimisers that take half of the time."""
    heavy = [name for name in ('transformers', 'torch.distributed.optim') if name not in sys.modules]
    sys.modules.update(dict.fromkeys(heavy))  # which mmengine takes as not installed
    try:
        import mmengine.optim  # noqa: F401
    finally:
        for name in heavy:
            del sys.modules[name]


def import_modules(package: str) -> None:
    """Imports every module of a package, so that a file that registers something need not be listed anywhere."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f'{package}.'):
        importlib.import_module(module.name)


def load_plugins() -> None:
    """Imports every plugin, which registers its classes.

    A plugin is a package that declares an entry point of the group ``poselifter.plugins`` whose value is a module, or a
    module that the environment variable ``POSELIFTER_PLUGINS`` names (several: with commas).

    Raises:
        InputError: a plugin cannot be imported; the message names it.
    """
    modules = [name for name in os.environ.get('POSELIFTER_PLUGINS', '').split(',') if name]
    for plugin in (*_installed_plugins(tuple(sys.path)), *(EntryPoint(name, name, PLUGIN_GROUP) for name in modules)):
        what = f'the plugin {plugin.name!r} ({plugin.value}) failed to load'
        with reading(what, 'uninstall or mend it', (Exception,)):
            plugin.load()


@cache
def _installed_plugins(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Those in the folders of ``sys.path``, whose packages take long to look through."""
    return tuple(entry_points(group=PLUGIN_GROUP))
