"""Motions by name and seed."""

import math
import zlib
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import yaml

from poselifter.errors import InputError

from .body import random_body
from .performer import MARGIN, Performer
from .planner import Planner

_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)  # faster; absent where PyYAML was built without libyaml
_TABLE = yaml.load(Path(__file__).with_name('motions.yml').read_text(encoding='utf-8'), _LOADER)
#: Names in the order of their labels.
MOTIONS = tuple(_TABLE['motions'])


def generate_motion(name: str, seed: int, n_frames: int, fps: float = 30) -> np.ndarray:
    """Generates a motion of a random person.

    Args:
        name: one of ``MOTIONS``.
        seed: not negative; chooses body, style, timing, heading and place. The same seed gives the same motion at any
            frame-rate and length: a longer clip only goes on.
        n_frames: T, at least 1; motions repeat with variation.
        fps: frames per second, at least 1.

    Returns:
        Joint positions (T, 17, 3) float32: metres, world z up, floor at z = 0, joint set h36m17.

    Raises:
        InputError: for an unknown name, or a seed, length or frame-rate out of range.
    """
    description = _description(name)
    limits = {'seed': (seed, Integral, 0), 'n_frames': (n_frames, Integral, 1), 'fps': (fps, Real, 1)}
    for what, (value, kind, least) in limits.items():
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value) or value < least:
            expected = 'an integer' if kind is Integral else 'a number'
            raise InputError(f'generate_motion got {what}={value!r}; expected {expected} of at least {least}')
    # separate streams: the length of the plan must not change what is drawn for the rest
    person, plot, noise = (np.random.default_rng([seed, zlib.crc32(name.encode()), part]) for part in range(3))
    body = random_body(person)
    style = {key: person.uniform(*pair) for key, pair in {**_TABLE['style'], **description.get('style', {})}.items()}
    heading, start, place = person.uniform(0, 2 * np.pi), person.uniform(0, 3), person.uniform(-1, 1, 2)
    t = start + np.arange(n_frames) / fps
    planner = Planner(body, style, {**_TABLE['rest'], **description.get('rest', {})}, plot)
    plan = planner.plan(description['moves'], until=t[-1] + 2 * MARGIN)
    joints = Performer(plan, body, style, noise)(t)
    cos, sin = np.cos(heading), np.sin(heading)
    joints = joints @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return (joints + [*place, 0]).astype(np.float32)


def captions(name: str) -> list[str]:
    """The sentences that describe a motion.

    Raises:
        InputError: for an unknown name.
    """
    return list(_description(name)['captions'])


def _description(name: str) -> dict:
    if name not in MOTIONS:
        close = get_close_matches(str(name), MOTIONS, n=1)
        hint = f'did you mean {close[0]!r}?' if close else 'choose one of these'
        raise InputError(f'unknown motion {name!r}, expected one of {", ".join(MOTIONS)}: {hint}')
    return _TABLE['motions'][name]
