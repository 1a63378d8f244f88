"""Body models fitted to joints: all frames of a sequence at once, one shape for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle
from ...geometry.inverse_kinematics import BONES, inverse_kinematics
from ...skeletons import get_skeleton
from ...utils import shipped_root
from ...utils.arrays import load_tensors
from .articulation import COMMON, Articulation, sole_weights
from .body_joints import BodyJoints
from .body_model import BodyModel

PRIOR = 'zoo/pose_prior-4a8a6071.safetensors'
_OFFSETS = {  # metres that a joint of other origin commonly lies off the body's
    'pelvis': 0.03, 'hip': 0.03, 'spine': 0.05, 'thorax': 0.04, 'nose': 0.05, 'head_top': 0.05, 'shoulder': 0.02,
    'knee': 0.015, 'ankle': 0.015, 'elbow': 0.015, 'wrist': 0.015,
}  # fmt: skip
_SAME_SET = 0.25  # times that, where the body has just that joint set
_ACCELERATION_STD = 40.0  # rad/s^2
_POSE_WEIGHT = 0.2  # of how joints commonly turn in a frame: frames are alike
_LIMIT_STD = 0.1  # radians that a joint turns beyond its limit
_SOLE_STD = 0.006  # metres that a sole which stands is off the ground, or another one is in it
_SOLE_REACH = 0.06  # metres beyond which ground and sole have nothing to do with each other
_RISE_STD = 0.02  # metres that joints are off the ground together


@dataclass(frozen=True)
class BodyMotion:
    """A body in motion, numpy.

    Attributes:
        poses: (T, 3 K) axis-angle of the K bones, radians.
        betas: (S,) shape.
        trans: (T, 3) metres, added to the vertices of the body model.
        error: mean distance of the body's joints from those it was fitted to, metres.
    """

    poses: np.ndarray
    betas: np.ndarray
    trans: np.ndarray
    error: float = 0.0


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


@dataclass(frozen=True)
class Known:
    """Knowledge of a person beside the joints.

    Attributes:
        shape: numbers of the shape, such as Anny's ``gender`` and ``age``, by name.
        height: of the person, metres.
        ground: where it is and which feet stand on it.
        same_joints: the joints mean the same points as the body's own; by default they may lie centimetres off.
    """

    shape: dict[str, float]
    height: float | None = None
    ground: Ground | None = None
    same_joints: bool = False


def fit_body(
    body: BodyModel,
    keypoints: Tensor,
    weights: Tensor | None = None,
    fps: float = 30.0,
    noise: float = 0.01,
    iterations: int = 200,
    known: Known | None = None,
    skeleton: str = 'h36m17',
) -> BodyMotion:
    """Pose, place and shape of a body whose joints are closest to those of a sequence.

    It starts from the rotations of inverse kinematics; L-BFGS then goes on with everything. What is minimised: see
    :class:`_Problem`.

    Args:
        body: the body model.
        keypoints: (T, 17, 3) metres, camera axes (x right, y down, z forward).
        weights: (T, 17) trust in a joint, 0 leaves it out; all 1 if ``None``.
        fps: frames a second.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of L-BFGS.
        known: what is known beside the joints.
        skeleton: joint set, ``'h36m17'`` or another one with its joints that the body has.

    Returns:
        The motion, in the axes of the keypoints.

    Raises:
        InputError: the shape is wrong, or a number is not finite.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (17, 3) or not len(keypoints) or not keypoints.isfinite().all():
        raise InputError(
            f'keypoints have shape {tuple(keypoints.shape)}, expected finite numbers (T, 17, 3) of {skeleton}'
        )
    weights = torch.ones_like(keypoints[..., 0]) if weights is None else weights
    target, weights = keypoints.to(body.template), weights.to(body.template)
    problem = _Problem(body, target, weights, fps, noise, known or Known({}), skeleton)
    minimise(problem.cost, problem.parameters, iterations)
    with torch.no_grad():
        common, shape = problem.common(), problem.shape()
        joints = problem.model(problem.bones.moving_rotations(common), *problem.model.rest(shape))[0]
        trans = problem.trans(joints)[:, 0]
        distance = (joints[:, :17] + trans[:, None] - target).norm(dim=-1)
        error = (distance * weights).sum() / weights.sum()
        poses = matrix_to_axis_angle(problem.bones.to_body(common)).flatten(1)
    return BodyMotion(poses.cpu().numpy(), shape.cpu().numpy(), trans.cpu().numpy(), float(error))


@cache
def pose_prior() -> tuple[np.ndarray, ...]:
    """Of angles of the C - 1 common bones below the root: mean, factor of the covariance, least and greatest values."""
    names = ('mean', 'factor', 'limits')
    arrays, _ = load_tensors(shipped_root() / PRIOR, names, 'reinstall poselifter')
    return tuple(arrays[name] for name in names)


class _Problem:
    """The objective: negative log-likelihood of Gaussian noise on the joints, and priors on bodies.

    The priors: how joints commonly turn, together and at most; the shape; joints that lie a little off the body's own,
    in all frames alike; accelerations; and soles that stand, none in the ground. The translation follows from the rest.

    Args: see :func:`fit_body`.

    Attributes:
        parameters: what is sought, in units of its spread: angles of common bones (T, 3 (C - 1)); of the root (T, 3),
            on top of where it starts; the change of shape (S,) and the joints' offsets (17, 3) in the axes of their
            bones, both times ``alike``; and how far the body is off the ground (T, 1).
        alike: makes a step in what all frames have in common as large as one in a frame, which L-BFGS needs.
    """

    def __init__(
        self, body: BodyModel, target: Tensor, weights: Tensor, fps: float, noise: float, known: Known, skeleton: str
    ) -> None:
        self.body, self.target, self.weights, self.noise, self.known = body, target, weights, noise, known
        self.hurry = fps**2 / _ACCELERATION_STD
        self.fractions = (weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)).unsqueeze(-1)
        self.centred = self._centre(target)
        self.bones = Articulation(body)
        points = torch.cat([body.joint_weights(skeleton), sole_weights(body)])
        self.model = BodyJoints(body, points, self.bones.moving)
        self.mean, factor, self.limits = (torch.from_numpy(prior).to(target) for prior in pose_prior())
        self.spread = factor.norm(dim=1)
        self.whitening = torch.linalg.solve_triangular(factor, torch.diag(self.spread), upper=False)
        names = [name.removeprefix('left_').removeprefix('right_') for name in get_skeleton(skeleton).joint_names]
        self.shift_spread = target.new_tensor([_OFFSETS[name] for name in names]).unsqueeze(-1)
        self.base = body.default_shape(**known.shape)
        fixed = target.new_tensor([name in known.shape for name in body.shape_names]) > 0
        self.shape_spread = body.shape_spread.where(~fixed, 0.01)
        change = self._start_of_shape()
        if known.same_joints or skeleton in body.joint_sets:
            self.shift_spread = self.shift_spread * (0.01 if known.same_joints else _SAME_SET)
        self.root, angles = self._start_of_pose(change, fps)
        count = len(target)
        self.alike = count**0.5 / 2
        change = change * self.alike
        self.parameters = [
            angles, target.new_zeros(count, 3), change, target.new_zeros(17, 3), target.new_zeros(count, 1)
        ]  # fmt: skip
        for parameter in self.parameters:
            parameter.requires_grad_()

    def shape(self) -> Tensor:
        """The shape (S,), its numbers within their range."""
        return self.body.within_range(self.base + self.parameters[2] / self.alike * self.shape_spread)

    def angles(self) -> Tensor:
        """Angles (T, C - 1, 3) of the common bones but the root."""
        return self.mean + (self.parameters[0] * self.spread).unflatten(-1, (-1, 3))

    def common(self) -> Tensor:
        """Rotations (T, C, 3, 3) of the common bones relative to parents."""
        rotations = axis_angle_to_matrix(torch.cat([self.parameters[1].unsqueeze(1), self.angles()], 1))
        return torch.cat([rotations[:, :1] @ self.root, rotations[:, 1:]], 1)

    def trans(self, joints: Tensor) -> Tensor:
        """Translations (T, 1, 3) of a body with joints (T, 17 + 4, 3)."""
        trans = (self.fractions * (self.target - joints[:, :17])).sum(-2, keepdim=True)
        if self.known.ground is None:
            return trans
        return trans + _RISE_STD * self.parameters[4].unsqueeze(-1) * self.known.ground.up.to(trans)

    def cost(self) -> Tensor:
        """Objective, averaged over frames."""
        units, (change, shifts) = self.parameters[0], (values / self.alike for values in self.parameters[2:4])
        common, shape, angles = self.common(), self.shape(), self.angles()
        every, turns = self.model(self.bones.moving_rotations(common), *self.model.rest(shape))
        moved = (turns[:, self.model.main[:17]] @ (shifts * self.shift_spread).unsqueeze(-1)).squeeze(-1)
        distance = self._centre(every[:, :17] + moved) - self.centred
        frames = len(common)
        cost = (self.weights * distance.square().sum(-1)).sum() / self.noise**2
        cost = (
            cost
            + _POSE_WEIGHT * (units @ self.whitening.T).square().sum()
            + (change.square().sum() + shifts.square().sum()) * frames
        )
        beyond = (angles - self.limits[1]).relu() + (self.limits[0] - angles).relu()
        cost = cost + (beyond / _LIMIT_STD).square().sum()
        cost = cost + (common.diff(n=2, dim=0) * self.hurry).square().sum()
        if self.known.ground is not None:
            cost = cost + self._off_ground(every)
        if self.known.height is not None:
            height = self.body.rest(shape).vertices[:, 1]
            tall = height.max() - height.min()
            cost = cost + frames * ((tall - self.known.height) / 0.01).square()
        return cost / frames

    def _off_ground(self, joints: Tensor) -> Tensor:
        """Squared distances of soles that stand from the ground, and of others in it, in units of their spread."""
        ground, rise = self.known.ground, self.parameters[4]
        heights = (joints[:, 17:] + self.trans(joints)) @ ground.up.to(joints) + ground.height
        stands = ground.contacts.to(joints)
        off = stands * heights.square() + (1 - stands) * (-heights).relu().square()
        off = off / (1 + off / _SOLE_REACH**2)
        jumps = rise.diff(n=2, dim=0) * _RISE_STD * self.hurry * _ACCELERATION_STD / 5  # 5 m/s^2
        return off.sum() / _SOLE_STD**2 + rise.square().sum() + jumps.square().sum()

    def _centre(self, points: Tensor) -> Tensor:
        return points - (self.fractions * points).sum(-2, keepdim=True)

    @torch.no_grad()
    def _start_of_pose(self, change: Tensor, fps: float) -> tuple[Tensor, Tensor]:
        """Rotations (T, 1, 3, 3) of the root, and angles (T, 3 (C - 1)) in units, from inverse kinematics."""
        shape = self.body.within_range(self.base + change * self.shape_spread)
        still = torch.eye(3).to(shape).expand(1, len(self.bones.moving), 3, 3)
        rest = self.model(still, *self.model.rest(shape))[0][:, :17].cpu().numpy().astype(float)
        flip = np.diag([1.0, -1, -1])  # to y up
        places = self.target.where(self.weights.unsqueeze(-1) > 0, torch.nan).cpu().numpy().astype(float) @ flip
        numbers = [list(BONES).index(bone) for bone in COMMON]
        moved = inverse_kinematics(places, 'h36m17', fps).rotations[:, numbers]
        still = inverse_kinematics(rest, 'h36m17', fps).rotations[:, numbers]
        turns = torch.from_numpy(flip @ moved @ still.swapaxes(-1, -2)).to(self.target)
        common = self.bones.of_turns(turns)
        seen = common.new_tensor([not bone.endswith(('Hand', 'Foot')) for bone in COMMON[1:]]).unsqueeze(-1)
        angles = (seen * (matrix_to_axis_angle(common[:, 1:]) - self.mean)).flatten(1)
        return common[:, :1], (angles / self.spread).clamp(-3, 3)

    def _start_of_shape(self, steps: int = 4) -> Tensor:
        """Change of shape (S,) whose bones are as long as the median ones: least squares, linearised a few times."""
        edges = torch.tensor(get_skeleton('h36m17').edges, device=self.target.device)
        turns = torch.eye(3).to(self.target).expand(1, len(self.bones.moving), 3, 3)

        def lengths(points: Tensor) -> Tensor:
            return (points[:, edges[:, 0]] - points[:, edges[:, 1]]).norm(dim=-1)

        def made(change: Tensor) -> Tensor:
            shaped = self.model.rest(self.base + change * self.shape_spread)
            return lengths(self.model(turns, *shaped)[0][:, :17])[0]

        seen = self.weights[:, edges].amin(-1)
        expected = lengths(self.target).where(seen > 0, torch.nan).nanmedian(0).values.nan_to_num()
        trust = seen.mean(0) / self.shift_spread[edges, 0].square().sum(-1).sqrt()
        change = torch.zeros_like(self.base)
        for _ in range(steps):
            slope = torch.autograd.functional.jacobian(made, change)
            missing = trust * (expected - made(change) + slope @ change)
            slope = trust[:, None] * slope
            change = torch.linalg.solve(slope.T @ slope + torch.eye(len(change)).to(slope), slope.T @ missing)
            change = change.clamp(-2, 2)
        return change


def minimise(cost: Callable[[], Tensor], parameters: list[Tensor], iterations: int) -> None:
    """Changes parameters so that a cost gets small, with L-BFGS."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=iterations, history_size=20, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = cost()
        value.backward()
        return value

    optimizer.step(closure)
