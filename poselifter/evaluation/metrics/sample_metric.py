"""The base of metrics that keep one entry a sample."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from ...errors import InputError


class SampleMetric(BaseMetric):
    """One entry a sample, so that neither batches nor processes can change a figure.

    A subclass implements :meth:`entry` and sets ``fields``, those that a sample must have, and ``reports``, the keys of
    its overall figures without prefix.

    Args:
        **kwargs: of mmengine's ``BaseMetric``: ``prefix``, put before every
            key, and ``collect_device``, how processes exchange entries:
            ``'gpu'`` sends them through the process group, gloo on the CPU
            included; ``'cpu'`` writes files into the working directory.
    """

    default_prefix = ''  # None would make mmengine warn that the keys have no prefix
    fields: tuple[str, ...]
    reports: tuple[str, ...] = ()

    @abstractmethod
    def entry(self, sample: Mapping[str, Any]) -> Any:
        """The entry of a sample that has all ``fields``."""

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Appends the entry of each of the samples (or their dicts); raises an InputError that names a bad one."""
        for sample in data_samples:
            try:
                missing = [key for key in self.fields if sample.get(key) is None]
                if missing:
                    raise InputError(f'the sample has no {missing[0]}; {type(self).__name__} needs it')
                self.results.append(self.entry(sample))
            except InputError as error:
                raise InputError(f'{sample.get("sequence") or "a sequence without a name"}: {error}') from error
