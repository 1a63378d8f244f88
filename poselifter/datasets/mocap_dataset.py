"""Motion capture in the world frame: the model's 2D comes from virtual cameras."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..registry import DATASETS
from .base_motion_dataset import BaseMotionDataset
from .clip_batch import ClipBatch

FACTS = ('action', 'action_name', 'captions', 'sequence', 'source_format', 'subject')


@DATASETS.register_module()
class MocapDataset(BaseMotionDataset):
    """Base of sources that give ``world_keypoints`` (metres, z up).

    A subclass's :meth:`load_data_list` sets ``poses`` (N, K, 3) relative to
    joint 0 in units of ``unit_m`` and ``root`` (N, 3) in metres, all sequences
    laid end to end, and gives each sequence its ``first`` row.
    """

    poses: np.ndarray
    root: np.ndarray
    unit_m: float = 1.0
    fps: float = 30.0

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """One gather for all samples; see the base class."""
        rows = np.concatenate([info['first'] + f for info, f in zip(infos, frames, strict=True)])
        world = self.poses[rows].astype(np.float32) * np.float32(self.unit_m) + self.root[rows][:, None]
        shared = {'fps': self.fps, 'skeleton_3d': self._metainfo['skeleton']}  # metainfo is a deep copy
        facts = [shared | {fact: info[fact] for fact in FACTS} for info in infos]
        found = {'world_keypoints': world, 'frame_indices': np.concatenate(frames)}
        return ClipBatch.of(found, [len(f) for f in frames], facts)
