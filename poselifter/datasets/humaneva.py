"""HumanEva-I as VideoPose3D keeps it."""

from ..registry import DATASETS
from .videopose3d_files import VideoPose3DFiles


@DATASETS.register_module()
class HumanEvaDataset(VideoPose3DFiles):
    """HumanEva-I, 60 fps, 15 joints, three cameras: ``data_3d_humaneva15.npz`` and ``data_2d_humaneva15_*.npz``.

    Subjects are ``Train/S1`` to ``Train/S3`` and ``Validate/S1`` to ``Validate/S3``; a take (``Walking 1 chunk0``) is
    one piece between gaps of the mocap. The cameras have no intrinsics, so nothing is projected: a 2D file is needed.
    The arguments are those of :class:`VideoPose3DFiles`.

    Source: Sigal et al., "HumanEva" (IJCV 2010); files by Pavllo et al., VideoPose3D (CVPR 2019).
    """

    METAINFO = {
        'dataset_name': 'humaneva',
        'skeleton': 'humaneva15',
        'skeleton_3d': 'humaneva15',
        'actions': ('Walking', 'Jog', 'ThrowCatch', 'Gestures', 'Box'),
    }
    table, rate = 'humaneva', 60.0
    how = 'make it from the data of humaneva.is.tue.mpg.de as docs/datasets/humaneva.md says, below data_root'
    layouts_3d = {15: 'humaneva15'}
