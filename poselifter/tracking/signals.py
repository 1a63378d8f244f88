"""Signals over time: cubic interpolation at true times, zero-phase smoothing, and One-Euro for live input."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..errors import check_choice
from ..geometry.banded import solve_banded

#: Frequency in hertz at which motion is halved, by name; chosen by benchmarks/lifting_options.py.
SMOOTHING = {'off': None, 'light': 6.0, 'strong': 3.0}
DEFAULT_SMOOTHING = 'light'


def interpolate(
    values: np.ndarray, where: np.ndarray, times: np.ndarray | None = None, degree: Literal[1, 3] = 3
) -> np.ndarray:
    """Values at other times by the natural cubic spline, or linearly; outside, the edge repeats.

    Args:
        values: (T, ...) numbers.
        where: (M,) times.
        times: (T,) rising times of the values; by default 0, 1, ...
        degree: 3, or 1 for what may not leave its range, such as probabilities.

    Returns:
        (M, ...) of the kind of ``values``.
    """
    times = np.arange(len(values)) if times is None else times
    if len(where) == len(times) and np.array_equal(where, times):
        return values
    if len(values) == 1:
        return values.repeat(len(where), 0)
    flat, steps = values.reshape(len(values), -1).astype(np.float64), np.diff(times).astype(np.float64)
    where = np.clip(where, times[0], times[-1])
    left = (np.searchsorted(times, where, 'right') - 1).clip(max=len(steps) - 1)
    right = ((where - times[left]) / steps[left])[:, None]
    result = (1 - right) * flat[left] + right * flat[left + 1]
    if degree == 3 and len(values) > 2:
        bend = _second_derivatives(flat, steps)
        of_left, of_right = (1 - right) ** 3 - (1 - right), right**3 - right
        result += (of_left * bend[left] + of_right * bend[left + 1]) * (steps[left] ** 2 / 6)[:, None]
    return result.reshape(len(where), *values.shape[1:]).astype(values.dtype)


def _second_derivatives(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Of the natural cubic spline at its T knots: (T, D) for values (T, D), 0 at the edges."""
    bands = np.stack([2 * (steps[:-1] + steps[1:]), steps[1:]])
    slopes = np.diff(values, axis=0) / steps[:, None]
    return np.pad(solve_banded(bands, 6 * np.diff(slopes, axis=0)), ((1, 1), (0, 0)))


def smooth(values: np.ndarray, rate: float, strength: str | float | None) -> np.ndarray:
    """Low-pass without delay: what is closest to the values while its acceleration stays small, edges included.

    Args:
        values: (T, ...) at a constant rate.
        rate: values a second.
        strength: a name of :data:`SMOOTHING`, or the frequency in hertz that is halved.

    Returns:
        (T, ...).

    Raises:
        InputError: no such strength.

    Source: Whittaker, On a new method of graduation, 1923; the penalty of second differences that halves a frequency f
    is ``(2 sin(pi f / rate)) ** -4``.
    """
    if strength is None or isinstance(strength, str):
        check_choice('smooth', strength or 'off', SMOOTHING)
        strength = SMOOTHING[strength or 'off']
    if strength is None or len(values) < 3 or strength >= rate / 2:
        return values
    penalty = (2 * np.sin(np.pi * strength / rate)) ** -4
    n = len(values)
    second = np.array([1.0, -2.0, 1.0])
    bands = np.zeros((3, n))  # diagonals of 1 + penalty D'D
    for i in range(3):
        for j in range(i + 1):
            bands[i - j, j : n - 2 + j] += penalty * second[i] * second[j]
    bands[0] += 1
    return solve_banded(bands, values.reshape(n, -1)).reshape(values.shape).astype(values.dtype)


@dataclass
class OneEuroFilter:
    """Smooths values as they come: calm ones strongly, fast ones with little delay.

    Attributes:
        min_cutoff: hertz, of values at rest; one for all, or an array that fits them.
        beta: hertz that each unit a second of speed adds; metres for poses.
        speed_cutoff: hertz, of the speed itself.

    Source: Casiez, Roussel, Vogel, 1€ Filter, CHI 2012.
    """

    min_cutoff: float | np.ndarray = 1.0
    beta: float = 5.0
    speed_cutoff: float = 1.0
    _last: tuple[float, np.ndarray, np.ndarray] | None = field(default=None, repr=False)

    @property
    def time(self) -> float:
        """Seconds of the last call; minus infinity before the first."""
        return -np.inf if self._last is None else self._last[0]

    def __call__(self, values: np.ndarray, time: float) -> np.ndarray:
        """The smoothed values at a time in seconds, later than that of the call before."""
        if self._last is None:
            self._last = time, values, np.zeros_like(values)
            return values
        before, old, speed = self._last
        step = time - before
        speed = speed + _gain(self.speed_cutoff, step) * ((values - old) / step - speed)
        smoothed = old + _gain(self.min_cutoff + self.beta * np.abs(speed), step) * (values - old)
        self._last = time, smoothed, speed
        return smoothed


def _gain(cutoff: np.ndarray | float, step: float) -> np.ndarray | float:
    """Weight of a new value in a first-order low-pass."""
    turn = 2 * np.pi * cutoff * step
    return turn / (turn + 1)
