"""Sums of sequences, grouped by name, as numbers and as a text table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

AVERAGES = ('mean_of_groups', 'all_frames')


@dataclass(frozen=True)
class SequenceScore:
    """The sums of one sequence.

    Attributes:
        groups: name of the sequence's group for every way of grouping,
            ``{'action_name': 'walk', ...}``.
        frames: frames with at least one labelled joint.
        sums: metric name -> (sum, total weight of the summands); empty
            for a sequence that is left out.
    """

    groups: Mapping[str, str]
    frames: int
    sums: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class GroupTable:
    """Metrics by group, groups sorted by name.

    Attributes:
        by: the way of grouping, ``'action_name'``.
        columns: metric names.
        rows: group -> metric -> mean over everything counted in the group's
            sequences; a metric that counted nothing is absent.
        averages: ``mean_of_groups``, all groups alike, and ``all_frames``, the
            mean over everything counted in all sequences -> metric -> value.
        sequences: group -> number of sequences.
        frames: group -> number of frames.
    """

    by: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]
    averages: Mapping[str, Mapping[str, float]]
    sequences: Mapping[str, int]
    frames: Mapping[str, int]

    @classmethod
    def of(cls, scores: Iterable[SequenceScore], by: str, columns: Sequence[str]) -> 'GroupTable':
        """Groups sequences.

        Sums are rounded once (``math.fsum``), so their order, and with it the
        number of processes, cannot change a digit.
        """
        scores = list(scores)
        members: dict[str, list[SequenceScore]] = {}
        for score in scores:
            members.setdefault(score.groups[by], []).append(score)
        members = dict(sorted(members.items()))
        rows = {group: _means(part, columns) for group, part in members.items()}
        values = {c: [row[c] for row in rows.values() if c in row] for c in columns}
        averages = {
            'mean_of_groups': {column: math.fsum(v) / len(v) for column, v in values.items() if v},
            'all_frames': _means(scores, columns),
        }
        return cls(
            by=by,
            columns=tuple(columns),
            rows=rows,
            averages=averages,
            sequences={group: len(part) for group, part in members.items()},
            frames={group: sum(s.frames for s in part) for group, part in members.items()},
        )

    def figures(self, labels: Mapping[str, str], average: str) -> dict[str, float]:
        """The table as flat keys.

        Args:
            labels: metric name -> its heading.
            average: of :data:`AVERAGES`; which of them is the overall figure.

        Returns:
            ``<heading>``, then ``<the other average>/<heading>``, then
            ``<heading>/<group>``.
        """
        other = next(name for name in AVERAGES if name != average)
        found = {labels[c]: value for c, value in self.averages[average].items()}
        found.update({f'{other}/{labels[c]}': value for c, value in self.averages[other].items()})
        for group, row in self.rows.items():
            found.update({f'{labels[c]}/{group}': value for c, value in row.items()})
        return found

    def text(self, labels: Mapping[str, str]) -> str:
        """The table in fixed width, a row a group, both averages last.

        Args:
            labels: metric name -> its heading.

        Returns:
            Lines without a trailing newline.
        """
        body = [
            [group, self.sequences[group], self.frames[group], *self._cells(row)] for group, row in self.rows.items()
        ]
        counts = [sum(self.sequences.values()), sum(self.frames.values())]
        last = [[name, *counts, *self._cells(self.averages[name])] for name in AVERAGES]
        head = [self.by, 'sequences', 'frames', *(labels[c] for c in self.columns)]
        columns = [[str(cell) for cell in column] for column in zip(head, *body, *last, strict=True)]
        widths = [max(map(len, column)) for column in columns]
        columns[0] = [cell.ljust(widths[0]) for cell in columns[0]]
        columns[1:] = [[cell.rjust(w) for cell in c] for c, w in zip(columns[1:], widths[1:], strict=True)]
        lines = ['  '.join(row) for row in zip(*columns, strict=True)]
        rule = '-' * len(lines[0])
        return '\n'.join([lines[0], rule, *lines[1:-2], rule, *lines[-2:]])

    def _cells(self, row: Mapping[str, float]) -> list[str]:
        return [f'{row[c]:.2f}' if c in row else '-' for c in self.columns]


def _means(scores: Sequence[SequenceScore], columns: Sequence[str]) -> dict[str, float]:
    weights = {column: math.fsum(s.sums[column][1] for s in scores) for column in columns}
    return {column: math.fsum(s.sums[column][0] for s in scores) / w for column, w in weights.items() if w}
