"""Collation of training clips."""

from collections.abc import Sequence
from typing import Any

import torch

from ..registry import FUNCTIONS
from ..structures import MotionDataSample
from .clip_batch import PackedClips


@FUNCTIONS.register_module()
def stack_clips(clips: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks clips of one length in the worker, so that one tensor a field crosses to the trainer.

    Args:
        clips: B packed samples with ``inputs`` (T, J, C) and ``data_samples``.

    Returns:
        ``inputs`` (B, T, J, C) and one :class:`MotionDataSample` whose fields
        are (B, ...).
    """
    if isinstance(clips, PackedClips):
        return clips.stacked()
    return {
        'inputs': torch.stack([clip['inputs'] for clip in clips]),
        'data_samples': MotionDataSample.stack([clip['data_samples'] for clip in clips]),
    }
