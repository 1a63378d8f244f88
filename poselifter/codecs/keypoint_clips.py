"""Keypoints of one or more persons for models that classify clips."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..geometry import normalize_longer_side
from ..registry import CODECS
from ..skeletons import get_skeleton


@CODECS.register_module()
class KeypointClips:
    """2D normalised by the longer side of the picture, the detector's confidence behind; nothing to decode.

    Network space: inputs (M, T, J, 3), or (T, J, 3) of one person, are x and y
    with the picture's longer side at [-1, 1] and its corner at (-1, -1), then
    the confidence. Joints of confidence 0 are mapped like any other; a person
    who is not ``present`` is 0 in every channel (MotionBERT, ``make_cam`` and
    the action data set).

    Args:
        skeleton: joint set of the 2D input.
        fps: frame rate that the model is trained at, where clips are not
            resampled to one length.
    """

    several_persons = True

    def __init__(self, skeleton: str = 'h36m17', fps: float | None = None) -> None:
        self.skeleton, self.fps = get_skeleton(skeleton), fps

    def encode(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Adds ``inputs``.

        Args:
            sample: with ``keypoints``, ``keypoints_visible``, ``img_shape``,
                and perhaps ``present``.

        Raises:
            InputError: the sample has another joint set than this codec.
        """
        arrays = {key: sample[key][None] for key in ('keypoints', 'keypoints_visible', 'present') if key in sample}
        metadata = {key: [sample.get(key)] for key in ('skeleton', 'img_shape')}
        return {**sample, 'inputs': self.encode_arrays(arrays, metadata)['inputs'][0]}

    def encode_arrays(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """``inputs`` of a batch.

        Args:
            arrays: ``keypoints`` (B, M, T, J, 2) and so on, or without M.
            facts: one value a sample of ``img_shape`` and ``skeleton``.
        """
        for name in set(facts['skeleton']) - {None, self.skeleton.name}:
            raise InputError(
                f'the codec expects skeleton {self.skeleton.name!r}, the sample has {name!r}; '
                f'convert it (poselifter.skeletons.convert_keypoints) or set skeleton in the codec'
            )
        clips = zip(arrays['keypoints'], facts['img_shape'], strict=True)
        points = np.stack([normalize_longer_side(clip, width, height) for clip, (height, width) in clips])
        inputs = np.concatenate([points, arrays['keypoints_visible'][..., None]], -1).astype(np.float32)
        if 'present' in arrays:
            inputs = np.where(arrays['present'][..., None, None, None], inputs, np.float32(0))
        return {'inputs': inputs}

    def normalize_window(self, inputs: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """Nothing depends on a whole window: the inputs as they are."""
        return inputs
