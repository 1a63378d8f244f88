"""From a motion's description to its plan: key poses, foot steps and flights on one time line.

A description is data (``motions.yml``): ``moves`` is a list of moves, each a dict with ``do`` and the arguments of
the method ``Planner.do_<do>``; ``style`` and ``rest`` override entries of the common ones. A number is itself, a pair
is drawn from uniformly each time it is played. In a pose ``arms_x`` means both arms, ``lead_x`` and ``rear_x`` the side
drawn for the clip and the other one; bending, turning and tilting are then positive towards the lead side.
"""

from dataclasses import dataclass

import numpy as np

from .body import Body
from .curves import Track
from .footsteps import Footsteps
from .kinematics import ARM, CHANNELS, COLUMN
from .leap import Leap

LATERAL = ('roll', 'yaw', 'side', 'twist', 'tilt', 'turn')
#: Step length over cadence, m per step/min, is nearly the same at all speeds (Sekiya and Nagasaki, Gait Posture 1998).
WALK_RATIO = 0.0064
#: Walkers turn back where they are further than this (m) from where they started, as in a capture volume.
ROOM = 3.5


@dataclass(frozen=True)
class Plan:
    """Key poses, foot steps and flights of a clip over time; ``feet_flight`` is that of both feet."""

    pose: Track  # CHANNELS
    feet: tuple[Footsteps, Footsteps]  # left, right
    feet_flight: Track  # x, y, z: m, added to the feet's places
    pelvis_flight: Track  # x, y: m
    lead: int  # 1 left, -1 right


class Planner:
    """Plays moves one after the other and records their key poses, steps and flights."""

    def __init__(self, body: Body, style: dict[str, float], rest: dict, rng: np.random.Generator) -> None:
        self.body, self.style, self.rng = body, style, rng
        self.lead = 1 if rng.random() < 0.4 else -1
        self.rest = self.resolve(rest, np.zeros(len(CHANNELS)))
        self.time, self.pose = 0.0, self.rest
        self.keys = [(0.0, self.rest, np.nan, np.nan)]  # time, pose, velocity and acceleration of ``height``
        self.place, self.yaw, self.stride = np.zeros(2), 0.0, 0.0
        self.next_foot = int(rng.integers(2))  # 0 left, 1 right
        self.start = [self.foot_place(0), self.foot_place(1)]
        self.steps: list[list] = [[], []]
        self.feet_keys = [(0.0, np.zeros(3), np.zeros(3), np.zeros(3))]
        self.pelvis_keys = [(0.0, np.zeros(2), np.zeros(2))]

    def draw(self, value) -> float:
        """A number as it is; one of a pair's interval."""
        return float(self.rng.uniform(*value)) if isinstance(value, (tuple, list)) else float(value)

    def resolve(self, spec: dict, base: np.ndarray) -> np.ndarray:
        """The pose (C,) that ``spec`` asks for; other channels stay as in ``base``."""
        pose = base.copy()
        sides = {'lead': ('left', 'right')[self.lead < 0], 'rear': ('left', 'right')[self.lead > 0]}
        for name, value in spec.items():
            drawn = self.draw(value)
            group, _, angle = name.partition('_')
            if group == 'arms':
                uneven = self.style['uneven'] * self.rng.uniform(-1, 1) * (drawn - base[COLUMN[f'left_{angle}']])
                pose[COLUMN[f'left_{angle}']], pose[COLUMN[f'right_{angle}']] = drawn + uneven, drawn - uneven
            elif angle in ARM:
                pose[COLUMN[f'{sides[group]}_{angle}']] = drawn
            else:
                pose[COLUMN[name]] = drawn * (self.lead if name in LATERAL else 1)
        return pose

    def play(self, moves) -> None:
        for move in moves:
            getattr(self, f'do_{move["do"]}')(**{k: v for k, v in move.items() if k != 'do'})

    def key(self, pose: np.ndarray, velocity: float = np.nan, acceleration: float = np.nan) -> None:
        self.pose = pose
        self.keys.append((self.time, pose, velocity, acceleration))

    def do_pose(self, time, to: dict | None = None, keep: bool = False) -> None:
        """Moves into a pose; ``keep`` changes the present one, otherwise channels outside ``to`` go to rest."""
        self.time += self.draw(time) / self.style['tempo']
        self.key(self.resolve(to or {}, self.pose if keep else self.rest))

    def do_hold(self, time) -> None:
        self.do_pose(time, keep=True)

    def do_rest(self, time=(0.5, 0.9)) -> None:
        """Goes back to rest, and stays at rest for a moment."""
        self.do_pose(time)
        self.do_hold((0.1, 0.6))

    def do_cycle(self, there: dict, back: dict, time, times, start: dict | None = None) -> None:
        """Moves into a pose, to and fro a few times, and back to rest; ``time`` is that of a stroke."""
        self.do_pose((0.5, 0.9), start)
        self.do_repeat(times, [{'do': 'pose', 'time': time, 'keep': True, 'to': to} for to in (there, back)])
        self.do_rest()

    def do_repeat(self, times, moves) -> None:
        for _ in range(round(self.draw(times))):
            self.play(moves)

    def do_choose(self, among) -> None:
        self.play(among[self.rng.integers(len(among))])

    def foot_place(self, foot: int, ahead: float = 0.0, width: float | None = None) -> tuple[float, float, float]:
        """x, y, yaw of a foot beside the present place."""
        side = (1 - 2 * foot) * (self.style['stance'] if width is None else width) * self.body.stature / 2
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        ahead, side = np.array([ahead, side]) + self.rng.uniform(-0.012, 0.012, 2)
        return (*(self.place + [cos * ahead - sin * side, sin * ahead + cos * side]), self.yaw)

    def do_steps(self, turn, time=None, length=0.0, count=None, per_step=None, clearance=None, stop=True, to=None):
        """Steps forward by ``length`` (fraction of stature), turning by ``turn`` degrees in all to a random side.

        Args:
            time: seconds from landing to landing; by default what the walk ratio gives for the length.
            count: steps; by default as many as ``per_step`` degrees need.
            clearance: m that the ankle rises; by default a quarter of the length.
            stop: the last step brings the feet together.
            to: the pose meanwhile.
        """
        length = self.draw(length) * self.body.stature
        turn = np.radians(self.draw(turn)) * self.rng.choice([-1, 1])
        count = round(self.draw(count)) if count else int(np.ceil(abs(turn) / np.radians(self.draw(per_step))))
        period = (self.draw(time) if time else 60 * WALK_RATIO / length) / self.style['tempo']
        if not length:
            self.next_foot = 0 if turn > 0 else 1
        pose = self.resolve(to or {}, self.rest)
        for k in range(count + stop):
            last = stop and k == count
            ahead = 0.0 if last else length / 2
            self.advance(self.stride)  # over the standing foot, then on in the new direction
            self.yaw += 0.0 if last else self.steer(turn / count)
            self.advance(ahead)
            self.stride = ahead
            lasts = (1.15 if length else 0.8) * period
            land = self.time + max(period, lasts if k == 0 else 0) * self.rng.uniform(0.98, 1.02)
            width = None if last or not length else self.style['step_width']
            rise = self.draw(clearance) if clearance else 0.25 * length
            place = self.foot_place(self.next_foot, ahead, width)
            self.steps[self.next_foot].append((land - lasts, land, rise, *place))
            self.next_foot, self.time = 1 - self.next_foot, land
            if k in (0, count + stop - 1):
                self.key(pose)

    def advance(self, metres: float) -> None:
        self.place = self.place + metres * np.array([np.cos(self.yaw), np.sin(self.yaw)])

    def steer(self, turn: float) -> float:
        """The turn of one step, radians, as asked, or back into the room."""
        x, y = self.place
        if np.hypot(x, y) > ROOM:
            off = np.arctan2(-y, -x) - self.yaw
            turn = np.clip((off + np.pi) % (2 * np.pi) - np.pi, -0.3, 0.3)
        return turn * (1.5 if (turn > 0) == (self.next_foot == 0) else 0.5)  # a step that opens the legs turns more

    def do_jump(self, height, distance, tuck, down, crouch, leave, air, land, absorb) -> None:
        """Jumps from both feet, and lands planted.

        Args:
            height: m that the hips rise in the air; distance: m forward; tuck: m that the feet are drawn up.
            down: seconds into the crouch.
            crouch, leave, air, land, absorb: poses; ``height`` in crouch and absorb is how deep they are.
        """
        self.do_pose(down, crouch)
        distance = self.draw(distance)
        leap = Leap(self.body.leg, self.draw(height), distance, self.pose[COLUMN['height']] * self.body.leg)
        heading = np.array([np.cos(self.yaw), np.sin(self.yaw), 0])
        feet, hips, start = self.feet_keys[-1][1], self.pelvis_keys[-1][1], self.time
        ahead, across = (leap.lean * heading)[:2], (leap.across * heading)[:2]
        for after, along, up, velocity, acceleration in leap.feet_keys(self.draw(tuck)):
            place = feet + along * distance * heading + [0, 0, up]
            free = np.full(2, np.nan)  # along the floor the track chooses
            self.feet_keys.append((start + after, place, [*free, velocity], [*free, acceleration]))
        self.pelvis_keys.append((start, hips, np.zeros(2)))
        self.pelvis_keys.append((start + leap.push, hips + ahead, across))
        hips = hips + distance * heading[:2]
        self.pelvis_keys.append((start + leap.push + leap.flight, hips - ahead, across))
        for spec, (after, up, velocity, acceleration) in zip((leave, air, land), leap.hip_keys(), strict=True):
            self.time = start + after
            pose = self.resolve(spec, self.rest)
            pose[COLUMN['height']] = up / self.body.leg
            self.key(pose, velocity / self.body.leg, acceleration / self.body.leg)
        pose = self.resolve(absorb, self.rest)
        self.time += leap.absorb_time(pose[COLUMN['height']] * self.body.leg)
        self.key(pose)
        self.pelvis_keys.append((self.time, hips, np.zeros(2)))

    def plan(self, moves, until: float) -> Plan:
        """Repeats ``moves`` until the time line is longer than ``until`` seconds."""
        while self.time < until:
            self.play(moves)
        times, poses, velocities, accelerations = zip(*self.keys, strict=True)
        forced = np.full((2, len(times), len(CHANNELS)), np.nan)
        forced[:, :, COLUMN['height']] = velocities, accelerations
        return Plan(
            pose=Track(times, poses, *forced),
            feet=tuple(Footsteps(start, steps) for start, steps in zip(self.start, self.steps, strict=True)),
            feet_flight=Track(*_closed(self.feet_keys)),
            pelvis_flight=Track(*_closed(self.pelvis_keys)),
            lead=self.lead,
        )


def _closed(keys: list[tuple]) -> list[np.ndarray]:
    """Columns of a key list that ends at rest, also where it has one key only."""
    time, place, *rates = keys[-1]
    still = (time + 1, place, *(np.zeros_like(rate) for rate in rates))
    return [np.array(column) for column in zip(*keys, still, strict=True)]
