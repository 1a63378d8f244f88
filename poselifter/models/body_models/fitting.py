"""Body models fitted to joints: all frames of a sequence at once, one shape for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
import scipy.optimize
import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_rotation_6d, rotation_6d_to_matrix
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
    'knee': 0.015, 'ankle': 0.015, 'elbow': 0.015, 'wrist': 0.015, 'ear': 0.03, 'heel': 0.03, 'big_toe': 0.03,
}  # fmt: skip
_SAME_SET = 0.25  # times that, where the body has just that joint set
_ACCELERATION_STD = 40.0  # rad/s^2
_POSE_WEIGHT = 0.2  # of how joints commonly turn in a frame: frames are alike
_LIMIT_STD = 0.1  # radians that a joint turns beyond its limit
_SOLE_STD = 0.006  # metres that a sole which stands is off the ground, or another one is in it
_SOLE_REACH = 0.06  # metres beyond which ground and sole have nothing to do with each other
_RISE_STD = 0.02  # metres that joints are off the ground together
_RISE_ACCELERATION_STD = 5.0  # m/s^2
_JOINTS_CURVATURE = 300.0, 0.8  # of how far joints are off, with noise of 10 mm, by turns of the root and of a bone


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
    iterations: int = 100,
    known: Known | None = None,
    skeleton: str = 'h36m17',
) -> BodyMotion:
    """Pose, place and shape of a body whose joints are closest to those of a sequence.

    It starts from the rotations of inverse kinematics; L-BFGS (scipy's) then goes on with everything. What is
    minimised: see :class:`_Problem`.

    Args:
        body: the body model.
        keypoints: (T, J, 3) metres, camera axes (x right, y down, z forward).
        weights: (T, J) trust in a joint, 0 leaves it out; all 1 if ``None``.
        fps: frames a second.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of L-BFGS.
        known: what is known beside the joints.
        skeleton: joint set, ``'h36m17'`` or another one that the body has and that begins with its joints.

    Returns:
        The motion, in the axes of the keypoints.

    Raises:
        InputError: the shape is wrong, or a number is not finite.
    """
    count = get_skeleton(skeleton).num_joints
    if keypoints.ndim != 3 or keypoints.shape[1:] != (count, 3) or not len(keypoints) or not keypoints.isfinite().all():
        raise InputError(
            f'keypoints have shape {tuple(keypoints.shape)}, expected finite numbers (T, {count}, 3) of {skeleton}'
        )
    weights = torch.ones_like(keypoints[..., 0]) if weights is None else weights
    target, weights = keypoints.to(body.template), weights.to(body.template)
    problem = _Problem(body, target, weights, fps, noise, known or Known({}), skeleton)
    _minimise(problem, iterations)
    with torch.no_grad():
        units, root, rise = problem.moving()
        common, shape = problem.common(units, root)[0], problem.shape()
        joints = problem.model(problem.bones.moving_rotations(common), *problem.model.rest(shape))[0]
        trans = problem.trans(joints, rise)[:, 0]
        distance = (joints[:, :count] + trans[:, None] - target).norm(dim=-1)
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
        parameters: what is sought, in units of its spread: what moves (T, 3 (C - 1) + 4), see :meth:`moving`, as
            ``waves``; the change of shape (S,) and the joints' offsets (J, 3) in the axes of their bones, both times
            ``alike``.
        waves: makes of the first parameter waves over time (a cosine transform), each in units of its curvature: that
            of accelerations grows with the fourth power of the frequency, and L-BFGS is five times as slow without.
        alike: makes a step in what all frames have in common as large as one in a frame, which L-BFGS needs.
    """

    def __init__(
        self, body: BodyModel, target: Tensor, weights: Tensor, fps: float, noise: float, known: Known, skeleton: str
    ) -> None:
        self.body, self.target, self.weights, self.noise, self.known = body, target, weights, noise, known
        self.count = target.shape[1]
        self.hurry = fps**2 / _ACCELERATION_STD
        self.jump = _RISE_STD * fps**2 / _RISE_ACCELERATION_STD
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
        own, whole = self._curvatures()
        self.root, self.start = self._start_of_pose(change, fps, own / whole)
        self.waves = _waves(whole)
        self.alike = len(target) ** 0.5 / 2
        self.parameters = [torch.zeros_like(self.start), change * self.alike, torch.zeros_like(target[0])]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def shape(self) -> Tensor:
        """The shape (S,), its numbers within their range."""
        return self.body.within_range(self.base + self.parameters[1] / self.alike * self.shape_spread)

    def moving(self) -> tuple[Tensor, ...]:
        """Of each frame, in units of spread: angles (T, 3 (C - 1)) of the common bones but the root; of the root
        (T, 3), on top of where it starts; and how far the body is off the ground (T, 1)."""
        count, width = self.start.shape
        change = torch.fft.irfft(self.parameters[0] * self.waves, 2 * count, dim=0)[:count]
        return (self.start + change).split([width - 4, 3, 1], -1)

    def common(self, units: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (T, C, 3, 3) of the common bones relative to parents, and angles (T, C - 1, 3) but the root's."""
        angles = self.mean + (units * self.spread).unflatten(-1, (-1, 3))
        rotations = axis_angle_to_matrix(torch.cat([root.unsqueeze(1), angles], 1))
        return torch.cat([rotations[:, :1] @ self.root, rotations[:, 1:]], 1), angles

    def trans(self, joints: Tensor, rise: Tensor) -> Tensor:
        """Translations (T, 1, 3) of a body with joints (T, J + 4, 3) that is ``rise`` (T, 1) off the ground."""
        trans = (self.fractions * (self.target - joints[:, : self.count])).sum(-2, keepdim=True)
        if self.known.ground is None:
            return trans
        return trans + _RISE_STD * rise.unsqueeze(-1) * self.known.ground.up.to(trans)

    def cost(self) -> Tensor:
        """Objective, averaged over frames."""
        change, shifts = (values / self.alike for values in self.parameters[1:])
        units, root, rise = self.moving()
        (common, angles), shape = self.common(units, root), self.shape()
        every, turns = self.model(self.bones.moving_rotations(common), *self.model.rest(shape))
        moved = (turns[:, self.model.main[: self.count]] @ (shifts * self.shift_spread).unsqueeze(-1)).squeeze(-1)
        distance = self._centre(every[:, : self.count] + moved) - self.centred
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
            cost = cost + self._off_ground(every, rise)
        if self.known.height is not None:
            height = self.body.rest(shape).vertices[:, 1]
            tall = height.max() - height.min()
            cost = cost + frames * ((tall - self.known.height) / 0.01).square()
        return cost / frames

    def _off_ground(self, joints: Tensor, rise: Tensor) -> Tensor:
        """Squared distances of soles that stand from the ground, and of others in it, in units of their spread."""
        ground = self.known.ground
        heights = (joints[:, self.count :] + self.trans(joints, rise)) @ ground.up.to(joints) + ground.height
        stands = ground.contacts.to(joints)
        off = stands * heights.square() + (1 - stands) * (-heights).relu().square()
        off = off / (1 + off / _SOLE_REACH**2)
        jumps = rise.diff(n=2, dim=0) * self.jump
        return off.sum() / _SOLE_STD**2 + rise.square().sum() + jumps.square().sum()

    def _curvatures(self) -> tuple[Tensor, Tensor]:
        """Curvatures (T, 3 (C - 1) + 4) of the cost by waves over time of what moves, roughly, see :meth:`moving`:
        of the joints and the priors on each frame; and with that of accelerations."""
        of_root, of_bone = (curvature * (0.01 / self.noise) ** 2 for curvature in _JOINTS_CURVATURE)
        hurry = torch.cat([self.spread, torch.ones_like(self.spread[:3])]) * self.hurry * 2**0.5
        hurry = torch.cat([hurry, hurry.new_tensor([self.jump])])
        steps = torch.arange(len(self.target)).to(hurry) * (torch.pi / len(self.target))
        own = torch.ones_like(hurry)
        own[:-4], own[-4:-1] = _POSE_WEIGHT + of_bone, of_root
        return own, own + ((2 - 2 * steps.cos()).unsqueeze(-1) * hurry).square()

    def _centre(self, points: Tensor) -> Tensor:
        return points - (self.fractions * points).sum(-2, keepdim=True)

    @torch.no_grad()
    def _start_of_pose(self, change: Tensor, fps: float, share: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (T, 1, 3, 3) of the root, and what moves (T, 3 (C - 1) + 4), from inverse kinematics.

        Of each wave over time the share (T, 3 (C - 1) + 4) is kept that noise leaves of it.
        """
        shape = self.body.within_range(self.base + change * self.shape_spread)
        still = torch.eye(3).to(shape).expand(1, len(self.bones.moving), 3, 3)
        rest = self.model(still, *self.model.rest(shape))[0][:, :17].cpu().numpy().astype(float)
        flip = np.diag([1.0, -1, -1])  # to y up
        places = self.target.where(self.weights.unsqueeze(-1) > 0, torch.nan).cpu().numpy().astype(float)[:, :17] @ flip
        numbers = [list(BONES).index(bone) for bone in COMMON]
        moved = inverse_kinematics(places, 'h36m17', fps).rotations[:, numbers]
        still = inverse_kinematics(rest, 'h36m17', fps).rotations[:, numbers]
        turns = torch.from_numpy(flip @ moved @ still.swapaxes(-1, -2)).to(self.target)
        common = self.bones.of_turns(turns)
        seen = common.new_tensor([not bone.endswith(('Hand', 'Foot')) for bone in COMMON[1:]]).unsqueeze(-1)
        angles = (seen * (matrix_to_axis_angle(common[:, 1:]) - self.mean)).flatten(1)
        angles = _filtered((angles / self.spread).clamp(-3, 3), share[:, :-4])
        root = rotation_6d_to_matrix(_filtered(matrix_to_rotation_6d(common[:, 0]), share[:, -4, None]))
        return root.unsqueeze(1), torch.nn.functional.pad(angles, (0, 4))

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


def _waves(curvature: Tensor) -> Tensor:
    """Factors (T, N), complex, that make amplitudes of waves (T, N), in units of curvature, a spectrum of 2 T frames.

    A cosine transform of type 3 is a Fourier transform of twice the length, but for these phases and norms.
    """
    count = len(curvature)
    phase = torch.arange(count).to(curvature).unsqueeze(-1) * (torch.pi / 2 / count)
    norm = torch.where(phase > 0, 2**0.5, 2.0) * count**0.5
    return torch.polar(norm / curvature.sqrt(), phase.expand_as(curvature))


def _filtered(values: Tensor, share: Tensor) -> Tensor:
    """Values (T, N) with shares (T, N) of their waves over time."""
    waves = scipy.fft.dct(values.cpu().numpy(), axis=0, norm='ortho') * share.cpu().numpy()
    return torch.from_numpy(scipy.fft.idct(waves, axis=0, norm='ortho')).to(values)


def _minimise(problem: _Problem, iterations: int) -> None:
    """Changes the parameters of a problem so that its cost gets small, with L-BFGS.

    It is scipy's: torch's imports a compiler, which takes a second.
    """
    sizes = [parameter.numel() for parameter in problem.parameters]

    def put(values: np.ndarray) -> None:
        parts = torch.from_numpy(values).to(problem.start).split(sizes)
        with torch.no_grad():
            for parameter, part in zip(problem.parameters, parts, strict=True):
                parameter.copy_(part.view_as(parameter))

    def cost_and_slope(values: np.ndarray) -> tuple[float, np.ndarray]:
        put(values)
        with torch.enable_grad():
            cost = problem.cost()
        slopes = torch.autograd.grad(cost, problem.parameters)
        return float(cost.detach()), _flat(slopes)

    options = {'maxiter': iterations, 'maxfun': 2 * iterations + 20, 'maxcor': 20, 'ftol': 0, 'gtol': 0}
    start = _flat(problem.parameters)
    put(scipy.optimize.minimize(cost_and_slope, start, jac=True, method='L-BFGS-B', options=options).x)


def _flat(arrays: Iterable[Tensor]) -> np.ndarray:
    """All numbers of arrays, (N,)."""
    return torch.cat([array.detach().flatten() for array in arrays]).double().cpu().numpy()
