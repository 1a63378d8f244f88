"""Human3.6M as MotionBERT preprocessed it: detections with confidence, labels in the 2.5D image space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..utils.safe_pickle import load_pickle
from .captured import CapturedDataset

_HEIGHTS = {'54138969': 1002, '60457274': 1002, '55011271': 1000, '58860488': 1000}  # all are 1000 wide
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


def stretch_frames(n_frames: int, length: int) -> np.ndarray:
    """Frames of a clip that is stretched (or thinned) to a length: ``floor(linspace(0, n, length))``, end left out.

    Example:
        >>> stretch_frames(3, 5).tolist()
        [0, 0, 1, 1, 2]
    """
    return np.linspace(0, n_frames, length, endpoint=False).astype(np.int64)


@DATASETS.register_module()
class Human36mMotionBERTDataset(CapturedDataset):
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
        min_frames: shorter sequences are stretched to so many frames by
            repeating theirs; the released program draws the frames at random,
            once.
        **kwargs: see :class:`BaseMotionDataset`.

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
        min_frames: int = 0,
        **kwargs: Any,
    ) -> None:
        if split not in ('train', 'test'):
            raise InputError(f"{type(self).__name__}: split is {split!r}, expected 'train' or 'test'")
        self.split, self.min_frames = split, min_frames
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
        unknown = sorted(set(np.unique(camera).tolist()) - set(_HEIGHTS))
        if unknown or not n == len(camera) == len(action):
            raise InputError(
                f'{path}: {n} sources, {len(action)} actions, {len(camera)} camera names, of these unknown {unknown}; '
                f'expected as many of each, and the cameras {sorted(_HEIGHTS)}'
            )
        first = np.flatnonzero(np.r_[True, source[1:] != source[:-1]]) if n else np.array([], int)
        videos = zip(first.tolist(), np.diff(first, append=n).tolist(), strict=True)
        return [self._video(str(source[k]), str(camera[k]), str(action[k]), k, length) for k, length in videos]

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

    def _video(self, source: str, camera: str, action: str, first: int, length: int) -> dict[str, Any]:
        subject = re.match(r's_(\d+)_', source)
        short = {'shown': stretch_frames(length, self.min_frames)} if length < self.min_frames else {}
        return {
            'sequence': source,
            'first': first,
            'length': max(length, self.min_frames),
            'subject': f'S{int(subject[1])}' if subject else '',
            'camera': camera,
            'action_name': action,
            'img_shape': (_HEIGHTS[camera], 1000),
            **short,
        }

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """See the base class; a stretched sequence shows the frames that it has."""
        shown = [info['shown'][f] if 'shown' in info else f for info, f in zip(infos, frames, strict=True)]
        return super().read(infos, shown)
