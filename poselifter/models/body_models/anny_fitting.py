"""Anny fitted to joints: all frames of a sequence at once, one shape for all of them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle
from ...geometry.inverse_kinematics import BONES, inverse_kinematics
from ...skeletons import get_skeleton
from .anny import AnnyBody, RestBody
from .fitting import BodyMotion, minimise

#: Bones that turn: those of inverse kinematics they start from, and radians that they commonly turn, of limbs about
#: their length, the hinge and the third axis, of others about x, y, z. The rest stays at rest: nothing measures it.
_SPINE, _NECK = (0.15, 0.15, 0.15), (0.12, 0.12, 0.12)
_MIDDLE = {
    'root': ('Hips', (1.0, 1.0, 1.0)),
    'spine05': ('Spine', _SPINE), 'spine04': ('Spine', _SPINE), 'spine03': ('Spine1', _SPINE),
    'spine02': ('Spine1', _SPINE), 'spine01': ('Spine2', _SPINE),
    'neck01': ('Neck', _NECK), 'neck02': ('Neck', _NECK), 'neck03': ('Neck', _NECK), 'head': ('Head', _SPINE),
}  # fmt: skip
_SIDE = {
    'clavicle': ('Shoulder', (0.05, 0.15, 0.15)), 'shoulder01': ('Shoulder', (0.05, 0.1, 0.1)),
    'upperarm01': ('Arm', (0.4, 1.0, 1.0)), 'upperarm02': ('Arm', (0.4, 0.01, 0.01)),
    'lowerarm01': ('ForeArm', (0.05, 1.0, 0.05)),
    'upperleg01': ('UpLeg', (0.3, 0.8, 0.5)), 'upperleg02': ('UpLeg', (0.3, 0.01, 0.01)),
    'lowerleg01': ('Leg', (0.05, 1.0, 0.05)), 'foot': ('Leg', (0.35, 0.1, 0.1)),
}  # fmt: skip
_HINGES = ('lowerarm01', 'lowerleg01')
_OFFSETS = {  # metres that a joint of other origin commonly lies off the body's
    'pelvis': 0.03, 'hip': 0.03, 'spine': 0.05, 'thorax': 0.04, 'nose': 0.05, 'head_top': 0.05, 'shoulder': 0.02,
    'knee': 0.015, 'ankle': 0.015, 'elbow': 0.015, 'wrist': 0.015,
}  # fmt: skip
_SHAPE_SPREAD = {'gender': 0.3, 'age': 0.1, 'muscle': 0.2, 'weight': 0.2, 'height': 0.12, 'proportions': 0.2}
_CHANGE_SPREAD = 0.35  # of local changes
_ACCELERATION_STD = 40.0  # rad/s^2
_SOLES = {
    'left_heel': 0.034,
    'left_big_toe': 0.018,
    'right_heel': 0.034,
    'right_big_toe': 0.018,
}  # metres over the ground
_SOLE_STD = 0.01  # metres that a sole which stands is off the ground


@dataclass(frozen=True)
class Ground:
    """The ground in the axes of the joints.

    Attributes:
        up: (3,) unit vector.
        height: of the origin over the ground, metres.
        contacts: (T, 4) whether left heel, left toe, right heel and right toe stand on it.
    """

    up: Tensor
    height: float
    contacts: Tensor


class AnnyJoints:
    """The joints of h36m17, then heels and toes, as a function of pose and shape, exactly, but without the vertices.

    A joint is a sum over vertices, a vertex a sum over bones of points that are linear in the blend shapes, so the sum
    over vertices is done once for each pair of joint and bone. Bones that stay at rest are part of the one above.

    Args:
        body: the body model.

    Attributes:
        moving: numbers of the M bones that turn, parents first.
        parents: M, the number in ``moving`` of the one above; -1 of the root.
    """

    def __init__(self, body: AnnyBody) -> None:
        self.body = body
        self.moving = [number for number, name in enumerate(body.bone_names) if articulation(name)]
        above = [self.moving.index(0)] * len(body.parents)
        for bone, parent in enumerate(body.parents):
            above[bone] = self.moving.index(bone) if bone in self.moving else above[parent]
        self.parents = [-1, *(above[body.parents[bone]] for bone in self.moving[1:])]
        feet = [body.regressor[body.keypoint_names.index(name)] for name in _SOLES]
        regressor = torch.cat([body.joint_weights('h36m17'), torch.stack(feet)])
        self.count = len(regressor)
        joint, bone = ((regressor @ body.weights) > 1e-7).nonzero(as_tuple=True)
        products = regressor[joint] * body.weights.T[bone]  # (pairs, V)
        linear = torch.cat([body.template[None], body.shapes])
        self.points = torch.stack([products @ shape for shape in linear], -1)  # (pairs, 3, 1 + S)
        self.mass, self.bone = products.sum(1), bone
        self.pairs, self.place = torch.unique(joint * len(self.moving) + torch.tensor(above)[bone], return_inverse=True)
        self.joint, self.owner = self.pairs // len(self.moving), self.pairs % len(self.moving)
        totals = self.mass.new_zeros(len(self.pairs)).index_add(0, self.place, self.mass)
        self.weights = totals
        self.main = torch.stack(
            [self.owner[totals.where(self.joint == j, totals.new_tensor(-1)).argmax()] for j in range(17)]
        )

    def rest(self, shape: Tensor) -> tuple[RestBody, Tensor, Tensor]:
        """The body at rest, heads (M, 3) of the bones that turn, and points (P, 3) of pairs times their weights."""
        rest = self.body.rest(shape)
        mixed = self.points[..., 0] + self.points[..., 1:] @ self.body.coefficients(shape)
        binds = rest.binds[self.bone]
        moved = (binds[..., :3] @ mixed.unsqueeze(-1)).squeeze(-1)
        moved = moved + self.mass[:, None] * (binds[..., 3] + rest.heads[self.bone])
        heads = rest.heads[self.moving]
        points = moved.new_zeros(len(self.pairs), 3).index_add(0, self.place, moved)
        return rest, heads, points - self.weights[:, None] * heads[self.owner]

    def __call__(self, rotations: Tensor, heads: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (T, M, 3, 3) relative to parents to joints (T, 17 + 4, 3), metres, and rotations (T, M, 3, 3)."""
        world, places = [rotations[:, 0]], [torch.zeros_like(rotations[:, 0, 0])]
        for bone, parent in enumerate(self.parents[1:], 1):
            places.append(places[parent] + world[parent] @ (heads[bone] - heads[parent]))
            world.append(world[parent] @ rotations[:, bone])
        world, places = torch.stack(world, 1), torch.stack(places, 1)
        moved = (world[:, self.owner] @ points.unsqueeze(-1)).squeeze(-1)
        moved = moved + self.weights[:, None] * places[:, self.owner]
        return moved.new_zeros(len(moved), self.count, 3).index_add(1, self.joint, moved), world


def articulation(bone: str) -> tuple[str, tuple[float, ...]] | None:
    """The bone of inverse kinematics that one of Anny starts from, and its spreads; ``None`` for one at rest."""
    if bone in _MIDDLE:
        return _MIDDLE[bone]
    name, _, side = bone.partition('.')
    if name not in _SIDE:
        return None
    start, spread = _SIDE[name]
    return {'L': 'Left', 'R': 'Right'}[side] + start, spread


def fit_anny(
    body: AnnyBody,
    keypoints: Tensor,
    weights: Tensor | None = None,
    fps: float = 30.0,
    noise: float = 0.01,
    iterations: int = 200,
    known: dict[str, float] | None = None,
    height: float | None = None,
    ground: Ground | None = None,
    same_joints: bool = False,
) -> BodyMotion:
    """Pose, place and shape of a body whose joints are closest to those of a sequence.

    It starts from the rotations of inverse kinematics; L-BFGS then goes on with everything. What is minimised: see
    :class:`_Problem`.

    Args:
        body: the body model.
        keypoints: (T, 17, 3) metres, h36m17, camera axes (x right, y down, z forward).
        weights: (T, 17) trust in a joint, 0 leaves it out; all 1 if ``None``.
        fps: frames a second.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of L-BFGS.
        known: values of phenotypes that are known, such as ``gender`` and ``age``, by name.
        height: of the person, metres, where it is known.
        ground: where it is and which feet stand on it, where that is known.
        same_joints: the joints mean the same points as the body's own; by default they may lie centimetres off.

    Returns:
        The motion, in the axes of the keypoints; ``betas`` is the shape (15,).

    Raises:
        InputError: the shape is wrong, or a number is not finite.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (17, 3) or not len(keypoints) or not keypoints.isfinite().all():
        raise InputError(f'keypoints have shape {tuple(keypoints.shape)}, expected finite numbers (T, 17, 3) of h36m17')
    weights = torch.ones_like(keypoints[..., 0]) if weights is None else weights
    problem = _Problem(body, keypoints.to(body.template), weights.to(body.template), fps, noise, known or {}, height)
    problem.ground = ground
    if same_joints:
        problem.shift_spread = problem.shift_spread * 0.01
    minimise(problem.cost, [problem.angles, problem.change, problem.shifts], iterations)
    with torch.no_grad():
        rotations = problem.rotations()
        shape = problem.shape()
        joints = problem.model(rotations, *problem.model.rest(shape)[1:])[0][:, :17]
        trans = (problem.fractions * (problem.target - joints)).sum(-2)
        distance = (joints + trans[:, None] - problem.target).norm(dim=-1)
        error = (distance * problem.weights).sum() / problem.weights.sum()
        poses = torch.zeros(len(joints), len(body.parents), 3).to(joints)
        poses[:, problem.model.moving] = matrix_to_axis_angle(rotations)
    return BodyMotion(poses.flatten(1).cpu().numpy(), shape.cpu().numpy(), trans.cpu().numpy(), float(error))


class _Problem:
    """The objective: negative log-likelihood of Gaussian noise on the joints, and priors on bodies.

    The priors: the usual range of a bone, elbows and knees that bend one way, the shape, joints that lie a little off
    the body's own in all frames alike, accelerations, and soles that stand. The translation follows from the rest.

    Args: see :func:`fit_anny`.

    Attributes:
        angles: (T, M, 3) of the bones that turn in units of their spread, the root's on top of where it starts.
        change: (15,) of the shape likewise.
        shifts: (17, 3) of the joints in the axes of their bones, likewise.
    """

    def __init__(
        self,
        body: AnnyBody,
        target: Tensor,
        weights: Tensor,
        fps: float,
        noise: float,
        known: dict,
        height: float | None,
    ) -> None:
        self.body, self.target, self.weights, self.noise, self.height = body, target, weights, noise, height
        self.ground: Ground | None = None
        self.hurry = fps**2 / _ACCELERATION_STD
        self.fractions = (weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)).unsqueeze(-1)
        self.centred = self._centre(target)
        self.model = AnnyJoints(body)
        names = [
            name.split('_', 1)[-1] if name.startswith(('left', 'right')) else name
            for name in get_skeleton('h36m17').joint_names
        ]
        self.shift_spread = target.new_tensor([_OFFSETS[name] for name in names]).unsqueeze(-1)
        self.base = body.default_shape(**known)
        spreads = [0.01 if name in known else _SHAPE_SPREAD.get(name, _CHANGE_SPREAD) for name in body.shape_names]
        self.shape_spread = target.new_tensor(spreads)
        self.change = _start_of_shape(self).requires_grad_()
        self.shifts = target.new_zeros(17, 3, requires_grad=True)
        with torch.no_grad():
            _, heads, points = self.model.rest(self.shape())
            rest, _ = self.model(torch.eye(3).to(target).expand(1, len(heads), 3, 3), heads, points)
        self.axes, self.flexion = _axes(self.model, heads)
        bones = [articulation(body.bone_names[bone]) for bone in self.model.moving]
        self.spread = target.new_tensor([spread for _, spread in bones])
        self.hinges = [n for n, bone in enumerate(self.model.moving) if body.bone_names[bone].startswith(_HINGES)]
        world = _start_of_pose(rest[0, :17], target, fps, [start for start, _ in bones])
        above = self.model.parents[1:]
        local = world[:, above].transpose(-1, -2) @ world[:, 1:]
        turned = (matrix_to_axis_angle(local).unsqueeze(-2) @ self.axes[1:]).squeeze(-2) / self.spread[1:]
        turned = turned * (self.spread[1:] > 0.12)
        self.root = world[:, :1]
        self.angles = torch.cat([torch.zeros_like(turned[:, :1]), turned], 1).requires_grad_()

    def shape(self) -> Tensor:
        """The shape (15,); phenotypes within their range."""
        return self.body.within_range(self.base + self.change * self.shape_spread)

    def rotations(self) -> Tensor:
        """Rotations (T, M, 3, 3) relative to parents."""
        angles = (self.axes @ (self.angles * self.spread).unsqueeze(-1)).squeeze(-1)
        rotations = axis_angle_to_matrix(angles)
        return torch.cat([rotations[:, :1] @ self.root, rotations[:, 1:]], 1)

    def cost(self) -> Tensor:
        """Objective, averaged over frames."""
        rotations, shape = self.rotations(), self.shape()
        rest, heads, points = self.model.rest(shape)
        every, world = self.model(rotations, heads, points)
        joints = every[:, :17] + (world[:, self.model.main] @ (self.shifts * self.shift_spread).unsqueeze(-1)).squeeze(
            -1
        )
        distance = self._centre(joints) - self.centred
        frames = len(rotations)
        data = (self.weights * distance.square().sum(-1)).sum() / self.noise**2
        prior = self.angles[:, 1:].square().sum() + (self.change.square().sum() + self.shifts.square().sum()) * frames
        bent = self.angles[:, self.hinges, 1] * self.spread[self.hinges, 1] + self.flexion[self.hinges]
        bends = (-8 * bent).exp().sum()
        accelerations = rotations.diff(n=2, dim=0) * self.hurry
        cost = data + prior + bends + accelerations.square().sum()
        if self.ground is not None:
            cost = cost + self._off_ground(every)
        if self.height is not None:
            tall = rest.vertices[:, 1].max() - rest.vertices[:, 1].min()
            cost = cost + frames * ((tall - self.height) / 0.01).square()
        return cost / frames

    def _off_ground(self, joints: Tensor) -> Tensor:
        """Sum of the squared distances from the ground of soles that stand, in units of their spread."""
        trans = (self.fractions * (self.target - joints[:, :17])).sum(-2, keepdim=True)
        heights = (joints[:, 17:] + trans) @ self.ground.up.to(joints) + self.ground.height
        off = (heights - heights.new_tensor(list(_SOLES.values()))) / _SOLE_STD
        return (self.ground.contacts.to(joints) * off.square()).sum()

    def _centre(self, points: Tensor) -> Tensor:
        return points - (self.fractions * points).sum(-2, keepdim=True)


def _axes(model: AnnyJoints, heads: Tensor) -> tuple[Tensor, Tensor]:
    """Axes (M, 3, 3) of the bones as columns: along, hinge, third; and radians (M,) that limbs are bent at rest."""
    names = [model.body.bone_names[bone] for bone in model.moving]
    rest = model.body.rest(model.body.default_shape()).heads
    place = dict(zip(model.body.bone_names, rest, strict=True))
    axes, flexion = torch.eye(3).to(heads).repeat(len(names), 1, 1), heads.new_zeros(len(names))
    for number, name in enumerate(names):
        part, _, side = name.partition('.')
        if not part.startswith(('upper', 'lower')):
            continue
        limb = part[5:8]
        ends = [
            place[f'{bone}.{side}']
            for bone in (f'upper{limb}01', f'lower{limb}01', 'wrist' if limb == 'arm' else 'foot')
        ]
        upper, lower = (torch.nn.functional.normalize(b - a, dim=0) for a, b in pairwise(ends))
        bend = torch.linalg.cross(upper, lower)
        hinge = bend if limb == 'arm' else heads.new_tensor([1.0, 0, 0])
        along = upper if part.startswith('upper') else lower
        hinge = torch.nn.functional.normalize(hinge - (hinge @ along) * along, dim=0)
        axes[number] = torch.stack([along, hinge, torch.linalg.cross(along, hinge)], -1)
        flexion[number] = torch.asin((bend @ hinge).clamp(-1, 1))
    return axes, flexion


def _start_of_pose(rest: Tensor, target: Tensor, fps: float, bones: list[str]) -> Tensor:
    """Rotations (T, M, 3, 3) from the body at rest, joints (17, 3), as inverse kinematics sees both."""
    flip = np.diag([1.0, -1, -1])  # to y up
    places = target.detach().cpu().numpy().astype(float) @ flip
    numbers = [list(BONES).index(bone) for bone in bones]
    moved = inverse_kinematics(places, 'h36m17', fps).rotations[:, numbers]
    still = inverse_kinematics(rest.cpu().numpy().astype(float)[None], 'h36m17', fps).rotations[:, numbers]
    return torch.from_numpy(flip @ moved @ still.swapaxes(-1, -2)).to(target)


def _start_of_shape(problem: _Problem, steps: int = 4) -> Tensor:
    """Change of shape (15,) whose bones are as long as the median ones: least squares, linearised a few times."""
    target, model = problem.target, problem.model
    edges = torch.tensor(get_skeleton('h36m17').edges, device=target.device)
    turns = torch.eye(3).to(target).expand(1, len(model.moving), 3, 3)

    def lengths(points: Tensor) -> Tensor:
        return (points[:, edges[:, 0]] - points[:, edges[:, 1]]).norm(dim=-1)

    def made(change: Tensor) -> Tensor:
        _, heads, points = model.rest(problem.base + change * problem.shape_spread)
        return lengths(model(turns, heads, points)[0][:, :17])[0]

    seen = problem.weights[:, edges].amin(-1)
    expected = lengths(target).where(seen > 0, torch.nan).nanmedian(0).values.nan_to_num()
    trust = seen.mean(0) / problem.shift_spread[edges, 0].square().sum(-1).sqrt()
    change = torch.zeros_like(problem.base)
    for _ in range(steps):
        slope = torch.autograd.functional.jacobian(made, change)
        missing = trust * (expected - made(change) + slope @ change)
        slope = trust[:, None] * slope
        change = torch.linalg.solve(slope.T @ slope + torch.eye(len(change)).to(target), slope.T @ missing)
        change = change.clamp(-2, 2)
    return change
