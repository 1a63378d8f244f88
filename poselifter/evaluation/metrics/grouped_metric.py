"""The base of metrics that are reported by groups of sequences."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from ...errors import InputError
from .group_table import AVERAGES, GroupTable, SequenceScore
from .sample_metric import SampleMetric


class GroupedMetric(SampleMetric):
    """One entry a sequence, summed by groups.

    A subclass implements :meth:`entry`, which gives a :class:`SequenceScore` (one without sums is left out), and sets
    ``labels`` (metric -> heading).

    Args:
        group_by: metainfo of a sample to report by, joined by ``+`` to group by
            several at once; the first one also makes the overall figure.
        average: which average of :class:`GroupTable` is the overall figure.
        units: said in the heading of printed tables.
        **kwargs: see :class:`SampleMetric`.

    Raises:
        InputError: no name to group by.
    """

    labels: dict[str, str]

    def __init__(self, group_by: Sequence[str], average: str, units: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not group_by:
            raise InputError(f"{type(self).__name__}: group_by is empty, expected names such as 'action_name'")
        self.group_by, self.average, self.units = tuple(group_by), average, units

    @property
    def reports(self) -> tuple[str, ...]:
        """Keys of the overall figures, and the starts of those of groups."""
        other = next(name for name in AVERAGES if name != self.average)
        return (*self.labels.values(), *(f'{other}/{label}' for label in self.labels.values()))

    def compute_metrics(self, results: list[SequenceScore]) -> dict[str, float]:
        """Prints the tables and returns the figures of :meth:`report`."""
        figures, texts = self.report(results)
        for text in texts:
            print_log(text, logger='current')
        return figures

    def report(self, results: Sequence[SequenceScore]) -> tuple[dict[str, float], list[str]]:
        """Figures by key, and a printable table for each way of grouping, of entries in any order.

        Raises:
            InputError: no entry was made.
        """
        scores = [score for score in results if score.sums]
        if not scores:
            raise InputError(f'{type(self).__name__} saw no sequence that counts; check the test data set')
        tables = [GroupTable.of(scores, by, tuple(self.labels)) for by in self.group_by]
        figures = tables[0].figures(self.labels, self.average)
        for table in tables[1:]:
            for group, row in table.rows.items():
                figures.update({f'{table.by}/{group}/{self.labels[c]}': value for c, value in row.items()})
        head = f'({self.units}; overall figure: {self.average})'
        return figures, [f'Results by {table.by} {head}\n{table.text(self.labels)}' for table in tables]

    def groups_of(self, sample: Mapping[str, Any]) -> dict[str, str]:
        """Names of a sample's groups; metadata that are missing are ``unknown``."""
        return {by: ' '.join(str(sample.get(k) or 'unknown') for k in by.split('+')) for by in self.group_by}
