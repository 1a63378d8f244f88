"""An animation of recognised actions: keypoints left, scores over time right."""

import itertools
import os
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .animation import check_fps, write_views
from .clip import check_clip
from .drawing import disc, line, round_corners, write
from .panels import COLOURS, KeypointPanel
from .picture import check_suffix
from .styles import rgb

#: Okabe and Ito's colours, told apart by all; one a class, the best class first.
_HUES = tuple(map(rgb, ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00')))


def save_actions(
    path: str | os.PathLike,
    keypoints_2d: np.ndarray,
    skeleton_2d: str,
    scores: np.ndarray,
    classes: Sequence[str],
    fps: float,
    img_shape: tuple[int, int] | None = None,
    visible: np.ndarray | None = None,
) -> None:
    """Saves an animation, GIF or MP4: 2D keypoints on the left, the scores of up to five classes on the right.

    Args:
        path: file to write, ``.gif`` or ``.mp4``.
        keypoints_2d: (T, J, 2) pixels; NaN only where ``visible`` is 0.
        skeleton_2d: joint set of ``keypoints_2d``.
        scores: (T, A) in [0, 1].
        classes: A names.
        fps: frames a second of the clip.
        img_shape: (height, width) of the video in pixels; draws its border.
        visible: (T, J) score 0..1.

    Raises:
        InputError: the arrays do not fit together, MP4 is wanted without
            imageio-ffmpeg, or the file cannot be written.
    """
    scores = np.asarray(scores, float)
    if scores.shape != (len(keypoints_2d), len(classes)) or not np.isfinite(scores).all():
        raise InputError(
            f'scores have shape {scores.shape}, expected finite ({len(keypoints_2d)}, {len(classes)}): one for each '
            f'frame and class'
        )
    path, fps = check_suffix(path, ['.gif', '.mp4']), check_fps(fps)
    flat = np.zeros((*np.shape(keypoints_2d)[:2], 3))
    clip = check_clip(keypoints_2d, flat, skeleton_2d, skeleton_2d, img_shape, visible, None)
    # the classes that win the most frames, then the highest means: what a short action needs to be seen
    wins = np.bincount(scores.argmax(1), minlength=len(classes))
    shown = np.lexsort((-scores.mean(0), -wins))[: len(_HUES)]
    names = [str(classes[i]).replace('_', ' ') for i in shown]
    views = {
        '2D keypoints': lambda size: KeypointPanel(clip, size),
        'action scores': lambda size: _ScorePanel(scores[:, shown], names, size),
    }
    write_views(path, views, len(clip), fps)


class _ScorePanel:
    """Curves of the scores (T, k) over time, and below them the present ones as bars."""

    caption = 'mean of the windows that show a frame'

    def __init__(self, scores: np.ndarray, names: Sequence[str], size: tuple[int, int]) -> None:
        (wide, high), text = size, size[1] // 29
        self.scores, self.names, self.text, pad = scores, names, text, text * 2
        self.background = np.full((high, wide, 3), COLOURS['panel'], np.uint8)
        self.x = np.linspace(pad, wide - pad, len(scores))
        self.top, self.bottom = text * 3.5, high * 0.5
        for share in (0, 0.5, 1):
            ends = np.array([[pad, self.y(share)], [wide - pad, self.y(share)]])
            line(self.background, *ends, COLOURS['line'], text / 16)
        for column, hue in zip(scores.T, _HUES, strict=False):
            points = np.stack([self.x, self.y(column)], 1)
            for a, b in itertools.pairwise(points):
                line(self.background, a, b, hue, text / 6)
        round_corners(self.background, min(size) // 24, COLOURS['page'])

    def y(self, share: np.ndarray | float) -> np.ndarray | float:
        """Height of a score in pixels."""
        return self.bottom - share * (self.bottom - self.top)

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
