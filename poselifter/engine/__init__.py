"""Training and testing: the runner, its hooks, mixed precision, reading configs."""

from .amp import CPUAmpOptimWrapper, use_amp
from .config import load_config
from .hooks import CheckpointHook, PlainCheckpointHook, PoseVisualizationHook, StatelessRandomHook, TeacherUpdateHook
from .log_processor import MotionLogProcessor
from .optim import GradientTimesLossOptimWrapper, GroupWarmupLR, MotionOptimWrapperConstructor
from .runner import MotionRunner
