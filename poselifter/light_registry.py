"""Registries that need neither torch nor mmengine, so that exported models run without: codecs, formats, detectors."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

_PACKAGE = 'poselifter'
Kind = TypeVar('Kind')  # of what is registered, which a decorator leaves as it is


class LightRegistry:
    """Classes and functions by name, registered, asked for and built as those of mmengine's ``Registry``.

    Args:
        name: of what is registered, for messages.
        rooms: below ``poselifter``, imported when a name is asked for.

    Attributes:
        module_dict: all that is registered.
    """

    def __init__(self, name: str, *rooms: str) -> None:
        self.name, self.rooms = name, rooms
        self.module_dict: dict[str, Any] = {}

    def import_from_location(self) -> None:
        """Imports the rooms, which register what they have."""
        for room in self.rooms:
            importlib.import_module(f'{_PACKAGE}.{room}')

    def register_module(
        self, name: str | None = None, force: bool = False, module: Any = None
    ) -> Callable[[Kind], Kind]:
        """Registers a module, or decorates the class that follows.

        Raises:
            KeyError: the name is taken, and not to be replaced by ``force``.
        """

        def register(kind: Any) -> Any:
            key = name or kind.__name__
            if not force and self.module_dict.get(key, kind) is not kind:
                raise KeyError(f'{key} is already registered in {self.name}')
            self.module_dict[key] = kind
            return kind

        return register if module is None else register(module)

    def get(self, key: str) -> Any:
        """The one of a name, which may have ``poselifter.`` before it; ``None`` if there is none."""
        self.import_from_location()
        return self.module_dict.get(key.removeprefix(f'{_PACKAGE}.'))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def build(self, cfg: dict[str, Any]) -> Any:
        """An object of the class that ``type`` names, or is, from the other entries of a config.

        Raises:
            KeyError: there is no such name.
        """
        options = dict(cfg)
        kind = options.pop('type')
        cls = self.get(kind) if isinstance(kind, str) else kind
        if cls is None:
            raise KeyError(f'{kind} is not in the {_PACKAGE}::{self.name} registry')
        return cls(**options)


CODECS = LightRegistry('codec', 'codecs')
INFERENCERS = LightRegistry('inferencer', 'apis.inferencers', 'apis.action_inferencer')
DETECTORS = LightRegistry('detector of keypoints', 'detection')
READERS = LightRegistry('reader of keypoints', 'io')
WRITERS = LightRegistry('writer of results', 'io', 'visualization')


@dataclass(frozen=True)
class _Member:
    """A function with its declarations.

    Attributes:
        function: is called; ``'module:name'`` is imported no earlier.
    """

    function: Callable | str

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function."""
        function = pkgutil.resolve_name(self.function) if isinstance(self.function, str) else self.function
        return function(*arguments)


@dataclass(frozen=True)
class Reader(_Member):
    """A function from a ``Document`` that it knows to its ``Detections``, or its ``Motion``, in ``READERS``.

    Of a file the first reader that knows it reads it; where something in it is
    wrong, an ``InputError`` names file and place.

    Attributes:
        label: the format that it reads, for messages and help.
        detect: whether it knows a ``Document``.
        priority: readers are asked from the highest down: a file that has the
            marks of two formats goes to the one whose marks are rarer.
        gives: ``'keypoints'``, 2D as ``Detections``, or ``'motion'``, 3D as a ``Motion``.
    """

    label: str
    detect: Callable[[Any], bool]
    priority: int = 0
    gives: str = 'keypoints'


@dataclass(frozen=True)
class Writer(_Member):
    """A function of a path and a ``Result``, in ``WRITERS`` under the name of its format; writes whole or not at all.

    It returns the paths that it wrote where they are others, such as a file for each person, else ``None``.

    Attributes:
        suffix: what follows the stem in the name of the file, or of the folder of files.
        needs: fields of a ``Result``, one of which must be present.
        package: module and what ``pip install`` takes, where it needs more than poselifter does.
    """

    suffix: str
    needs: tuple[str, ...]
    package: tuple[str, str] | None = None


def _registrar(registry: LightRegistry, kind: type) -> Callable:
    """A decorator of functions with a name and what a member declares."""

    def register(name: str, *declared: Any, **more: Any) -> Callable:
        def decorate(function: Callable) -> Callable:
            registry.register_module(name, module=kind(function, *declared, **more))
            return function

        return decorate

    return register


register_reader = _registrar(READERS, Reader)
register_writer = _registrar(WRITERS, Writer)
