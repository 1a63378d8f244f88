"""Transforms of sample dicts: pixel space, then ``Encode``, then network space."""

from .base import RandomTransform, next_rng
from .detection import DetectedJoints, KeypointNoise
from .formatting import Encode, PackPose
from .network_space import FlipPose
from .virtual_camera import VirtualCamera

__all__ = [
    'DetectedJoints',
    'Encode',
    'FlipPose',
    'KeypointNoise',
    'PackPose',
    'RandomTransform',
    'VirtualCamera',
    'next_rng',
]
