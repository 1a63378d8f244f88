"""SMPL fitted to joints: all frames of a sequence at once, one shape for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle, procrustes
from ...skeletons import get_skeleton
from .smpl import SMPL

_LEVELS = [(1, 4), (4, 7), (7, 10), (10, 15), (15, 18), (18, 20), (20, 22), (22, 24)]  # joints by depth in the tree
_TORSO = [0, 1, 4, 8, 11, 14]  # of h36m17: what turns with the trunk
_ANGLE_STD = {  # radians that a joint commonly turns; joints that nothing measures stay at rest
    'hip': 0.8, 'knee': 0.9, 'ankle': 0.2, 'foot': 0.05, 'spine1': 0.25, 'spine2': 0.25, 'spine3': 0.25, 'neck': 0.3,
    'collar': 0.2, 'head': 0.3, 'shoulder': 0.9, 'elbow': 0.9, 'wrist': 0.1, 'hand': 0.05,
    'pelvis': 0.3,  # without a prior; a unit for L-BFGS
}  # fmt: skip
_BENDS = [4, 5, 18, 19], [0, 0, 1, 1], [1, 1, -1, 1]  # knees and elbows: joints, axes, the signs that are natural
_ACCELERATION_STD = 40.0  # rad/s^2


@dataclass(frozen=True)
class BodyMotion:
    """A body in motion, numpy.

    Attributes:
        poses: (T, 72) axis-angle, radians.
        betas: (10,) shape.
        trans: (T, 3) metres, added to the vertices of the body model.
        error: mean distance of the body's joints from those it was fitted to, metres.
    """

    poses: np.ndarray
    betas: np.ndarray
    trans: np.ndarray
    error: float = 0.0


class JointsOfBody:
    """The joints of h36m17 as a function of pose and shape, exactly, but without the vertices.

    A joint is a sum of vertices and a vertex a sum of what the bones do to a point that is linear in shape and pose
    features. So the sum over vertices can be done once for each pair of joint and bone: 50 times fewer numbers.

    Args:
        body: the body model.
    """

    def __init__(self, body: SMPL) -> None:
        count, regressor = len(body.v_template), body.J_regressor_h36m
        linear = [body.v_template[..., None], body.shapedirs, body.posedirs.T.reshape(count, 3, 207)]
        self.joint, self.bone = ((regressor.abs() @ body.weights.abs()) > 0).nonzero(as_tuple=True)
        products = regressor[self.joint] * body.weights.T[self.bone]  # (pairs, V)
        self.points = (products @ torch.cat(linear, -1).flatten(1)).view(-1, 3, 218)
        self.weights = products.sum(1)
        self.rest = body.J_regressor @ body.v_template
        self.rest_by_shape = torch.einsum('jv,vcb->jcb', body.J_regressor, body.shapedirs)
        self.parents = body.parents.tolist()

    def bones(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (T, 24, 3, 3), then translations (T, 24, 3), of the bones by pose (T, 24, 3, 3) and shape (10,)."""
        rest = self.rest + self.rest_by_shape @ betas
        world, places = rotations[:, :1], rest[:1].expand(len(rotations), 1, 3)
        for first, last in _LEVELS:
            above = self.parents[first:last]
            bones = (rest[first:last] - rest[above]).unsqueeze(-1)
            places = torch.cat([places, places[:, above] + (world[:, above] @ bones).squeeze(-1)], 1)
            world = torch.cat([world, world[:, above] @ rotations[:, first:last]], 1)
        return world, places - (world @ rest.unsqueeze(-1)).squeeze(-1)

    def __call__(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """Rotations (T, 24, 3, 3) and one shape (10,) to joints (T, 17, 3), metres."""
        world, shifts = self.bones(rotations, betas)
        features = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)
        shaped = self.points[..., 0] + self.points[..., 1:11] @ betas
        points = shaped + (features @ self.points[..., 11:].flatten(0, 1).T).unflatten(1, (-1, 3))
        moved = (world[:, self.bone] @ points.unsqueeze(-1)).squeeze(-1) + self.weights[:, None] * shifts[:, self.bone]
        return moved.new_zeros(len(moved), 17, 3).index_add(1, self.joint, moved)


def fit_body(
    body: SMPL,
    keypoints: Tensor,
    weights: Tensor | None = None,
    fps: float = 30.0,
    noise: float = 0.01,
    iterations: int = 400,
) -> BodyMotion:
    """Pose, place and shape of a body whose joints are closest to those of a sequence.

    The shape starts from the lengths of the bones, the trunk's direction from hips and shoulders, and limbs at rest;
    L-BFGS then goes on with everything. What is minimised: see :class:`_Problem`.

    Args:
        body: the body model.
        keypoints: (T, 17, 3) metres, h36m17.
        weights: (T, 17) trust in a joint, 0 leaves it out; all 1 if ``None``.
        fps: frames a second.
        noise: how far the joints are off, metres: the larger, the smoother.
        iterations: of L-BFGS.

    Returns:
        The motion, in the axes of the keypoints.

    Raises:
        InputError: the shape is wrong, or a number is not finite.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (17, 3) or not len(keypoints) or not keypoints.isfinite().all():
        raise InputError(f'keypoints have shape {tuple(keypoints.shape)}, expected finite numbers (T, 17, 3) of h36m17')
    weights = torch.ones_like(keypoints[..., 0]) if weights is None else weights
    problem = _Problem(body, keypoints.to(body.v_template), weights.to(body.v_template), fps, noise)
    minimise(problem.cost, [problem.unit_angles, problem.change], iterations)
    with torch.no_grad():
        _, rotations, shape = problem.state()
        fitted = problem.model(rotations, shape)
        trans = (problem.fractions * (problem.target - fitted)).sum(-2)
        distance = (fitted + trans[:, None] - problem.target).norm(dim=-1)
        error = (distance * problem.weights).sum() / problem.weights.sum()
    poses = matrix_to_axis_angle(rotations).flatten(1)
    return BodyMotion(poses.cpu().numpy(), shape.cpu().numpy(), trans.cpu().numpy(), float(error))


class _Problem:
    """The objective: negative log-likelihood of Gaussian noise on the joints, and priors on bodies.

    The priors: the usual range of a joint, the direction in which knees and elbows bend (as in Bogo et al., "Keep it
    SMPL", 2016), the shape, and accelerations. The translation follows from the rest.

    Args: see :func:`fit_body`.

    Attributes:
        unit_angles: (T, 24, 3), the joints' angles in units of their spread, joint 0 on top of the trunk's direction.
        change: (10,), of the shape. The units make a step in any number move the
            joints by about as much, which L-BFGS needs to go fast.
    """

    def __init__(self, body: SMPL, target: Tensor, weights: Tensor, fps: float, noise: float) -> None:
        self.target, self.weights, self.noise, self.hurry = target, weights, noise, fps**2 / _ACCELERATION_STD
        self.fractions = (weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)).unsqueeze(-1)
        self.centred = self._centre(target)
        self.model = JointsOfBody(body)
        self.betas = _shape_of_bones(self.model, target, weights)
        rest = self.model(torch.eye(3).to(target).expand(1, 24, 3, 3), self.betas)[:, _TORSO]
        self.trunk = procrustes(rest.expand(len(target), -1, -1), target[:, _TORSO], weights[:, _TORSO] + 1e-3)[1]
        self.unit_angles = target.new_zeros(len(target), 24, 3, requires_grad=True)
        self.change = target.new_zeros(10, requires_grad=True)
        names = [name.split('_')[-1] for name in get_skeleton('smpl24').joint_names]
        self.spread = target.new_tensor([_ANGLE_STD[name] for name in names]).unsqueeze(-1)

    def state(self) -> tuple[Tensor, Tensor, Tensor]:
        """Angles (T, 24, 3), rotations (T, 24, 3, 3) and shape (10,)."""
        angles = self.unit_angles * self.spread
        rotations = axis_angle_to_matrix(angles)
        rotations = torch.cat([rotations[:, :1] @ self.trunk[:, None], rotations[:, 1:]], 1)
        return angles, rotations, self.betas + self.change * 5 * len(angles) ** -0.5

    def cost(self) -> Tensor:
        """Objective, averaged over frames."""
        angles, rotations, shape = self.state()
        distance = self._centre(self.model(rotations, shape)) - self.centred
        data = (self.weights * distance.square().sum(-1)).sum() / self.noise**2
        # the shape counts in every frame: joints that mean other points of a body are off in all of them alike
        prior = self.unit_angles[:, 1:].square().sum() + shape.square().sum() * len(angles)
        joints, axes, signs = _BENDS
        bends = (-4 * angles[:, joints, axes] * angles.new_tensor(signs)).exp().sum()
        accelerations = rotations.diff(n=2, dim=0) * self.hurry
        return (data + prior + bends + accelerations.square().sum()) / len(angles)

    def _centre(self, points: Tensor) -> Tensor:
        return points - (self.fractions * points).sum(-2, keepdim=True)


def minimise(cost: Callable[[], Tensor], parameters: list[Tensor], iterations: int) -> None:
    """Changes parameters so that a cost gets small, with L-BFGS."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=iterations, history_size=20, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = cost()
        value.backward()
        return value

    optimizer.step(closure)


def _shape_of_bones(model: JointsOfBody, target: Tensor, weights: Tensor, steps: int = 4) -> Tensor:
    """Shape (10,) whose bones at rest are as long as the median ones: least squares, linearised a few times."""
    edges = torch.tensor(get_skeleton('h36m17').edges, device=target.device)
    rest = torch.eye(3).to(target).expand(1, 24, 3, 3)

    def lengths(points: Tensor) -> Tensor:
        return (points[:, edges[:, 0]] - points[:, edges[:, 1]]).norm(dim=-1)

    seen = weights[:, edges].amin(-1)
    expected = lengths(target).where(seen > 0, torch.nan).nanmedian(0).values.nan_to_num()
    trust = seen.mean(0) / 0.01
    betas = target.new_zeros(10)
    for _ in range(steps):
        slope = torch.autograd.functional.jacobian(lambda b: lengths(model(rest, b))[0], betas)
        missing = trust * (expected - lengths(model(rest, betas))[0] + slope @ betas)
        slope = trust[:, None] * slope
        betas = torch.linalg.solve(slope.T @ slope + torch.eye(10).to(target), slope.T @ missing)
    return betas
