"""An animation of a clip, GIF or MP4: keypoints left, the figure right."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ..errors import InputError
from ..utils.files import atomic_write
from .clip import check_clip
from .drawing import write
from .panels import COLOURS, FigurePanel, KeypointPanel
from .picture import check_suffix, write_legend

Views = Mapping[str, Callable[[tuple[int, int]], Any]]
_GIF_FPS = 20  # GIF counts in 1/100 s, and many programs slow down what is faster
_H264 = '-crf 20 -preset veryfast -movflags +faststart'
_COLOUR = '-vf scale=out_color_matrix=bt709 -colorspace bt709 -color_primaries bt709 -color_trc bt709'
_GIF_COLOURS = 64
_FINE = 2  # GIF frames are drawn this much larger and shrunk


def save_animation(
    path: str | os.PathLike,
    keypoints_2d: np.ndarray,
    keypoints_3d: np.ndarray,
    skeleton_2d: str,
    skeleton_3d: str,
    fps: float,
    img_shape: tuple[int, int] | None = None,
    visible: np.ndarray | None = None,
    truth_3d: np.ndarray | None = None,
) -> None:
    """Saves an animation: 2D keypoints on the left, the 3D figure on the right.

    MP4 (H.264, 1280 x 720) has every frame. GIF (800 x 450) drops frames to
    stay at 20 a second or less and keeps the clip's duration.

    Args:
        path: file to write, ``.gif`` or ``.mp4``.
        keypoints_2d: (T, J, 2) pixels; NaN only where ``visible`` is 0.
        keypoints_3d: (T, K, 3) metres, camera axes (x right, y down, z forward), root-relative.
        skeleton_2d: joint set of ``keypoints_2d``.
        skeleton_3d: joint set of ``keypoints_3d``.
        fps: frames a second of the clip.
        img_shape: (height, width) of the video in pixels; draws its border.
        visible: (T, J) score 0..1; faint where low, not drawn where 0.
        truth_3d: (T, K, 3) ground truth, drawn in grey.

    Raises:
        InputError: the arrays do not fit together, hold NaN or are empty, MP4
            is wanted without imageio-ffmpeg, or the file cannot be written.
    """
    path, fps = check_suffix(path, ['.gif', '.mp4']), check_fps(fps)
    clip = check_clip(keypoints_2d, keypoints_3d, skeleton_2d, skeleton_3d, img_shape, visible, truth_3d)
    views = {
        '2D keypoints': lambda size: KeypointPanel(clip, size),
        '3D pose': lambda size: FigurePanel(clip, size),
    }
    write_views(path, views, len(clip), fps, truth_3d is not None)


def write_views(path: Path, views: Views, count: int, fps: float, truth: bool = False, fine: int = 1) -> None:
    """Writes an animation of two panels.

    Args:
        path: the file, ``.gif`` or ``.mp4``.
        views: by title what makes a panel of a size; two of them, the second with a ``caption``.
        count: frames.
        fps: frames a second.
        truth: whether the legend names the ground truth.
        fine: MP4's frames are drawn this much larger and shrunk.
    """
    gif = path.suffix.lower() == '.gif'
    step = int(np.ceil(fps / _GIF_FPS)) if gif else 1
    rows = tqdm(range(0, count, step), desc=path.name, unit='frame', disable=None, leave=False)
    with atomic_write(path) as temporary:
        if gif:
            sample = _render(views, range(0, count, max(count // 6, 1)), fps, 450, _FINE, truth)
            _write_gif(temporary, sample, _render(views, rows, fps, 450, _FINE, truth), len(rows), fps / step)
        else:
            _write_mp4(temporary, _render(views, rows, fps, 720, fine, truth), fps)


def check_fps(fps: float) -> float:
    """The frame rate, if it is a number above 0; raises :class:`InputError` otherwise."""
    if not isinstance(fps, (int, float, np.number)) or not 0 < fps < 10000:
        raise InputError(f'fps is {fps!r}, expected frames a second above 0, such as 30')
    return float(fps)


def _render(views: Views, rows: Iterable[int], fps: float, height: int, fine: int, truth: bool) -> Iterator[np.ndarray]:
    """Frames (height, height * 16 / 9, 3) of the given rows."""
    high = height * fine
    wide, edge, bar, text = high * 16 // 9, high // 28, high // 11, high // 36
    box = (wide - 3 * edge) // 2, high - 2 * bar
    sheet = np.full((high, wide, 3), COLOURS['page'], np.uint8)
    left, right = (make(box) for make in views.values())
    write_legend(sheet, wide - edge, bar // 2 - text * 2 // 3, text, truth)
    write(sheet, right.caption, (edge * 2 + box[0], high - bar // 2 - text * 2 // 3), text, COLOURS['muted'])
    for view, title in zip((left, right), views, strict=True):
        write(view.background, title, (text, text), text, COLOURS['ink'])
    for row in rows:
        canvas = sheet.copy()
        canvas[bar : high - bar, edge : edge + box[0]] = left.draw(row)
        canvas[bar : high - bar, edge * 2 + box[0] : edge * 2 + box[0] * 2] = right.draw(row)
        time = f'{row / fps:.2f} s  ·  frame {row}'
        write(canvas, time, (edge, high - bar // 2 - text * 2 // 3), text, COLOURS['muted'])
        yield canvas if fine == 1 else cv2.resize(canvas, (wide // fine, height), interpolation=cv2.INTER_AREA)


def _write_gif(path: Path, sample: Iterable[np.ndarray], frames: Iterable[np.ndarray], count: int, fps: float) -> None:
    palette = Image.fromarray(np.concatenate(list(sample))).quantize(_GIF_COLOURS)
    images = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    ends = np.round(np.arange(1, count + 1) * 100 / fps).astype(int)  # rounding must not add up over the clip
    durations = (np.diff(ends, prepend=0) * 10).tolist()
    next(images).save(path, save_all=True, append_images=images, duration=durations, loop=0)


def _write_mp4(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise InputError('MP4 needs imageio-ffmpeg: pip install imageio-ffmpeg, or save a .gif') from None
    frames = iter(frames)
    frame = next(frames)
    options = {'codec': 'libx264', 'macro_block_size': 2, 'output_params': f'{_H264} {_COLOUR}'.split()}
    writer = imageio_ffmpeg.write_frames(str(path), frame.shape[1::-1], fps=fps, **options)
    writer.send(None)
    try:
        for image in itertools.chain([frame], frames):
            writer.send(image)
    finally:
        writer.close()
