"""From sample dict to what the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from ...registry import CODECS, TRANSFORMS
from ...structures import SAMPLE_KEYS, MotionDataSample


@TRANSFORMS.register_module()
class Encode(BaseTransform):
    """Camera space to network space, by the model's codec.

    Args:
        codec: config of the codec; the config file's top-level ``codec``.
    """

    def __init__(self, codec: dict) -> None:
        self.codec = CODECS.build(codec)

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Adds ``inputs``, ``target``, ``target_weight``."""
        return self.codec.encode(sample)


@TRANSFORMS.register_module()
class PackPose(BaseTransform):
    """Packs a sample as ``dict(inputs=tensor, data_samples=MotionDataSample)``.

    Args:
        keys: arrays and numbers that go into the data sample as tensors, where
            the sample has them.
    """

    def __init__(self, keys: tuple[str, ...] = ('target', 'target_weight', 'action')) -> None:
        self.keys = tuple(keys)

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Packs; facts that are no arrays become metainfo."""
        facts = {
            k: v for k, v in sample.items() if SAMPLE_KEYS[k].shape is None and k not in ('random_key', *self.keys)
        }
        packed = MotionDataSample(metainfo=facts)
        for key in self.keys:
            if key in sample:
                packed.set_data({key: torch.as_tensor(np.asarray(sample[key]))})
        return {'inputs': torch.from_numpy(np.ascontiguousarray(sample['inputs'])), 'data_samples': packed}
