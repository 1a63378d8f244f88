"""The house stands: imports go down only, promised names exist, files stay small."""

import ast
import importlib

import pytest

FLOORS = [
    {'errors', 'version', 'utils', 'geometry', 'skeletons'},
    {'registry', 'structures'},
    {'codecs', 'evaluation.functional', 'models.layers', 'models.losses', 'models.parts', 'checkpoints'},
    {'models', 'datasets', 'evaluation', 'engine', 'io', 'tracking', 'visualization'},
    {'apis'},
    {'cli'},
]
NAMES = {
    'poselifter.apis': ['init_model', 'inference_lifter', 'load_official', 'Pose3DInferencer'],
    'poselifter.models': ['create_model', 'list_models'],
    'poselifter.registry': [
        'MODELS', 'BACKBONES', 'NECKS', 'HEADS', 'LOSSES', 'DATASETS', 'TRANSFORMS', 'CODECS', 'METRICS', 'HOOKS',
        'VISUALIZERS', 'INFERENCERS',
    ],
    'poselifter.evaluation.functional': ['mpjpe', 'p_mpjpe', 'n_mpjpe', 'mpjve', 'mpjae', 'pck_3d', 'auc_3d'],
    'poselifter.skeletons': ['get_skeleton', 'convert_keypoints'],
    'poselifter.models.losses': ['mpjpe', 'weighted_mpjpe', 'n_mpjpe', 'velocity', 'temporal_consistency'],
    'poselifter': ['register_all_modules', '__version__', 'InputError'],
}  # fmt: skip


def room(module):
    """The room and floor of a module below poselifter, 'models.layers.mlp' -> ('models.layers', 2)."""
    parts = module.split('.')
    for name in ('.'.join(parts[:2]), parts[0]):
        for floor, rooms in enumerate(FLOORS):
            if name in rooms:
                return name, floor
    raise AssertionError(f'poselifter.{module} stands on no floor')


def imports(path, package):
    """Modules below poselifter that a file imports, in functions too, with relative names resolved."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = '.'.join([*base, *([node.module] if node.module else [])])
            names = [full] if node.module else [f'{full}.{alias.name}' for alias in node.names]
            yield from (name for name in names if name.startswith('poselifter.'))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith('poselifter.'))


def test_imports_go_down(repository):
    wrong = []
    for path in (repository / 'poselifter').rglob('*.py'):
        parts = path.relative_to(repository).with_suffix('').parts
        module = parts[1:-1] if parts[-1] == '__init__' else parts[1:]
        if not module:
            continue
        own, floor = room('.'.join(module))
        for name in imports(path, list(parts[:-1])):
            other, below = room(name.removeprefix('poselifter.'))
            family = other.split('.')[0] == own.split('.')[0]  # the rooms inside models and evaluation may meet
            if other != own and not family and below >= floor and not (below == floor == 0):
                wrong.append(f'{path.name} ({own}) imports {name}')
    assert not wrong


@pytest.mark.parametrize('module', NAMES)
def test_promised_names(module):
    missing = [name for name in NAMES[module] if not hasattr(importlib.import_module(module), name)]
    assert not missing


def test_files_stay_readable(repository):
    long = [
        (path.name, n)
        for folder in ('poselifter', 'tools', 'tests', 'benchmarks', 'demo', 'projects')
        for path in (repository / folder).rglob('*.py')
        if (n := len(path.read_text().splitlines())) > 400
    ]
    assert not long


def test_registries_are_children_of_mmengine():
    from mmengine.registry import DATASETS, MODELS

    import poselifter

    poselifter.register_all_modules()
    assert MODELS.build({'type': 'poselifter.MPJPELoss'}).name == 'mpjpe'
    assert DATASETS.get('poselifter.CMUMocapDataset').__name__ == 'CMUMocapDataset'
    assert MODELS.build({'type': 'MPJPELoss'}).name == 'mpjpe'  # by the default scope
