"""Keypoints of one or more persons for models that classify clips."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..light_registry import CODECS
from .base import BaseCodec


@CODECS.register_module()
class KeypointClips(BaseCodec):
    """2D normalised by the longer side of the picture, the detector's confidence behind; nothing to decode.

    Network space: inputs (M, T, J, 3), or (T, J, 3) of one person, are x and y with the picture's longer side at [-1,
    1] and its corner at (-1, -1), then the confidence (:func:`~poselifter.geometry.normalize_longer_side`). Joints of
    confidence 0 are mapped like any other; a person who is not ``present`` (M,) is 0 in every channel (MotionBERT,
    ``make_cam`` and the action data set).

    Args:
        skeleton, fps: see :class:`BaseCodec`.
    """

    channels = 3
    several_persons = True

    def __init__(self, skeleton: str = 'h36m17', fps: float | None = None) -> None:
        super().__init__(skeleton, None, fps)

    def encode_arrays(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """See :class:`BaseCodec`; adds ``inputs``, and reads ``present`` too."""
        self.check_skeletons(metadata)
        keypoints = arrays['keypoints']
        longer = np.max(np.asarray(metadata['img_shape'], np.float32), -1)
        points = keypoints / longer.reshape(-1, *[1] * (keypoints.ndim - 1)) * 2 - 1
        inputs = np.concatenate([points, arrays['keypoints_visible'][..., None]], -1).astype(np.float32)
        if 'present' in arrays:
            inputs = np.where(arrays['present'][..., None, None, None], inputs, np.float32(0))
        return {'inputs': inputs}
