"""Python API: inferencers and functions."""

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
