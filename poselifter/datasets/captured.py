"""People that were filmed: 2D in pixels, perhaps with the 3D pose in the camera's frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..registry import DATASETS
from .base_motion_dataset import BaseMotionDataset

FACTS = ('action', 'action_name', 'camera', 'camera_param', 'captions', 'img_shape', 'sequence', 'subject')


@DATASETS.register_module()
class CapturedDataset(BaseMotionDataset):
    """Base of sources that give ``keypoints`` in pixels.

    A subclass's :meth:`load_data_list` lays all sequences end to end in
    ``arrays``: ``keypoints`` (N, J, 2) pixels, and where the source has them
    ``keypoints_visible`` (N, J), ``lifting_target`` (N, K, 3) metres in camera
    axes, ``lifting_target_visible`` (N, K), ``factor`` (N,) and others of
    :data:`~poselifter.structures.SAMPLE_KEYS`; what is left out of the visible
    ones counts as 1. An array may be a memory map. Each sequence has its
    ``first`` row (its ``length`` follow) and facts; several cameras of one take
    are several sequences.
    """

    arrays: dict[str, np.ndarray]
    fps: float | None = None

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> list[dict[str, Any]]:
        """One gather an array for all samples; see the base class."""
        rows = np.concatenate([info['first'] + f for info, f in zip(infos, frames, strict=True)])
        found = {key: np.asarray(array[rows], np.float32) for key, array in self.arrays.items()}
        for key, shown in (('keypoints', 'keypoints_visible'), ('lifting_target', 'lifting_target_visible')):
            if key in found and shown not in found:
                found[shown] = np.ones(found[key].shape[:2], np.float32)
        ends = np.cumsum([len(f) for f in frames])[:-1]
        parts = {key: np.split(array, ends) for key, array in found.items()}
        facts = {'skeleton': self.metainfo['skeleton'], 'skeleton_3d': self.metainfo.get('skeleton_3d')}
        facts |= {'fps': self.fps}
        return [
            {
                **{key: part[i] for key, part in parts.items()},
                'frame_indices': f,
                **{key: value for key, value in facts.items() if value is not None},
                **{fact: info[fact] for fact in FACTS if fact in info},
            }
            for i, (info, f) in enumerate(zip(infos, frames, strict=True))
        ]
