"""Scores of recognised actions over time."""

import itertools
from collections.abc import Sequence

import numpy as np

from .drawing import disc, line, write
from .panels import COLOURS, Panel
from .styles import rgb

#: Okabe and Ito's colours, distinguishable by all; one a class, the best class first.
_HUES = tuple(map(rgb, ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00')))


class ScorePanel(Panel):
    """Curves of up to five classes over time, and below them the present scores as bars.

    Args:
        scores: (T, A) in [0, 1].
        classes: A names.
        size: (width, height) of the panel in pixels.
    """

    caption = 'mean of the windows that show a frame'

    def __init__(self, scores: np.ndarray, classes: Sequence[str], size: tuple[int, int]) -> None:
        super().__init__(size)
        # the classes that win the most frames, then the highest means: what a short action needs to be seen
        wins = np.bincount(scores.argmax(1), minlength=len(classes))
        shown = np.lexsort((-scores.mean(0), -wins))[: len(_HUES)]
        self.names, self.scores = [str(classes[i]).replace('_', ' ') for i in shown], scores[:, shown]
        (wide, high), text = size, size[1] // 29
        self.text, pad = text, text * 2
        self.x = np.linspace(pad, wide - pad, len(scores))
        self.top, self.bottom = text * 3.5, high * 0.5
        for score in (0, 0.5, 1):
            ends = np.array([[pad, self.y(score)], [wide - pad, self.y(score)]])
            line(self.background, *ends, COLOURS['line'], text / 16)
        for column, hue in zip(self.scores.T, _HUES, strict=False):
            points = np.stack([self.x, self.y(column)], 1)
            for a, b in itertools.pairwise(points):
                line(self.background, a, b, hue, text / 6)
        self.finish()

    def y(self, score: np.ndarray | float) -> np.ndarray | float:
        """Height of a score in pixels."""
        return self.bottom - score * (self.bottom - self.top)

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        canvas, text, now = self.background.copy(), self.text, self.scores[frame]
        x, start = self.x[frame], len(canvas) * 0.56
        line(canvas, np.array([x, self.top]), np.array([x, self.bottom]), COLOURS['muted'], text / 12)
        reach = canvas.shape[1] - text * 6
        for place, (name, score, hue) in enumerate(zip(self.names, now, _HUES, strict=False)):
            y = round(start + place * (len(canvas) - start) / len(_HUES))
            disc(canvas, np.array([x, self.y(score)]), text / 3, hue)
            write(canvas, name, (text * 2, y), text, COLOURS['ink' if score == now.max() else 'muted'])
            y += text * 2
            line(canvas, np.array([text * 2, y]), np.array([text * 2 + reach, y]), COLOURS['line'], text / 2)
            line(canvas, np.array([text * 2, y]), np.array([text * 2 + reach * score, y]), hue, text / 2)
            write(canvas, f'{100 * score:.0f} %', (reach + text * 3, y - text * 2 // 3), text, COLOURS['muted'])
        return canvas
