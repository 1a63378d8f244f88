"""Cuts a whole recording into clips at 30 frames a second: glitches cut, floor at 0."""

from dataclasses import dataclass

import numpy as np

from poselifter.errors import InputError

FPS = 30
UNIT_M = 1e-4
MAX_SPEED = 18.0  # m/s; no joint of a person is faster
MARGIN = (2, 3)  # source frames cut before and after a glitch
MIN_SECONDS, MIN_SECONDS_PIECE = 0.8, 1.5  # of an unbroken recording, of a piece between glitches


@dataclass(frozen=True)
class Clip:
    """One segment of a recording.

    Attributes:
        poses: (T, 17, 3) int16, relative to joint 0, in units of 0.1 mm.
        root: (T, 3) float32 metres, joint 0 in the world.
        first_frame: its first frame in the source.
        floor_shift_m: height of the floor in the source, which was subtracted.
    """

    poses: np.ndarray
    root: np.ndarray
    first_frame: int
    floor_shift_m: float


def cut_clips(keypoints: np.ndarray, feet: np.ndarray, fps: float, first_frame: int = 0) -> list[Clip]:
    """Cuts a recording at its glitches, takes every n-th frame and puts the floor at 0.

    A glitch is a step in which a joint is faster than 18 m/s. The floor is the
    1st percentile over a clip's frames of the lowest foot point.

    Args:
        keypoints: (T, J, 3) metres, z up.
        feet: (T,) height of the lowest foot point, metres.
        fps: frames per second of the source, a multiple of 30.
        first_frame: frames before it are left out (T-pose).

    Returns:
        The clips, in order; none if no segment is long enough.

    Raises:
        InputError: the rate is no multiple of 30, or a joint is more than 3.2 m away from the pelvis.
    """
    step = round(fps / FPS)
    if step < 1 or abs(fps / FPS - step) > 0.01 * step:
        raise InputError(f'source has {fps:g} frames a second, expected a multiple of {FPS}')
    speed = np.linalg.norm(np.diff(keypoints[first_frame:], axis=0), axis=-1).max(-1) * fps
    jumps = first_frame + np.flatnonzero(speed > MAX_SPEED)  # from frame j to j + 1
    starts, stops = np.r_[first_frame, jumps + 1 + MARGIN[1]], np.r_[jumps + 1 - MARGIN[0], len(keypoints)]
    shortest = (MIN_SECONDS_PIECE if len(jumps) else MIN_SECONDS) * fps
    pieces = [slice(int(a), int(b), step) for a, b in zip(starts, stops, strict=True) if b - a >= shortest]
    return [_clip(keypoints[piece], feet[piece], piece.start) for piece in pieces]


def _clip(keypoints: np.ndarray, feet: np.ndarray, first_frame: int) -> Clip:
    floor = float(np.percentile(feet, 1))
    world = keypoints - [0, 0, floor]
    poses = np.rint((world - world[:, :1]) / UNIT_M)
    if (far := np.abs(poses).max()) > np.iinfo(np.int16).max:
        reason = 'expected at most 3.2 m; the unit of length or the motion is wrong'
        raise InputError(f'a joint lies {far * UNIT_M:.1f} m from the pelvis, {reason}')
    return Clip(poses.astype(np.int16), world[:, 0].astype(np.float32), first_frame, round(floor, 4))
