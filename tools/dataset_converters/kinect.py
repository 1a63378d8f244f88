"""The Kinect's files of NTU RGB+D, and the persons among the bodies in them; for ``ntu_skeleton.py``."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from poselifter.errors import InputError


class Body(NamedTuple):
    """One body that the Kinect saw.

    Attributes:
        frames: (n,) frames in which it was seen.
        joints: (n, 25, 12): x, y, z (metres, y up), depth x, y, colour x, y (pixels), orientation w, x, y, z, tracking
            state (0 not tracked, 1 inferred, 2 tracked). NaN where the Kinect gave no number.
    """

    frames: np.ndarray
    joints: np.ndarray

    def camera_points(self) -> np.ndarray:
        """(n, 25, 3) metres in camera axes (x right, y down, z forward), as the colour picture shows them.

        The files' x may run to either side: its sign is taken from whether the
        colour column grows with x / z. Left and right joints keep their names.
        """
        x, y, z = np.moveaxis(self.joints[..., :3], -1, 0)
        column, slope = self.joints[..., 5].ravel(), (x / np.where(z > 0, z, np.nan)).ravel()
        known = np.isfinite(column) & np.isfinite(slope)
        grows = np.dot(column[known] - column[known].mean(), slope[known]) >= 0 if known.any() else True
        return np.stack([x if grows else -x, -y, z], -1)


def read_skeleton(path: str | os.PathLike) -> tuple[int, dict[int, Body]]:
    """Reads a ``.skeleton`` file: the number of frames, and the bodies by the Kinect's id, in order of appearance.

    Raises:
        InputError: the file ends early or is no such file.

    Source: NTU RGB+D, ``read_skeleton_file.m``.
    """
    frames: dict[int, list[int]] = {}
    rows: dict[int, list[str]] = {}
    try:
        text = re.sub(r'[-+.\w]*[#(]\S*', 'nan', Path(path).read_text())  # Windows: 1.#IND, -1.#QNAN, -nan(ind)
        lines = iter(line for line in text.splitlines() if line.strip())
        count = int(next(lines))
        for frame in range(count):
            for _ in range(int(next(lines))):
                body = int(next(lines).split()[0])  # 17 digits: too many for a float
                if int(next(lines)) != 25:
                    raise ValueError('a body has not 25 joints')
                frames.setdefault(body, []).append(frame)
                rows.setdefault(body, []).extend(next(lines) for _ in range(25))
        joints = {body: np.array(' '.join(text).split(), np.float64) for body, text in rows.items()}
        joints = {body: np.where(np.isinf(j), np.nan, j).reshape(-1, 25, 12) for body, j in joints.items()}
        return count, {body: Body(np.array(frames[body]), joints[body]) for body in frames}
    except (OSError, StopIteration, RuntimeError, ValueError) as error:
        early = isinstance(error, (StopIteration, RuntimeError))  # the latter from inside a generator
        reason = 'it ends inside a frame' if early else str(error)
        raise InputError(f'{path} is no whole .skeleton file ({reason}); download it again') from error


def persons_of(bodies: Sequence[Body]) -> np.ndarray:
    """The one or two persons of a clip, as PYSKL cleans the Kinect's bodies.

    Where there are several bodies, those of 11 frames or fewer are dropped, then those that are wider than 0.8 of their
    height in 0.69754 of their frames or more: furniture. The one that moves most comes first; further ones join the
    first track whose frames they do not overlap. Frames without a body are dropped.

    Args:
        bodies: of one file, one or more.

    Returns:
        (M, T, 25, 12), see :class:`Body`; zeros where a person is not seen.
    """
    kept = list(bodies)
    for fine in (lambda body: len(body.frames) > 11, lambda body: _spread(body) < 0.69754):
        if len(kept) > 1:
            kept = [body for body in kept if fine(body)] or kept
    tracks: list[dict[int, np.ndarray]] = [{}, {}]
    for body in sorted(kept, key=lambda body: -np.nanvar(body.joints[..., :3], (0, 1)).sum()):
        free = [track for track in tracks if not track.keys() & set(body.frames.tolist())]
        if free:
            free[0].update(zip(body.frames.tolist(), body.joints, strict=True))
    shown = sorted(tracks[0].keys() | tracks[1].keys())
    nobody = np.zeros((25, 12))
    return np.array([[track.get(frame, nobody) for frame in shown] for track in tracks if track])


def _spread(body: Body) -> float:
    width, height = np.moveaxis(np.ptp(body.joints[..., :2], axis=1), -1, 0)
    return float((width > 0.8 * height).mean())
