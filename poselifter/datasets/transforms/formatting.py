"""From sample dict to what the model takes."""

from typing import Any

import numpy as np
import torch

from ...registry import CODECS, TRANSFORMS
from ...structures import SAMPLE_KEYS
from ..clip_batch import BatchTransform, ClipBatch, PackedClips

_LABELS = ('target', 'target_weight', 'target_2d', 'target_2d_weight', 'mask', 'masks', 'valid', 'action')


@TRANSFORMS.register_module()
class Encode(BatchTransform):
    """Camera space to network space, by the model's codec.

    Args:
        codec: config of the codec; the config file's top-level ``codec``.
    """

    def __init__(self, codec: dict) -> None:
        self.codec = CODECS.build(codec)

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Adds ``inputs``, ``target``, ``target_weight``."""
        return self.codec.encode(sample)

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """The same for a batch, at once."""
        arrays = self.codec.encode_arrays(batch.arrays, batch.facts)
        return ClipBatch({**batch.arrays, **arrays}, batch.facts)


@TRANSFORMS.register_module()
class PackPose(BatchTransform):
    """Packs a sample as ``dict(inputs=tensor, data_samples=MotionDataSample)``.

    Args:
        keys: arrays and numbers that go into the data sample as tensors, where
            the sample has them.
    """

    def __init__(self, keys: tuple[str, ...] = _LABELS) -> None:
        self.keys = tuple(keys)

    def transform_batch(self, batch: ClipBatch) -> PackedClips:
        """Packs; facts that are no arrays become metainfo."""
        found = {**batch.arrays, **batch.facts}
        fields = {key: torch.as_tensor(np.asarray(found[key])) for key in self.keys if key in found}
        facts = {
            key: values
            for key, values in found.items()
            if SAMPLE_KEYS[key].shape is None and key not in ('random_key', *self.keys)
        }
        return PackedClips(torch.from_numpy(np.ascontiguousarray(batch.arrays['inputs'])), fields, facts)
