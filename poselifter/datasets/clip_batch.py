"""Batches of clips: as transforms change them, and as a loader's worker packs them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import get_worker_info

from ..registry import FUNCTIONS
from ..structures import MotionDataSample


class ClipBatch(Sequence):
    """B samples whose arrays are stacked; as a sequence it gives the samples one by one, as views.

    Clips of several shapes are several batches, see :func:`stack_samples`.

    Attributes:
        arrays: (B, ...) by key. They belong to the batch: a transform may write to them.
        metadata: B values by key, those that are no arrays.
    """

    def __init__(self, arrays: dict[str, Any], metadata: dict[str, list]) -> None:
        self.arrays, self.metadata = arrays, metadata

    @classmethod
    def stack(cls, samples: Sequence[dict[str, Any]], kept: Mapping[str, np.ndarray] | None = None) -> 'ClipBatch':
        """Copies samples with the same keys and shapes into one batch; ``kept`` are arrays that are stacked already."""
        keys = [key for key, value in samples[0].items() if isinstance(value, np.ndarray)]
        stacked = kept or {}
        arrays = {key: stacked[key] if key in stacked else np.stack([s[key] for s in samples]) for key in keys}
        return cls(arrays, {key: [sample[key] for sample in samples] for key in samples[0] if key not in arrays})

    @classmethod
    def cut(cls, arrays: Mapping[str, np.ndarray], lengths: list[int], metadata: Sequence[dict]) -> 'list[ClipBatch]':
        """Batches of clips whose frames lie end to end.

        Args:
            arrays: (sum of lengths, ...) by key.
            lengths: frames of each clip.
            metadata: of each clip.

        Returns:
            One batch where all clips have the same length and keys, else one for each clip; views of the arrays.
        """
        alike = len({*lengths}) == 1 and all(entry.keys() == metadata[0].keys() for entry in metadata)
        size = len(lengths) if alike else 1
        ends, batches = np.cumsum(lengths), []
        for k in range(0, len(lengths), size):
            rows, shape = slice(ends[k] - lengths[k], ends[k + size - 1]), (size, lengths[k])
            shaped = {key: array[rows].reshape(*shape, *array.shape[1:]) for key, array in arrays.items()}
            batches.append(cls(shaped, {key: [m[key] for m in metadata[k : k + size]] for key in metadata[k]}))
        return batches

    def __len__(self) -> int:
        return len(next(iter({**self.arrays, **self.metadata}.values())))

    def __getitem__(self, index: int) -> dict[str, Any]:
        taken = {key: array[index] for key, array in self.arrays.items()}
        return {**taken, **{key: values[index] for key, values in self.metadata.items()}}


class PackedClips(ClipBatch):
    """A batch as the model takes it: tensors, ``inputs`` (B, T, J, C) among them.

    Clip by clip it is ``dict(inputs=..., data_samples=...)``, or all at once.
    """

    def __getitem__(self, index: int) -> dict[str, Any]:
        packed = MotionDataSample(metainfo={key: values[index] for key, values in self.metadata.items()})
        packed.set_data({key: tensor[index] for key, tensor in self.arrays.items() if key != 'inputs'})
        return {'inputs': self.arrays['inputs'][index], 'data_samples': packed}

    def stacked(self) -> dict[str, Any]:
        """``inputs`` (B, T, J, C) and one sample whose fields are (B, ...)."""
        packed = MotionDataSample()
        for key, values in self.metadata.items():  # set_metainfo would copy them deeply
            packed.set_field(values, key, field_type='metainfo')
        packed.set_data({key: tensor for key, tensor in self.arrays.items() if key != 'inputs'})
        return {'inputs': self.arrays['inputs'], 'data_samples': packed}


def stack_samples(samples: Sequence[dict[str, Any]], kept: Mapping[str, np.ndarray] | None = None) -> list[ClipBatch]:
    """Copies samples into one batch where they have the same keys and shapes, else into a batch for each, in order.

    ``kept`` are arrays that are stacked already; one batch takes them as they are.
    """
    shapes = [{key: v.shape if isinstance(v, np.ndarray) else None for key, v in s.items()} for s in samples]
    if all(shape == shapes[0] for shape in shapes):
        return [ClipBatch.stack(samples, kept)] if samples else []
    return [ClipBatch.stack([sample]) for sample in samples]


def join_batches(batches: Sequence[ClipBatch]) -> Sequence[ClipBatch]:
    """One batch where all have the same keys and shapes, else the batches as they are."""
    kinds = [({key: tuple(a.shape[1:]) for key, a in b.arrays.items()}, set(b.metadata)) for b in batches]
    if len(batches) < 2 or any(kind != kinds[0] for kind in kinds):
        return batches
    first = batches[0]
    arrays = {key: _concatenate([batch.arrays[key] for batch in batches]) for key in first.arrays}
    metadata = {key: [value for batch in batches for value in batch.metadata[key]] for key in first.metadata}
    return [type(first)(arrays, metadata)]


def run_pipeline(steps: Iterable[Callable], samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs the transforms of ``build_pipeline`` on samples of any shapes; returns the last one's result for each."""
    batches = stack_samples(samples)
    for step in steps:
        batches = step.transform_batches(batches)
    return [sample for batch in batches for sample in batch]


@FUNCTIONS.register_module()
def stack_clips(clips: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks clips of one length in the worker, so that one tensor a field crosses to the trainer.

    Args:
        clips: B packed samples with ``inputs`` (T, J, C) and ``data_samples``.

    Returns:
        ``inputs`` (B, T, J, C) and one :class:`MotionDataSample` whose fields are (B, ...).
    """
    if isinstance(clips, PackedClips):
        return clips.stacked()
    return {
        'inputs': torch.stack([clip['inputs'] for clip in clips]),
        'data_samples': MotionDataSample.stack([clip['data_samples'] for clip in clips]),
    }


def _concatenate(parts: Sequence[np.ndarray] | Sequence[torch.Tensor]) -> np.ndarray | torch.Tensor:
    """Joins arrays; in a loader's worker tensors go where the trainer can read them."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if get_worker_info() is None:
        return torch.cat(parts)
    shape = (sum(len(part) for part in parts), *first.shape[1:])
    storage = torch.UntypedStorage._new_shared(math.prod(shape) * first.element_size())  # as torch's collate
    return torch.cat(parts, out=torch.empty(0, dtype=first.dtype).set_(storage, 0, shape))
