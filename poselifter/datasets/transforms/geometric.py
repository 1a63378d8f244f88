"""Crops and camera moves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...geometry import crop_scale
from ...registry import TRANSFORMS
from ..clip_batch import ClipBatch
from .base import BatchTransform, Transform, next_rngs
from .noise import present_joints


def crop_scale_3d(poses: np.ndarray, ratio: float = 1.0) -> np.ndarray:
    """Maps the square around poses in image space to [-1, 1], and depth with the same factor.

    Depth starts at joint 0 of frame 0. Two things are as in the authors' code: a larger ratio makes the person larger,
    unlike in ``crop_scale``, and depth gets the offset -1 of the other axes.

    Args:
        poses: (..., T, J, 3) image space: x, y, and depth in the same unit.
        ratio: longer side of the joints' box over the side of the square.

    Returns:
        (..., T, J, 3); all zeros where the box has no size.

    Source: MotionBERT, ``crop_scale_3d``.
    """
    poses = np.concatenate([poses[..., :2], poses[..., 2:] - poses[..., :1, :1, 2:]], -1)
    points = poses[..., :2].reshape(-1, 2)
    low, high = points.min(0), points.max(0)
    side = (high - low).max() / ratio
    if side == 0:
        return np.zeros_like(poses)
    corner = np.append((low + high - side) / 2, 0).astype(poses.dtype)
    return (poses - corner) / side * 2 - 1


def move_linear(x: np.ndarray, angles: Sequence, scales: Sequence, shifts: Sequence) -> np.ndarray:
    """Rotates, scales and shifts a clip, evenly from its first frame to its last.

    Args:
        x: (..., T, J, 2).
        angles: at both ends, degrees.
        scales: at both ends.
        shifts: (2, 2): x and y at the first frame, x and y at the last.

    Returns:
        The same shape.

    Source: MotionBERT, ``random_move``.
    """
    fraction = np.linspace(0, 1, x.shape[-3])[:, None]
    ends = np.column_stack([np.radians(angles), scales, np.asarray(shifts)])
    angle, scale, *shift = ((1 - fraction) * ends[0] + fraction * ends[1]).T[..., None]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turned = [cos * x[..., 0] - sin * x[..., 1] + shift[0], sin * x[..., 0] + cos * x[..., 1] + shift[1]]
    return np.stack(turned, -1).astype(x.dtype)


@TRANSFORMS.register_module()
class CropScale(BatchTransform):
    """Maps the square around all joints of a clip to [-1, 1]; see ``geometry.crop_scale``.

    After ``Encode``: a screen's normalisation before it changes nothing.

    Args:
        ratio: range to draw from; two equal numbers are no draw. A larger ratio makes the person smaller.
        released: also moves absent joints, as the authors' code does.
    """

    def __init__(self, ratio: tuple[float, float] = (1, 1), released: bool = False) -> None:
        self.ratio, self.released = ratio, released

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes ``inputs``."""
        for inputs, rng in zip(batch.arrays['inputs'], next_rngs(batch), strict=True):
            visible = present_joints(inputs)
            inputs[..., :2] = crop_scale(inputs[..., :2], visible[..., 0], rng.uniform(*self.ratio))
            inputs[..., 2:].clip(-1, 1, out=inputs[..., 2:])
            if not self.released:
                inputs *= visible
        return batch


@TRANSFORMS.register_module()
class CropScale3D(Transform):
    """Crops ``target`` in image space, and makes its x, y the ``inputs``, with score 1 (MotionBERT's ``synthetic``)."""

    def __init__(self, ratio: tuple[float, float] = (1, 1)) -> None:
        self.ratio = ratio

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Changes ``inputs`` and ``target``."""
        target = crop_scale_3d(sample['target'], rng.uniform(*self.ratio)).astype(sample['target'].dtype)
        inputs = np.ones_like(sample['inputs'])
        inputs[..., :2] = target[..., :2]
        return {**sample, 'inputs': inputs, 'target': target}


@TRANSFORMS.register_module()
class RandomMove(BatchTransform):
    """Moves the camera a little during the clip (MotionBERT, action recognition); see :func:`move_linear`.

    Args:
        angle: bound of the rotation, degrees.
        scale: range of the scale.
        shift: bound of the shift along x and y, network units.
        released: also moves absent joints, as the authors' code does.
    """

    def __init__(
        self, angle: float = 10, scale: tuple[float, float] = (0.9, 1.1), shift: float = 0.1, released: bool = False
    ) -> None:
        self.angle, self.scale, self.shift, self.released = angle, scale, shift, released

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Moves joints of ``inputs``."""
        for inputs, rng in zip(batch.arrays['inputs'], next_rngs(batch), strict=True):
            angles, scales = rng.uniform(-self.angle, self.angle, 2), rng.uniform(*self.scale, 2)
            moved = move_linear(inputs[..., :2], angles, scales, rng.uniform(-self.shift, self.shift, (2, 2)))
            inputs[..., :2] = moved if self.released else np.where(present_joints(inputs), moved, inputs[..., :2])
        return batch
