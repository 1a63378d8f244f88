"""Frames of films, folders of pictures and single pictures, one after the other with their times."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..utils import count_threads

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')
FILMS = ('.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.gif')
FILMS += ('.mpg', '.mpeg', '.ts', '.mts', '.m2ts', '.wmv', '.flv', '.3gp', '.ogv')
#: (offset, bytes) of the first bytes of films, for those with another name.
_MARKS = ((4, b'ftyp'), (0, b'\x1aE\xdf\xa3'), (8, b'AVI '), (0, b'\x00\x00\x01\xba'), (0, b'OggS'), (0, b'FLV'))
_RATE = 30.0  # frames a second of which nothing is known
_DOUBTFUL = 500.0  # from which a rate is rather the clock of a film whose rate varies, as browsers record them


@dataclass(frozen=True)
class Frame:
    """One picture of a film.

    Attributes:
        index: number of the frame, from 0 at the beginning of the film; of a film with a varying rate, or of one that
            is read from the middle, the number that its time has at the rate ``Frames.fps``.
        time: seconds from the beginning of the film.
        image: (H, W, 3) uint8 RGB, upright.
    """

    index: int
    time: float
    image: np.ndarray


class Frames(ABC):
    """Frames that are read while one iterates, as often as one likes; never more than a few are in memory.

    Attributes:
        path: film, folder, pattern or picture.
        fps: frames a second; ``None`` for pictures of which nothing is known.
        img_shape: (height, width) of every picture.
        num_frames: estimate; ``None`` if unknown.
    """

    path: Path
    fps: float | None
    img_shape: tuple[int, int]
    num_frames: int | None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """The frames in order of time; raises InputError where the file is damaged or the size changes."""

    def check_size(self, image: np.ndarray, name: Any) -> np.ndarray:
        """The picture, if it has the size of the first; raises InputError if not."""
        if image.shape[:2] != self.img_shape:
            (h, w), (height, width) = image.shape[:2], self.img_shape
            raise InputError(f'{name} is {w} x {h}, the ones before {width} x {height}; give pictures of one size')
        return image


def is_film(path: str | os.PathLike[str]) -> bool:
    """True if a path is for :func:`open_frames`: a film, a picture, a folder of pictures, a pattern of them."""
    path = Path(path)
    if path.suffix.lower() in FILMS + PICTURES or _pictures_of(path):
        return True
    if not path.is_file():
        return False
    with open(path, 'rb') as file:
        head = file.read(16)
    return any(head[at : at + len(mark)] == mark for at, mark in _MARKS)


def open_frames(
    path: str | os.PathLike[str], fps: float | None = None, start: float | None = None, end: float | None = None
) -> Frames:
    """Opens a film, a folder or pattern (``'shots/*.png'``) of pictures, or one picture.

    Args:
        path: of it; what a film is, is seen from its content.
        fps: frames a second; goes before what the film says (slow motion), and then times are made of it.
        start: seconds from the film's beginning of the first frame to give.
        end: seconds of the first frame to leave out.

    Raises:
        InputError: it does not exist, is no film or picture, has no picture in it, or the segment is empty.
    """
    if start is not None and end is not None and not 0 <= start < end:
        raise InputError(f'--start {start:g} --end {end:g} is no segment of a film; give 0 <= start < end in seconds')
    path = Path(path)
    segment = (start or 0.0, np.inf if end is None else end)
    if pictures := _pictures_of(path):
        return _Pictures(path, pictures, fps, segment)
    if path.is_dir():
        raise InputError(f'{path} is a folder without pictures, expected {", ".join(PICTURES)}')
    return _Film(path, fps, segment)


def expand_inputs(inputs: Sequence[str]) -> list[str]:
    """Inputs with patterns such as ``'films/*.mp4'`` replaced by what they match; one of pictures is one input.

    Raises:
        InputError: a pattern matches nothing.
    """
    expanded = []
    for name in inputs:
        matches = [name] if os.path.exists(name) or not has_magic(name) else sorted(glob(name))
        if not matches:
            raise InputError(f'no file is called {name}; give films, folders of pictures or files of keypoints')
        pictures = matches != [name] and all(Path(match).suffix.lower() in PICTURES for match in matches)
        expanded += [name] if pictures else matches
    return expanded


def _pictures_of(path: Path) -> list[Path]:
    """Pictures of a folder or pattern, numbers in their names in order of value; a picture itself."""
    if path.is_dir():
        names = list(path.iterdir())
    else:
        names = [path] if path.is_file() else [Path(name) for name in glob(str(path))]
    names = [name for name in names if name.suffix.lower() in PICTURES and not name.name.startswith('.')]
    return sorted(names, key=lambda n: [int(p) if p.isdigit() else p for p in re.split(r'(\d+)', n.name)])


class _Pictures(Frames):
    def __init__(self, path: Path, files: list[Path], fps: float | None, segment: tuple[float, float]) -> None:
        self.path, self.fps, self.rate = path, fps, fps or _RATE
        first, last = (int(np.ceil(min(s * self.rate, len(files)) - 1e-6)) for s in segment)
        self.files = list(enumerate(files))[first:last]
        if not self.files:
            raise InputError(f'{path} has {len(files)} pictures, none from {segment[0]:g} s on; choose another --start')
        self.num_frames = len(self.files)
        self.img_shape = self.read(self.files[0][1]).shape[:2]

    def read(self, file: Path) -> np.ndarray:
        """A picture as its camera held it."""
        from PIL import Image, ImageOps

        with reading(f'{file} is no whole picture', 'copy it again', (Exception,)), Image.open(file) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert('RGB'))

    def __iter__(self) -> Iterator[Frame]:
        for index, file in self.files:
            yield Frame(index, index / self.rate, self.check_size(self.read(file), file))


class _Film(Frames):
    def __init__(self, path: Path, fps: float | None, segment: tuple[float, float]) -> None:
        self.path, self.segment, self.given = path, segment, fps
        if not path.is_file():
            raise InputError(f'{path} does not exist; give a film, a folder of pictures or a file of keypoints')
        container, stream = self.open()
        with container:
            self.origin = float((stream.start_time or 0) * stream.time_base)
            self.rate = float(stream.guessed_rate or stream.average_rate or _RATE)
            if self.rate >= _DOUBTFUL:
                with reading(f'{path} is no film that can be read', 'give another or convert it (ffmpeg)', self.errors):
                    self.rate = _rate_of(container, stream) or self.rate
            self.aspect = float(stream.sample_aspect_ratio or 1)
            length = float((stream.duration or 0) * stream.time_base) or (container.duration or 0) / 1e6
        _, frame = next(self.decode(), (0, None))
        if frame is None:
            where = f'from {segment[0]:g} s on; it lasts {length:.1f} s' if segment[0] else 'in it; give another film'
            raise InputError(f'{path} has no picture {where}')
        self.fps, self.img_shape = fps or self.rate, self.upright(frame).shape[:2]
        self.num_frames = max(round((min(length, segment[1]) - segment[0]) * self.rate), 1) if length else None

    def __iter__(self) -> Iterator[Frame]:
        index = -1
        for time, frame in self.decode():
            due = round(time * self.rate)
            if index > due:  # more pictures than the rate has numbers for
                continue
            index = max(index + 1, due)
            image = self.check_size(self.upright(frame), f'{self.path} at {time:.2f} s')
            yield Frame(index, index / self.given if self.given else time, image)

    def open(self) -> tuple[Any, Any]:
        """The container and its stream of pictures."""
        try:
            import av
        except ImportError as error:
            raise InputError('reading films needs av; run: pip install "poselifter[video]"') from error
        self.errors = (av.FFmpegError,)
        with reading(f'{self.path} is no film that can be read', 'give another or convert it (ffmpeg)', self.errors):
            container = av.open(str(self.path))
        stream = next((s for s in container.streams.video if s.codec_context is not None), None)
        if stream is None:
            kinds = ', '.join(s.type for s in container.streams) or 'nothing'
            container.close()
            raise InputError(f'{self.path} holds {kinds} but no pictures; give a film')
        stream.thread_type, stream.codec_context.thread_count = 'AUTO', count_threads()
        return container, stream

    def decode(self) -> Iterator[tuple[float, Any]]:
        """(seconds from the film's beginning, decoded frame) of the segment."""
        container, stream = self.open()
        start, end = self.segment
        with container:
            if start:
                with reading(f'{self.path} has no place to start from', 'leave out --start', self.errors):
                    container.seek(int((start + self.origin) / stream.time_base), stream=stream)
            decoded, time = container.decode(stream), start - 1 / self.rate
            while True:
                problem = f'{self.path} is damaged at {max(time, 0):.2f} s'
                with reading(problem, f'lift what is before with --end {max(time, 0):.2f}', self.errors):
                    frame = next(decoded, None)
                if frame is None:
                    return
                time = time + 1 / self.rate if frame.pts is None else float(frame.time) - self.origin
                if time >= end:
                    return
                if time > start - 0.5 / self.rate:
                    yield time, frame

    def upright(self, frame: Any) -> np.ndarray:
        """(H, W, 3) uint8 RGB with square pixels, turned as the film's metadata say."""
        wide = {} if self.aspect == 1 else {'width': round(frame.width * self.aspect), 'height': frame.height}
        return np.rot90(frame.to_ndarray(format='rgb24', **wide), frame.rotation // 90)


def _rate_of(container: Any, stream: Any) -> int:
    """Frames a second, rounded, by the usual time between the first pictures; 0 if that cannot be told."""
    packets = islice(container.demux(stream), 500)
    times = np.sort([float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None])
    return round(1 / max(np.median(np.diff(times)), 1e-3)) if len(times) > 1 else 0
