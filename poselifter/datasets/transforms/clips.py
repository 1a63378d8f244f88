"""Frames of a clip: resampled, repeated, padded.

Neighbouring input frames several frames apart (P-STMO's temporal downsampling,
TDS) are no transform: ``WindowPolicy(dilation=...)`` cuts such windows.
"""

from typing import Any, Literal

import numpy as np

from ...errors import InputError, check_choice
from ...registry import TRANSFORMS
from ...structures import frame_axis
from ..clip_batch import ClipBatch
from .base import BatchTransform, Transform


def take_frames(sample: dict[str, Any], frames: np.ndarray) -> dict[str, Any]:
    """Picks frames (T',) of every array of a sample, or of a batch's arrays, that has a time axis."""
    axes = {key: frame_axis(key) for key in sample}
    return {**sample, **{key: sample[key].take(frames, axis) for key, axis in axes.items() if axis is not None}}


def count_frames(sample: dict[str, Any]) -> int:
    """T of a sample, or of a batch's arrays."""
    return next(sample[key].shape[axis] for key in sample if (axis := frame_axis(key)) is not None)


def resample_frames(n_frames: int, length: int, mode: str, draws: np.ndarray | None = None) -> np.ndarray:
    """Frames that make a clip of another length.

    Args:
        n_frames: frames of the clip.
        length: frames requested.
        mode: ``'even'``: equal steps; ``'random'``: the same with random steps; ``'replay'``: native speed, a random
            part of a longer clip, a shorter one again from its start.
        draws: (length,) from U(0, 1); not needed for ``'even'``.

    Returns:
        (length,) int64 in [0, n_frames), ascending but for ``'replay'``.

    Raises:
        InputError: an unknown mode.

    Source: MotionBERT, ``resample``.
    """
    check_choice("the clips' mode", mode, ('even', 'random', 'replay'))
    even = np.linspace(0, n_frames, length, endpoint=False)
    if mode == 'even':
        return even.astype(int)
    if mode == 'replay':
        first = int(draws[0] * max(n_frames - length + 1, 1))
        return (first + np.arange(length)) % n_frames
    if n_frames < length:
        frames = np.sort(np.where(draws < 0.5, np.ceil(even), np.floor(even)))
    else:
        frames = even + draws * n_frames / length
    return frames.clip(max=n_frames - 1).astype(int)


@TRANSFORMS.register_module()
class ResampleClip(Transform):
    """Brings a clip of any length to one length; see :func:`resample_frames`."""

    def __init__(self, length: int, mode: Literal['even', 'random', 'replay'] = 'even') -> None:
        resample_frames(1, 1, mode, np.zeros(1))
        self.length, self.mode = length, mode

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        draws = rng.random(self.length)
        return take_frames(sample, resample_frames(count_frames(sample), self.length, self.mode, draws))


@TRANSFORMS.register_module()
class RandomWindow(Transform):
    """A random part of a clip that is longer than ``length``; for data sets with ``window='whole'``.

    It holds the frames that ``focus`` names, or lies within them where they are more than ``length``.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Picks frames; a clip that is short enough stays as it is."""
        n_frames = count_frames(sample)
        start, end = sample.get('focus', (0, n_frames))
        low, high = np.clip(sorted((start, end - self.length)), 0, max(n_frames - self.length, 0))
        first = rng.integers(low, high + 1)
        return take_frames(sample, np.arange(first, min(first + self.length, n_frames)))


@TRANSFORMS.register_module()
class EdgePad(BatchTransform):
    """Repeats the last frame of a clip that is too short, and marks the real ones (ActionPose).

    Adds ``valid`` (T,) and sets the weights of labels to 0 in the padding. Windows that
    are cut by a ``WindowPolicy`` repeat the edges by themselves.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Pads; clips that are long enough keep their frames."""
        n_frames = count_frames(batch.arrays)
        frames = np.arange(max(self.length, n_frames))
        valid = frames < n_frames
        arrays = take_frames(batch.arrays, frames.clip(max=n_frames - 1))
        labels = [key for key in ('lifting_target_visible', 'target_weight') if key in arrays]
        arrays |= {key: arrays[key] * valid[:, None] for key in labels}
        return ClipBatch({**arrays, 'valid': np.tile(valid, (len(batch), 1))}, batch.metadata)


@TRANSFORMS.register_module()
class ChangeFrameRate(BatchTransform):
    """Shows a motion faster or slower than the model is used to; labels follow the frames.

    Args:
        speed: 2 leaves every second frame out, 0.5 shows each frame twice.
    """

    def __init__(self, speed: float = 2.0) -> None:
        if speed <= 0:
            raise InputError(f'ChangeFrameRate: speed is {speed}, expected a number above 0')
        self.speed = speed

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        n_frames = count_frames(batch.arrays)
        frames = (np.arange(np.ceil(n_frames / self.speed)) * self.speed).astype(int).clip(max=n_frames - 1)
        rates = {key: [fps / self.speed for fps in rates] for key, rates in batch.metadata.items() if key == 'fps'}
        return ClipBatch(take_frames(batch.arrays, frames), {**batch.metadata, **rates})
