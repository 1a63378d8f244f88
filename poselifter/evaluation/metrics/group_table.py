"""Sums of sequences, grouped by name, as numbers and as a text table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SequenceScore:
    """What one sequence contributes.

    Attributes:
        groups: name of the sequence's group for every way of grouping,
            ``{'action_name': 'walk', ...}``.
        frames: frames with at least one labelled joint.
        sums: metric name -> (sum, number of summands).
    """

    groups: Mapping[str, str]
    frames: int
    sums: Mapping[str, tuple[float, int]]


@dataclass(frozen=True)
class GroupTable:
    """Metrics by group, groups sorted by name.

    Attributes:
        by: the way of grouping, ``'action_name'``.
        columns: metric names.
        rows: group -> metric -> mean over everything counted in the group's
            sequences; a metric that counted nothing is absent.
        sequences: group -> number of sequences.
        frames: group -> number of frames.
    """

    by: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]
    sequences: Mapping[str, int]
    frames: Mapping[str, int]

    @classmethod
    def of(cls, scores: Iterable[SequenceScore], by: str, columns: Sequence[str]) -> GroupTable:
        """Groups sequences.

        Sums are rounded once (``math.fsum``), so their order, and with it the
        number of processes, cannot change a digit.
        """
        members: dict[str, list[SequenceScore]] = {}
        for score in scores:
            members.setdefault(score.groups[by], []).append(score)
        members = dict(sorted(members.items()))
        rows = {
            group: {
                column: math.fsum(s.sums[column][0] for s in part) / count
                for column in columns
                if (count := sum(s.sums[column][1] for s in part))
            }
            for group, part in members.items()
        }
        return cls(
            by=by,
            columns=tuple(columns),
            rows=rows,
            sequences={group: len(part) for group, part in members.items()},
            frames={group: sum(s.frames for s in part) for group, part in members.items()},
        )

    def average(self) -> dict[str, float]:
        """Mean over groups, each with the same weight; a metric that counted nothing is absent."""
        values = {c: [row[c] for row in self.rows.values() if c in row] for c in self.columns}
        return {column: math.fsum(v) / len(v) for column, v in values.items() if v}

    def text(self, labels: Mapping[str, str]) -> str:
        """The table in fixed width, a row a group, the average last.

        Args:
            labels: metric name -> its heading.

        Returns:
            Lines without a trailing newline.
        """
        body = [
            [group, self.sequences[group], self.frames[group], *self._cells(row)] for group, row in self.rows.items()
        ]
        last = ['average', sum(self.sequences.values()), sum(self.frames.values()), *self._cells(self.average())]
        head = [self.by, 'sequences', 'frames', *(labels[c] for c in self.columns)]
        columns = [[str(cell) for cell in column] for column in zip(head, *body, last, strict=True)]
        widths = [max(map(len, column)) for column in columns]
        columns[0] = [cell.ljust(widths[0]) for cell in columns[0]]
        columns[1:] = [[cell.rjust(w) for cell in c] for c, w in zip(columns[1:], widths[1:], strict=True)]
        lines = ['  '.join(row) for row in zip(*columns, strict=True)]
        rule = '-' * len(lines[0])
        return '\n'.join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _cells(self, row: Mapping[str, float]) -> list[str]:
        return [f'{row[c]:.2f}' if c in row else '-' for c in self.columns]
