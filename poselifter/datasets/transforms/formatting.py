"""Formatting: sample dicts to inputs of the model."""

import numpy as np
import torch

from ...registry import CODECS, TRANSFORMS
from ...skeletons import convert_keypoints, get_skeleton
from ..clip_batch import ClipBatch, PackedClips
from .base import BatchTransform

_LABELS = ('target', 'target_weight', 'target_2d', 'target_2d_weight', 'mask', 'masks', 'valid', 'action')


@TRANSFORMS.register_module()
class ConvertJoints(BatchTransform):
    """Converts 2D keypoints to another joint set, as those of a user are; see :func:`convert_keypoints`.

    Args:
        skeleton: joint set that the model takes; joints that the source lacks get a visibility of 0.
    """

    def __init__(self, skeleton: str) -> None:
        self.skeleton = get_skeleton(skeleton).name

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes ``keypoints``, ``keypoints_visible`` and ``skeleton``; all clips have one joint set."""
        keypoints, visible = (batch.arrays[key] for key in ('keypoints', 'keypoints_visible'))
        keypoints, visible = convert_keypoints(keypoints, batch.metadata['skeleton'][0], self.skeleton, visible)
        batch.arrays['keypoints'] = np.nan_to_num(keypoints)
        batch.arrays['keypoints_visible'] = visible.astype(np.float32)
        batch.metadata['skeleton'] = [self.skeleton] * len(batch)
        return batch


@TRANSFORMS.register_module()
class Encode(BatchTransform):
    """Camera space to network space, by the model's codec.

    Args:
        codec: config of the codec; the config file's top-level ``codec``.
        labels: ``False`` encodes the input alone: for tests on a data set of another 3D joint set, to which the metric
            converts what is predicted.
    """

    def __init__(self, codec: dict, labels: bool = True) -> None:
        self.codec, self.labels = CODECS.build(codec), labels

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Adds ``inputs``, ``target``, ``target_weight``."""
        arrays, metadata = batch.arrays, batch.metadata
        if not self.labels:
            arrays = {key: arrays[key] for key in ('keypoints', 'keypoints_visible')}
            metadata = {key: value for key, value in metadata.items() if key != 'skeleton_3d'}
        batch.arrays |= self.codec.encode_arrays(arrays, metadata)
        return batch


@TRANSFORMS.register_module()
class PackPose(BatchTransform):
    """Packs a sample as ``dict(inputs=tensor, data_samples=MotionDataSample)``.

    Args:
        keys: arrays and numbers that go into the data sample as tensors, where the sample has them.
    """

    def __init__(self, keys: tuple[str, ...] = _LABELS) -> None:
        self.keys = tuple(keys)

    def transform_batch(self, batch: ClipBatch) -> PackedClips:
        """Packs; values that are no arrays become metainfo."""
        content = {**batch.arrays, **batch.metadata}
        fields = {key: torch.as_tensor(np.asarray(content[key])) for key in self.keys if key in content}
        inputs = torch.from_numpy(np.ascontiguousarray(batch.arrays['inputs']))
        metainfo = {key: v for key, v in batch.metadata.items() if key not in ('random_key', *self.keys)}
        return PackedClips({**fields, 'inputs': inputs}, metainfo)
