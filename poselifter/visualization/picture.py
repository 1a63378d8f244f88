"""A picture of a clip: a row of frames, keypoints above, figures below."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..registry import register_writer
from ..skeletons import get_skeleton
from ..structures import Result
from ..utils.files import atomic_write
from .drawing import write
from .panels import COLOURS, FigurePanel, KeypointPanel
from .sheet import Sheet, shrink

_FINE = 2  # everything is drawn this much larger and shrunk, which smooths edges
_WIDE, _FLAT, _TALL, _GAP, _EDGE, _BAR, _TEXT = (n * _FINE for n in (340, 320, 420, 14, 28, 54, 14))


@register_writer('png', '.png', needs=('poses',))
def write_picture(path: Path, result: Result) -> None:
    """Five frames of the longest track in a row: 2D keypoints above, the 3D figure below.

    Raises:
        InputError: a joint is not known, or the file cannot be written.
    """
    rows, table, truth = result.table.longest_track(), result.table, result.truth
    poses, truth = result.complete_poses()[rows], None if truth is None else truth[rows]
    panels = {'3D pose': FigurePanel(poses, get_skeleton(result.skeleton_3d), (_WIDE, _TALL), truth=truth)}
    if table.keypoints.shape[1]:
        panels = {'2D keypoints': KeypointPanel(result.keypoints(rows), (_WIDE, _FLAT)), **panels}
    t = len(poses)
    frames = np.unique(np.linspace(0.04 * t, 0.96 * t - 1, 5).round().clip(0, t - 1).astype(int))
    heights = [len(panel.background) for panel in panels.values()]
    sheet = Sheet([_WIDE] * len(frames), heights, _EDGE, _GAP, _BAR, _TEXT)
    canvas = sheet.blank(truth is not None)
    for column, frame in enumerate(frames):
        for row, (title, panel) in enumerate(panels.items()):
            sheet.put(canvas, row, column, panel.draw(frame), '' if column else title)
        x, y = sheet.corner(len(panels), column)
        write(canvas, f'frame {frame}', (x + _TEXT, y - _GAP - _TEXT * 2), _TEXT, COLOURS['muted'])
    sheet.note(canvas, panels['3D pose'].caption)
    with atomic_write(path) as temporary:
        Image.fromarray(shrink(canvas, _FINE)).save(temporary, optimize=True)
