"""Samplers that tell a sample its epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from ..errors import InputError
from ..registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class EpochSampler(Sampler):
    """Yields ``epoch * len(dataset) + index``, which carries the epoch to the worker.

    A dataset of ours splits the number again and draws its random transforms
    from (seed, epoch, index), so augmentation changes from epoch to epoch
    without any state in the workers. The order depends on (seed, epoch) alone:
    a resumed run sees what an uninterrupted one would have seen.

    Args:
        dataset: what is sampled.
        shuffle: draw a new order every epoch.
        seed: of the order; the same on all processes.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.shuffle, self.seed = dataset, shuffle, seed or 0
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by mmengine's ``DistSamplerSeedHook`` before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.world_size)

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(n) if self.shuffle else np.arange(n)
        order = np.resize(order, len(self) * self.world_size)  # every process gets the same number
        return iter((self.epoch * n + order[self.rank :: self.world_size]).tolist())


@DATA_SAMPLERS.register_module()
class ClassPairSampler(EpochSampler):
    """Batches of a few samples of each of a few classes, for losses that compare samples of one class.

    Every batch draws its classes anew, without a class twice, and its samples
    of a class without a sample twice where the class has enough. An epoch has
    as many whole batches as the data set has samples for; each process takes
    whole batches, and all of it depends on (seed, epoch) alone.

    Args:
        dataset: has ``action`` in the facts of its sequences.
        batch_size: of the loader, of each process.
        per_class: samples of one class in a batch.
        seed: see :class:`EpochSampler`.

    Raises:
        InputError: a batch cannot be filled so.

    Source: MotionBERT's one-shot training (``MPerClassSampler`` of pytorch-metric-learning).
    """

    def __init__(self, dataset: Sized, batch_size: int, per_class: int = 2, seed: int | None = None) -> None:
        super().__init__(dataset, seed=seed)
        self.batch_size, self.per_class, n = batch_size, per_class, len(dataset)
        labels = np.array([dataset.get_data_info(int(i))['action'] for i in dataset.windows[:, 0]])
        self.members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self.batches = n // (batch_size * self.world_size)
        if batch_size % per_class or len(self.members) * per_class < batch_size or not self.batches:
            raise InputError(
                f'ClassPairSampler: batches of {batch_size} with {per_class} of a class from {n} samples of '
                f'{len(self.members)} classes; expected a multiple of {per_class}, '
                f'at most {len(self.members) * per_class}, and a batch for each process'
            )

    def __len__(self) -> int:
        return self.batches * self.batch_size

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        wanted = self.batch_size // self.per_class
        epoch = []
        for _ in range(self.batches * self.world_size):
            chosen = [self.members[c] for c in rng.permutation(len(self.members))[:wanted]]
            draws = [rng.choice(m, self.per_class, replace=len(m) < self.per_class) for m in chosen]
            epoch.append(np.concatenate(draws))
        order = np.concatenate(epoch[self.rank :: self.world_size])
        return iter((self.epoch * len(self.dataset) + order).tolist())
