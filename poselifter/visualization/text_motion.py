"""Charts of what texts say of clips, and the sheet that every chart is drawn on."""

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..utils import atomic_write

PathLike = str | os.PathLike[str]
OKABE_ITO = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9')  # colours that all eyes tell apart


def check_picture(path: PathLike) -> None:
    """Raises an :class:`InputError` unless a chart can be written under this name."""
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in known:
        raise InputError(f'{path} is no name of a picture, expected one that ends with .{", .".join(known)}')


@contextmanager
def sheet(path: PathLike, title: str, width: float, height: float) -> Iterator[Any]:
    """An empty matplotlib figure of some inches, which is saved at the end."""
    check_picture(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # without pyplot, so that no window system is asked for

    with rc_context({'text.parse_math': False}):  # captions and names of classes may have a $
        figure = Figure(figsize=(width, height), layout='constrained')
        figure.suptitle(title, fontsize=11)
        yield figure
        with atomic_write(path) as temporary:
            figure.savefig(temporary, dpi=120, bbox_inches='tight')  # constrained layout may cut labels of square maps
    print(f'wrote {path}')


def save_text_pairs(path: PathLike, rows: Sequence[tuple[str, np.ndarray, Mapping[str, float]]], title: str) -> None:
    """Draws clips one below the other, each with the probabilities that two or more texts have in it.

    Rows are name, frames (pictures side by side), and by text the probabilities, which sum to 1.
    """
    with sheet(path, title, 12, 0.6 + 1.9 * len(rows)) as figure:
        panels = figure.subplots(len(rows), 2, squeeze=False, width_ratios=[2.1, 1])
        for (name, strip, texts), (left, right) in zip(rows, panels, strict=True):
            left.imshow(strip)
            left.set_title(name, fontsize=9, loc='left')
            left.axis('off')
            places = np.arange(len(texts))[::-1]
            right.barh(places, list(texts.values()), 0.42, color=list(OKABE_ITO[: len(texts)]))
            for place, (text, value) in zip(places, texts.items(), strict=True):
                right.text(0, place + 0.28, text, fontsize=9)
                right.text(value + 0.01, place, f'{100 * value:.0f} %', fontsize=9, va='center', color='#64748b')
            right.set(xlim=(0, 1.12), ylim=(-0.4, len(texts) - 0.3), xticks=[0, 0.5, 1], yticks=[])
            right.tick_params(labelsize=7)
            right.spines[['top', 'right', 'left']].set_visible(False)


def save_similarity(
    path: PathLike, strip: np.ndarray, seconds: np.ndarray, curves: Mapping[str, np.ndarray], title: str
) -> None:
    """Draws how near windows of a clip are to texts over time, below frames of the clip.

    Args:
        path, title: of the picture.
        strip: frames from the clip's begin to its end (pictures side by side).
        seconds: (W,) middles of the windows, then (2,) begin and end of the clip: (W + 2,).
        curves: (W,) cosines by text.
    """
    with sheet(path, title, 11, 5.4) as figure:
        above, below = figure.subplots(2, 1, height_ratios=[strip.shape[0] / strip.shape[1] * 2.6, 1])
        above.imshow(strip, aspect='auto')
        above.axis('off')
        for i, (text, values) in enumerate(curves.items()):
            style = {'color': OKABE_ITO[i % 6], 'linestyle': ('-', '--')[i // 6 % 2], 'linewidth': 1.8}
            marker = 'o' if len(values) == 1 else ''
            below.plot(seconds[:-2], values, label=textwrap.fill(text, 34), marker=marker, **style)
        below.set(xlim=seconds[-2:], xlabel='seconds (middle of a window)', ylabel='cosine of window and text')
        below.spines[['top', 'right']].set_visible(False)
        below.grid(alpha=0.3)
        figure.legend(*below.get_legend_handles_labels(), loc='outside right center', fontsize=8, frameon=False)
