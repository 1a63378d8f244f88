"""Animations of results, GIF and MP4: two panels side by side over time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..skeletons import get_skeleton
from ..structures import KeypointTable, Result
from ..utils.files import atomic_write
from .actions import ScorePanel
from .body import BodyPanel
from .crowd import Crowd
from .panels import FigurePanel, FilmPanel, KeypointPanel, Panel
from .sheet import Sheet, shrink

_GIF_FPS = 20  # GIF counts in 1/100 s, and many programs slow down what is faster
_H264 = '-crf 20 -preset veryfast -movflags +faststart'
_COLOUR = '-vf scale=out_color_matrix=bt709 -colorspace bt709 -color_primaries bt709 -color_trc bt709'
_GIF_COLOURS = 64
_FINE = 2  # GIF's frames, and those of bodies, are drawn this much larger and shrunk


def _frames(result: Result) -> np.ndarray:
    """Numbers of the frames to draw: of scores those of the longest segment, else all with somebody in them."""
    if result.poses is None:
        return result.table.frame_indices[max(result.segments, key=lambda rows: rows.stop - rows.start)]
    return np.unique(result.table.frame_indices)


def _panels(result: Result, size: tuple[int, int]) -> dict[str, Panel]:
    """Two by their titles; the second has a caption."""
    if result.poses is None:
        rows = max(result.segments, key=lambda rows: rows.stop - rows.start)
        table, scores = result.keypoints(rows), ScorePanel(result.scores[rows], result.classes, size)
        persons = len(np.unique(result.table.track_ids))
        title = 'action scores' + (f' of track {table.track_ids[0]}, one of {persons}' if persons > 1 else '')
        return {'2D keypoints': _keypoint_panel(result, table, size), title: scores}
    solid = get_skeleton(result.skeleton_3d)
    if result.body is not None:
        surface = BodyPanel(result.body.vertices(), result.body.surface, size)
        return {'3D pose': FigurePanel(result.positions(), solid, size), 'Body': surface}
    crowd = Crowd(result)
    figure = FigurePanel(crowd.poses(), solid, size, truth=crowd.poses(truth=True), where=crowd.caption)
    return {'2D keypoints': _keypoint_panel(result, crowd.keypoints(), size), '3D pose': figure}


def _keypoint_panel(result: Result, table: KeypointTable, size: tuple[int, int]) -> Panel:
    """Keypoints over the film where there is one."""
    return KeypointPanel(table, size) if result.film is None else FilmPanel(table, size, result.film)


def _draw(result: Result, step: int, height: int, fine: int, name: str = '') -> Iterator[np.ndarray]:
    """Pictures (height, height * 16 / 9, 3) of every ``step``-th frame, drawn ``fine`` times as large and shrunk.

    With a ``name``, a progress bar counts them.
    """
    high = height * fine
    edge, bar, text = high // 28, high // 11, high // 36
    box = (high * 16 // 9 - 3 * edge) // 2, high - 2 * bar
    sheet = Sheet([box[0]] * 2, [box[1]], edge, edge, bar, text, high * 16 // 9)
    numbers, panels = _frames(result), _panels(result, box)
    page = sheet.blank(result.truth is not None and result.body is None)
    sheet.note(page, list(panels.values())[1].caption, column=1)
    frames = range(0, len(numbers), step)
    for frame in tqdm(frames, desc=name, unit='frame', disable=None if name else True, leave=False):
        canvas = page.copy()
        for column, (title, panel) in enumerate(panels.items()):
            sheet.put(canvas, 0, column, panel.draw(frame), title)
        sheet.note(canvas, f'{(numbers[frame] - numbers[0]) / result.fps:.2f} s  ·  frame {numbers[frame]}')
        yield shrink(canvas, fine)


def write_gif(path: Path, result: Result) -> None:
    """800 x 450; drops frames to stay at 20 a second or less and keeps the clip's duration."""
    step = int(np.ceil(result.fps / _GIF_FPS))
    length = len(_frames(result))
    sample = np.concatenate(list(_draw(result, max(length // 6, 1), 450, _FINE)))
    palette = Image.fromarray(sample).quantize(_GIF_COLOURS)
    frames = _draw(result, step, 450, _FINE, path.name)
    images = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    ends = np.round(np.arange(step, length + step, step) * 100 / result.fps)  # rounding must not add up over the clip
    durations = (np.diff(ends, prepend=0).astype(int) * 10).tolist()
    with atomic_write(path) as temporary:
        next(images).save(temporary, save_all=True, append_images=images, duration=durations, loop=0)


def write_mp4(path: Path, result: Result) -> None:
    """H.264, 1280 x 720, every frame: keypoints, over the film where there is one, beside all persons in 3D."""
    import imageio_ffmpeg

    options = {'codec': 'libx264', 'macro_block_size': 2, 'output_params': f'{_H264} {_COLOUR}'.split()}
    with atomic_write(path) as temporary:
        writer = imageio_ffmpeg.write_frames(str(temporary), (1280, 720), fps=result.fps, **options)
        writer.send(None)
        try:
            for image in _draw(result, 1, 720, 1 if result.body is None else _FINE, path.name):
                writer.send(image)
        finally:
            writer.close()
