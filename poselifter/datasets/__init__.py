"""Datasets (one file a source format), their transforms and samplers."""

from . import transforms
from .base_motion_dataset import BaseMotionDataset
from .captured import CapturedDataset
from .cmu_mocap import CMUMocapDataset
from .collate import stack_clips
from .mocap_dataset import MocapDataset
from .procedural_motion import ProceduralMotion
from .samplers import EpochSampler

__all__ = [
    'BaseMotionDataset',
    'CMUMocapDataset',
    'CapturedDataset',
    'EpochSampler',
    'MocapDataset',
    'ProceduralMotion',
    'stack_clips',
    'transforms',
]
