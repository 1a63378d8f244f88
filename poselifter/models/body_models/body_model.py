"""The interface of body models: a tree of bones, a mesh that follows them, and shapes that change both."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...geometry import rotation_6d_to_matrix


@dataclass(frozen=True)
class RestBody:
    """A body of some shape at rest, before it is posed; metres, y up, front at z, left at x.

    Attributes:
        vertices: (..., V, 3) in the pose the shape has been modelled in.
        binds: (..., K, 3, 4), what takes a vertex to the axes of each bone.
        heads: (..., K, 3) of the bones in the rest pose, that of rotations 0.
    """

    vertices: Tensor
    binds: Tensor
    heads: Tensor


class BoneTree:
    """Bones in a tree, parents first: rotations and places along it, level by level.

    Args:
        parents: of the K bones, -1 of the root.
    """

    def __init__(self, parents: Sequence[int]) -> None:
        self.parents: tuple[int, ...] = tuple(parents)
        depths, chain = [0], torch.eye(len(self.parents))
        for bone, parent in enumerate(self.parents[1:], 1):
            depths.append(depths[parent] + 1)
            chain[bone] += chain[parent]
        self.above: list[int] = list(self.parents[1:])
        self.chain: Tensor = chain[:, 1:]
        levels = [[b for b, depth in enumerate(depths) if depth == d] for d in range(max(depths) + 1)]
        self.counts: list[int] = [len(level) for level in levels]
        self.by_level: Tensor = torch.tensor([bone for level in levels for bone in level])
        self.carriers: list[Tensor] = [
            torch.tensor([above.index(self.parents[bone]) for bone in level]) for above, level in pairwise(levels)
        ]
        self.order: Tensor = self.by_level.argsort()

    def world(self, rotations: Tensor) -> Tensor:
        """Rotations (..., K, 3, 3) relative to the parents' to those in the axes of the root's parent."""
        device = rotations.device
        first, *levels = rotations.index_select(-3, self.by_level.to(device)).split(self.counts, -3)
        parts = [first]
        for turns, carriers in zip(levels, self.carriers, strict=True):
            parts.append(parts[-1].index_select(-3, carriers.to(device)) @ turns)
        return torch.cat(parts, -3).index_select(-3, self.order.to(device))

    def places(self, world: Tensor, heads: Tensor) -> Tensor:
        """Heads (..., K, 3) of bones that are turned by (..., K, 3, 3), from those at rest; the root's stays."""
        steps = heads[..., 1:, :] - heads[..., self.above, :]
        steps = (world[..., self.above, :, :] @ steps.unsqueeze(-1)).squeeze(-1)
        return heads[..., :1, :] + self.chain.to(steps) @ steps


class BodyModel(nn.Module):
    """Vertices and bones from joint rotations and shape, by linear blend skinning; differentiable in both.

    A subclass sets the attributes, in its constructor, and says what its shapes mean. Arrays are buffers outside of the
    ``state_dict``: licences keep some of them out of checkpoints. In the rest pose, that of rotations 0, the body
    stands, y up, +x to its left, facing z; rotations are relative to the parent, in these axes.

    Attributes:
        kind: name of the body model.
        gender: ``'neutral'``, ``'male'`` or ``'female'``, where the file is of one.
        bone_names, tree: of the K bones.
        shape_names: of the S numbers of a shape.
        shape_spread: (S,) how much persons commonly differ from the default shape.
        template: (V, 3) vertices; shapes: (B, V, 3) what each blend shape adds.
        heads: (K, 3) of the bones; head_shapes: (B, K, 3) likewise.
        pose_shapes: (9 (K - 1), 3 V) what each number of the rotations less the identity adds; ``None``: nothing.
        weights: (V, K) of the bones, rows sum to 1.
        faces: (F, 3), counter-clockwise from outside; ``None`` where the file has none.
    """

    kind: str
    gender: str = 'neutral'
    bone_names: tuple[str, ...]
    shape_names: tuple[str, ...]
    joint_sets: tuple[str, ...] = ()  # whose joints mean exactly the points that the body has for them
    average: dict[str, float] = {}  # numbers of the average shape that are not 0

    def __init__(self) -> None:
        super().__init__()
        for name in ('pose_shapes', 'faces'):
            self.register_buffer(name, None, persistent=False)

    def _set_arrays(self, parents: Sequence[int], **arrays: object) -> None:
        """Makes buffers of arrays, floats in torch's default type, and the tree."""
        self.tree: BoneTree = BoneTree(parents)
        for name, value in arrays.items():
            value = torch.as_tensor(value)
            kind = torch.get_default_dtype() if value.is_floating_point() else torch.int64
            self.register_buffer(name, value.to(kind), persistent=False)

    @property
    def parents(self) -> tuple[int, ...]:
        """Of the K bones, -1 of the root."""
        return self.tree.parents

    def default_shape(self, **values: float) -> Tensor:
        """The shape (S,) of an average person, but for the values given by name.

        Raises:
            InputError: there is no such name.
        """
        unknown = sorted(set(values) - set(self.shape_names))
        if unknown:
            raise InputError(f'a body has no {", ".join(unknown)}; it has {", ".join(self.shape_names)}')
        start = self.average | values
        return self.template.new_tensor([start.get(name, 0.0) for name in self.shape_names])

    def within_range(self, shape: Tensor) -> Tensor:
        """Shapes (..., S), each number within its range."""
        return shape

    def coefficients(self, shape: Tensor) -> Tensor:
        """Shapes (..., S) to the weights (..., B) of the blend shapes."""
        return shape

    def rest(self, shape: Tensor) -> RestBody:
        """The bodies of shapes (..., S)."""
        mix = self.coefficients(shape.to(self.template.dtype))
        return RestBody(shaped(self.template, self.shapes, mix), *self.rest_bones(mix))

    def rest_bones(self, mix: Tensor) -> tuple[Tensor, Tensor]:
        """``binds`` and ``heads`` of :class:`RestBody` by weights (..., B) of the blend shapes."""
        heads = shaped(self.heads, self.head_shapes, mix)
        turns = torch.eye(3).to(heads).expand(*heads.shape, 3)
        return torch.cat([turns, -heads.unsqueeze(-1)], -1), heads

    def bones(self, rotations: Tensor, rest: RestBody) -> tuple[Tensor, Tensor]:
        """Poses the bones.

        Args:
            rotations: (..., K, 3, 3), each bone relative to its parent; the root's turns the body about its head.
            rest: of the shape.

        Returns:
            Rotations (..., K, 3, 3) from rest, and heads (..., K, 3), metres.
        """
        world = self.tree.world(rotations)
        return world, self.tree.places(world, rest.heads)

    def transforms(self, rotations: Tensor, rest: RestBody) -> tuple[Tensor, Tensor]:
        """Transforms (..., K, 3, 4) of a vertex at rest to the place each bone carries it to, and heads (..., K, 3)."""
        turns, heads = self.bones(rotations, rest)
        moves = turns @ rest.binds
        return torch.cat([moves[..., :3], moves[..., 3:] + heads.unsqueeze(-1)], -1), heads

    def forward(self, rotations: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Poses and shapes the body, in full precision also under autocast.

        Args:
            rotations: (..., K, 3, 3), or in 6D (..., K, 6), see :meth:`bones`.
            shape: (..., S), or what broadcasts to it; one for all frames is faster.

        Returns:
            Vertices (..., V, 3) and heads of the bones (..., K, 3), metres; add a translation to both.
        """
        rotations = rotation_6d_to_matrix(rotations) if rotations.shape[-1] == 6 else rotations
        with torch.autocast(self.template.device.type, enabled=False):
            rotations = rotations.to(self.template.dtype)
            rest = self.rest(shape)
            moves, heads = self.transforms(rotations, rest)
            points = rest.vertices
            if self.pose_shapes is not None:
                points = points + (pose_features(rotations[..., 1:, :, :]) @ self.pose_shapes).unflatten(-1, (-1, 3))
            blended = (self.weights @ moves.flatten(-2)).unflatten(-1, (3, 4))
            return (blended[..., :3] @ points.unsqueeze(-1)).squeeze(-1) + blended[..., 3], heads

    def joint_weights(self, skeleton: str) -> Tensor:
        """Weights (J, V) of the vertices that make the joints of a joint set.

        Raises:
            InputError: the body has no such joint.
        """
        raise TypeError(f'{type(self).__name__} must implement joint_weights(skeleton)')

    def keypoints(self, vertices: Tensor, skeleton: str = 'h36m17') -> Tensor:
        """Vertices (..., V, 3) to the joints of a joint set (..., J, 3), same unit; see :meth:`joint_weights`."""
        with torch.autocast(vertices.device.type, enabled=False):
            return self.joint_weights(skeleton) @ vertices


def shaped(start: Tensor, shapes: Tensor, mix: Tensor) -> Tensor:
    """An array (...) with blend shapes (B, ...) added by weights (*, B): (*, ...)."""
    return start + (mix @ shapes.flatten(1)).unflatten(-1, start.shape)


def pose_features(rotations: Tensor) -> Tensor:
    """Rotations (..., K, 3, 3) less the identity as numbers (..., 9 K)."""
    return (rotations - torch.eye(3).to(rotations)).flatten(-3)
