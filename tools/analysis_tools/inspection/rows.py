"""Rows of panels: some frames of a clip, with what came in above what came out."""

from collections.abc import Mapping, Sequence

import numpy as np

from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable
from poselifter.visualization.drawing import disc, round_corners, write
from poselifter.visualization.panels import COLOURS, FigurePanel, KeypointPanel
from poselifter.visualization.picture import FINE, Draw

_SIZE, _TEXT = (260 * FINE, 260 * FINE), 13 * FINE
_ENLARGED = 500  # network units are drawn as if they were so many pixels


def keypoint_rows(
    skeleton: str, clips: Mapping[str, tuple[np.ndarray, np.ndarray]], hidden: np.ndarray
) -> dict[str, Draw]:
    """Rows of keypoints at one scale.

    Args:
        skeleton: joint set.
        clips: by title, places (T, J, 2) in network units and (T, J), 0 where no joint is drawn.
        hidden: (T, J) bool, joints that the network is not shown: in the first
            row they get a ring, and a frame that shows nothing else is grey.

    Returns:
        By title the function that draws a frame.
    """
    points, shown = (np.concatenate(part) for part in zip(*clips.values(), strict=True))
    table = KeypointTable.of_person(points * float(_ENLARGED), shown, skeleton=skeleton)
    panel = KeypointPanel(table, _SIZE)  # one for all rows, so that they have one scale

    def first(frame: int) -> np.ndarray:
        canvas = panel.draw(frame)
        if hidden[frame].any() and not shown[frame].any():
            canvas[:] = COLOURS['line']
            round_corners(canvas, min(_SIZE) // 24, COLOURS['page'])
            write(canvas, 'hidden', (_SIZE[0] // 2 - _TEXT * 3 // 2, _SIZE[1] // 2), _TEXT, COLOURS['muted'])
            return canvas
        for point in panel.points[frame, hidden[frame]]:
            disc(canvas, point, panel.width * 1.2, COLOURS['muted'])
            disc(canvas, point, panel.width * 0.7, COLOURS['panel'])
        return canvas

    def later(number: int) -> Draw:
        return lambda frame: panel.draw(number * len(hidden) + frame)

    return {title: later(number) if number else first for number, title in enumerate(clips)}


def figure_row(poses: np.ndarray, skeleton: str, truth: np.ndarray | None = None) -> Draw:
    """Function that draws a frame of poses (T, K, 3), camera axes, any unit; with the truth in grey."""
    root = get_skeleton(skeleton).root
    poses, truth = (p if p is None else p - p[:, root : root + 1] for p in (poses, truth))
    size = max(float(np.abs(poses if truth is None else truth).max()), 1e-6)  # as tall as a person in metres
    truth = None if truth is None else truth / size
    return FigurePanel(poses / size, get_skeleton(skeleton), _SIZE, truth=truth).draw


def keypoint_strip(
    keypoints: np.ndarray, visible: np.ndarray, skeleton: str, frames: Sequence[int], size: int = 220
) -> np.ndarray:
    """Frames of a clip (T, J, 2), pixels, with scores (T, J) in a row, (size, about size * frames, 3) uint8."""
    panel = KeypointPanel(KeypointTable.of_person(keypoints, visible, skeleton=skeleton), (size, size))
    gap = np.full((size, size // 30, 3), 255, np.uint8)
    return np.concatenate([part for frame in frames for part in (panel.draw(int(frame)), gap)][:-1], 1)
