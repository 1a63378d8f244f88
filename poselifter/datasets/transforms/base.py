"""The base of all transforms, stateless randomness, and pipelines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS
from ..clip_batch import ClipBatch, join_batches, stack_samples


def next_rng(sample: dict[str, Any]) -> np.random.Generator:
    """The generator of the sample's next random draw.

    ``sample['random_key']`` is ``[seed, epoch, index, draw]``; the draw counts
    up with every call. So what a sample looks like depends on nothing else:
    not on workers, processes, or on whether the run was resumed.
    """
    key = sample['random_key']
    # numpy turns an array of 32-bit words into the same stream as the list, a third faster
    rng = np.random.default_rng(np.array(key, np.uint32) if max(key) < 2**32 else key)
    key[-1] += 1
    return rng


def next_rngs(batch: ClipBatch) -> list[np.random.Generator]:
    """:func:`next_rng` of each clip of a batch."""
    return [next_rng({'random_key': key}) for key in batch.metadata['random_key']]


class Transform(BaseTransform):
    """A transform of batches; a subclass implements :meth:`apply` for one clip, or is a :class:`BatchTransform`.

    Attributes:
        films: whether it simulates a camera or a detector, which real keypoints do not need.
        corrupts: whether it hides or disturbs what the network sees.
    """

    films: ClassVar[bool] = False
    corrupts: ClassVar[bool] = False

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Transforms one sample, whose arrays stay as they are; its ``random_key`` goes on."""
        [batch] = self.transform_batches(stack_samples([sample]))
        return batch[0]

    def transform_batches(self, batches: Sequence[ClipBatch]) -> Sequence[ClipBatch]:
        """Transforms batches; those of one shape afterwards are one batch."""
        clips = [clip for batch in batches for clip in batch]
        changed = [self.apply(clip, next_rng(clip)) for clip in clips]
        kept = {}
        if len(batches) == 1:  # unchanged clips need no copy
            pairs = list(zip(changed, clips, strict=True))
            arrays = batches[0].arrays
            kept = {key: arrays[key] for key in arrays if all(new.get(key) is old[key] for new, old in pairs)}
        return stack_samples(changed, kept)

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """The changed clip, with numbers from ``rng`` alone; arrays of the input are not written to."""
        raise TypeError(f'{type(self).__name__} must implement apply(sample, rng)')


class BatchTransform(Transform):
    """A transform of all clips of a batch at once; subclasses implement :meth:`transform_batch`."""

    def transform_batches(self, batches: Sequence[ClipBatch]) -> Sequence[ClipBatch]:
        return join_batches([self.transform_batch(batch) for batch in batches])

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes a batch, each clip as if it were alone; draws come from :func:`next_rngs`."""
        raise TypeError(f'{type(self).__name__} must implement transform_batch(batch)')


class ForeignTransform(Transform):
    """Another library's transform of a sample dict, or any function of one, clip by clip."""

    def __init__(self, step: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.step = step

    def transform_batches(self, batches: Sequence[ClipBatch]) -> Sequence[ClipBatch]:
        return stack_samples([self.step(sample) for batch in batches for sample in batch])


def build_pipeline(steps: Sequence[dict | Callable]) -> list[Transform]:
    """Builds transforms from their configs; those of other libraries are wrapped."""
    built = [TRANSFORMS.build(step) if isinstance(step, Mapping) else step for step in steps]
    return [step if isinstance(step, Transform) else ForeignTransform(step) for step in built]
