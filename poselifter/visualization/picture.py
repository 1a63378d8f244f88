"""A picture of a clip: a row of frames, keypoints above, figures below."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..skeletons import get_skeleton
from ..structures import Result
from ..utils.files import atomic_write
from .crowd import Crowd
from .drawing import write
from .panels import COLOURS, FigurePanel, KeypointPanel
from .sheet import Sheet, shrink

Draw = Callable[[int], np.ndarray]
FINE = 2  # everything is drawn this much larger and shrunk, which smooths edges
_WIDE, _FLAT, _TALL, _GAP, _EDGE, _BAR, _TEXT = (n * FINE for n in (340, 320, 420, 14, 28, 54, 14))


def write_picture(path: Path, result: Result) -> None:
    """Five frames in a row: 2D keypoints above, all persons in 3D below.

    Raises:
        InputError: a joint is not known, or the file cannot be written.
    """
    crowd = Crowd(result)
    poses, truth = crowd.poses(), crowd.poses(truth=True)
    figure = FigurePanel(poses, get_skeleton(result.skeleton_3d), (_WIDE, _TALL), truth=truth, where=crowd.caption)
    panels = {'3D pose': figure}
    if result.table.keypoints.shape[1]:
        panels = {'2D keypoints': KeypointPanel(crowd.keypoints(), (_WIDE, _FLAT)), **panels}
    t = len(poses)
    frames = np.unique(np.linspace(0.04 * t, 0.96 * t - 1, 5).round().clip(0, t - 1).astype(int))
    draws = {title: panel.draw for title, panel in panels.items()}
    save_frames(path, draws, frames, truth is not None, panels['3D pose'].caption)


def save_frames(
    path: str | os.PathLike[str], rows: Mapping[str, Draw], frames: Sequence[int], truth: bool, caption: str = ''
) -> None:
    """Saves a PNG of frames side by side, a row for each title.

    Args:
        path: file to write.
        rows: by title what draws a frame, twice as large as it is shown; all as wide.
        frames: their numbers.
        truth: whether some row has the truth in grey, for the legend.
        caption: to be written below.

    Raises:
        InputError: the file cannot be written.
    """
    columns = [[draw(int(frame)) for draw in rows.values()] for frame in frames]
    heights = [len(image) for image in columns[0]]
    sheet = Sheet([columns[0][0].shape[1]] * len(frames), heights, _EDGE, _GAP, _BAR, _TEXT)
    canvas = sheet.blank(truth)
    for column, (frame, images) in enumerate(zip(frames, columns, strict=True)):
        for row, (title, image) in enumerate(zip(rows, images, strict=True)):
            sheet.put(canvas, row, column, image, '' if column else title)
        x, y = sheet.corner(len(rows), column)
        write(canvas, f'frame {frame}', (x + _TEXT, y - _GAP - _TEXT * 2), _TEXT, COLOURS['muted'])
    sheet.note(canvas, caption)
    with atomic_write(path) as temporary:
        Image.fromarray(shrink(canvas, FINE)).save(temporary, optimize=True)
