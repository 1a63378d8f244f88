"""What users call from Python."""

from .inference import inference_lifter, init_model, lift_table
from .official import load_official
from .pose_3d_inferencer import Pose3DInferencer

__all__ = ['Pose3DInferencer', 'inference_lifter', 'init_model', 'lift_table', 'load_official']
