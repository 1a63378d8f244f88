"""Human3.6M as MotionBERT preprocessed it: detections with confidence, labels in the 2.5D image space."""

import re
from typing import Any

import numpy as np

from ..errors import check_choice
from ..registry import DATASETS
from .calibration import h36m_pictures
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, Table, runs

_HOW = (
    'download h36m_sh_conf_cam_source_final.pkl as docs/pose3d.md of github.com/Walter0807/MotionBERT says, '
    'put it into data/motion3d, or set data_root (environment POSELIFTER_DATA) to another folder'
)
_FILE = Table(
    arrays={
        'joint_2d': ('keypoints', (17, 2), 1),
        'confidence': ('keypoints_visible', (17,), 1),
        'joint3d_image': ('image_target', (17, 3), 1),
        '2.5d_factor': ('factor', (), 1),
        'joints_2.5d_image': ('lifting_target', (17, 3), 1000),
    },
    labels=('source', 'camera_name', 'action'),
    how=_HOW,
)
_NEED = {'train': ('joint_2d', 'joint3d_image', *_FILE.labels)}
_NEED['test'] = (*_NEED['train'], '2.5d_factor', 'joints_2.5d_image')


@DATASETS.register_module()
class Human36mMotionBERTDataset(SequenceDataset):
    """``h36m_sh_conf_cam_source_final.pkl``: one sequence a video, its ``sequence`` as ``s_09_act_05_subact_02_ca_01``.

    Keypoints are a stacked hourglass's. ``image_target`` are the true joints' pixels and their depth relative to the
    root in pixels. The test part also has ``factor`` and ``lifting_target``, the pose that MotionBERT scores: the image
    space times the factor, which only means something relative to the root.

    Loading the published file (2 GB) takes 10 s and 2.3 GB of memory; 0.65 GB (train) or 0.35 GB (test) stay.

    Args:
        ann_file: the pickle below ``data_root``.
        split: ``'train'`` (subjects 1, 5, 6, 7, 8) or ``'test'`` (9, 11).
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: the file is missing or not whole, or an array has another shape than it should have.
    """

    METAINFO = {'dataset_name': 'h36m', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17'}

    def __init__(
        self, ann_file: str = 'h36m_sh_conf_cam_source_final.pkl', split: str = 'train', **kwargs: Any
    ) -> None:
        check_choice(f'{type(self).__name__}: split', split, _NEED)
        self.split = split
        super().__init__(ann_file=ann_file, **kwargs)

    def load(self) -> Sequences:
        arrays, labels = _FILE.read(self.ann_file, _NEED[self.split], self.split)
        source, camera, action = (labels[name].astype(str) for name in _FILE.labels)
        pictures = h36m_pictures(np.unique(camera), f'{self.ann_file}: {self.split}')
        infos = []
        for info in runs(source):
            video, name, action_name = (str(column[info['first']]) for column in (source, camera, action))
            metadata = {'sequence': video, 'subject': re.sub(r's_0*(\d+)_.*', r'S\1', video), 'camera': name, 'fps': 50}
            infos.append({**info, **metadata, 'action_name': action_name, 'img_shape': pictures[name]})
        return Sequences(arrays, infos)
