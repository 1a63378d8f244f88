"""The pelvis over the feet: path, heading, height within the legs' reach, and the motion that follows the feet."""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import convolve1d, gaussian_filter1d, maximum_filter1d

from .body import Body
from .curves import Sway
from .kinematics import ARMS, CHANNELS, COLUMN, joint_positions, pelvis_rotation
from .planner import Plan

#: s; filtered signals are computed at this spacing, so that a motion does not depend on the frame-rate.
STEP = 1 / 50
#: s; the body's inertia: how much smoother the pelvis moves than the mean of the feet.
INERTIA = 0.15
#: s; how early and how gently the pelvis sinks where a leg would be too short, and the straightest a leg gets.
SINK, STRAIGHT = 0.12, 0.991
#: s around the clip that the filters see.
MARGIN = 1.2
#: Degrees (standard deviation) of idle sway; then m of the pelvis along x and y.
IDLE = dict.fromkeys(CHANNELS, 0.0) | dict.fromkeys(ARMS, 1.5)
IDLE |= {'pitch': 0.7, 'roll': 0.4, 'yaw': 1.0, 'lean': 0.8, 'side': 0.8, 'twist': 1.0, 'nod': 2.0, 'tilt': 1.2}
IDLE |= {'turn': 2.5, 'x': 0.006, 'y': 0.006}


class Performer:
    """Turns one plan into positions."""

    def __init__(self, plan: Plan, body: Body, style: dict[str, float], rng: np.random.Generator) -> None:
        self.plan, self.body, self.style = plan, body, style
        self.sway = Sway(np.array(list(IDLE.values())) * style['idle'], rng)

    def feet(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (2, T, 4): x, y, height, yaw, without flights; and how far in the air (2, T)."""
        places, lifted = zip(*(foot(t) for foot in self.plan.feet), strict=True)
        return np.stack(places), np.stack(lifted)

    def pose(self, t: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Poses (T, C) with sway and the motion that follows the feet; and the sway of the pelvis, (T, 2) m."""
        style, sway = self.style, self.sway(t)
        stride, lifted, later = base[:, 3:6].T
        pose = self.plan.pose(t) + sway[:, : len(CHANNELS)]

        def add(name: str, degrees: np.ndarray) -> None:
            pose[:, COLUMN[name]] += degrees

        hips, drop = style['hips'] * stride, style['drop'] * lifted
        swing = style['swing'] * stride
        add('yaw', -hips)
        add('twist', 1.7 * hips)
        add('roll', drop)
        add('side', 0.9 * drop)
        for side, sign in (('left', -1), ('right', 1)):
            forward = sign * swing * (1 + sign * style['uneven'])
            add(f'{side}_flex', forward)
            add(f'{side}_elbow', 0.6 * forward)
        # the head keeps level and looks where the body will turn
        add('nod', -0.6 * (pose[:, COLUMN['pitch']] + pose[:, COLUMN['lean']]))
        add('turn', -0.7 * hips + np.degrees(0.8 * later))
        add('twist', np.degrees(0.3 * later))
        return pose, sway[:, len(CHANNELS) :]

    def ankles(self, t: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(2, T, 3) m."""
        rest = np.array([0, 0, self.body.ankle_height])
        return places[..., :3] + self.plan.feet_flight(t) + rest

    def base(self, t0: float, t1: float) -> CubicSpline:
        """One spline over time of 7 channels.

        These are x, y (m) and heading (radians); how far the left foot is before the right one, leg lengths; right foot
        (1) or left foot (-1) in the air; how much the heading will have changed shortly; the sinking of the pelvis, m.
        """
        t = STEP * np.arange(np.floor((t0 - MARGIN) / STEP), np.ceil((t1 + MARGIN) / STEP) + 1)
        places, lifted = self.feet(t)
        middle = places.mean(0)
        weight = self.style['shift'] * lifted[..., None]  # off the foot in the air, onto the other one
        path = middle[:, :2] + (weight[::-1] * (places[..., :2] - middle[:, :2])).sum(0)
        smooth = gaussian_filter1d(np.column_stack([path, middle[:, 3]]), INERTIA / STEP, axis=0, mode='nearest')
        yaw = smooth[:, 2]
        apart = (places[0] - places[1])[:, :2]
        stride = (apart[:, 0] * np.cos(yaw) + apart[:, 1] * np.sin(yaw)) / self.body.leg
        soft = gaussian_filter1d(np.column_stack([stride, lifted[1] - lifted[0]]), 0.06 / STEP, axis=0, mode='nearest')
        later = np.interp(t + 0.3, t, yaw) - yaw
        base = np.column_stack([smooth, soft, gaussian_filter1d(later, 0.1 / STEP, mode='nearest')])
        return CubicSpline(t, np.column_stack([base, self.sinking(t, base, places)]))

    def sinking(self, t: np.ndarray, base: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Distance by which the pelvis must sink for both legs to reach, (T,) m; smooth, never too little."""
        pose, pelvis = self.root(t, base, np.zeros(len(t)))
        axis = self.body.hip * pelvis_rotation(base[:, 2], pose)[:, :, 1]
        over = np.zeros(len(t))
        for side, ankle in zip((1, -1), self.ankles(t, places), strict=True):
            gap = pelvis + side * axis - ankle
            room = (STRAIGHT * self.body.leg) ** 2 - (gap[:, :2] ** 2).sum(1)
            over = np.maximum(over, gap[:, 2] - np.sqrt(np.maximum(room, (0.3 * self.body.leg) ** 2)))
        # each value of the widened curve covers its neighbourhood, so an average over that is never too little
        reach = round(SINK / STEP)
        window = np.hanning(2 * reach + 3)[1:-1]
        return convolve1d(maximum_filter1d(over, 2 * reach + 1), window / window.sum(), mode='nearest')

    def root(self, t: np.ndarray, base: np.ndarray, sinking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Poses (T, C) and pelvis (T, 3) m."""
        yaw = base[:, 2]
        pose, sway = self.pose(t, base)
        # before or behind the feet, so that the trunk is balanced
        tilt = np.radians(pose[:, COLUMN['pitch']] + pose[:, COLUMN['lean']])
        sunk = self.body.leg * (1 - pose[:, COLUMN['height']])
        back = 0.45 * self.body.trunk * np.sin(tilt) + 0.15 * sunk - 0.03
        offset = -back[:, None] * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
        path = base[:, :2] + self.plan.pelvis_flight(t) + sway + offset
        height = self.body.ankle_height + self.body.leg * pose[:, COLUMN['height']]
        return pose, np.column_stack([path, height - sinking])

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """(T,) s -> joint positions (T, 17, 3) m."""
        base = self.base(t[0], t[-1])(t)
        pose, pelvis = self.root(t, base, base[:, 6])
        places, _ = self.feet(t)
        toes = np.radians(self.style['toe_out']) * np.array([[1], [-1]])
        leg_yaw = 0.6 * (places[..., 3] + toes) + 0.4 * (base[:, 2] + np.radians(pose[:, COLUMN['yaw']]))
        return joint_positions(self.body, pose, pelvis, base[:, 2], self.ankles(t, places), leg_yaw, self.plan.lead)
