"""Python API: inferencers and functions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..utils import import_on_demand

if TYPE_CHECKING:  # what editors and checkers of types see
    from .action_inferencer import ActionInferencer
    from .body_fitting import fit_body_to_poses, fit_smpl
    from .export import export_model
    from .exported import ExportedModel
    from .inference import init_model
    from .inferencers import Pose3DInferencer
    from .motion_search import MotionSearch, init_text_motion
    from .official import load_official
    from .prediction import inference_lifter, lift_table
    from .smpl_recovery import recover_smpl
    from .streaming import StreamingLifter

__getattr__: Callable[[str], Any] = import_on_demand(
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
