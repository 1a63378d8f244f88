"""Frames as they come: of a camera, or of a film at its own pace; who is late gets the newest."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError, reading
from .film import Frame, Frames, open_frames

_CAMERAS = {'linux': 'v4l2', 'darwin': 'avfoundation', 'win32': 'dshow'}  # drivers by platform
_RATE = 30.0  # frames a second of a camera that names none


class LiveFrames(Frames):
    """Frames that are read beside the program; each is the newest when it is asked for, others are dropped.

    Args:
        frames: of a camera, or of a film.
        paced: give each frame at its time, as films need; else as soon as it is read.

    Attributes:
        dropped: frames that nobody asked for in time.
        late: seconds from the moment when the frame that was given last was there.
    """

    def __init__(self, frames: Frames, paced: bool) -> None:
        self.frames, self.paced = frames, paced
        self.path, self.fps, self.img_shape, self.num_frames = (
            frames.path, frames.fps, frames.img_shape, frames.num_frames,
        )  # fmt: skip
        self.dropped, self._came = 0, 0.0
        self._changed = threading.Condition()
        self._newest: tuple[float, Frame] | None = None
        self._over, self._error = False, None

    @property
    def late(self) -> float:
        return time.monotonic() - self._came

    def __iter__(self) -> Iterator[Frame]:
        self._over, self.dropped = False, 0
        threading.Thread(target=self._read, daemon=True).start()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._newest or self._over)
                    if self._newest is None:
                        break
                    (self._came, frame), self._newest = self._newest, None
                yield frame
            if self._error:
                raise self._error
        finally:
            self._over = True

    def _read(self) -> None:
        """Puts each frame in the place of the one before, until there are no more or nobody wants them."""
        start = None
        try:
            for frame in self.frames:
                start = time.monotonic() - frame.time if start is None else start
                if self.paced:
                    time.sleep(max(start + frame.time - time.monotonic(), 0))
                if self._over:
                    return
                with self._changed:
                    self.dropped += self._newest is not None
                    self._newest = time.monotonic(), frame
                    self._changed.notify()
        except Exception as error:  # raised where the frames are asked for
            self._error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()


class CameraFrames(Frames):
    """Frames of a camera, with the times of its driver, in seconds from the first.

    Args:
        name: number, or name of the device.
        driver: FFmpeg's name of the driver; by default that of the platform.

    Raises:
        InputError: there is no such camera, it is in use, or PyAV is not installed.
    """

    def __init__(self, name: str, driver: str | None = None) -> None:
        driver = driver or _CAMERAS.get(sys.platform, 'v4l2')
        self.name = f'/dev/video{name}' if name.isdigit() and driver == 'v4l2' else name
        self.path, self.driver, self.num_frames = Path(self.name), driver, None
        try:
            import av
        except ImportError as error:
            raise InputError('reading cameras needs av; run: pip install "poselifter[video]"') from error
        how = 'is it plugged in, free and yours to read? or give a film'
        with reading(f'the camera {self.name} cannot be opened', how, (av.FFmpegError, ValueError, OSError)):
            self.container = av.open(self.name, format=driver)
        self.stream, self.errors = self.container.streams.video[0], (av.FFmpegError,)
        self.fps = float(self.stream.average_rate or _RATE)
        self.img_shape = self.stream.codec_context.height, self.stream.codec_context.width

    def __iter__(self) -> Iterator[Frame]:
        first = None
        with self.container, reading(f'the camera {self.name} has stopped', 'plug it in again', self.errors):
            for index, frame in enumerate(self.container.decode(self.stream)):
                now = time.monotonic() if frame.time is None else float(frame.time)
                first = now if first is None else first
                yield Frame(index, now - first, self._picture(frame))

    def _picture(self, frame: Any) -> Any:
        return self.check_size(frame.to_ndarray(format='rgb24'), self.name)


def open_live(source: str | os.PathLike[str]) -> LiveFrames:
    """Opens a camera, or a film that is shown at its own pace.

    Args:
        source: number of a camera or name of its device; else see :func:`open_frames`.

    Raises:
        InputError: it cannot be opened.
    """
    name = str(source)
    if name.isdigit() or name.startswith(('/dev/', 'video=')):
        return LiveFrames(CameraFrames(name), paced=False)
    return LiveFrames(open_frames(source), paced=True)
