"""Inverse kinematics: points of a body to rotations of bones that stand in a T pose at rest, and forward kinematics.

The T pose has straight legs, arms out to the sides, palms down; y is up, it faces z, its left is at x. A rotation takes
a bone from there to where it is, so all of them are the identity for who stands like that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..skeletons import convert_keypoints, find_conversion, get_skeleton

#: By bone: parent, joints at its ends ('' where no joint is), direction at rest, metres for a height of 1.7 m.
_MIDDLE = {
    'Hips': ('', 'pelvis', '', (0, 1, 0), 0.1),
    'Spine': ('Hips', 'pelvis', 'spine', (0, 1, 0), 0.22),
    'Spine1': ('Spine', 'spine', '', (0, 1, 0), 0.14),
    'Spine2': ('Spine1', '', 'thorax', (0, 1, 0), 0.14),
    'Neck': ('Spine2', 'thorax', 'nose', (0, 1, 0), 0.12),
    'Head': ('Neck', 'nose', 'head_top', (0, 1, 0), 0.12),
}
_SIDE = {
    'UpLeg': ('Hips', 'hip', 'knee', (0, -1, 0), 0.41),
    'Leg': ('UpLeg', 'knee', 'ankle', (0, -1, 0), 0.42),
    'Foot': ('Leg', 'ankle', 'toe', (0, -0.45, 0.9), 0.15),
    'ToeBase': ('Foot', 'toe', '', (0, 0, 1), 0.06),
    'Shoulder': ('Spine2', 'thorax', 'shoulder', (1, 0, 0), 0.17),
    'Arm': ('Shoulder', 'shoulder', 'elbow', (1, 0, 0), 0.28),
    'ForeArm': ('Arm', 'elbow', 'wrist', (1, 0, 0), 0.25),
    'Hand': ('ForeArm', 'wrist', '', (1, 0, 0), 0.17),
}
_HIP = 0.09  # half the distance of the hips, for a height of 1.7 m
_TOES = ('big_toe', 'foot_index', 'toe', 'toe_base', 'foot')  # names of a toe, the first that a joint set has
_STRAIGHT, _BENT = np.sin(np.radians([12, 35]))  # below and above, the plane of a limb is not and wholly known
_CARRY = 0.25  # seconds over which a straight limb takes its plane from neighbouring frames
_MIRROR = np.array([-1.0, 1, 1])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) at length 1; 0 stays 0."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _table() -> dict[str, tuple[str, str, str, np.ndarray, float]]:
    """Bones in order, parents first: parent, joints at the ends, unit direction at rest, length."""
    rows = dict(_MIDDLE)
    for side, sign in (('Left', 1), ('Right', -1)):
        for name, (parent, head, tail, rest, length) in _SIDE.items():
            ends = (joint and (joint if joint == 'thorax' else f'{side.lower()}_{joint}') for joint in (head, tail))
            owner = f'{side}{parent}' if parent in _SIDE else parent
            rows[side + name] = (owner, *ends, np.array(rest) * (sign, 1, 1), length)
    return {name: (*row[:3], unit(np.array(row[3], float)), row[4]) for name, row in rows.items()}


BONES = _table()


@dataclass(frozen=True)
class Armature:
    """B bones at rest in the T pose, parents before children; metres.

    Attributes:
        names: of the bones.
        parents: B numbers of bones, -1 of the root.
        offsets: (B, 3) from the parent's head to the bone's.
        vectors: (B, 3) from a bone's head to its tail.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    vectors: np.ndarray

    def heads(self) -> np.ndarray:
        """Places (B, 3) of the bones' heads at rest, the root's at 0."""
        return forward_kinematics(self, np.tile(np.eye(3), (1, len(self.names), 1, 1)), np.zeros((1, 3)))[0]


@dataclass(frozen=True)
class BoneMotion:
    """An armature that moves over T frames.

    Attributes:
        armature: B bones.
        rotations: (T, B, 3, 3), from rest to pose in the axes of the world.
        root: (T, 3) place of the root, metres.
    """

    armature: Armature
    rotations: np.ndarray
    root: np.ndarray

    def local_rotations(self) -> Iterator[np.ndarray]:
        """Rotations (T, 3, 3) relative to the parent's, bone by bone: all those of an hour take much room."""
        for bone, parent in enumerate(self.armature.parents):
            turn = self.rotations[:, bone]
            yield turn if parent < 0 else self.rotations[:, parent].swapaxes(-1, -2) @ turn

    def joints(self) -> np.ndarray:
        """The joints (T, 17, 3) of h36m17 by forward kinematics."""
        heads, names = forward_kinematics(self.armature, self.rotations, self.root), self.armature.names
        places = {row[1]: heads[:, names.index(name)] for name, row in BONES.items() if row[1] != 'thorax'}
        places['thorax'] = heads[:, names.index('Neck')]
        places['head_top'] = places['nose'] + self.directions('Head') * np.linalg.norm(
            self.armature.vectors[names.index('Head')]
        )
        return np.stack([places[name] for name in get_skeleton('h36m17').joint_names], 1)

    def directions(self, bone: str) -> np.ndarray:
        """Unit vectors (T, 3) from a bone's head to its tail."""
        number = self.armature.names.index(bone)
        return self.rotations[:, number] @ unit(self.armature.vectors[number])


def forward_kinematics(armature: Armature, rotations: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Places (T, B, 3) of the bones' heads, from ``rotations`` (T, B, 3, 3) in the world's axes and ``root`` (T, 3)."""
    heads = np.zeros((*rotations.shape[:2], 3))
    for bone, parent in enumerate(armature.parents):
        heads[:, bone] = root if parent < 0 else heads[:, parent] + rotations[:, parent] @ armature.offsets[bone]
    return heads


def named_points(joints: np.ndarray, skeleton: str) -> dict[str, np.ndarray]:
    """Joints (T, J, 3) of any joint set as those of h36m17 by name, with ``left_toe`` and ``right_toe``; NaN: unknown.

    Raises:
        InputError: the joint set has no hips and shoulders.
    """
    target = get_skeleton('h36m17').joint_names
    known = {name: joints[:, number] for number, name in enumerate(get_skeleton(skeleton).joint_names)}
    try:
        find_conversion(skeleton, 'h36m17')
        points = dict(zip(target, np.moveaxis(convert_keypoints(joints, skeleton, 'h36m17'), 1, 0), strict=True))
    except InputError:
        absent = sorted({'left_hip', 'right_hip', 'left_shoulder', 'right_shoulder'} - set(known))
        if absent:
            raise InputError(
                f'the joint set {skeleton!r} lacks {", ".join(absent)}, without which bones have no rotations; write '
                f'points, such as npz, csv, json, trc or c3d'
            ) from None
        points = {name: known.get(name, np.full_like(joints[:, 0], np.nan)) for name in target}
    missing = np.full_like(joints[:, 0], np.nan)
    for side in ('left', 'right'):
        toe = next((f'{side}_{name}' for name in _TOES if f'{side}_{name}' in known), None)
        points[f'{side}_toe'] = known.get(toe, missing)
    middle = (points['thorax'] + points['head_top']) / 2
    points['nose'] = np.where(np.isnan(points['nose']).all(0), middle, points['nose'])
    return points


def inverse_kinematics(joints: np.ndarray, skeleton: str, fps: float) -> BoneMotion:
    """Rotations of 22 bones that reproduce joints as far as constant lengths, left as right, allow.

    Bones point where the joints are. Hips and shoulders turn pelvis and trunk; elbows and knees turn arms and legs
    about themselves: by their bend plane, which straight limbs carry over from frames within a second, else from the
    trunk. A foot without a toe stands at a right angle to the shank, a hand goes on from the forearm. The same joints
    in other axes give the same motion in those axes.

    Args:
        joints: (T, J, 3) metres. NaN: a joint is carried on from the frames around; a bone without a joint in all
            frames stays as at rest.
        skeleton: joint set of J joints.
        fps: frames a second.

    Returns:
        The motion, in the axes of the joints.

    Raises:
        InputError: the joint set has no hips and shoulders.
    """
    points = named_points(np.asarray(joints, float), skeleton)
    vectors = {name: _filled(points[row[2]] - points[row[1]]) for name, row in BONES.items() if row[1] and row[2]}
    vectors['Spine1'] = vectors['Spine2'] = _filled(points['thorax'] - points['spine'])
    solver = _Solver(points, vectors, fps)
    middle = (points['left_hip'] + points['right_hip']) / 2
    root = _filled(np.where(np.isnan(middle), points['pelvis'], middle), places=True)
    armature, rotations = solver.armature(), np.empty((len(BONES), len(joints), 3, 3))
    for bone, name in enumerate(BONES):  # bone after bone in memory, which fills as the solver's empties
        rotations[bone] = solver.rotations.pop(name)
    return BoneMotion(armature, np.moveaxis(rotations, 0, 1), np.zeros((len(joints), 3)) if root is None else root)


class _Solver:
    """Rotations (T, 3, 3) of each bone by name, and directions at rest."""

    def __init__(self, points: dict[str, np.ndarray], vectors: dict[str, np.ndarray | None], fps: float) -> None:
        self.vectors, self.fps, self.length, self.rotations = vectors, fps, len(points['pelvis']), {}
        self.rest = {name: row[3] for name, row in BONES.items()}
        self.hips = _filled(points['left_hip'] - points['right_hip'])
        shoulders = _filled(points['left_shoulder'] - points['right_shoulder'])
        across = self._first(self.hips, shoulders, (1, 0, 0))
        chest = self._first(shoulders, self.hips, (1, 0, 0))
        up = self._first(vectors['Spine'], _filled(points['thorax'] - points['pelvis']), vectors['Spine1'], (0, 1, 0))
        upper = self._first(vectors['Spine1'], up)
        self.rotations['Hips'] = _axes(across, up)
        self.rotations['Spine'] = _upright(up, across + chest)
        self.rotations['Spine1'] = self.rotations['Spine2'] = _upright(upper, chest)
        self._rest_of_chest()
        for name in ('Neck', 'Head', 'LeftShoulder', 'RightShoulder'):
            self.rotations[name] = self._swing(name, 'Spine2')
        for side, sign in (('Left', -1), ('Right', 1)):
            self._limb(f'{side}Arm', f'{side}ForeArm', 'Spine2', np.array([0.0, sign, 0]))
            self._limb(f'{side}UpLeg', f'{side}Leg', 'Hips', np.array([1.0, 0, 0]))
            self.rotations[f'{side}Hand'], shank = (self.rotations[side + name] for name in ('ForeArm', 'Leg'))
            foot, toe = f'{side}Foot', vectors[f'{side}Foot']
            turned = None if toe is None else self._turned(foot, unit(toe), shank[..., 0], np.array([1.0, 0, 0]))
            self.rotations[foot] = self.rotations[f'{side}ToeBase'] = shank if turned is None else turned

    def _first(self, *candidates: np.ndarray | Sequence[float] | None) -> np.ndarray:
        """Unit vectors (T, 3), the first that are known."""
        known = next(np.asarray(vectors, float) for vectors in candidates if vectors is not None)
        return np.broadcast_to(unit(known), (self.length, 3))

    def _rest_of_chest(self) -> None:
        """Neck and collar bones point at rest as they mostly do, alike on both sides."""
        seen = {}
        for name in ('Neck', 'LeftShoulder', 'RightShoulder'):
            within = (
                self.rotations['Spine2'].swapaxes(-1, -2) @ self._first(self.vectors[name], self.rest[name])[..., None]
            )
            seen[name] = np.median(within[..., 0], 0)
        left = unit(seen['LeftShoulder'] + seen['RightShoulder'] * _MIRROR)
        self.rest |= {'Neck': unit(seen['Neck'] * (0, 1, 1)), 'LeftShoulder': left, 'RightShoulder': left * _MIRROR}

    def _swing(self, name: str, base: str) -> np.ndarray:
        """A bone turned from a base to its vector by the shortest way, without a twist."""
        at_rest = self.rotations[base] @ self.rest[name]
        return _shortest_turn(at_rest, self._first(self.vectors[name], at_rest)) @ self.rotations[base]

    def _turned(self, name: str, along: np.ndarray, axis: np.ndarray, hinge: np.ndarray) -> np.ndarray:
        """Rotations (T, 3, 3) of a bone that points ``along`` (T, 3), its ``hinge`` at rest near ``axis`` (T, 3)."""
        return _axes(along, axis) @ _axes(self.rest[name], hinge).T

    def _limb(self, upper: str, lower: str, base: str, hinge: np.ndarray) -> None:
        """Upper and lower part of an arm or leg; ``hinge`` is the axis about which it bends, at rest."""
        swung = self._swing(upper, base)
        along = swung @ self.rest[upper]
        follow = self._first(self.vectors[lower], along)
        start = swung @ hinge
        side, bend = np.cross(along, start), np.cross(along, follow)
        seen = np.stack([(bend * start).sum(-1), (bend * side).sum(-1)], -1)  # cosine and sine of the twist, times ...
        sine = np.linalg.norm(seen, axis=-1, keepdims=True)  # ... the sine of the bend
        turn = seen / np.maximum(sine, 1e-12)
        trust = np.clip((sine - _STRAIGHT) / (_BENT - _STRAIGHT), 0, 1)
        if base == 'Hips':  # knees bend one way; the other way is the noise of a straight leg
            turn, trust = turn * np.where(turn[:, :1] < 0, -1, 1), trust * np.abs(turn[:, :1])
        trust = trust * trust * (3 - 2 * trust)
        carried = _smoothed(turn * trust, self.fps) + np.array([0.02, 0])
        turn = turn * trust + carried * (1 - trust)
        sure = np.minimum(np.linalg.norm(turn, axis=-1, keepdims=True), 1)  # a plane and its opposite may cancel out
        turn = unit(turn * sure + _smoothed(turn, self.fps) * (1 - sure))
        axis = turn[:, :1] * start + turn[:, 1:] * side
        self.rotations[upper] = self._turned(upper, along, axis, hinge)
        self.rotations[lower] = self._turned(lower, follow, axis, hinge)

    def armature(self) -> Armature:
        """The bones at rest, with median lengths, left as right; unknown ones are in proportion to the known."""
        sizes = {name: np.linalg.norm(v, axis=-1) for name, v in self.vectors.items() if v is not None}
        known = {}
        for name in sizes:
            pair = [
                sizes[other]
                for other in {name, name.replace('Left', 'Right'), name.replace('Right', 'Left')} & set(sizes)
            ]
            known[name] = float(np.median(np.concatenate(pair))) / (2 if name in ('Spine1', 'Spine2') else 1)
        scale = np.median([known[name] / BONES[name][4] for name in known]) if known else 1.0
        vectors = {name: self.rest[name] * known.get(name, row[4] * scale) for name, row in BONES.items()}
        half = _HIP * scale if self.hips is None else np.median(np.linalg.norm(self.hips, axis=-1)) / 2
        offsets = {name: vectors.get(row[0], np.zeros(3)) for name, row in BONES.items()}
        offsets |= {'Spine': np.zeros(3), 'LeftUpLeg': np.array([half, 0, 0]), 'RightUpLeg': np.array([-half, 0, 0])}
        names = tuple(BONES)
        parents = tuple(names.index(row[0]) if row[0] else -1 for row in BONES.values())
        return Armature(names, parents, np.stack(list(offsets.values())), np.stack(list(vectors.values())))


def _filled(vectors: np.ndarray, places: bool = False) -> np.ndarray | None:
    """Vectors (T, 3) with gaps filled in between neighbours; ``None`` without any. 0 is a gap but of ``places``."""
    known = np.isfinite(vectors).all(-1) & (places | (np.abs(np.nan_to_num(vectors)).max(-1) > 1e-9))
    if known.all() or not known.any():
        return vectors if known.any() else None
    every, rows = np.arange(len(vectors)), np.flatnonzero(known)
    filled = np.stack([np.interp(every, rows, vectors[rows, axis]) for axis in range(3)], -1)
    lost = np.flatnonzero((np.abs(filled).max(-1) <= 1e-9) & (not places))  # half way between opposites
    filled[lost] = vectors[rows[np.searchsorted(rows, lost) - 1]]
    return filled


def _smoothed(values: np.ndarray, fps: float) -> np.ndarray:
    """Values (T, n) smoothed over time."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, _CARRY * fps, 0, mode='nearest')


def _axes(first: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) with the first column ``first`` (..., 3), the second as near as may be to ``near``."""
    third = np.cross(first, near)
    parallel = np.linalg.norm(third, axis=-1, keepdims=True) < 1e-9
    third = unit(np.where(parallel, _across(first), third))
    return np.stack([first, np.cross(third, first), third], -1)


def _across(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) at a right angle to others, any."""
    return unit(np.cross(vectors, np.eye(3)[np.abs(vectors).argmin(-1)]))


def _upright(up: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) with the second column ``up`` (T, 3), the first as near as may be to ``left``."""
    return _axes(up, left)[..., [1, 0, 2]] * np.array([1, 1, -1])


def _shortest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) from unit vectors (T, 3) to others by the least angle; to the opposite, about any axis."""
    axis, cosine = np.cross(start, end), (start * end).sum(-1)
    opposite = cosine < -1 + 1e-9
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    skew = np.stack([np.stack(row, -1) for row in ([zero, -z, y], [z, zero, -x], [-y, x, zero])], -2)
    turn = np.eye(3) + skew + skew @ skew / np.where(opposite, 1, 1 + cosine)[:, None, None]
    across = _across(start)
    half = 2 * across[:, :, None] * across[:, None] - np.eye(3)
    return np.where(opposite[:, None, None], half, turn)
