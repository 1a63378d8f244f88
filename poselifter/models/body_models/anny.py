"""Anny, the body model that ships: bodies of all ages from named phenotypes, free for any use."""

import json
import os
import zlib

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError, reading
from ...skeletons import get_skeleton
from ...utils import shipped_root
from ...utils.arrays import load_tensors
from .body_model import BodyModel, shaped

FILE = 'zoo/anny_body-e0727027.safetensors'
_ARRAYS = (
    'template', 'shapes', 'shape_steps', 'heads', 'head_shapes', 'turns', 'turn_shapes', 'reference_turns', 'mixes',
    'skin_bones', 'skin_weights', 'faces', 'light_vertices', 'light_faces', 'keypoint', 'keypoint_vertices',
    'keypoint_weights',
)  # fmt: skip
_NAMES = ('bone_names', 'parents', 'phenotype_names', 'change_names', 'keypoint_names')
_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # from the file's axes: z up, front at -y
_SPREAD = {'gender': 0.3, 'age': 0.1, 'muscle': 0.2, 'weight': 0.2, 'height': 0.12, 'proportions': 0.2}
_CHANGE_SPREAD = 0.35  # of local changes
_YOUNGEST = -1 / 3  # the least value of age, a newborn's; of the other phenotypes it is 0


class AnnyBody(BodyModel):
    """Anny (Brégier et al. 2026): 13,718 vertices, 104 bones, 6 phenotypes and 9 lengths of limbs.

    A shape is (..., 15): ``shape_names`` in order, first the phenotypes ``gender`` (0 male to 1 female),
    ``age`` (-1/3 newborn, 0 one year, 1/3 child, 2/3 young adult, 1 old), ``muscle``, ``weight``, ``height`` and
    ``proportions`` in [0, 1], then local changes in [-1, 1], 0 being none. Rotations are relative to the parent, in the
    axes of the rest pose, in which all bones are at the identity: standing, arms half down, y up, facing z.

    Linear blend skinning, differentiable in pose and shape. Its arrays are buffers outside of the ``state_dict``.

    Args:
        path: the file, ``None`` for the one that ships.

    Attributes:
        bone_names, parents: of the K bones, parents first.
        ancestors: (K, K), 1 where the second bone is the first or above it.
        faces: (F, 3), counter-clockwise from outside.
        light_vertices, light_faces: (1496,) of the vertices and (2980, 3) of those: a mesh for quick looks.

    Raises:
        InputError: the file is missing or damaged.
    """

    kind = 'anny'
    joint_sets = ('cmu17', 'body23')
    average = dict.fromkeys(('gender', 'muscle', 'weight', 'proportions'), 0.5) | {'age': 2 / 3, 'height': 0.37}

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        path = path or shipped_root() / FILE
        arrays, metadata = load_tensors(path, _ARRAYS, 'reinstall poselifter')
        kinds = (KeyError, ValueError, TypeError, zlib.error)
        with reading(f'{path} holds no body of Anny', 'reinstall poselifter', kinds):
            about = json.loads(metadata['about'])
            names = {name: tuple(about[name]) for name in _NAMES}
            shapes = _decoded(arrays['shapes'], arrays['shape_steps'], len(arrays['template']))
        self.bone_names, self.keypoint_names = names['bone_names'], names['keypoint_names']
        self.phenotypes = names['phenotype_names']
        self.shape_names = self.phenotypes + names['change_names']
        self.grid = arrays['mixes'].shape[:-1]
        count = len(arrays['template'])
        weights = np.zeros((count, len(self.bone_names)))
        rows = np.arange(count)[:, None]
        np.add.at(weights, (rows, arrays['skin_bones']), arrays['skin_weights'])
        regressor = np.zeros((len(self.keypoint_names), count))
        regressor[arrays['keypoint'], arrays['keypoint_vertices']] = arrays['keypoint_weights']
        self._set_arrays(
            names['parents'],
            template=arrays['template'] @ _Y_UP.T,
            shapes=shapes @ _Y_UP.T.astype(np.float32),
            heads=arrays['heads'] @ _Y_UP.T,
            head_shapes=arrays['head_shapes'] @ _Y_UP.T,
            turns=_Y_UP @ arrays['turns'],
            turn_shapes=_Y_UP @ arrays['turn_shapes'],
            reference_turns=_Y_UP @ arrays['reference_turns'],
            mixes=arrays['mixes'].reshape(-1, arrays['mixes'].shape[-1]),
            weights=weights / weights.sum(1, keepdims=True),
            regressor=regressor,
            shape_spread=np.array([_SPREAD.get(name, _CHANGE_SPREAD) for name in self.shape_names]),
            **{name: arrays[name].astype(np.int64) for name in ('faces', 'light_vertices', 'light_faces')},
        )

    def within_range(self, shape: Tensor) -> Tensor:
        """Shapes (..., 15) with phenotypes no further than their range."""
        low = shape.new_tensor([_YOUNGEST if name == 'age' else 0.0 for name in self.phenotypes])
        count = len(low)
        return torch.cat([shape[..., :count].maximum(low).minimum(torch.ones_like(low)), shape[..., count:]], -1)

    def coefficients(self, shape: Tensor) -> Tensor:
        """Shapes (..., 15) to the weights (..., S) of the blend shapes; beyond its range a phenotype is at its end."""
        shape, corners = self.within_range(shape), shape.new_ones(*shape.shape[:-1], 1)
        for number, (name, count) in enumerate(zip(self.phenotypes, self.grid, strict=True)):
            low = _YOUNGEST if name == 'age' else 0.0
            place = (shape[..., number, None] - low) / (1 - low) * (count - 1)
            near = _positive(1 - (place - torch.arange(count).to(shape)).abs())
            corners = (corners[..., :, None] * near[..., None, :]).flatten(-2)
        changes = shape[..., len(self.phenotypes) :]
        both = torch.stack([_positive(changes), _positive(-changes)], -1).flatten(-2)
        return torch.cat([corners @ self.mixes, both], -1)

    def rest_bones(self, mix: Tensor) -> tuple[Tensor, Tensor]:
        """``binds`` and ``heads`` of a body at rest by weights (..., B) of the blend shapes."""
        places = shaped(self.heads, self.head_shapes, mix)
        turns = _nearest_rotation(shaped(self.turns, self.turn_shapes, mix))
        turns = self.reference_turns @ turns.transpose(-1, -2)
        binds = torch.cat([turns, -turns @ places.unsqueeze(-1)], -1)
        above = torch.tensor(self.tree.above, device=turns.device)
        still = torch.eye(3).to(turns).expand_as(turns[..., 1:, :, :])  # bones of the root rest as it leaves them
        turned = torch.where((above == 0)[:, None, None], still, turns[..., self.tree.above, :, :])
        steps = (turned @ (places[..., 1:, :] - places[..., self.tree.above, :]).unsqueeze(-1)).squeeze(-1)
        return binds, self.tree.chain.to(steps) @ steps

    def joint_weights(self, skeleton: str) -> Tensor:
        """Weights (J, V) of the vertices that make the joints of a joint set.

        Raises:
            InputError: the body has no such joint.
        """
        rows = dict(zip(self.keypoint_names, self.regressor, strict=True))
        own = 'cmu17' if skeleton == 'body23' else skeleton  # the second has the trunk of the first
        rows |= {name.removeprefix(f'{own}.'): row for name, row in rows.items()}
        rows['pelvis'] = (rows['left_hip'] + rows['right_hip']) / 2
        names = get_skeleton(skeleton).joint_names
        absent = [name for name in names if name not in rows]
        if absent:
            known = ', '.join(name for name in rows if '.' not in name)
            raise InputError(f'the body has no {", ".join(absent)} of {skeleton}; it has {known}')
        return torch.stack([rows[name] for name in names])


def _positive(values: Tensor) -> Tensor:
    """``values`` above 0, else 0. The slope at 0 is 1, so that a fit can leave a corner of the grid of shapes.

    That of torch's clamp depends on the version: it is 1 up to 2.13 and 0 in 2.15.
    """
    return values * (values >= 0)


def _decoded(packed: np.ndarray, steps: np.ndarray, count: int) -> np.ndarray:
    """Blend shapes (S, V, 3) from zlib's bytes of four planes (4, S, 3, V) of their differences; see the converter."""
    size = 4 * len(steps) * 3 * count
    planes = np.frombuffer(zlib.decompressobj().decompress(packed.tobytes(), size), np.uint8)
    coded = np.ascontiguousarray(planes.reshape(4, -1).T).view('<u4').reshape(len(steps), 3, count)
    moves = (coded >> 1).astype(np.int32) ^ -(coded & 1).astype(np.int32)
    return np.cumsum(moves, -1, dtype=np.int32).swapaxes(1, 2) * steps[:, None, None]


def _nearest_rotation(matrices: Tensor) -> Tensor:
    """Rotations (..., 3, 3) closest to matrices; the gradient needs no singular values that differ.

    A small change E turns R by the vector (tr(S) - S)^-1 axial(R^T E) with S = R^T M, the symmetric part.
    """
    with torch.no_grad():
        left, _, right = torch.linalg.svd(matrices)
        ends = torch.ones_like(matrices[..., 0])
        ends[..., 2] = torch.linalg.det(left @ right)
        rotations = (left * ends.unsqueeze(-2)) @ right
        symmetric = rotations.transpose(-1, -2) @ matrices
        trace = symmetric.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        stiffness = trace * torch.eye(3).to(matrices) - symmetric
    skew = rotations.transpose(-1, -2) @ matrices
    skew = skew - skew.transpose(-1, -2)
    axial = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1)
    x, y, z = torch.linalg.solve(stiffness, axial).unbind(-1)
    zero = torch.zeros_like(x)
    turn = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return rotations + rotations @ turn
