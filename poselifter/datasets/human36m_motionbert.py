"""Human3.6M as MotionBERT preprocessed it: detections with confidence, labels in the 2.5D image space."""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..utils.safe_pickle import load_pickle
from .mocap_cameras import mocap_cameras
from .tracks import TrackDataset

_HOW = (
    'download h36m_sh_conf_cam_source_final.pkl as docs/pose3d.md of github.com/Walter0807/MotionBERT says, '
    'put it into data/motion3d, or set data_root (environment POSELIFTER_DATA) to another folder'
)
# of the file -> of our samples, its shape, units of the file in one of ours
_ARRAYS = {
    'joint_2d': ('keypoints', (17, 2), 1),
    'confidence': ('keypoints_visible', (17,), 1),
    'joint3d_image': ('image_target', (17, 3), 1),
    '2.5d_factor': ('factor', (), 1),
    'joints_2.5d_image': ('lifting_target', (17, 3), 1000),
}
_FACTS = ('source', 'camera_name', 'action')


@DATASETS.register_module()
class Human36mMotionBERTDataset(TrackDataset):
    """``h36m_sh_conf_cam_source_final.pkl``: one sequence a video, its ``sequence`` as ``s_09_act_05_subact_02_ca_01``.

    Keypoints are a stacked hourglass's. ``image_target`` are the true joints'
    pixels and their depth relative to the root in pixels. The test part also has
    ``factor`` and ``lifting_target``, the pose that MotionBERT scores: the image
    space times the factor, which only means something relative to the root.

    Loading the published file (2 GB) takes 10 s and 2.3 GB of memory; 0.65 GB
    (train) or 0.35 GB (test) stay.

    Args:
        ann_file: the pickle below ``data_root``.
        split: ``'train'`` (subjects 1, 5, 6, 7, 8) or ``'test'`` (9, 11).
        **kwargs: see :class:`TrackDataset`.

    Raises:
        InputError: the file is missing or not whole, or an array has another
            shape than it should have.
    """

    METAINFO = {'dataset_name': 'h36m', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17'}
    fps = 50

    def __init__(
        self,
        ann_file: str = 'h36m_sh_conf_cam_source_final.pkl',
        split: Literal['train', 'test'] = 'train',
        **kwargs: Any,
    ) -> None:
        if split not in ('train', 'test'):
            raise InputError(f"{type(self).__name__}: split is {split!r}, expected 'train' or 'test'")
        self.split = split
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads the arrays and lists the videos."""
        path = Path(self.ann_file)
        part = self._part(path)
        source, camera, action = (np.asarray(part.pop(name)) for name in _FACTS)
        n = len(source)
        self.arrays = {}
        for name in [name for name in _ARRAYS if name in part]:
            key, shape, unit = _ARRAYS[name]
            array = np.asarray(part.pop(name))  # popped, so that the file's float64 goes before the next one
            if array.size != n * np.prod(shape):
                raise InputError(f'{path}: {name} has shape {array.shape} with {n} frames, expected {(n, *shape)}')
            array = array / unit if unit != 1 else array
            self.arrays[key] = array.astype(np.float32, copy=False).reshape(n, *shape)
        known = mocap_cameras('h36m')['S1']
        unknown = sorted(set(np.unique(camera).tolist()) - set(known))
        if unknown or not n == len(camera) == len(action):
            raise InputError(
                f'{path}: {n} sources, {len(action)} actions, {len(camera)} camera names, of these unknown {unknown}; '
                f'expected as many of each, and the cameras {sorted(known)}'
            )
        return [
            {
                'sequence': str(source[i['first']]),
                'subject': re.sub(r's_0*(\d+)_.*', r'S\1', str(source[i['first']])),
                'camera': str(camera[i['first']]),
                'action_name': str(action[i['first']]),
                'img_shape': known[str(camera[i['first']])].size[::-1],
                **i,
            }
            for i in self.cut(source)
        ]

    def _part(self, path: Path) -> dict[str, Any]:
        """The wanted half of the file; the other is let go."""
        if not path.is_file():
            raise InputError(f'{path} is not there; {_HOW}')
        both = load_pickle(path, encoding='latin1')
        part = both.pop(self.split, None) if isinstance(both, dict) else None
        needed = {'joint_2d', 'joint3d_image', *_FACTS}
        if self.split == 'test':
            needed |= {'2.5d_factor', 'joints_2.5d_image'}
        missing = sorted(needed - set(part if isinstance(part, dict) else ()))
        if missing:
            raise InputError(f'{path}: {self.split} lacks {missing}; {_HOW}')
        return part
