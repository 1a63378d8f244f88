"""Stateless randomness for transforms."""

from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform

from ..clip_batch import ClipBatch


def next_rng(sample: dict[str, Any]) -> np.random.Generator:
    """The generator of the sample's next random draw.

    ``sample['random_key']`` is ``[seed, epoch, index, draw]``; the draw counts
    up with every call. So what a sample looks like depends on nothing else:
    not on workers, processes, or on whether the run was resumed.

    Args:
        sample: the sample; its ``random_key`` is advanced.

    Returns:
        A fresh generator.
    """
    key = sample['random_key']
    # numpy turns an array of 32-bit words into the same stream as the list, a third faster
    rng = np.random.default_rng(np.array(key, np.uint32) if max(key) < 2**32 else key)
    key[-1] += 1
    return rng


def next_rngs(batch: ClipBatch) -> list[np.random.Generator]:
    """:func:`next_rng` of each clip of a batch."""
    return [next_rng({'random_key': key}) for key in batch.facts['random_key']]


class RandomTransform(BaseTransform):
    """A transform that draws; subclasses implement :meth:`apply` instead of ``transform``."""

    corrupts: ClassVar[bool] = False  # whether it hides or disturbs what the network sees
    films = False

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Gives :meth:`apply` the sample's next generator."""
        return self.apply(sample, next_rng(sample))

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Changes the sample with numbers from ``rng`` alone.

        Args:
            sample: the sample dict.
            rng: the generator of this draw.

        Returns:
            The changed sample; arrays of the input are not written to.
        """
        raise TypeError(f'{type(self).__name__} must implement apply(sample, rng)')
