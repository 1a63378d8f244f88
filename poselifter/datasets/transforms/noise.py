"""Errors of 2D detections in network space: for training, and for measuring how robust a model is."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, reading
from ...registry import TRANSFORMS
from ...skeletons import get_skeleton
from ..clip_batch import ClipBatch
from .base import BatchTransform, Transform
from .masks import check_fraction


def present_joints(inputs: np.ndarray) -> np.ndarray:
    """(..., T, J, 1) bool: joints of ``inputs`` (..., T, J, C) that are not 0 in every channel, or in the score."""
    return inputs[..., 2:3] != 0 if inputs.shape[-1] > 2 else inputs.any(-1, keepdims=True)


@cache
def read_fit(path: str | None = None) -> dict[str, Any]:
    """Parameters of :func:`fitted_noise`: MotionBERT's, or those of a json file with the same keys.

    Raises:
        InputError: the file cannot be read or lacks a key.
    """
    default = Path(__file__).parents[1] / 'motionbert_noise.json'
    with reading(f'{path} is no file of noise parameters', f'write it like {default}'):
        fit = json.loads(Path(path or default).read_text(encoding='utf-8'))
        arrays = {key: np.array(fit[key], np.float32) for key in ('mean', 'std', 'weight')}
        return {**{key: fit[key] for key in ('key_frames', 'uniform_range', 'jitter_std', 'confidence')}, **arrays}


def fitted_noise(inputs: np.ndarray, draws: Mapping[str, np.ndarray], fit: Mapping[str, Any]) -> np.ndarray:
    """Moves joints as a 2D detector does, and sets their scores.

    Errors are drawn at K key frames, a Gaussian or with the rest of the probability a uniform one for each joint, and
    interpolated between them; small jitter comes on top. The score follows from the length d of the error:
    ``clip(a / (d + a) + b d + N(mean, std^2), 0, 1)``; the old one is discarded.

    Args:
        inputs: (..., T, J, C) network units; C is 2, or 3 with the score.
        draws: ``select`` (..., K, J, 1) and ``uniform`` (..., K, J, 2) from U(0, 1); ``normal`` (..., K, J, 2),
            ``jitter`` (..., T, J, 2) and ``score`` (..., T, J) from N(0, 1).
        fit: see :func:`read_fit`.

    Returns:
        The same shape.

    Source: MotionBERT, noise of the 2D input in pretraining.
    """
    gauss = draws['normal'] * fit['std'] + fit['mean']
    wide = (draws['uniform'] - 0.5) * fit['uniform_range']
    keys = np.where(draws['select'] < fit['weight'][:, None], gauss, wide)
    last = keys.shape[-3] - 1
    where = np.linspace(0, last, inputs.shape[-3])
    lower = np.minimum(where.astype(int), max(last - 1, 0))
    fraction = (where - lower)[:, None, None]
    error = keys[..., lower, :, :] * (1 - fraction) + keys[..., np.minimum(lower + 1, last), :, :] * fraction
    error = error + draws['jitter'] * fit['jitter_std']
    moved = [inputs[..., :2] + error]
    if inputs.shape[-1] > 2:
        a, b, mean, std = (fit['confidence'][key] for key in ('a', 'b', 'mean', 'std'))
        distance = np.linalg.norm(error, axis=-1)
        score = a / (distance + a) + b * distance + (draws['score'] * std + mean)
        moved.append(score.clip(0, 1)[..., None])
    return np.concatenate(moved, -1).astype(inputs.dtype)


@TRANSFORMS.register_module()
class FittedNoise(Transform):
    """:func:`fitted_noise` on ``inputs``, all drawn for each clip; before masks.

    Args:
        params: json file of the parameters; ``None`` takes MotionBERT's, for 17 joints.
        released: as the authors' code, which also gives absent joints a place and a score.
    """

    corrupts = True

    def __init__(self, params: str | None = None, released: bool = False) -> None:
        self.fit, self.released = read_fit(params), released

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Disturbs ``inputs``."""
        inputs, keys = sample['inputs'], self.fit['key_frames']
        n_frames, n_joints = inputs.shape[-3:-1]
        if n_joints != len(self.fit['weight']):
            raise InputError(
                f'FittedNoise: inputs have {n_joints} joints, the parameters {len(self.fit["weight"])}; '
                f'give params=FILE with those of your joints'
            )
        draws = {'select': rng.random((keys, n_joints, 1)), 'uniform': rng.random((keys, n_joints, 2))}
        shapes = {'normal': (keys, n_joints, 2), 'jitter': (n_frames, n_joints, 2), 'score': (n_frames, n_joints)}
        draws |= {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        noisy = fitted_noise(inputs, draws, self.fit)
        return {**sample, 'inputs': noisy if self.released else np.where(present_joints(inputs), noisy, inputs)}


@TRANSFORMS.register_module()
class GaussianNoise(Transform):
    """Moves x and y of every present joint by N(0, sigma^2), network units (P-STMO, Table 8)."""

    corrupts = True

    def __init__(self, sigma: float = 0.01) -> None:
        self.sigma = sigma

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Disturbs ``inputs``."""
        inputs = sample['inputs'].copy()
        error = rng.standard_normal((*inputs.shape[:-1], 2), np.float32) * np.float32(self.sigma)
        inputs[..., :2] += error * present_joints(inputs)
        return {**sample, 'inputs': inputs}


@TRANSFORMS.register_module()
class FrameShuffle(Transform):
    """Puts the frames of ``inputs`` in a random order; labels stay (P-STMO, Table 8).

    Args:
        block: shuffle inside blocks of that many frames, say a model's window; ``None``: over the whole sequence.
    """

    corrupts = True

    def __init__(self, block: int | None = None) -> None:
        self.block = block

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Reorders ``inputs``."""
        n_frames = sample['inputs'].shape[-3]
        order = np.lexsort((rng.random(n_frames), np.arange(n_frames) // (self.block or n_frames)))
        return {**sample, 'inputs': sample['inputs'][..., order, :, :]}


@TRANSFORMS.register_module()
class LowScores(BatchTransform):
    """Multiplies all scores by a factor in [0, 1]; joints stay where they are."""

    corrupts = True

    def __init__(self, factor: float = 0.5) -> None:
        check_fraction(self, 'factor', factor)
        self.factor = factor

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes channel 2 of ``inputs``, where it exists."""
        batch.arrays['inputs'][..., 2:3] *= self.factor
        return batch


@TRANSFORMS.register_module()
class SwapSides(Transform):
    """Takes left for right, in each frame with a probability: a usual error when a person turns."""

    corrupts = True

    def __init__(self, prob: float = 0.1) -> None:
        check_fraction(self, 'prob', prob)
        self.prob = prob

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Swaps joints of ``inputs``."""
        inputs, order = sample['inputs'], get_skeleton(sample['skeleton']).flip_indices
        swapped = rng.random((inputs.shape[-3], 1, 1)) < self.prob
        return {**sample, 'inputs': np.where(swapped, inputs[..., order, :], inputs)}
