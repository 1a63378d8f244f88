"""A picture of a clip: a row of frames, keypoints above, figures below."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..errors import InputError
from ..utils.files import atomic_write
from .clip import Clip, check_clip
from .drawing import disc, write
from .panels import COLOURS, FigurePanel, KeypointPanel

_FINE = 2  # everything is drawn this much larger and shrunk, which smooths edges


def check_suffix(path: str | os.PathLike, suffixes: Sequence[str]) -> Path:
    """The path, if it ends in one of ``suffixes``; raises :class:`InputError` otherwise."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise InputError(f'{path} ends in {path.suffix!r}, expected {" or ".join(suffixes)}; rename it')
    return path


def write_legend(canvas: np.ndarray, right: int, y: int, size: int, truth: bool) -> None:
    """Writes the colours' meaning, ending at pixel ``right``; ``size`` is the text's height."""
    names = ['left', 'right', 'centre'] + ['truth'] * truth
    scratch = np.empty((size * 2, right, 3), np.uint8)
    for name in reversed(names):
        text = 'ground truth' if name == 'truth' else name
        right -= write(scratch, text, (0, 0), size, COLOURS['muted'])
        write(canvas, text, (right, y), size, COLOURS['muted'])
        disc(canvas, np.array([right - size * 0.85, y + size * 0.66]), size * 0.36, COLOURS[name])
        right -= round(size * 2.6)


def save_picture(
    path: str | os.PathLike,
    keypoints_2d: np.ndarray,
    keypoints_3d: np.ndarray,
    skeleton_2d: str,
    skeleton_3d: str,
    img_shape: tuple[int, int] | None = None,
    visible: np.ndarray | None = None,
    truth_3d: np.ndarray | None = None,
    frames: Sequence[int] | None = None,
) -> None:
    """Saves a PNG with some frames in a row: 2D keypoints above, the 3D figure below.

    Args:
        path: file to write, ``.png``.
        keypoints_2d: (T, J, 2) pixels; NaN only where ``visible`` is 0.
        keypoints_3d: (T, K, 3) metres, camera axes (x right, y down, z forward), root-relative.
        skeleton_2d: joint set of ``keypoints_2d``.
        skeleton_3d: joint set of ``keypoints_3d``.
        img_shape: (height, width) of the video in pixels; draws its border.
        visible: (T, J) score 0..1; faint where low, not drawn where 0.
        truth_3d: (T, K, 3) ground truth, drawn in grey.
        frames: rows to show; ``None`` spreads five over the clip.

    Raises:
        InputError: the arrays do not fit together, hold NaN or are empty, a
            frame is not in the clip, or the file cannot be written.
    """
    path = check_suffix(path, ['.png'])
    clip = check_clip(keypoints_2d, keypoints_3d, skeleton_2d, skeleton_3d, img_shape, visible, truth_3d)
    t = len(clip)
    if frames is None:
        frames = np.unique(np.linspace(0.04 * t, 0.96 * t - 1, 5).round().clip(0, t - 1).astype(int))
    if not len(frames) or not all(0 <= f < t for f in frames):
        raise InputError(f'frames is {list(frames)}, expected one or more numbers from 0 to {t - 1}')
    canvas = _compose(clip, [int(f) for f in frames])
    with atomic_write(path) as temporary:
        Image.fromarray(canvas).save(temporary, optimize=True)


def _compose(clip: Clip, frames: list[int]) -> np.ndarray:
    wide, flat, tall, gap, edge, bar, text = (n * _FINE for n in (340, 320, 420, 14, 28, 54, 14))
    high = bar * 2 + flat + gap + tall
    canvas = np.full((high, len(frames) * (wide + gap) - gap + edge * 2, 3), COLOURS['page'], np.uint8)
    above, below = KeypointPanel(clip, (wide, flat)), FigurePanel(clip, (wide, tall))
    for k, frame in enumerate(frames):
        x, y = edge + k * (wide + gap), bar + flat + gap
        canvas[bar : bar + flat, x : x + wide] = above.draw(frame)
        canvas[y : y + tall, x : x + wide] = below.draw(frame)
        write(canvas, f'frame {frame}', (x + text, y + tall - text * 2), text, COLOURS['muted'])
    write(canvas, '2D keypoints', (edge + text, bar + text), text, COLOURS['ink'])
    write(canvas, '3D pose', (edge + text, bar + flat + gap + text), text, COLOURS['ink'])
    write_legend(canvas, canvas.shape[1] - edge, bar // 2 - text * 2 // 3, text, clip.truth_3d is not None)
    write(canvas, below.caption, (edge, high - bar // 2 - text * 2 // 3), text, COLOURS['muted'])
    return cv2.resize(canvas, None, fx=1 / _FINE, fy=1 / _FINE, interpolation=cv2.INTER_AREA)
