"""A picture of a clip: a row of frames, keypoints above, figures below."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..errors import InputError
from ..utils.files import atomic_write
from .clip import Clip, check_clip
from .drawing import disc, line, panel, write
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
        middle = np.array([right - size * 0.75, y + size * 0.66])
        stroke = np.array([size * 0.45, 0])
        line(canvas, middle - stroke, middle + stroke, COLOURS[name], size * 0.34)
        disc(canvas, middle, size * 0.3, COLOURS[name])
        right -= size * 3


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
    wide, flat, tall, gap, edge, head = (n * _FINE for n in (340, 320, 420, 16, 32, 64))
    canvas = np.full((head + flat + gap + tall + edge * 2, len(frames) * (wide + gap) - gap + 2 * edge, 3), 0, np.uint8)
    canvas[:] = COLOURS['page']
    above, below = KeypointPanel(clip, (wide, flat)), FigurePanel(clip, (wide, tall))
    for k, frame in enumerate(frames):
        x = edge + k * (wide + gap)
        panel(canvas, (x, head, wide, flat), above.draw(frame), 14 * _FINE)
        panel(canvas, (x, head + flat + gap, wide, tall), below.draw(frame), 14 * _FINE)
        write(canvas, f'frame {frame}', (x + 14 * _FINE, head + 12 * _FINE), 14 * _FINE, COLOURS['muted'])
    write(canvas, '2D keypoints', (edge, 24 * _FINE), 18 * _FINE, COLOURS['ink'])
    return cv2.resize(canvas, None, fx=1 / _FINE, fy=1 / _FINE, interpolation=cv2.INTER_AREA)
