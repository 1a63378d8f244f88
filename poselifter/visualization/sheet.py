"""The page that pictures and animations share: panels in a grid between two bars."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .drawing import disc, write
from .panels import COLOURS


@dataclass(frozen=True)
class Sheet:
    """A grid of panels; everything in pixels.

    Attributes:
        widths, heights: of the columns and rows.
        edge: left and right of the grid.
        gap: between panels.
        bar: above and below the grid.
        text: height of the text.
        width: of the page; ``None``: what the columns take.
    """

    widths: Sequence[int]
    heights: Sequence[int]
    edge: int
    gap: int
    bar: int
    text: int
    width: int | None = None

    def blank(self, truth: bool) -> np.ndarray:
        """A page (h, w, 3) with the meaning of the colours; ``truth``: also of the ground truth's."""
        high, wide = (sum(sizes) + self.gap * (len(sizes) - 1) for sizes in (self.heights, self.widths))
        canvas = np.full((high + 2 * self.bar, self.width or wide + 2 * self.edge, 3), COLOURS['page'], np.uint8)
        right, y, size = canvas.shape[1] - self.edge, self.bar // 2 - self.text * 2 // 3, self.text
        scratch = np.empty((size * 2, right, 3), np.uint8)
        names = {'left': 'left', 'right': 'right', 'centre': 'centre', **({'truth': 'ground truth'} if truth else {})}
        for name, text in reversed(names.items()):
            right -= write(scratch, text, (0, 0), size, COLOURS['muted'])
            write(canvas, text, (right, y), size, COLOURS['muted'])
            disc(canvas, np.array([right - size * 0.85, y + size * 0.66]), size * 0.36, COLOURS[name])
            right -= round(size * 2.6)
        return canvas

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Upper left corner (x, y) of a panel."""
        before = (sum(self.widths[:column]) + self.gap * column, sum(self.heights[:row]) + self.gap * row)
        return self.edge + before[0], self.bar + before[1]

    def put(self, canvas: np.ndarray, row: int, column: int, image: np.ndarray, title: str = '') -> None:
        """Puts a panel (h, w, 3) in its place, perhaps with a title in it."""
        x, y = self.corner(row, column)
        canvas[y : y + self.heights[row], x : x + self.widths[column]] = image
        if title:
            write(canvas, title, (x + self.text, y + self.text), self.text, COLOURS['ink'])

    def note(self, canvas: np.ndarray, text: str, column: int = 0) -> None:
        """Writes below a column."""
        y = len(canvas) - self.bar // 2 - self.text * 2 // 3
        write(canvas, text, (self.corner(0, column)[0], y), self.text, COLOURS['muted'])


def shrink(canvas: np.ndarray, times: int) -> np.ndarray:
    """A picture drawn too large at its size, which smooths edges."""
    return canvas if times == 1 else cv2.resize(canvas, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
