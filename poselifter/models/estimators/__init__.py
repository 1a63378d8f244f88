"""Estimators: the models that a config names."""

from .baselines import LinearRegression, MeanPose
from .context import ContextPretrainer, Teacher
from .masked_pose import MaskedPosePretrainer
from .motion_estimator import MotionEstimator
from .sparse_frames import SparseFramesEstimator
from .text_motion import TextMotionPretrainer
from .unified import UnifiedMotionPretrainer
