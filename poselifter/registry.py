"""Every registry of poselifter, each a child of mmengine's root of that name.

``BACKBONES``, ``NECKS``, ``HEADS`` and ``LOSSES`` are ``MODELS`` by other names, so a config may swap any of them.
Rooms import the registry in which they register; this module imports no room. What exported models need
too is in :mod:`poselifter.light_registry` and offered here as well. ``locations`` gives mmengine the package
to import when a name is asked for and not yet known.
"""

from mmengine import registry as root
from mmengine.registry import Registry

from .light_registry import (
    CODECS,
    DETECTORS,
    INFERENCERS,
    READERS,
    WRITERS,
    LightRegistry,
    Reader,
    Writer,
    register_reader,
    register_writer,
)

_SCOPE = 'poselifter'


def _child(name: str, *rooms: str) -> Registry:
    parent = getattr(root, name)
    locations = [f'{_SCOPE}.{room}' for room in rooms]
    return Registry(parent.name, parent=parent, scope=_SCOPE, locations=locations)


MODELS = _child('MODELS', 'models.factory')
BACKBONES = NECKS = HEADS = LOSSES = MODELS

DATASETS = _child('DATASETS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
FUNCTIONS = _child('FUNCTIONS', 'datasets')

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
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'models.factory')
TASK_UTILS = _child('TASK_UTILS', 'models.factory')

VISUALIZERS = _child('VISUALIZERS', 'visualization')
VISBACKENDS = _child('VISBACKENDS', 'visualization')
