"""Joints of a body model straight from pose and shape, without its vertices."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .body_model import BodyModel, BoneTree, pose_features


class BodyJoints:
    """Sums of vertices as functions of pose and shape, exactly, but without the vertices.

    A joint is a sum over vertices, and a vertex one over bones of points that are linear in blend shapes, so the sum
    over vertices is done once for each pair of joint and bone. Bones that stay at rest are part of the one above.

    Args:
        body: the body model.
        weights: (J, V) of the vertices in each joint, see :meth:`BodyModel.joint_weights`.
        moving: numbers of the M bones that turn, parents first, the root among them; ``None``: all.

    Attributes:
        main: (J,) the number in ``moving`` of the bone that a joint mostly moves with.
    """

    def __init__(self, body: BodyModel, weights: Tensor, moving: Sequence[int] | None = None) -> None:
        self.body, self.moving = body, list(range(len(body.parents)) if moving is None else moving)
        owners = []
        for bone, parent in enumerate(body.parents):
            owners.append(self.moving.index(bone) if bone in self.moving else owners[parent])
        self.tree = BoneTree([-1, *(owners[body.parents[bone]] for bone in self.moving[1:])])
        self.count = len(weights)
        joint, self.bone = ((weights.abs() @ body.weights.abs()) > 1e-7).nonzero(as_tuple=True)
        used = weights.any(0).nonzero().squeeze(1)
        products = weights[joint][:, used] * body.weights[used].T[self.bone]  # (pairs, vertices)
        linear = torch.cat([body.template[None], body.shapes])[:, used]
        self.points = torch.stack([products @ shape for shape in linear], -1)  # (pairs, 3, 1 + B)
        self.mass = products.sum(1)
        pairs = joint * len(self.moving) + torch.tensor(owners, device=joint.device)[self.bone]
        pairs, self.place = torch.unique(pairs, return_inverse=True)
        self.joint, self.owner = pairs // len(self.moving), pairs % len(self.moving)
        self.weights = self._by_owner(self.mass)
        totals = self.mass.new_full((self.count, len(self.moving)), -1).index_put(
            (self.joint, self.owner), self.weights
        )
        self.main = totals.argmax(1)
        self.pose_points = None
        if body.pose_shapes is not None:
            rows = [9 * (bone - 1) + number for bone in self.moving[1:] for number in range(9)]
            moved = body.pose_shapes[rows].unflatten(1, (-1, 3))[:, used]
            self.pose_points = self._by_owner(torch.einsum('pv,fvc->pcf', products, moved))  # (P, 3, 9 (M - 1))

    def _by_owner(self, values: Tensor) -> Tensor:
        """Sums over pairs of joint and bone (pairs, ...) for each of joint and bone that turns (P, ...)."""
        return values.new_zeros(len(self.joint), *values.shape[1:]).index_add(0, self.place, values)

    def rest(self, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Heads (M, 3) of the bones that turn, and points (P, 3) to be moved, of a body of a shape (S,) at rest."""
        mix = self.body.coefficients(shape)
        binds, heads = self.body.rest_bones(mix)
        mixed = self.points[..., 0] + self.points[..., 1:] @ mix
        turns, shifts = binds[self.bone].split([3, 1], -1)
        moved = (turns @ mixed.unsqueeze(-1)).squeeze(-1)
        moved = moved + self.mass[:, None] * (shifts.squeeze(-1) + heads[self.bone])
        heads = heads[self.moving]
        return heads, self._by_owner(moved) - self.weights[:, None] * heads[self.owner]

    def __call__(self, rotations: Tensor, heads: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (T, M, 3, 3) relative to parents to joints (T, J, 3), metres, and turns (T, M, 3, 3) from rest."""
        world = self.tree.world(rotations)
        places = self.tree.places(world, heads)
        if self.pose_points is not None:  # of bodies whose vertices at rest are in the axes of the bones
            moved = pose_features(rotations[:, 1:]) @ self.pose_points.flatten(0, 1).T
            points = points + moved.unflatten(1, (-1, 3))
        moved = (world.index_select(1, self.owner) @ points.unsqueeze(-1)).squeeze(-1)
        moved = moved + self.weights[:, None] * places.index_select(1, self.owner)
        return moved.new_zeros(len(moved), self.count, 3).index_add(1, self.joint, moved), world
