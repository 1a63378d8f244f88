"""Samplers whose indices carry the epoch."""

import math
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from ..errors import InputError
from ..registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class EpochSampler(Sampler):
    """Yields ``epoch * len(dataset) + index``, which carries the epoch to the worker.

    A dataset of ours splits the number again and draws its random transforms from (seed, epoch, index), so augmentation
    changes from epoch to epoch without any state in the workers. The order depends on (seed, epoch) alone:
    a resumed run sees what an uninterrupted one would have seen.

    Args:
        dataset: the dataset to sample.
        shuffle: draw a new order every epoch.
        seed: of the order; the same on all processes.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.shuffle, self.seed = dataset, shuffle, seed or 0
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch; called by mmengine's ``DistSamplerSeedHook`` before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.world_size)

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        n = len(self.dataset)
        return rng.permutation(n) if self.shuffle else np.arange(n)

    def __iter__(self) -> Iterator[int]:
        order = self._order(np.random.default_rng([self.seed, self.epoch]))
        order = np.resize(order, len(self) * self.world_size)  # every process gets the same number
        return iter((self.epoch * len(self.dataset) + order[self.rank :: self.world_size]).tolist())


def _members(dataset: Sized, key: str = 'action') -> list[np.ndarray]:
    """The samples of each class of a data set with ``key`` among the metadata of its sequences."""
    labels = np.array([dataset.get_data_info(int(i))[key] for i in dataset.windows[:, 0]])
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


@DATA_SAMPLERS.register_module()
class BalancedSampler(EpochSampler):
    """As many samples of every class in an epoch, which is as long as it would be without.

    Samples of a rare class come several times, each as often as the others of
    it; of a frequent one others are drawn in every epoch.

    Args:
        key: metadata that tells the classes apart.
        power: a sample's weight is 1 / n^power, n the number of its class; 1 makes classes even, 0.5 evens half-way.
        **sampler: see :class:`EpochSampler`.
    """

    def __init__(self, dataset: Sized, key: str = 'action', power: float = 1.0, **sampler: Any) -> None:
        super().__init__(dataset, **sampler)
        self.key, self.power = key, power

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        members = _members(self.dataset, self.key)
        weights = np.array([len(m) ** (1 - self.power) for m in members])
        counts = np.ceil(weights * (len(self) * self.world_size) / weights.sum() - 1e-9).astype(int)
        drawn = [np.resize(rng.permutation(m), count) for m, count in zip(members, counts, strict=True)]
        return rng.permutation(np.concatenate(drawn))


@DATA_SAMPLERS.register_module()
class ClassPairSampler(Sampler):
    """Batches of a few samples of each of a few classes, for losses that compare samples of one class.

    A ``batch_sampler``: the loader gives it its batch size. Every batch draws its classes anew, without a class twice,
    and its samples of a class without a sample twice where the class has enough. An epoch has as many whole batches as
    the data set has samples for; each process takes whole batches, and all of it depends on (seed, epoch) alone.

    Args:
        sampler: ``EpochSampler`` of a data set with ``action`` in the metadata of
            its sequences: gives seed, epoch and process.
        batch_size: of the loader, of each process.
        per_class: samples of one class in a batch.

    Raises:
        InputError: a batch cannot be filled so.

    Source: MotionBERT's one-shot training (``MPerClassSampler`` of pytorch-metric-learning).
    """

    def __init__(self, sampler: EpochSampler, batch_size: int, per_class: int = 2) -> None:
        self.sampler, self.batch_size, self.per_class = sampler, batch_size, per_class
        dataset = sampler.dataset
        self.members = _members(dataset)
        self.batches = len(dataset) // (batch_size * sampler.world_size)
        if batch_size % per_class or len(self.members) * per_class < batch_size or not self.batches:
            raise InputError(
                f'ClassPairSampler: batches of {batch_size} with {per_class} of a class from {len(dataset)} samples of '
                f'{len(self.members)} classes; expected a multiple of {per_class}, '
                f'at most {len(self.members) * per_class}, and a batch for each process'
            )

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        sampler, num_classes = self.sampler, self.batch_size // self.per_class
        rng = np.random.default_rng([sampler.seed, sampler.epoch])
        epoch = []
        for _ in range(self.batches * sampler.world_size):
            chosen = [self.members[c] for c in rng.permutation(len(self.members))[:num_classes]]
            draws = [rng.choice(m, self.per_class, replace=len(m) < self.per_class) for m in chosen]
            epoch.append((sampler.epoch * len(sampler.dataset) + np.concatenate(draws)).tolist())
        return iter(epoch[sampler.rank :: sampler.world_size])
