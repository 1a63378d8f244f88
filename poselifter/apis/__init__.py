"""Python API: inferencers and functions."""

<<<<<<< HEAD
from .action_inferencer import ActionInferencer
from .body_fitting import fit_body_to_poses, fit_smpl
from .inference import inference_lifter, init_model, lift_table
from .inferencers import Pose3DInferencer
from .motion_search import MotionSearch, init_text_motion
from .official import load_official
from .smpl_recovery import recover_smpl
from .streaming import StreamingLifter
=======
from ..utils import import_on_demand

__getattr__ = import_on_demand(
    __name__,
    {
        'ActionInferencer': 'action_inferencer',
        'ExportedModel': 'exported',
        'MotionSearch': 'motion_search',
        'Pose3DInferencer': 'inferencers',
        'StreamingLifter': 'streaming',
        'export_model': 'export',
        'fit_body_to_poses': 'body_fitting',
        'fit_smpl': 'body_fitting',
        'inference_lifter': 'prediction',
        'init_model': 'inference',
        'init_text_motion': 'motion_search',
        'lift_table': 'prediction',
        'load_official': 'official',
        'recover_smpl': 'smpl_recovery',
    },
)
>>>>>>> main
