"""Several sources in one training, of different clip lengths if need be."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from torch.utils.data import Dataset, Sampler

from ..errors import InputError, check_choice
from ..registry import DATA_SAMPLERS, DATASETS
from .samplers import EpochSampler
from .sequence_dataset import SequenceDataset

_PASS = 1 << 16  # more than any training has epochs


@DATASETS.register_module()
class ConcatDataset(Dataset):
    """Sources one after the other, under indices that carry the epoch as :class:`EpochSampler` has them.

    A sample is what it would be in its own source at the same epoch. Sources whose samples cannot be stacked (other
    clip lengths, labels, ...) need a :class:`SourceBatchSampler`. Captions index one table of all sources' texts.

    Args:
        datasets: the sources, or their configs.

    Attributes:
        metainfo: of the first source.

    Raises:
        InputError: there is no source.
    """

    def __init__(self, datasets: Sequence[dict | SequenceDataset]) -> None:
        if not datasets:
            raise InputError('ConcatDataset: datasets is empty, expected at least one source')
        self.datasets = [DATASETS.build(d) if isinstance(d, dict) else d for d in datasets]
        self.ends = np.cumsum([len(d) for d in self.datasets])
        self.metainfo = self.datasets[0].metainfo
        tables = [texts for d in self.datasets if (texts := d.metainfo.get('texts'))]
        if any(table != tables[0] for table in tables):
            self.share_texts(list(dict.fromkeys(text for table in tables for text in table)))

    def share_texts(self, texts: Sequence[str]) -> None:
        """See :class:`SequenceDataset`; of the sources that have captions."""
        for source in self.datasets:
            if source.metainfo.get('texts'):
                source.share_texts(texts)
        self.metainfo = self.datasets[0].metainfo

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """Returns a batch of samples; where all are of one source, in the form in which that source returns them."""
        epochs, rows = np.divmod(np.asarray(indices), len(self))
        sources = np.searchsorted(self.ends, rows, side='right')
        samples = {}
        for number in np.unique(sources):
            source, slots = self.datasets[number], np.flatnonzero(sources == number)
            local = rows[slots] - (self.ends[number] - len(source))
            batch = source.__getitems__((epochs[slots] * len(source) + local).tolist())
            if len(slots) == len(rows):
                return batch
            samples.update(zip(slots.tolist(), batch, strict=True))
        return [samples[slot] for slot in range(len(rows))]


@DATA_SAMPLERS.register_module()
class SourceBatchSampler(Sampler):
    """Batches of a :class:`ConcatDataset`, each from one source.

    All processes have the same source at the same step. Nothing is drawn but from (seed, epoch): a resumed run sees
    what an uninterrupted one would have seen, and two processes with batches of n see what one with 2 n sees.

    MotionBERT's pretraining, ``pretrain_3d_curriculum``: sources PoseTrack,
    InstaVariety, 3D with ``order='sequence', first_epochs=(30, 30, 0)``. The
    number of batches then changes with the epoch, so learning rates follow epochs, not iterations.

    Args:
        sampler: ``EpochSampler`` of the ConcatDataset: gives order, seed, epoch and process.
        batch_size: clips of a batch on one process; a list has one number for each source.
        order: ``'sequence'``: all batches of a source, then of the next; ``'mixed'``: batches in random order.
        ratios: batches of the sources in relation to each other. ``None``: an epoch has every clip once. With ratios it
            has as many batches as without, small sources more than once (their random transforms differ), large ones in
            part.
        first_epochs: epoch from which each source takes part; ``None``: 0.
        last_epochs: the last epoch in which each source takes part, ``None``
            for a source that stays; ``None``: all stay.

    Raises:
        InputError: an argument does not fit the sources.
    """

    def __init__(
        self,
        sampler: EpochSampler,
        batch_size: int | Sequence[int],
        order: Literal['mixed', 'sequence'] = 'mixed',
        ratios: Sequence[float] | None = None,
        first_epochs: Sequence[int] | None = None,
        last_epochs: Sequence[int | None] | None = None,
    ) -> None:
        if not isinstance(sampler.dataset, ConcatDataset):
            raise InputError(f'SourceBatchSampler needs a ConcatDataset, found a {type(sampler.dataset).__name__}')
        check_choice('SourceBatchSampler: order', order, ('mixed', 'sequence'))
        self.sizes = np.array([len(d) for d in sampler.dataset.datasets])
        n = len(self.sizes)
        self.batch_size = [batch_size] * n if isinstance(batch_size, int) else list(batch_size)
        self.ratios, self.first_epochs = ratios, [0] * n if first_epochs is None else list(first_epochs)
        self.last_epochs = [_PASS if last is None else last for last in last_epochs or [None] * n]
        self.sampler, self.order = sampler, order
        for name, least in (('batch_size', 1), ('ratios', 1e-9), ('first_epochs', 0), ('last_epochs', 0)):
            values = getattr(self, name)
            if values is not None and (len(values) != n or min(values) < least):
                raise InputError(f'SourceBatchSampler: {name} is {values}, expected a number for each of {n} sources')
        idle = [epoch for epoch in (0, *(last + 1 for last in self.last_epochs)) if not self._takes_part(epoch).any()]
        if idle and min(idle) < _PASS:
            raise InputError(
                f'SourceBatchSampler: first_epochs is {self.first_epochs} and last_epochs {last_epochs}, which leaves '
                f'no source in epoch {min(idle)}'
            )

    def _takes_part(self, epoch: int) -> np.ndarray:
        return (np.array(self.first_epochs) <= epoch) & (epoch <= np.array(self.last_epochs))

    def _counts(self) -> np.ndarray:
        """Clips of each source that one process gets in this epoch."""
        takes_part = self._takes_part(self.sampler.epoch)
        clips = -(-self.sizes // self.sampler.world_size) * takes_part
        if self.ratios is None:
            return clips
        total = (-(-clips // self.batch_size)).sum()
        quota = np.array(self.ratios) * takes_part
        quota = quota * total / quota.sum()
        batches = quota.astype(int)
        rest = np.argsort(batches - quota, kind='stable')[: total - batches.sum()]
        batches[rest] += 1
        return batches * self.batch_size

    def __len__(self) -> int:
        return int((-(-self._counts() // self.batch_size)).sum())

    def _clips(self, source: int, count: int) -> np.ndarray:
        """Indices of clips of one source for this process; a clip that comes again counts as another epoch."""
        sampler, size = self.sampler, self.sizes[source]
        needed = count * sampler.world_size
        passes = [np.empty(0, int)]
        for number in range(-(-needed // size)):
            rng = np.random.default_rng([sampler.seed, sampler.epoch, source, number])
            rows = rng.permutation(size) if sampler.shuffle else np.arange(size)
            first = (number * _PASS + sampler.epoch) * len(sampler.dataset) + sampler.dataset.ends[source] - size
            passes.append(first + rows)
        return np.concatenate(passes)[:needed][sampler.rank :: sampler.world_size]

    def __iter__(self) -> Iterator[list[int]]:
        batches = []
        for source, (count, size) in enumerate(zip(self._counts().tolist(), self.batch_size, strict=True)):
            clips = self._clips(source, count)
            batches += [clips[start : start + size] for start in range(0, count, size)]
        rng = np.random.default_rng([self.sampler.seed, self.sampler.epoch, len(self.sizes)])
        order = rng.permutation(len(batches)) if self.order == 'mixed' else range(len(batches))
        return (batches[number].tolist() for number in order)
