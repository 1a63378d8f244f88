"""People that were filmed: 2D in pixels, perhaps with the 3D pose in the camera's frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..registry import DATASETS
from .base_motion_dataset import BaseMotionDataset
from .clip_batch import ClipBatch

FACTS = (
    'action', 'action_name', 'camera', 'camera_param', 'captions', 'fps', 'gender', 'img_shape', 'sequence', 'subject',
)  # fmt: skip


@DATASETS.register_module()
class CapturedDataset(BaseMotionDataset):
    """Base of sources that give ``keypoints`` in pixels.

    A subclass's :meth:`load_data_list` lays all sequences end to end in
    ``arrays``: ``keypoints`` (N, J, 2) pixels, and where the source has them
    ``keypoints_visible`` (N, J), ``lifting_target`` (N, K, 3) metres in camera
    axes, ``lifting_target_visible`` (N, K), ``factor`` (N,) and others of
    :data:`~poselifter.structures.SAMPLE_KEYS`; what is left out of the visible
    ones counts as 1. An array may be a memory map. Each sequence has its
    ``first`` row (its ``length`` follow) and facts, ``fps`` where it differs from
    the class's; several cameras of one take are several sequences.
    """

    arrays: dict[str, np.ndarray]
    fps: float | None = None

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """One gather an array for all samples; see the base class."""
        rows = np.concatenate([info['first'] + f for info, f in zip(infos, frames, strict=True)])
        found = {
            key: np.asarray(array).take(rows, 0).astype(np.float32, copy=False) for key, array in self.arrays.items()
        }
        for key, shown in (('keypoints', 'keypoints_visible'), ('lifting_target', 'lifting_target_visible')):
            if key in found and shown not in found:
                found[shown] = np.ones(found[key].shape[:2], np.float32)
        found['frame_indices'] = np.concatenate(frames)
        shared = {key: self._metainfo.get(key) for key in ('skeleton', 'skeleton_3d')}  # metainfo is a deep copy
        shared = {key: value for key, value in {**shared, 'fps': self.fps}.items() if value is not None}
        facts = [shared | {fact: info[fact] for fact in FACTS if fact in info} for info in infos]
        return ClipBatch.of(found, [len(f) for f in frames], facts)
