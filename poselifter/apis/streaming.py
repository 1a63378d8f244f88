"""Poses of persons as they come, from what came before and, with some delay, a little after."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from ..geometry.root import fit_root
from ..skeletons import convert_keypoints
from ..structures import KeypointTable, Result
from ..tracking import OneEuroFilter, PersonLinker
from ..world.camera_file import FilmCamera
from .prediction import predict_table
from .track_clips import MAX_GAP

#: Hertz above which joints at rest are smoothed, by name; moving ones are smoothed less.
STREAM_SMOOTHING: dict[str, float | None] = {'off': None, 'light': 1.5, 'strong': 0.4}
FASTER = 3.0  # what a speed of 1 m/s adds to that, in its own size
_DEEP = 0.3  # part of that for the way to and from the camera, which a picture tells worst
_RATES = (1.0, 1000.0)  # frames a second that are believed


class StreamingLifter:
    """Lifts the persons of one frame after the other, each in the window of frames that ends with the newest.

    Frames may come at any times, and persons may be missing in some; what is kept does not grow.

    Args:
        model: of :func:`~poselifter.apis.init_model`, or an :class:`~poselifter.apis.ExportedModel`.
        skeleton: joint set of the keypoints; ``None`` means the model's.
        img_shape: (height, width) of the pictures.
        smoothing: by the One-Euro filter: ``'off'``, ``'light'``, ``'strong'``, or a frequency in hertz.
        latency: frames by which poses come late, and that are seen beyond them; 0 sees the past only.

    Raises:
        InputError: no such smoothing or latency.

    Example::

        lifter = StreamingLifter(init_model('mixste_bodies_27'), 'coco17', img_shape=(720, 1280))
        for time, keypoints, scores in camera:  # (P, J, 2), (P, J) of P persons
            result = lifter(time, keypoints, scores)
            print(result.table.track_ids, result.poses.shape, result.root.shape)
    """

    def __init__(
        self,
        model: Any,
        skeleton: str | None = None,
        img_shape: tuple[int, int] | None = None,
        smoothing: str | float | None = 'light',
        latency: int = 0,
    ) -> None:
        if latency not in range(model.window.length):
            raise InputError(f'latency is {latency}, expected 0 to {model.window.length - 1} frames')
        if smoothing is None or isinstance(smoothing, str):
            check_choice('smooth', smoothing or 'off', STREAM_SMOOTHING)
            smoothing = STREAM_SMOOTHING[smoothing or 'off']
        self.model: Any = model
        self.skeleton: str | None = skeleton
        self.img_shape: tuple[int, int] | None = img_shape
        self.cutoff: float | None = smoothing
        self.rate: float = model.codec.fps or 30.0
        self.seconds: float = (model.window.length - 1) / self.rate
        self.latency: int = latency
        self.times: deque[float] = deque(maxlen=max(31, latency + 1))
        self.rows: list[tuple[int, float, np.ndarray, np.ndarray]] = []  # id, time, keypoints, scores
        self.filters: dict[int, OneEuroFilter] = {}
        self.linker: PersonLinker | None = None

    def __call__(
        self, time: float, keypoints: np.ndarray, scores: np.ndarray, ids: Sequence[int] | None = None
    ) -> Result | None:
        """Takes a frame, and lifts the persons of the frame ``latency`` before.

        Args:
            time: seconds, later than that of the frame before.
            keypoints: (P, J, 2) pixels.
            scores: (P, J) in [0, 1]; 0 means missing.
            ids: of the P persons over time; ``None`` finds them by their places.

        Returns:
            A row for each person of that frame, with the root as a camera of the usual focal length sees it, where the
            size of the picture is known. Persons of whom less than half is in the picture are left out; ``None`` if
            nobody is left, or for the first frames, before which there was none.

        Raises:
            InputError: the time is not later.
        """
        if self.times and not time > self.times[-1]:
            raise InputError(f'the frame of second {time:g} comes after that of {self.times[-1]:g}; give rising times')
        self.times.append(time)
        ids = self.identify(time, keypoints, scores) if ids is None else ids
        present = [k for k in range(len(keypoints)) if self._inside(keypoints[k], scores[k])]
        self.rows += [(int(ids[k]), time, keypoints[k], scores[k]) for k in present]
        return self._lift(self.times[-1 - self.latency]) if len(self.times) > self.latency else None

    def finish(self) -> Iterator[Result | None]:
        """The results of the last ``latency`` frames, after which none comes."""
        for moment in list(self.times)[-self.latency :] if self.latency else ():
            yield self._lift(moment)

    def _lift(self, moment: float) -> Result | None:
        """Persons of the frame at a moment, by all frames from a window before the newest on."""
        # of a row that is more than this away from the window track_clips would make a second one
        oldest = min(self.times[-1] - self.seconds, moment) - 0.5e-6 / self.rate
        self.rows = [row for row in self.rows if row[1] > oldest]
        self.filters = {key: f for key, f in self.filters.items() if moment - f.time <= MAX_GAP}
        present = {row[0] for row in self.rows if row[1] == moment}
        if not present:
            return None
        table, times = self._table(present)
        result = predict_table(self.model, table, ['pose'], smoothing='off')
        asked = np.flatnonzero(times == moment)
        chosen = Result(table.take(asked), result.poses[asked], result.skeleton_3d, model=result.model)
        return self._smoothed(self._placed(chosen), moment)

    def identify(self, time: float, keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Ids (P,) of the persons of a frame, by their places in those before."""
        if self.linker is None:
            self.linker = PersonLinker(self.skeleton, keypoints.shape[1], self.rate)
        return self.linker(keypoints, scores > 0, time * self.rate)

    def _inside(self, keypoints: np.ndarray, scores: np.ndarray) -> bool:
        """Whether at least half of the joints of a person that are seen are in the picture."""
        seen = keypoints[scores > 0]
        size = np.inf if self.img_shape is None else np.array(self.img_shape[1::-1])
        return len(seen) > 0 and ((seen >= 0) & (seen <= size)).all(-1).mean() >= 0.5

    def _table(self, ids: set[int]) -> tuple[KeypointTable, np.ndarray]:
        """The last frames of some persons, numbered from 0, and the time of each row."""
        rows = sorted((row for row in self.rows if row[0] in ids), key=lambda row: row[:2])
        keys, times, points, scores = zip(*rows, strict=True)
        steps = np.diff(self.times)
        fps = float(np.clip(1 / np.median(steps), *_RATES)) if len(steps) else self.rate
        moments = np.unique(times)
        table = KeypointTable(
            np.array(points),
            np.array(scores),
            np.searchsorted(moments, times),
            np.array(keys),
            skeleton=self.skeleton,
            img_shape=self.img_shape,
            fps=fps,
            timestamps=np.array(times) - moments[0],
        )
        return table, np.array(times)

    def _placed(self, result: Result) -> Result:
        """The result with the root of each person, from this frame alone."""
        if self.img_shape is None:
            return result
        table = result.table
        points, scores = convert_keypoints(
            table.keypoints,
            result.skeleton or self.model.codec.skeleton.name,
            result.skeleton_3d,
            table.keypoints_visible,
        )
        rays = FilmCamera.with_focal(None, self.img_shape).rays(points)
        frames = zip(result.poses, rays, scores, strict=True)
        roots = [fit_root(pose[None], ray[None], score[None], self.rate, None)[0] for pose, ray, score in frames]
        result.root = np.array(roots, np.float32)
        return result

    def _smoothed(self, result: Result, time: float) -> Result:
        if self.cutoff is None:
            return result
        cutoffs = np.full((result.poses.shape[1] + 1, 3), self.cutoff)
        cutoffs[-1, 2] *= _DEEP
        roots = np.zeros_like(result.poses[:, 0]) if result.root is None else result.root
        for k, key in enumerate(result.table.track_ids.tolist()):
            smooth = self.filters.setdefault(key, OneEuroFilter(cutoffs, FASTER * self.cutoff))
            smoothed = smooth(np.concatenate([result.poses[k], roots[k, None]]), time)
            result.poses[k], roots[k] = smoothed[:-1], smoothed[-1]
        return result
