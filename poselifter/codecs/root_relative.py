"""Screen-normalised 2D in, root-relative 3D out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from ..geometry.arrays import Array, namespace
from ..light_registry import CODECS
from .base import BaseCodec


@CODECS.register_module()
class RootRelativeLifting(BaseCodec):
    """2D normalised to the screen, 3D relative to the root (VideoPose3D).

    Network space: inputs (T, J, C) are x in [-1, 1] and y in [-h/w, h/w], then the detector's confidence if
    ``confidence``; a missing joint is 0 in every channel unless ``keep_missing``. Targets (T, K, 3) are camera axes
    relative to the root.

    With ``window_box`` every window is further described by a body-sized box, so that a model need not learn that a
    person may stand anywhere in the picture at any size: x and y are relative to the box, and the box itself (centre x,
    centre y, log of its size: what tells the viewing direction and the distance) follows as three more channels.

    Args:
        confidence: whether the input has a confidence channel.
        window_box: whether windows are described by a box; needs ``confidence``.
        unit: unit of the network's output: ``'m'`` or ``'mm'``.
        keep_missing: leaves x and y of a joint of confidence 0 as the file has them (MotionBERT's bodies, as released).
        **kwargs: ``skeleton``, ``skeleton_3d`` and ``fps`` of :class:`BaseCodec`.
    """

    _SCALES = {'m': 1.0, 'mm': 1000.0}

    def __init__(
        self,
        confidence: bool = False,
        window_box: bool = False,
        unit: str = 'm',
        keep_missing: bool = False,
        **kwargs: Any,
    ) -> None:
        check_choice('RootRelativeLifting: unit', unit, self._SCALES)
        if window_box and not confidence:
            raise InputError('RootRelativeLifting: window_box needs confidence=True, to know which joints are present')
        super().__init__(**kwargs)
        self.confidence, self.window_box, self.unit = confidence, window_box, unit
        self.keep_missing = keep_missing
        self.scale, self.channels = self._SCALES[unit], 2 + confidence + 3 * window_box

    def encode_arrays(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """See :class:`BaseCodec`."""
        self.check_skeletons(metadata)
        keypoints, visible = arrays['keypoints'], arrays['keypoints_visible']
        xy = _normalized(keypoints, np.asarray(metadata['img_shape'], np.float64))
        absent = ~np.isfinite(xy).all(-1) if self.keep_missing else visible <= 0
        if absent.any():
            xy = np.where(absent[..., None], np.float32(0), xy)
        if self.confidence:
            xy = np.concatenate([xy, visible[..., None]], -1).astype(np.float32, copy=False)
        encoded = {'inputs': xy}
        if 'lifting_target' in arrays:
            pose, root = arrays['lifting_target'], self.skeleton_3d.root
            encoded['target'] = pose.astype(np.float32)
            for axis in range(3):  # three long subtractions: numpy is slow where the last axis is short
                encoded['target'][..., axis] -= pose[..., root : root + 1, axis]
            if self.scale != 1:
                encoded['target'] *= self.scale
            encoded['target_weight'] = arrays['lifting_target_visible'].astype(np.float32)
        return encoded

    def normalize_window(self, inputs: Array, hidden: Array | None = None) -> Array:
        """See :class:`BaseCodec`; with ``window_box`` x, y, confidence, box centre x, y and log size.

        The box is centred on the mean of the joints present; its size is the root mean square distance of joints from
        their frame's mean, which a walk across the picture leaves as it is.
        """
        if not self.window_box:
            return inputs
        xp = namespace(inputs)
        xy, confidence = inputs[..., :2], inputs[..., 2:3]
        seen = present = (confidence > 0).to(inputs.dtype)
        if hidden is not None:
            seen = present * ~hidden.unsqueeze(-1)
        per_frame = seen.sum(2, keepdim=True)
        middle = (xy * seen).sum(2, keepdim=True) / per_frame.clamp(min=1)
        frames = (per_frame > 0).to(inputs.dtype)
        centre = (middle * frames).sum(1, keepdim=True) / frames.sum(1, keepdim=True).clamp(min=1)
        squares = ((xy - middle) ** 2).sum(-1, keepdim=True) * seen
        count = seen.sum((1, 2), keepdim=True).clamp(min=1)
        size = (squares.sum((1, 2), keepdim=True) / count).sqrt().clamp(min=1e-3)
        box = xp.cat([centre, size.log()], -1).expand(*inputs.shape[:3], 3)
        return xp.cat([(xy - centre) / size * present, confidence, box], -1)

    def decode(self, prediction: Array, sample: Any = None, frames: Any = None, zero_root: bool = True) -> Array:
        """See :class:`BaseCodec`."""
        poses = prediction / self.scale
        if zero_root:
            poses[..., self.skeleton_3d.root, :] = 0
        return poses


def _normalized(keypoints: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """:func:`~poselifter.geometry.normalize_screen` of (..., T, J, 2) pixels, (B, 2) heights and widths."""
    flat = keypoints.reshape(*keypoints.shape[:-2], -1)  # numpy is slow where the last axis is short
    height, width = sizes.T.reshape(2, -1, *[1] * (flat.ndim - 1)) if len(sizes) > 1 else sizes[0]
    middle = np.stack([np.ones_like(height), height / width], -1)
    xy = np.multiply(flat, np.float32(2 / width), dtype=np.float32)
    xy -= np.tile(middle[..., 0, :] if middle.ndim > 1 else middle, keypoints.shape[-2]).astype(np.float32)
    return xy.reshape(keypoints.shape)
