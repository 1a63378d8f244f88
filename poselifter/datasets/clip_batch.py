"""Clips of one shape as one: a batch is read, transformed and packed without a loop over its clips."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch.utils.data import get_worker_info

from ..structures import SAMPLE_KEYS, MotionDataSample


class ClipBatch(Sequence):
    """B samples whose arrays are stacked; as a sequence it gives the samples one by one, as views.

    Attributes:
        arrays: (B, ...) by key. They belong to the batch: a transform may write
            to them.
        facts: B values by key of what is no array.
    """

    def __init__(self, arrays: dict[str, np.ndarray], facts: dict[str, list]) -> None:
        self.arrays, self.facts = arrays, facts

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], lengths: Sequence[int], facts: Sequence[dict]) -> 'ClipBatch | list':
        """Samples whose frames lie end to end in ``arrays``; a list of dicts where lengths or kinds of facts differ.

        Args:
            arrays: (sum of lengths, ...) by key.
            lengths: frames of each sample.
            facts: of each sample.
        """
        if len({*lengths}) == 1 and all(fact.keys() == facts[0].keys() for fact in facts):
            shaped = {key: array.reshape(len(lengths), lengths[0], *array.shape[1:]) for key, array in arrays.items()}
            return cls(shaped, {key: [fact[key] for fact in facts] for key in facts[0]})
        parts = {key: np.split(array, np.cumsum(lengths)[:-1]) for key, array in arrays.items()}
        return [{**{key: part[i] for key, part in parts.items()}, **fact} for i, fact in enumerate(facts)]

    @classmethod
    def stack(cls, samples: Sequence[dict[str, Any]]) -> 'ClipBatch | None':
        """Stacks samples; ``None`` where their keys or shapes differ."""
        first = samples[0]
        kinds = {key: SAMPLE_KEYS[key].shape is not None for key in first}
        for sample in samples:
            if sample.keys() != first.keys() or any(
                sample[key].shape != first[key].shape for key, stacked in kinds.items() if stacked
            ):
                return None
        arrays = {key: np.stack([sample[key] for sample in samples]) for key, stacked in kinds.items() if stacked}
        return cls(arrays, {key: [s[key] for s in samples] for key, stacked in kinds.items() if not stacked})

    def __len__(self) -> int:
        return len(next(iter({**self.arrays, **self.facts}.values())))

    def __getitem__(self, index: int) -> dict[str, Any]:
        taken = {key: array[index] for key, array in self.arrays.items()}
        return {**taken, **{key: values[index] for key, values in self.facts.items()}}


class BatchTransform(BaseTransform):
    """A transform that works on whole batches; subclasses implement :meth:`transform_batch`."""

    corrupts = False
    films = False

    def transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        """A batch of one."""
        return self.transform_batch(ClipBatch.stack([sample]))[0]

    def transform_batch(self, batch: ClipBatch) -> Any:
        """Changes a batch; each clip as if it were alone."""
        raise TypeError(f'{type(self).__name__} must implement transform_batch(batch)')


class PackedClips(Sequence):
    """What ``PackPose`` makes of a batch: clip by clip ``dict(inputs=..., data_samples=...)``, or all at once.

    Args:
        inputs: (B, T, J, C).
        fields: (B, ...) tensors by name.
        facts: B values by name.
    """

    def __init__(self, inputs: torch.Tensor, fields: dict[str, torch.Tensor], facts: dict[str, list]) -> None:
        self.inputs, self.fields, self.facts = inputs, fields, facts

    @property
    def kind(self) -> tuple:
        """What batches must have in common to be joined."""
        shapes = tuple((key, field.shape[1:]) for key, field in self.fields.items())
        return self.inputs.shape[1:], shapes, tuple(self.facts)

    @classmethod
    def join(cls, parts: 'Sequence[PackedClips]') -> 'PackedClips':
        """Batches of one :attr:`kind` as one; a DataLoader's worker puts it where the trainer can read it."""
        fields = {key: _cat([part.fields[key] for part in parts]) for key in parts[0].fields}
        facts = {key: [value for part in parts for value in part.facts[key]] for key in parts[0].facts}
        return cls(_cat([part.inputs for part in parts]), fields, facts)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        packed = MotionDataSample(metainfo={key: values[index] for key, values in self.facts.items()})
        packed.set_data({key: field[index] for key, field in self.fields.items()})
        return {'inputs': self.inputs[index], 'data_samples': packed}

    def stacked(self) -> dict[str, Any]:
        """``inputs`` (B, T, J, C) and one sample whose fields are (B, ...)."""
        packed = MotionDataSample()
        for key, values in self.facts.items():  # set_metainfo would copy them deeply
            packed.set_field(values, key, field_type='metainfo')
        packed.set_data(self.fields)
        return {'inputs': self.inputs, 'data_samples': packed}


def _cat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    first = tensors[0]
    if get_worker_info() is None:
        return torch.cat(tensors)
    shape = (sum(len(t) for t in tensors), *first.shape[1:])
    storage = torch.UntypedStorage._new_shared(math.prod(shape) * first.element_size())  # as torch's own collate
    return torch.cat(tensors, out=torch.empty(0, dtype=first.dtype).set_(storage, 0, shape))


def run_pipeline(steps: Iterable[Callable], samples: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Runs transforms, on the whole batch where the transform and the samples' shapes allow.

    Args:
        steps: transforms; those with ``transform_batch`` take a batch.
        samples: a :class:`ClipBatch`, or samples of any shapes.

    Returns:
        What the last step made of each, in a sequence.
    """
    for step in steps:
        whole = hasattr(step, 'transform_batch')
        if whole and not isinstance(samples, ClipBatch):
            samples = ClipBatch.stack(samples) or samples
        together = whole and isinstance(samples, ClipBatch)
        samples = step.transform_batch(samples) if together else [step(sample) for sample in samples]
    return samples
