"""Light copies of films for pages."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.files import atomic_write

_SIDE = 960  # pixels of the longer side
_H264 = '-crf 27 -preset veryfast -g 15 -bf 0 -movflags +faststart'  # many key frames, for the time bar
_INSIDE = 24e6  # bytes up to which a copy lies in the page


def light_copy(page: Path, film: Any, fps: float) -> dict[str, Any]:
    """Copies a film for a page, each frame at its number / ``fps`` after the first.

    Args:
        page: path of the page; a long copy is written beside it as ``<stem>.film.mp4``.
        film: frames, see :class:`~poselifter.structures.Result`.
        fps: frames a second.

    Returns:
        ``first``, the number of its first frame, ``frames``, how many it has; ``data``, base64, or ``file``, its name.

    Raises:
        InputError: imageio-ffmpeg is missing, or the film has no frames.
    """
    import cv2
    from tqdm import tqdm

    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise InputError('a page with its film needs imageio-ffmpeg; run: pip install imageio-ffmpeg') from error
    height, width = film.img_shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))
    options = {'codec': 'libx264', 'macro_block_size': 2, 'output_params': _H264.split()}
    path, numbers = page.with_name(page.stem + '.film.mp4'), []
    with atomic_write(path) as temporary:
        writer = imageio_ffmpeg.write_frames(str(temporary), size, fps=fps, **options)
        writer.send(None)
        try:
            for frame in tqdm(film, desc=path.name, unit='frame', leave=False, disable=None):
                image = np.ascontiguousarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA))
                for _ in range(frame.index - numbers[-1] if numbers else 1):  # a frame that is missing is the next one
                    writer.send(image)
                numbers.append(frame.index)
        finally:
            writer.close()
        if not numbers:
            raise InputError('the film has no frames; give one that can be read')
    copy = {'first': numbers[0], 'frames': numbers[-1] - numbers[0] + 1}
    if path.stat().st_size > _INSIDE:
        return copy | {'file': path.name}
    copy['data'] = base64.b64encode(path.read_bytes()).decode()
    path.unlink()
    return copy
