"""Two-column tables of parameter names, read from left to right or from right to left.

A row is ``(theirs, ours)``, ``(theirs, ours, form)`` or ``(theirs, ours, rows)``. Names may hold fields, ``{i}`` for a
number and ``{m}`` for a word; a row serves a name and all that follow it after a dot. The first row that serves a name
wins. Rows inside a row go on where it ends. A form says how the tensors differ:
``conv`` (weights of a 1 x 1 convolution, ours linear), ``frames`` (an axis of
joints of length 1), ``k/n`` (the k-th of n parts of our tensor, all alike).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

_FIELDS = {'i': r'\d+', 'm': r'\w+'}


@dataclass(frozen=True)
class _Row:
    theirs: str
    ours: str
    form: str

    def match(self, name: str, side: str) -> str | None:
        """Name on the other side, or ``None``."""
        source, target = (self.theirs, self.ours) if side == 'theirs' else (self.ours, self.theirs)
        match = _compiled(source).fullmatch(name)
        if not match:
            return None
        fields = match.groupdict()
        rest = fields.pop('rest') or ''
        return target.format(**fields) + rest


@cache
def _compiled(template: str) -> re.Pattern:
    pattern = re.escape(template)
    for field, kind in _FIELDS.items():
        pattern = pattern.replace(rf'\{{{field}\}}', f'(?P<{field}>{kind})', 1)
        pattern = pattern.replace(rf'\{{{field}\}}', f'(?P={field})')
    return re.compile(pattern + r'(?P<rest>\..+)?')


class KeyMap:
    """A table of names.

    Args:
        rows: see the module.
    """

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self.rows: list[_Row] = list(_flat(rows))

    def to_ours(self, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Renames an original state dict.

        Returns:
            (our state dict, our name of every original one that a row serves);
            parts that do not make a whole are in the second only.
        """
        names, whole, parts = {}, {}, {}
        for key, value in state.items():
            row, ours = self._find(key, 'theirs')
            if row is None:
                continue
            names[key] = ours
            if '/' in row.form:
                parts.setdefault((ours, int(row.form.split('/')[1])), {})[row.form] = value
            else:
                whole[ours] = _reform(value, row.form, back=False)
        for (ours, count), by_form in parts.items():
            pieces = [by_form[form] for form in sorted(by_form)]
            if len(pieces) == count and len({p.shape for p in pieces}) == 1 and pieces[0].ndim:
                whole[ours] = torch.cat(pieces)
        return whole, names

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Renames one of our state dicts back; names that no row serves are left out."""
        theirs = {}
        for key, value in state.items():
            row, name = self._find(key, 'ours')
            if row is None:
                continue
            if '/' not in row.form:
                theirs[name] = _reform(value, row.form, back=True)
                continue
            pieces = value.chunk(int(row.form.split('/')[1]))
            for other in self.rows:
                name = other.match(key, 'ours')
                if name and '/' in other.form:
                    theirs[name] = pieces[int(other.form.split('/')[0])].clone()
        return theirs

    def serves(self, ours: str) -> bool:
        """True if one of our names has an original one."""
        return self._find(ours, 'ours')[0] is not None

    def _find(self, name: str, side: str) -> tuple[_Row | None, str]:
        for row in self.rows:
            renamed = row.match(name, side)
            if renamed is not None:
                return row, renamed
        return None, ''


def _flat(rows: Iterable[tuple[Any, ...]], theirs: str = '', ours: str = '') -> Iterable[_Row]:
    for left, right, *more in rows:
        if more and not isinstance(more[0], str):
            yield from _flat(more[0], theirs + left, ours + right)
        else:
            yield _Row(theirs + left, ours + right, *(more or ('',)))


def _reform(value: Tensor, form: str, back: bool) -> Tensor:
    if form == 'conv':
        return value.unsqueeze(-1) if back and value.ndim == 2 else value.squeeze(-1) if value.ndim == 3 else value
    if form == 'frames':
        return value.unsqueeze(2) if back else value.squeeze(2) if value.ndim == 4 else value
    return value
