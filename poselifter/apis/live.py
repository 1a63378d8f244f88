"""A camera, or a film at its own pace, to a page that shows 2D and 3D as they come."""

import base64
import time
import webbrowser
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize  # noqa: F401

from ..detection import Frame, build_detector
from ..detection.stream import open_live
from ..structures import Result
from ..tracking.link import person_size
from ..visualization.html import describe_skeleton
from ..visualization.live_page import LivePage
from .streaming import StreamingLifter

_WIDEST = 720  # pixels of the longer side of pictures that are shown
_PATIENCE = 10.0  # seconds that a film waits for the page
_FORGET = 0.97  # of the sizes of persons, from frame to frame
_FRAMES, _SECONDS = 3, 0.3  # who is seen for less is no person


def show_live(
    source: str,
    model: Any,
    detector: str | None = None,
    smoothing: str | float | None = 'light',
    person: str | None = None,
    largest: bool = False,
    latency: int = 0,
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], None] = print,
    status: Callable[[str], None] = lambda line: None,
) -> None:
    """Shows persons on a page of this machine until the film or camera ends.

    The page gets events: ``setup``, the skeletons; ``frame`` with ``index``, ``time``, ``size`` (width, height),
    ``picture`` (JPEG, base64), ``fps``, ``latency`` in seconds, ``dropped`` frames, ``status``, all that in words, and
    ``persons``: ``id``, ``keypoints`` (J, 3) x, y, score, and of those who are lifted ``pose`` (K, 3) and ``root`` (3);
    ``end``, a word on why.

    Args:
        source: see :func:`~poselifter.detection.stream.open_live`.
        model: that lifts.
        detector: see :func:`~poselifter.detection.build_detector`.
        smoothing: see :class:`StreamingLifter`.
        person: id of the one who is lifted, or several with commas; ``None`` lifts all.
        largest: lift only who fills most of the picture over time.
        latency: see :class:`StreamingLifter`; keypoints are shown at once.
        port: of the page; 0 takes a free one.
        browser: open the page.
        say: called with lines for the user.
        status: called with a line on the pace after each frame.

    Raises:
        InputError: source, detector, smoothing or port cannot be used.
    """
    frames, finder = open_live(source), build_detector(*([detector] if detector else []))
    lifter = StreamingLifter(model, None, frames.img_shape, smoothing, latency)
    choose, pace = _Choice(person, largest), _Pace()
    page, reason = LivePage(f'{Path(source).name} live', port), 'the end'
    try:
        say(page.url + (f' (the film begins when the page is open, or in {_PATIENCE:g} s)' if frames.paced else ''))
        if browser:
            webbrowser.open(page.url)
        if frames.paced:
            page.wait_for_viewer(_PATIENCE)
        for frame, persons in finder.follow(frames, live=True):
            entries = []
            if persons:
                if lifter.skeleton is None:
                    lifter.skeleton = finder.skeleton
                    solids = {'skeleton_2d': finder.skeleton, 'skeleton_3d': model.codec.result_skeleton.name}
                    page.publish('setup', {key: describe_skeleton(name) for key, name in solids.items()})
                points, scores = np.array([p.keypoints for p in persons]), np.array([p.visibility for p in persons])
                ids = np.array([p.track for p in persons])
                ids = lifter.identify(frame.time, points, scores) if (ids < 0).any() else ids
                shown, lifted = choose(frame.time, ids, person_size(points, scores > 0))
                result = lifter(frame.time, points[lifted], scores[lifted], ids[lifted])
                entries = _persons(ids[shown], points[shown], scores[shown], result)
            words = pace.add(frames.late, frames.dropped)
            page.publish('frame', {**_picture(frame), 'persons': entries, **words})
            status(words['status'])
    except KeyboardInterrupt:  # how one ends a camera
        reason = 'stopped'
    finally:
        page.publish('end', reason)
        page.close()
    say(f'{reason}: {pace.count} frames shown, {frames.dropped} dropped')


class _Pace:
    """Frames a second and delay from picture to page, of the last second."""

    def __init__(self) -> None:
        self.recent: deque[tuple[float, float]] = deque()  # moment and delay of frames, seconds
        self.count = 0

    def add(self, late: float, dropped: int) -> dict[str, Any]:
        """Numbers after another frame, and all that in words."""
        self.count += 1
        self.recent.append((time.monotonic(), late))
        while self.recent[-1][0] - self.recent[0][0] > 1:
            self.recent.popleft()
        span = self.recent[-1][0] - self.recent[0][0]
        fps = (len(self.recent) - 1) / span if span else 0.0
        latency = float(np.median([late for _, late in self.recent]))
        words = (
            f'{fps:.0f} frames a second, {latency * 1000:.0f} ms behind, {dropped} of {self.count + dropped} dropped'
        )
        return {'fps': round(fps, 1), 'latency': round(latency, 4), 'dropped': dropped, 'status': words}


class _Choice:
    """Rows of the persons who are shown, and of those who are lifted."""

    def __init__(self, person: str | None, largest: bool) -> None:
        self.ids = None if person is None else {part.strip() for part in person.split(',')}
        self.largest = largest
        self.seen: dict[int, tuple[float, int]] = {}  # when first, in how many frames
        self.areas: dict[int, float] = {}

    def __call__(self, time: float, ids: np.ndarray, sizes: np.ndarray) -> tuple[list[int], list[int]]:
        shown, keys = [], ids.tolist()
        for row, key in enumerate(keys):
            first, count = self.seen.get(key, (time, 0))
            self.seen[key] = first, count + 1
            if count + 1 >= _FRAMES and time - first >= _SECONDS:
                shown.append(row)
        lifted = [row for row in shown if self.ids is None or str(keys[row]) in self.ids]
        if not self.largest:
            return shown, lifted
        self.areas = {key: area * _FORGET for key, area in self.areas.items()}
        for row in lifted:
            self.areas[keys[row]] = self.areas.get(keys[row], 0.0) + sizes[row] ** 2
        best = max(self.areas, key=self.areas.get, default=None)
        return shown, [row for row in lifted if keys[row] == best]


def _picture(frame: Frame) -> dict[str, Any]:
    """A small JPEG of a frame, and the size of the frame."""
    import cv2  # comes with mmengine; five times as fast as Pillow

    height, width = frame.image.shape[:2]
    scale = min(_WIDEST / max(width, height), 1)
    image = cv2.resize(frame.image, (round(scale * width), round(scale * height)), interpolation=cv2.INTER_LINEAR)
    buffer = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    packed = base64.b64encode(buffer).decode()
    return {'index': frame.index, 'time': round(frame.time, 4), 'size': [width, height], 'picture': packed}


def _persons(ids: np.ndarray, points: np.ndarray, scores: np.ndarray, result: Result | None) -> list[dict[str, Any]]:
    """All persons for JSON; 0.1 px and 0.1 mm are fine enough for the eye."""
    lifted = {} if result is None else {key: row for row, key in enumerate(result.table.track_ids.tolist())}
    entries = []
    for key, places, seen in zip(ids.tolist(), points, scores, strict=True):
        entry = {'id': key, 'keypoints': np.concatenate([places, seen[:, None]], 1).round(2).tolist()}
        if key in lifted:
            entry['pose'] = result.poses[lifted[key]].astype(float).round(4).tolist()
            entry['root'] = result.root[lifted[key]].astype(float).round(4).tolist()
        entries.append(entry)
    return entries
