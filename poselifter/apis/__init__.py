"""What users call from Python."""

from .action_inferencer import ActionInferencer
from .inference import inference_lifter, init_model, lift_table
from .official import load_official
from .pose_3d_inferencer import Pose3DInferencer
from .smpl_fitting import fit_smpl

__all__ = [
    'ActionInferencer',
    'Pose3DInferencer',
    'fit_smpl',
    'inference_lifter',
    'init_model',
    'lift_table',
    'load_official',
]
