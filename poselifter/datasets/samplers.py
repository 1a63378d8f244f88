"""The sampler that tells a sample its epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

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
