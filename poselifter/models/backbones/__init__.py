"""Backbones: clips of keypoints to features, knowing nothing of the task."""

from .base_backbone import BaseBackbone
from .dstformer import DSTformer
from .mixste import MixSTE

__all__ = ['BaseBackbone', 'DSTformer', 'MixSTE']
