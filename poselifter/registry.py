"""Every registry of poselifter, each a child of mmengine's root of that name.

``BACKBONES``, ``NECKS``, ``HEADS`` and ``LOSSES`` are ``MODELS`` by other names, so a config may swap any of them.
Rooms import the registry in which they register; this module imports no room. ``locations`` gives mmengine the package
to import when a name is asked for and not yet known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmengine import registry as root
from mmengine.registry import Registry

_SCOPE = 'poselifter'


def _child(name: str, *rooms: str) -> Registry:
    parent = getattr(root, name)
    locations = [f'{_SCOPE}.{room}' for room in rooms]
    return Registry(parent.name, parent=parent, scope=_SCOPE, locations=locations)


MODELS = _child('MODELS', 'models')
BACKBONES = NECKS = HEADS = LOSSES = MODELS

DATASETS = _child('DATASETS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
FUNCTIONS = _child('FUNCTIONS', 'datasets')
CODECS = Registry('codec', scope=_SCOPE, locations=[f'{_SCOPE}.codecs'])

METRICS = _child('METRICS', 'evaluation')
EVALUATOR = _child('EVALUATOR', 'evaluation')
MEASURES = Registry('measure', scope=_SCOPE, locations=[f'{_SCOPE}.evaluation'])

RUNNERS = _child('RUNNERS', 'engine')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS', 'engine')
LOOPS = _child('LOOPS', 'engine')
HOOKS = _child('HOOKS', 'engine')
STRATEGIES = _child('STRATEGIES', 'engine')
OPTIMIZERS = _child('OPTIMIZERS', 'engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS', 'engine')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'engine')
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'engine')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'engine')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models')

VISUALIZERS = _child('VISUALIZERS', 'visualization')
VISBACKENDS = _child('VISBACKENDS', 'visualization')
INFERENCERS = _child('INFERENCERS', 'apis')

DETECTORS = Registry('detector of keypoints', scope=_SCOPE, locations=[f'{_SCOPE}.detection'])
READERS = Registry('reader of keypoints', scope=_SCOPE, locations=[f'{_SCOPE}.io'])
WRITERS = Registry('writer of results', scope=_SCOPE, locations=[f'{_SCOPE}.io', f'{_SCOPE}.visualization'])


@dataclass(frozen=True)
class _Member:
    """A function with its declarations.

    Attributes:
        function: is called.
    """

    function: Callable

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function."""
        return self.function(*arguments)


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


def _registrar(registry: Registry, kind: type) -> Callable:
    """A decorator of functions with a name and what a member declares."""

    def register(name: str, *declared: Any, **more: Any) -> Callable:
        def decorate(function: Callable) -> Callable:
            registry.register_module(name, module=kind(function, *declared, **more))
            return function

        return decorate

    return register


register_reader = _registrar(READERS, Reader)
register_writer = _registrar(WRITERS, Writer)
