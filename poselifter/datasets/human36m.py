"""Human3.6M as VideoPose3D keeps it."""

from ..registry import DATASETS
from .videopose3d_files import VideoPose3DFiles

ACTIONS = (
    'Directions', 'Discussion', 'Eating', 'Greeting', 'Phoning', 'Photo', 'Posing', 'Purchases', 'Sitting',
    'SittingDown', 'Smoking', 'Waiting', 'WalkDog', 'Walking', 'WalkTogether',
)  # fmt: skip


@DATASETS.register_module()
class Human36mDataset(VideoPose3DFiles):
    """Human3.6M, 50 fps, 17 joints, four calibrated cameras: ``data_3d_h36m.npz`` and ``data_2d_h36m_*.npz``.

    Papers train on S1, S5, S6, S7, S8 and test on S9, S11. S11's first take of Directions is corrupt: published files
    lack it, and one that has it gets a warning. The arguments are those of :class:`VideoPose3DFiles`.

    Source: Ionescu et al., "Human3.6M" (TPAMI 2014); files by Pavllo et al., VideoPose3D (CVPR 2019).
    """

    METAINFO = {'dataset_name': 'h36m', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17', 'actions': ACTIONS}
    table, rate = 'h36m', 50.0
    how = 'make it from the data of vision.imar.ro/human3.6m as docs/datasets/h36m.md says, and put it below data_root'
    layouts_3d = {32: 'h36m32', 17: 'h36m17'}
    corrupt = ('S11/Directions',)
