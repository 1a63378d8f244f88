"""Hooks of training and testing: checkpoints, freezing, teachers, randomness, pictures."""

from ...utils import import_modules
from .batch_norm_momentum_hook import BatchNormMomentumHook, batch_norm_momentum
from .checkpoint_hook import CheckpointHook
from .divergence_hook import DivergenceHook
from .freeze_hook import FreezeHook
from .plain_checkpoint_hook import PlainCheckpointHook, checkpoint_metadata
from .randomness_hook import StatelessRandomHook
from .resumed_validation_hook import ResumedValidationHook
from .teacher_hook import TeacherUpdateHook
from .visualization_hook import PoseVisualizationHook

import_modules(__name__)
