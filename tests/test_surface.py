"""Names that users type: those that DESIGN.md promises exist, and what is registered is used."""

import importlib
import inspect
import re
import subprocess
import sys
from fnmatch import fnmatch

import pytest

NAMES = {
    'poselifter': ['register_all_modules', '__version__', 'InputError'],
    'poselifter.apis': [
        'init_model', 'inference_lifter', 'load_official', 'Pose3DInferencer', 'ActionInferencer',
    ],
    'poselifter.models': ['create_model', 'list_models'],
    'poselifter.registry': [
        'MODELS', 'BACKBONES', 'NECKS', 'HEADS', 'LOSSES', 'DATASETS', 'TRANSFORMS', 'CODECS', 'METRICS', 'HOOKS',
        'VISUALIZERS', 'INFERENCERS', 'READERS', 'WRITERS',
    ],
    'poselifter.evaluation.functional': [
        'mpjpe', 'p_mpjpe', 'n_mpjpe', 'mpjve', 'mpjae', 'pck_3d', 'auc_3d', 'mpve',
    ],
    'poselifter.skeletons': ['get_skeleton', 'convert_keypoints'],
    'poselifter.models.losses': ['mpjpe', 'weighted_mpjpe', 'n_mpjpe', 'velocity', 'temporal_consistency'],
}  # fmt: skip
PARTS = [  # by the names that configs give them
    'DSTformer', 'MixSTE', 'STMO', 'MotionAGFormer', 'PoseFormer', 'TemporalConvNet',
    'AdaptiveFusion', 'AverageFusion', 'SumFusion', 'ConcatFusion', 'ManyToOneAggregator', 'ClassTokenPool',
    'PoseHead', 'MaskedPoseHead', 'ActionHead', 'ActionEmbeddingHead', 'MeshHead', 'MeshRefineHead', 'TextMotionHead',
    'MotionEstimator', 'MaskedPosePretrainer', 'UnifiedMotionPretrainer', 'ContextPretrainer', 'TextMotionPretrainer',
]  # fmt: skip
TRANSFORMS = [
    'JointMask', 'FrameMask', 'BodyPartMask', 'TimeWindowMask', 'MaskMixture', 'KeypointNoise', 'FlipPose',
    'CropScale', 'ResampleClip',
]  # fmt: skip
COMMANDS = ['lift', 'zoo', 'fit-smpl', 'search', 'export', 'train', 'test', 'doctor', 'fit-body']


@pytest.mark.parametrize('module', NAMES)
def test_promised_names(module):
    missing = [name for name in NAMES[module] if not hasattr(importlib.import_module(module), name)]
    assert not missing


def test_promised_parts():
    import poselifter
    from poselifter.registry import MODELS
    from poselifter.registry import TRANSFORMS as KNOWN

    poselifter.register_all_modules()
    assert [name for name in PARTS if MODELS.get(name) is None] == []
    assert [name for name in TRANSFORMS if KNOWN.get(name) is None] == []


def test_promised_commands():
    shown = subprocess.run([sys.executable, '-m', 'poselifter.cli', '--help'], capture_output=True, text=True).stdout
    assert [name for name in COMMANDS if name not in shown] == []


def test_registries_are_children_of_mmengine():
    from mmengine.registry import DATASETS, MODELS

    import poselifter

    poselifter.register_all_modules()
    assert MODELS.build({'type': 'poselifter.MPJPELoss'}).name == 'mpjpe'
    assert DATASETS.get('poselifter.CMUMocapDataset').__name__ == 'CMUMocapDataset'
    assert MODELS.build({'type': 'MPJPELoss'}).name == 'mpjpe'  # by the default scope


#: Registered, but named by no config, benchmark or project; why each is there all the same.
UNNAMED = {
    'rows of the papers, which variants will name': [
        'BodyPartMask', 'BoneAngleLoss', 'BoneAngleVelocityLoss', 'BoneVelocityLoss', 'ConcatFusion', 'CropScale3D',
        'JointL1Loss', 'LimbLengthLoss', 'LimbLengthVarianceLoss', 'LimbSymmetryLoss', 'SumFusion',
        'TimeWindowMask',
    ],
    'tools/analysis_tools/robustness.py and tests of masks put them into a pipeline': [
        'ChangeFrameRate', 'FrameShuffle', 'LowScores', 'SwapSides',
    ],
    'defaults of a head': ['SMPLNormLoss', 'SMPLPoseLoss', 'SMPLShapeLoss'],
    'the runner and the tools add them': [
        'CPUAmpOptimWrapper', 'DivergenceHook', 'DryRunLoop', 'DumpPredictions', 'MotionOptimWrapperConstructor',
        'MotionRunner', 'PlainCheckpointHook',
        'PoseVisualizationHook', 'ResumedValidationHook', 'StatelessRandomHook', 'TeacherUpdateHook',
    ],
    'called from Python': ['ActionInferencer', 'Pose3DInferencer', 'SkeletonActionDataset'],
}  # fmt: skip
BY_NAME = ('READERS', 'WRITERS', 'MEASURES')  # chosen by users, not by configs
#: Options that no config, benchmark or project sets; why each is there all the same.
UNSET = {
    'rows of the papers, which variants will set': [
        'ContextPretrainer.noise_std',
        'SpanMask.same_count', 'TextMotionHead.*', 'VideoPose3DFiles.*',
        'FewShotMetric.episodes',
    ],
    'of a class in UNNAMED': [
        'ConcatFusion.*', 'SumFusion.*', 'SkeletonActionDataset.*', 'PoseVisualizationHook.*',
    ],
    'filled in by what holds the part': ['AdaptiveFusion.num_streams', 'BaseBackbone.num_tokens'],
    'of a user, by the command line or a local file': [
        'ActionMetric.confusion_file', 'BertTextEncoder.*',
        'DivergenceHook.policy', 'DryRunLoop.*', 'FittedNoise.params', 'PoseMetric.detail',
        'Pool.normalize',
    ],
}  # fmt: skip


@pytest.fixture(scope='module')
def registered():
    """Our registered classes by name, but for those that users choose by name."""
    import poselifter
    from poselifter import registry

    poselifter.register_all_modules()
    tables = [
        table
        for name, table in vars(registry).items()
        if isinstance(table, (registry.Registry, registry.LightRegistry)) and name not in BY_NAME
    ]
    return {
        name: kind
        for table in tables
        for name, kind in table.module_dict.items()
        if getattr(kind, '__module__', '').startswith('poselifter') and inspect.isclass(kind)
    }


@pytest.fixture(scope='module')
def named_by_users(repository):
    folders = ('configs', 'benchmarks', 'projects', 'poselifter/checkpoints/systems')
    return '\n'.join(path.read_text() for folder in folders for path in (repository / folder).rglob('*.py'))


def test_every_registered_class_is_used(registered, named_by_users):
    unnamed = {name for name in registered if not re.search(rf'\b{name}\b', named_by_users)}
    assert unnamed == {name for names in UNNAMED.values() for name in names}


def options_of(kind):
    """Optional arguments of a class and its bases, as ``Class.argument``."""
    for base in kind.__mro__:
        if base.__module__.startswith('poselifter') and '__init__' in vars(base):
            for parameter in inspect.signature(base.__init__).parameters.values():
                if parameter.default is not parameter.empty:
                    yield base.__name__, parameter.name


def test_every_option_is_set_somewhere(registered, named_by_users):
    options = {option for kind in registered.values() for option in options_of(kind)}
    unset = {f'{kind}.{name}' for kind, name in options if not re.search(rf'\b{name}\b', named_by_users)}
    allowed = [name for names in UNSET.values() for name in names]
    assert sorted(name for name in unset if not any(fnmatch(name, pattern) for pattern in allowed)) == []
    left = [pattern for pattern in allowed if not any(fnmatch(name, pattern) for name in unset)]
    assert not left, left
