"""Charts of weights and errors: heat maps and bars."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..utils.files import atomic_write

PathLike = str | os.PathLike


def _figure(width: float, height: float, title: str) -> Any:
    from matplotlib.figure import Figure  # without pyplot, so that no window system is asked for

    figure = Figure(figsize=(width, height), layout='constrained')
    figure.suptitle(title, fontsize=11)
    return figure


def _save(figure: Any, path: PathLike) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches='tight')  # constrained layout may cut labels of square maps


def _image(
    panel: Any, values: np.ndarray, limits: tuple[float, float], colours: str = 'viridis', first: int = 0
) -> Any:
    """Draws a map (N, M); its columns, and where it is square its rows too, count from ``first``."""
    rows, columns = values.shape
    left, top, shape = first - 0.5, (first if rows == columns else 0) - 0.5, 'equal' if rows == columns else 'auto'
    panel.set_facecolor('#e3e6ea')  # NaN
    extent = (left, left + columns, top + rows, top)
    return panel.imshow(values, colours, vmin=limits[0], vmax=limits[1], extent=extent, aspect=shape)


def _name_ticks(panel: Any, rows: Sequence[str] | None, columns: Sequence[str] | None) -> None:
    if rows:
        panel.set_yticks(range(len(rows)), [name.replace('_', ' ') for name in rows], fontsize=8)
    if columns:
        panel.set_xticks(range(len(columns)), [name.replace('_', ' ') for name in columns], fontsize=8, rotation=90)


def save_attention(
    path: PathLike, weights: np.ndarray, title: str, names: Sequence[str] | None = None, first: int = 0
) -> None:
    """Draws attention (H, N, N) of rows to columns: the mean of the H heads large, each head small.

    The N tokens have ``names``, or are frames from number ``first`` on.
    """
    wide, kind = -(-len(weights) // 2), 'frame' if names is None else 'joint'
    figure = _figure(6.5 + 1.7 * wide, 5.4, title)
    grid = figure.add_gridspec(2, 1 + wide, width_ratios=[3.2] + [1] * wide)
    large, mean = figure.add_subplot(grid[:, 0]), weights.mean(0)
    image = _image(large, mean, (0, float(mean.max())), first=first)
    _name_ticks(large, names, names)
    large.set(title='mean of the heads', xlabel=f'{kind} that is seen', ylabel=f'{kind} that looks')
    figure.colorbar(image, ax=large, shrink=0.7)
    panels = [figure.add_subplot(grid[i // wide, 1 + i % wide]) for i in range(len(weights))]
    for number, (panel, values) in enumerate(zip(panels, weights, strict=True), 1):
        image = _image(panel, values, (0, float(weights.max())), first=first)
        panel.set_title(f'head {number}', fontsize=9)
        panel.set(xticks=[], yticks=[])
    figure.colorbar(image, ax=panels, shrink=0.7)
    _save(figure, path)


def save_maps(
    path: PathLike,
    maps: Mapping[str, np.ndarray],
    title: str,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    limits: tuple[float, float] | None = None,
    colours: str = 'viridis',
) -> None:
    """Draws maps (N, M) with their titles one above the other; NaN is left grey.

    Without ``columns`` these are frames; without ``limits`` colours go from 0 to the largest value of a map.
    """
    figure = _figure(7.4, 1.3 + (5.6 if columns else 3.2) * len(maps), title)
    panels = figure.subplots(len(maps), 1, squeeze=False)[:, 0]
    for panel, (name, values) in zip(panels, maps.items(), strict=True):
        image = _image(panel, values, limits or (0, float(np.nanmax(values, initial=1e-12))), colours)
        _name_ticks(panel, rows, columns)
        panel.set_title(name, fontsize=10)
        figure.colorbar(image, ax=panel, shrink=0.8)
    if not columns:
        panels[-1].set_xlabel('frame')
    _save(figure, path)


def save_bars(
    path: PathLike, charts: Mapping[str, tuple[Mapping[str, tuple[float, float]], Any]], title: str, middle: float
) -> None:
    """Draws bars that leave a common mean, ``middle``, upwards or downwards.

    Each chart is (bar -> (mean, standard deviation), colour or colours of the bars).
    """
    figure = _figure(2.2 + 0.42 * max(len(bars) for bars, _ in charts.values()), 3.6 * len(charts), title)
    panels = figure.subplots(len(charts), 1, squeeze=False)[:, 0]
    for panel, (name, (bars, colours)) in zip(panels, charts.items(), strict=True):
        mean, std = np.array(list(bars.values())).T
        panel.bar(range(len(bars)), mean - middle, 0.8, middle, yerr=std, color=colours, ecolor='#8a8f98', capsize=2)
        panel.axhline(middle, color='#0f172a', linewidth=0.8)
        panel.set_xticks(range(len(bars)), [key.replace('_', ' ') for key in bars], rotation=60, ha='right', fontsize=8)
        panel.set_title(name, fontsize=10)
        panel.spines[['top', 'right']].set_visible(False)
    _save(figure, path)


def save_scatter(
    path: PathLike,
    points: np.ndarray | Mapping[str, np.ndarray],
    labels: Sequence[str],
    title: str,
    marked: np.ndarray,
) -> None:
    """Draws points (N, 2), a colour and a form for each label; those that are ``marked`` (N,) as large stars.

    Several sets of points, by their titles, are drawn side by side.
    """
    sets = points if isinstance(points, Mapping) else {'': points}
    figure, names = _figure(2.2 + 6.8 * len(sets), 6.2, title), sorted(set(labels))
    panels = figure.subplots(1, len(sets), squeeze=False)[0]
    for panel, (head, places) in zip(panels, sets.items(), strict=True):
        for i, name in enumerate(names):
            rows = np.array([label == name for label in labels])
            style = {'color': f'C{i % 10}', 'edgecolors': 'white', 'linewidths': 0.5}
            panel.scatter(
                *places[rows & ~marked].T, s=26, marker='osD^v'[i // 10 % 5], label=name.replace('_', ' '), **style
            )
            panel.scatter(*places[rows & marked].T, s=260, marker='*', **{**style, 'edgecolors': '#0f172a'})
        panel.set(xticks=[], yticks=[])
        panel.set_title(head, fontsize=10)
    panel.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5), frameon=False, ncols=1 + len(names) // 26)
    _save(figure, path)


def save_confusion(path: PathLike, matrix: np.ndarray, names: Sequence[str], title: str) -> None:
    """Draws counts (C, C), rows the true classes, coloured by their share of the row; up to 30 classes with numbers."""
    share = matrix / matrix.sum(1, keepdims=True).clip(min=1)
    size = 2.8 + 0.33 * len(matrix)
    figure = _figure(size + 1, size, title)
    panel = figure.subplots()
    image = _image(panel, share, (0, 1), 'Blues')
    _name_ticks(panel, names, names)
    panel.set(xlabel='predicted', ylabel='true')
    for row, column in np.argwhere(matrix > 0) if len(matrix) <= 30 else ():
        colour = 'white' if share[row, column] > 0.6 else '#0f172a'
        panel.text(column, row, f'{matrix[row, column]:.0f}', ha='center', va='center', fontsize=7, color=colour)
    figure.colorbar(image, ax=panel, shrink=0.7, label='share of the true class')
    _save(figure, path)
