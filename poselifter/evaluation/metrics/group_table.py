"""Sums of sequences, grouped by name, as numbers and as a text table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

AVERAGES = ('mean_of_groups', 'all_frames')


@dataclass(frozen=True)
class SequenceScore:
    """The sums of one sequence.

    Attributes:
        groups: name of the sequence's group for every way of grouping, ``{'action_name': 'walk', ...}``.
        frames: frames with at least one labelled joint.
        sums: metric name -> (sum, total weight of the summands); empty for a sequence that is left out.
        averaged: whether it enters the averages; else it is reported only in a group without any that do.
    """

    groups: Mapping[str, str]
    frames: int
    sums: Mapping[str, tuple[float, float]]
    averaged: bool = True


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
        averaged: groups that the averages are of.
    """

    by: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]
    averages: Mapping[str, Mapping[str, float]]
    sequences: Mapping[str, int]
    frames: Mapping[str, int]
    averaged: frozenset[str]

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
        members = {group: [s for s in part if s.averaged] or part for group, part in sorted(members.items())}
        rows = {group: _means(part, columns) for group, part in members.items()}
        inside = [score for score in scores if score.averaged]
        averaged = frozenset(score.groups[by] for score in inside)
        values = {c: [row[c] for group, row in rows.items() if c in row and group in averaged] for c in columns}
        means = {column: math.fsum(v) / len(v) for column, v in values.items() if v}
        averages = {'mean_of_groups': means, 'all_frames': _means(inside, columns)}
        sequences = {group: len(part) for group, part in members.items()}
        frames = {group: sum(score.frames for score in part) for group, part in members.items()}
        return cls(by, tuple(columns), rows, averages, sequences, frames, averaged)

    def figures(self, labels: Mapping[str, str], average: str) -> dict[str, float]:
        """The table as flat keys.

        Args:
            labels: metric name -> its heading.
            average: of :data:`AVERAGES`; which of them is the overall figure.

        Returns:
            ``<heading>``, then ``<the other average>/<heading>``, then ``<heading>/<group>``.
        """
        other = next(name for name in AVERAGES if name != average)
        figures = {labels[c]: value for c, value in self.averages[average].items()}
        figures |= {f'{other}/{labels[c]}': value for c, value in self.averages[other].items()}
        return figures | {f'{labels[c]}/{group}': v for group, row in self.rows.items() for c, v in row.items()}

    def text(self, labels: Mapping[str, str]) -> str:
        """The table in fixed width, a row a group, both averages last.

        Args:
            labels: metric name -> its heading.

        Returns:
            Lines without a trailing newline.
        """
        counts = [sum(count[group] for group in self.averaged) for count in (self.sequences, self.frames)]
        rows = [(group, self.sequences[group], self.frames[group], row) for group, row in self.rows.items()]
        rows += [(name, *counts, self.averages[name]) for name in AVERAGES]
        body = [[*start, *(f'{row[c]:.2f}' if c in row else '-' for c in self.columns)] for *start, row in rows]
        head = [self.by, 'sequences', 'frames', *(labels[c] for c in self.columns)]
        lines = align([head, *body])
        rule = '-' * len(lines[0])
        return '\n'.join([lines[0], rule, *lines[1:-2], rule, *lines[-2:]])


def align(rows: Sequence[Sequence]) -> list[str]:
    """Rows of cells as lines of a table in fixed width, the first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    layout = '  '.join(f'{{:{">" if i else "<"}{width}}}' for i, width in enumerate(widths))
    return [layout.format(*row) for row in cells]


def _means(scores: Sequence[SequenceScore], columns: Sequence[str]) -> dict[str, float]:
    weights = {column: math.fsum(s.sums[column][1] for s in scores) for column in columns}
    return {column: math.fsum(s.sums[column][0] for s in scores) / w for column, w in weights.items() if w}
