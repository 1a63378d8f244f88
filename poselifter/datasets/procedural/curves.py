"""Smooth curves through key values, and slow random sway."""

import numpy as np
from numpy.typing import ArrayLike

#: Quintic Hermite basis: rows are value, velocity, acceleration at the start, then at the end; columns u^0 .. u^5.
BASIS = np.array(
    [
        [1, 0, 0, -10, 15, -6],
        [0, 1, 0, -6, 8, -3],
        [0, 0, 0.5, -1.5, 1.5, -0.5],
        [0, 0, 0, 10, -15, 6],
        [0, 0, 0, -4, 7, -3],
        [0, 0, 0, 0.5, -1, 0.5],
    ]
)


class Track:
    """C channels through K key values, twice continuously differentiable.

    Between two keys at which a channel turns round it follows the minimum-jerk curve of human reaching (Flash and
    Hogan, J Neurosci 1985, equation 9); where values go on in one direction it does not stop at the key (slope of
    Fritsch and Butland, SIAM J Sci Stat Comput 1984, which cannot overshoot).

    Args:
        times: (K,) s, increasing, K >= 2.
        values: (K, C).
        velocities, accelerations: (K, C), NaN where the track is free to choose.
    """

    def __init__(self, times: ArrayLike, values: ArrayLike, velocities=None, accelerations=None) -> None:
        self.times = np.asarray(times, dtype=float)
        self.values = np.asarray(values, dtype=float)
        slope = np.diff(self.values, axis=0) / np.diff(self.times)[:, None]
        before, after = slope[:-1], slope[1:]
        onward = before * after > 0
        free = np.zeros_like(self.values)
        free[1:-1] = np.where(onward, 2 * before * after / np.where(onward, before + after, 1), 0)
        self.velocities = free if velocities is None else np.where(np.isnan(velocities), free, velocities)
        self.accelerations = np.zeros_like(free) if accelerations is None else np.nan_to_num(accelerations)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """(T,) s -> (T, C); the end values hold outside the keys."""
        t = np.clip(t, self.times[0], self.times[-1])
        k = np.clip(np.searchsorted(self.times, t, side='right') - 1, 0, len(self.times) - 2)
        h = (self.times[k + 1] - self.times[k])[:, None]
        weights = np.vander((t - self.times[k]) / h[:, 0], 6, increasing=True) @ BASIS.T  # (T, 6)
        weights = weights * np.concatenate([h**0, h, h * h] * 2, axis=1)
        state = np.stack([self.values, self.velocities, self.accelerations], axis=1)  # (K, 3, C)
        return np.einsum('tw,twc->tc', weights, np.concatenate([state[k], state[k + 1]], axis=1))


class Sway:
    """Slow random wandering of C channels: ``waves`` sines each between 0.1 and 0.7 Hz, standard deviation ``size``."""

    def __init__(self, size: np.ndarray, rng: np.random.Generator, waves: int = 3) -> None:
        shape = (waves, 1, len(size))
        self.omega = 2 * np.pi * rng.uniform(0.1, 0.7, shape)
        self.phase = rng.uniform(0, 2 * np.pi, shape)
        self.amplitude = np.asarray(size) * np.sqrt(2 / waves)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """(T,) s -> (T, C)."""
        return self.amplitude * np.sin(self.omega * t[:, None] + self.phase).sum(0)
