"""Charts of weights, errors and embeddings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from poselifter.visualization.text_motion import OKABE_ITO, PathLike, sheet

Limits = tuple[float, float]
Names = tuple[Sequence[str] | None, Sequence[str] | None]  # of rows, of columns


def _image(
    panel: Any, values: np.ndarray, limits: Limits, names: Names, colours: str = 'viridis', first: int = 0
) -> Any:
    """Draws a map (N, M), with the names of its rows and columns if they have some.

    Its columns, and where it is square its rows too, count from ``first``.
    """
    rows, columns = values.shape
    left, top, shape = first - 0.5, (first if rows == columns else 0) - 0.5, 'equal' if rows == columns else 'auto'
    panel.set_facecolor('#e3e6ea')  # NaN
    for axis, labels, rotation in zip((panel.yaxis, panel.xaxis), names, (0, 90), strict=True):
        if labels:
            axis.set_ticks(range(len(labels)), _spaced(labels), fontsize=8, rotation=rotation)
    extent = (left, left + columns, top + rows, top)
    return panel.imshow(values, colours, vmin=limits[0], vmax=limits[1], extent=extent, aspect=shape)


def _spaced(names: Iterable[str]) -> list[str]:
    return [name.replace('_', ' ') for name in names]


def save_attention(
    path: PathLike,
    weights: np.ndarray,
    title: str,
    kind: str,
    names: Sequence[str] | None = None,
    first: int = 0,
    border: int | None = None,
) -> None:
    """Draws attention (H, N, N) of rows to columns: the mean of the H heads large, each head small below it.

    The N tokens, each a ``kind``, have ``names``, or numbers from ``first`` on; a line parts those before ``border``
    from the others.
    """
    wide, mean = -(-len(weights) // 2), weights.mean(0)
    with sheet(path, title, max(6.9, 1.7 * wide), 9.6) as figure:
        grid = figure.add_gridspec(3, wide, height_ratios=[3.2, 1, 1])
        large = figure.add_subplot(grid[0, :])
        image = _image(large, mean, (0, mean.max()), (names, names), first=first)
        large.set(title='mean of the heads', xlabel=f'{kind} that is seen', ylabel=f'{kind} that looks')
        figure.colorbar(image, ax=large, shrink=0.7)
        panels = [figure.add_subplot(grid[1 + i // wide, i % wide], xticks=[], yticks=[]) for i in range(len(weights))]
        for number, (panel, values) in enumerate(zip(panels, weights, strict=True), 1):
            image = _image(panel, values, (0, weights.max()), (None, None), first=first)
            panel.set_title(f'head {number}', fontsize=9)
        figure.colorbar(image, ax=panels, shrink=0.7)
        for panel in (large, *panels) if border else ():
            for line in (panel.axhline, panel.axvline):
                line(border - 0.5, color='white', linewidth=0.8, linestyle='--')


def save_maps(
    path: PathLike, maps: Mapping[str, np.ndarray], title: str, names: Names, limits: Limits | None = None
) -> None:
    """Draws maps (N, M) with their titles one above the other; NaN is left grey.

    Columns without names are frames. Colours go from 0 to the largest value of a map; with ``limits`` from blue to red.
    """
    with sheet(path, title, 7.4, 1.3 + (5.6 if names[1] else 3.2) * len(maps)) as figure:
        panels = figure.subplots(len(maps), 1, squeeze=False)[:, 0]
        for panel, (name, values) in zip(panels, maps.items(), strict=True):
            colours, ends = ('RdBu_r', limits) if limits else ('viridis', (0, np.nanmax(values, initial=1e-12)))
            figure.colorbar(_image(panel, values, ends, names, colours), ax=panel, shrink=0.8)
            panel.set_title(name, fontsize=10)
        if not names[1]:
            panels[-1].set_xlabel('frame')


def save_bars(
    path: PathLike, charts: Mapping[str, tuple[Mapping[str, tuple[float, float]], Any]], title: str, middle: float
) -> None:
    """Draws bars that leave a common mean, ``middle``, upwards or downwards.

    Each chart is (bar -> (mean, standard deviation), colour or colours of the bars).
    """
    with sheet(path, title, 2.2 + 0.42 * max(len(bars) for bars, _ in charts.values()), 3.6 * len(charts)) as figure:
        panels = figure.subplots(len(charts), 1, squeeze=False)[:, 0]
        for panel, (name, (bars, colours)) in zip(panels, charts.items(), strict=True):
            mean, std = np.array(list(bars.values())).T
            places = range(len(bars))
            panel.bar(places, mean - middle, 0.8, middle, yerr=std, color=colours, ecolor='#8a8f98', capsize=2)
            panel.axhline(middle, color='#0f172a', linewidth=0.8)
            panel.set_xticks(places, _spaced(bars), rotation=60, ha='right', fontsize=8)
            panel.set_title(name, fontsize=10)
            panel.spines[['top', 'right']].set_visible(False)


def save_scatter(
    path: PathLike, sets: Mapping[str, np.ndarray], labels: Sequence[str], title: str, marked: np.ndarray
) -> None:
    """Draws points (N, 2), a colour and a form for each label; those that are ``marked`` (N,) as large stars.

    Several sets of points, by their titles, are drawn side by side.
    """
    names = sorted(set(labels))
    with sheet(path, title, 2.2 + 6.8 * len(sets), 6.2) as figure:
        panels = figure.subplots(1, len(sets), squeeze=False, subplot_kw={'xticks': [], 'yticks': []})[0]
        for panel, (head, places) in zip(panels, sets.items(), strict=True):
            for i, name in enumerate(names):
                rows, style = np.array(labels) == name, {'color': f'C{i % 10}', 'linewidths': 0.5}
                plain = {'s': 26, 'marker': 'osD^v'[i // 10 % 5], 'label': name.replace('_', ' ')}
                panel.scatter(*places[rows & ~marked].T, edgecolors='white', **plain, **style)
                panel.scatter(*places[rows & marked].T, s=260, marker='*', edgecolors='#0f172a', **style)
            panel.set_title(head, fontsize=10)
        panel.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5), frameon=False, ncols=1 + len(names) // 26)


def save_distributions(path: PathLike, errors: Mapping[str, tuple[np.ndarray, np.ndarray]], title: str) -> None:
    """Draws how the errors of frames, mm, are distributed: by name values (N,) and their weights, bins of 5 mm."""
    end = 5 * np.ceil(max(np.percentile(values, 99) for values, _ in errors.values()) / 5 + 1)
    bins = np.arange(0, end + 5, 5)
    with sheet(path, title, 9, 5) as figure:
        panel = figure.subplots()
        for i, (name, (values, weights)) in enumerate(errors.items()):
            under, over = (100 * np.average(part, weights=weights) for part in (values < 30, values >= 40))
            label = f'{name}: {under:.1f} % under 30 mm, {over:.1f} % from 40 mm on'
            heights = np.histogram(values.clip(max=end), bins, weights=100 * weights / weights.sum())[0]
            style = {'color': OKABE_ITO[i % 6], 'linewidth': 2, 'linestyle': ('-', '--', ':')[i // 6 % 3]}
            panel.stairs(heights, bins, label=label, **style)
        for limit in (30, 40):
            panel.axvline(limit, color='#8a8f98', linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        panel.set(xlim=(0, end), ylim=(0, None), ylabel='frames in bins of 5 mm, %')
        panel.set_xlabel(f'MPJPE of a frame, mm (all from {end - 5:g} mm on in the last bin)')
        panel.spines[['top', 'right']].set_visible(False)
        panel.legend(frameon=False, fontsize=9)


def save_groups(path: PathLike, groups: Mapping[str, Mapping[str, float]], title: str, unit: str) -> None:
    """Draws values by name in groups of bars side by side, a colour a name: name -> group -> value, all with the same
    groups."""
    labels = list(next(iter(groups.values())))
    places, width = np.arange(len(labels)), 0.8 / len(groups)
    with sheet(path, title, 2 + len(labels) * max(0.75, 0.28 * len(groups)), 4.8) as figure:
        panel = figure.subplots()
        for i, (name, values) in enumerate(groups.items()):
            left = places - 0.4 + width * (i + 0.5)
            bars = panel.bar(
                left, [values[label] for label in labels], 0.92 * width, color=OKABE_ITO[i % 6], label=name
            )
            panel.bar_label(bars, fmt='%.0f', fontsize=7, padding=1)
        panel.set_xticks(places, [label.replace('_', ' ') for label in labels], fontsize=9, rotation=30, ha='right')
        panel.set_ylabel(unit)
        panel.spines[['top', 'right']].set_visible(False)
        panel.legend(frameon=False, fontsize=9, ncols=len(groups), loc='upper left')
        panel.margins(y=0.15)


def save_confusion(path: PathLike, matrix: np.ndarray, names: Sequence[str], title: str) -> None:
    """Draws counts (C, C), rows the true classes, coloured by their fraction of the row; to 30 classes with numbers."""
    fraction = matrix / matrix.sum(1, keepdims=True).clip(min=1)
    size = 2.8 + 0.33 * len(matrix)
    with sheet(path, title, size + 1, size) as figure:
        panel = figure.subplots()
        image = _image(panel, fraction, (0, 1), (names, names), 'Blues')
        panel.set(xlabel='predicted', ylabel='true')
        for row, column in np.argwhere(matrix > 0) if len(matrix) <= 30 else ():
            style = {'ha': 'center', 'va': 'center', 'color': 'white' if fraction[row, column] > 0.6 else '#0f172a'}
            panel.text(column, row, f'{matrix[row, column]:.0f}', fontsize=7, **style)
        figure.colorbar(image, ax=panel, shrink=0.7, label='fraction of the true class')
