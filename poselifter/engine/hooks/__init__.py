"""Hooks: what happens beside training and testing."""

from .checkpoint_hook import CheckpointHook
from .plain_checkpoint_hook import PlainCheckpointHook, facts_of
from .randomness_hook import StatelessRandomHook
from .visualization_hook import PoseVisualizationHook

__all__ = ['CheckpointHook', 'PlainCheckpointHook', 'PoseVisualizationHook', 'StatelessRandomHook', 'facts_of']
