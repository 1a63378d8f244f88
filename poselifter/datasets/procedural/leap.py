"""The mechanics of a jump from both feet: push, free fall, landing."""

import numpy as np

GRAVITY = 9.81
#: m that the ankles rise over the toes before these leave the floor, and after they touch it.
TOES = 0.07
#: Hip to ankle as a fraction of the leg when the toes leave the floor, and when they touch it.
STRETCHED, TOUCHING = 0.965, 0.935
#: Stroke over the way that the end speed alone would cover in the same time; 2 is a constant push.
STROKE = 2.2


class Leap:
    """Times (s), heights (m, over the ankles' stance height) and speeds (m/s) of one jump.

    From the last touch of the toes to the first, the hips fall freely: keys carry the velocity and the acceleration -g
    of the parabola, which a quintic between two of them reproduces exactly.

    Args:
        leg: length; rise: how high the hips rise in the air; distance: forward; bottom: hips in the crouch. Metres.
    """

    def __init__(self, leg: float, rise: float, distance: float, bottom: float) -> None:
        self.speed = np.sqrt(2 * GRAVITY * rise)
        # times of an upright jump give how far the hips are ahead of the feet at take-off (and behind at landing)
        self.push = STROKE * (STRETCHED * leg + TOES - bottom) / self.speed
        self.lean = self.push * distance / 2 / (2 * self.speed / GRAVITY + self.push)
        self.top = TOES + np.sqrt((STRETCHED * leg) ** 2 - self.lean**2)
        self.touch = TOES + np.sqrt((TOUCHING * leg) ** 2 - self.lean**2)
        self.fall = np.sqrt(self.speed**2 + 2 * GRAVITY * (self.top - self.touch))
        self.flight = (self.speed + self.fall) / GRAVITY
        self.across = (distance - 2 * self.lean) / self.flight
        half = self.flight / 2  # then the hips are so far above take-off, at this speed
        self.middle = half, self.speed * half - GRAVITY * half**2 / 2, self.speed - GRAVITY * half

    def absorb_time(self, depth: float) -> float:
        """Seconds from landing to the bottom of the crouch at ``depth``."""
        return STROKE * (self.touch - depth) / self.fall

    def hip_keys(self) -> list[tuple[float, float, float, float]]:
        """Take-off, mid-flight and landing: time since the crouch, height, velocity, acceleration."""
        half, above, speed = self.middle
        return [
            (self.push, self.top, self.speed, -GRAVITY),
            (self.push + half, self.top + above, speed, -GRAVITY),
            (self.push + self.flight, self.touch, -self.fall, -GRAVITY),
        ]

    def feet_keys(self, tuck: float) -> list[tuple[float, float, float, float, float]]:
        """Heel-off, toe-off, mid-flight, toes down, heels down: time, part of the way, height, velocity, acceleration.

        At toe-off and toes down the feet move with the hips, so that the legs neither pull nor push.
        """
        half, above, speed = self.middle
        end = self.push + self.flight
        return [
            (self.push - 2.7 * TOES / self.speed, 0.0, 0.0, 0.0, 0.0),
            (self.push, 0.0, TOES, self.speed, -GRAVITY),
            (self.push + half, 0.5, TOES + above + tuck, speed, -GRAVITY),
            (end, 1.0, TOES, -self.fall, -GRAVITY),
            (end + 2.7 * TOES / self.fall, 1.0, 0.0, 0.0, 0.0),
        ]
