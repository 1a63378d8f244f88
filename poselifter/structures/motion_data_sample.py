"""Data sample: labels and predictions of a clip."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement


class MotionDataSample(BaseDataElement):
    """Labels, predictions and metadata of one clip, or of a stacked batch of clips.

    Data fields are tensors named as in :data:`~poselifter.structures.SAMPLE_KEYS` (``target`` (T, J, 3),
    ``target_weight`` (T, J), ``action`` (), ...); predictions start with ``pred_``. Metadata that are no tensors
    (``sequence``, ``subject``, ``img_shape``, ...) are metainfo.
    """

    @classmethod
    def stack(cls, samples: 'Sequence[MotionDataSample]') -> 'MotionDataSample':
        """One sample of B equally shaped ones, whose fields are (B, ...) and whose metainfo are lists of B entries."""
        first = samples[0]
        batch = cls(metainfo={key: [s.get(key) for s in samples] for key in first.metainfo_keys()})
        for key in first.keys():
            batch.set_data({key: torch.stack([s.get(key) for s in samples])})
        return batch
