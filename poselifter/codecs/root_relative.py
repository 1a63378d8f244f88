"""Screen-normalised 2D in, root-relative 3D out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..geometry import normalize_screen
from ..registry import CODECS
from ..skeletons import get_skeleton
from ..structures import MotionDataSample


@CODECS.register_module()
class RootRelativeLifting:
    """2D normalised to the screen, 3D relative to the root (VideoPose3D, section 5 of its protocol).

    Network space: inputs (T, J, C) are x in [-1, 1] and y in [-h/w, h/w], then
    the detector's confidence if ``confidence``; a joint that is not there is 0
    in every channel. Targets (T, K, 3) are camera axes relative to the root.

    With ``window_box`` every window is further described by a body-sized box,
    so that a model need not learn that a person may stand anywhere in the
    picture at any size: x and y are relative to the box, and the box itself
    (centre x, centre y, log of its size: what tells the viewing direction and
    the distance) follows as three more channels.

    Args:
        skeleton: joint set of the 2D input.
        skeleton_3d: joint set of the 3D output.
        fps: frame rate that the model is trained at.
        confidence: whether the input has a confidence channel.
        window_box: whether windows are described by a box; needs ``confidence``.
        unit: unit of the network's output: ``'m'`` or ``'mm'``.
    """

    _SCALES = {'m': 1.0, 'mm': 1000.0}

    def __init__(
        self,
        skeleton: str = 'h36m17',
        skeleton_3d: str = 'h36m17',
        fps: float = 50,
        confidence: bool = False,
        window_box: bool = False,
        unit: str = 'm',
    ) -> None:
        if unit not in self._SCALES:
            raise InputError(f'RootRelativeLifting: unit is {unit!r}, expected one of {sorted(self._SCALES)}')
        if window_box and not confidence:
            raise InputError('RootRelativeLifting: window_box needs confidence=True, to know which joints are there')
        self.skeleton = get_skeleton(skeleton)
        self.skeleton_3d = get_skeleton(skeleton_3d)
        self.fps, self.confidence, self.window_box, self.unit = fps, confidence, window_box, unit
        self.scale = self._SCALES[unit]

    @property
    def channels(self) -> int:
        """Channels that the backbone sees."""
        return 2 + self.confidence + 3 * self.window_box

    def encode(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Adds ``inputs`` and, where the sample has labels, ``target`` and ``target_weight``.

        Args:
            sample: with ``keypoints``, ``keypoints_visible``, ``img_shape`` and
                perhaps ``lifting_target``, ``lifting_target_visible``.

        Returns:
            The sample with the network's arrays added.

        Raises:
            InputError: the sample's joint sets are not this codec's.
        """
        self._check_names(sample)
        height, width = sample['img_shape']
        visible = sample['keypoints_visible'][..., None] > 0
        pixels = np.where(visible, sample['keypoints'], 0)
        channels = [np.where(visible, normalize_screen(pixels, width, height), 0)]
        if self.confidence:
            channels.append(sample['keypoints_visible'][..., None])
        sample = {**sample, 'inputs': np.concatenate(channels, -1).astype(np.float32)}
        if 'lifting_target' in sample:
            pose = sample['lifting_target']
            root = self.skeleton_3d.root
            relative = (pose - pose[:, root : root + 1]) * self.scale
            sample['target'] = relative.astype(np.float32)
            sample['target_weight'] = sample['lifting_target_visible'].astype(np.float32)
        return sample

    def normalize_window(self, inputs: torch.Tensor) -> torch.Tensor:
        """What depends on a whole window; the estimator calls it for training and testing alike.

        Args:
            inputs: (B, T, J, C) as :meth:`encode` made them.

        Returns:
            (B, T, J, C'): the same, or with ``window_box`` x, y, confidence,
            box centre x, y and log size. The box is centred on the mean of the
            joints that are there; its size is the root mean square distance of
            joints from their frame's mean, which a walk across the picture
            leaves as it is.
        """
        if not self.window_box:
            return inputs
        xy, confidence = inputs[..., :2], inputs[..., 2:3]
        there = (confidence > 0).to(inputs.dtype)
        per_frame = there.sum(2, keepdim=True)
        middle = (xy * there).sum(2, keepdim=True) / per_frame.clamp(min=1)
        frames = (per_frame > 0).to(inputs.dtype)
        centre = (middle * frames).sum(1, keepdim=True) / frames.sum(1, keepdim=True).clamp(min=1)
        squares = ((xy - middle) ** 2).sum(-1, keepdim=True) * there
        count = there.sum((1, 2), keepdim=True).clamp(min=1)
        size = (squares.sum((1, 2), keepdim=True) / count).sqrt().clamp(min=1e-3)
        box = torch.cat([centre, size.log()], -1).expand(*inputs.shape[:3], 3)
        return torch.cat([(xy - centre) / size * there, confidence, box], -1)

    def decode(
        self,
        prediction: torch.Tensor,
        sample: MotionDataSample | None = None,
        frames: torch.Tensor | None = None,
        zero_root: bool = True,
    ) -> torch.Tensor:
        """Network output to camera axes in metres.

        Args:
            prediction: (..., K, 3) in network space.
            sample: what is known of the sequence; not needed here.
            frames: which of its frames are predicted; not needed here.
            zero_root: put the root at exactly zero; some papers score it as
                predicted.

        Returns:
            (..., K, 3) metres, root-relative.
        """
        poses = prediction / self.scale
        if zero_root:
            poses[..., self.skeleton_3d.root, :] = 0
        return poses

    def _check_names(self, sample: dict[str, Any]) -> None:
        for key, expected in (('skeleton', self.skeleton), ('skeleton_3d', self.skeleton_3d)):
            found = sample.get(key)
            if found is not None and found != expected.name:
                raise InputError(
                    f'the codec expects {key} {expected.name!r}, the sample has {found!r}; '
                    f'convert it (poselifter.skeletons.convert_keypoints) or set {key} in the codec'
                )
