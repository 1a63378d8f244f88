"""Python API: inferencers and functions."""

from .action_inferencer import ActionInferencer
from .body_fitting import fit_body_to_poses, fit_smpl
from .inference import inference_lifter, init_model, lift_table
from .inferencers import Pose3DInferencer
from .motion_search import MotionSearch, init_text_motion
from .official import load_official
from .smpl_recovery import recover_smpl
from .streaming import StreamingLifter
