"""Places of the feet: planted, but for the steps of a plan."""

import numpy as np
from scipy.interpolate import make_interp_spline

#: A step of the ankle at equal times: progress and height, as fractions. Heel-off first, highest when the toes leave
#: the floor, low again before it lands; drawn from the ankles of walkers in the CMU motion capture database.
PROGRESS = [0.0, 0.001, 0.010, 0.040, 0.106, 0.199, 0.308, 0.433, 0.578, 0.735, 0.881, 0.976, 1.0]
HEIGHT = [0.0, 0.05, 0.19, 0.42, 0.70, 0.94, 1.00, 0.83, 0.54, 0.33, 0.20, 0.09, 0.0]
_still = [(1, np.zeros(2)), (2, np.zeros(2))]  # velocity and acceleration where the foot stands
_times = np.linspace(0, 1, len(PROGRESS)).round(3)
swing_curve = make_interp_spline(_times, np.column_stack([PROGRESS, HEIGHT]), k=5, bc_type=(_still, _still))


class Footsteps:
    """The steps of one foot.

    Args:
        start: (x, y, yaw) before the first step; metres and radians.
        steps: (lift-off, landing, clearance, x, y, yaw) each: s, s, m, and the place it goes to.
    """

    def __init__(self, start, steps) -> None:
        table = np.array([(-2.0, -1.0, 0.0, *start), *steps])
        self.lift, self.land, self.clearance = table[:, :3].T
        self.target = table[:, 3:]
        self.origin = np.concatenate([table[:1, 3:], table[:-1, 3:]])

    def __call__(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(T,) s -> place (T, 4): x, y, height over the stance height, yaw; and how far in the air (T,), 0 to 1."""
        k = np.maximum(np.searchsorted(self.lift, t, side='right') - 1, 0)
        progress, height = swing_curve(np.clip((t - self.lift[k]) / (self.land[k] - self.lift[k]), 0, 1)).T
        place = self.origin[k] + progress[:, None] * (self.target[k] - self.origin[k])
        return np.stack([place[:, 0], place[:, 1], height * self.clearance[k], place[:, 2]], axis=1), height
