"""Transforms of what the network sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...registry import TRANSFORMS
from ...skeletons import flip_keypoints, get_skeleton
from .base import RandomTransform


@TRANSFORMS.register_module()
class FlipPose(RandomTransform):
    """Mirrors a clip: x negated, left and right joints swapped, in 2D and 3D.

    Args:
        prob: probability.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = prob

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Mirrors ``inputs``, ``target`` and ``target_weight``."""
        if rng.random() >= self.prob:
            return sample
        skeleton, skeleton_3d = get_skeleton(sample['skeleton']), get_skeleton(sample['skeleton_3d'])
        return {
            **sample,
            'inputs': flip_keypoints(sample['inputs'], skeleton),
            'target': flip_keypoints(sample['target'], skeleton_3d),
            'target_weight': sample['target_weight'][:, skeleton_3d.flip_indices],
        }
