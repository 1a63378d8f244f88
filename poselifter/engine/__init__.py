"""Training and testing: the runner, its hooks, mixed precision, reading configs."""

from .amp import CPUAmpOptimWrapper, use_amp
from .config import load_config
from .dump import DumpPredictions
from .hooks import CheckpointHook, PlainCheckpointHook, PoseVisualizationHook, StatelessRandomHook
from .log_processor import MotionLogProcessor
from .runner import MotionRunner

__all__ = [
    'CPUAmpOptimWrapper',
    'CheckpointHook',
    'DumpPredictions',
    'MotionLogProcessor',
    'MotionRunner',
    'PlainCheckpointHook',
    'PoseVisualizationHook',
    'StatelessRandomHook',
    'load_config',
    'use_amp',
]
