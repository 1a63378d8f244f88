"""Poses that do not depend on a body model: rotations of a few common bones, from a T pose, and what they do to bodies.

The T pose is that of :mod:`poselifter.geometry.inverse_kinematics`; an elbow's hinge is where motion capture has it.
"""

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...geometry import axis_angle_to_matrix, matrix_to_axis_angle
from .body_model import BodyModel, BoneTree

#: Common bones and the one above, parents first.
_SIDE = {
    'Shoulder': 'Spine2', 'Arm': 'Shoulder', 'ForeArm': 'Arm', 'Hand': 'ForeArm', 'UpLeg': 'Hips', 'Leg': 'UpLeg',
    'Foot': 'Leg',
}  # fmt: skip
PARENTS = {'Hips': '', 'Spine': 'Hips', 'Spine1': 'Spine', 'Spine2': 'Spine1', 'Neck': 'Spine2', 'Head': 'Neck'}
for _name in ('Left', 'Right'):
    PARENTS |= {_name + bone: (_name if above in _SIDE else '') + above for bone, above in _SIDE.items()}
COMMON = tuple(PARENTS)
TREE = BoneTree([COMMON.index(parent) if parent else -1 for parent in PARENTS.values()])

#: The bones of a body model that make up a common one, from the root on.
_ANNY = {
    'Hips': 'root', 'Spine': 'spine05 spine04', 'Spine1': 'spine03 spine02', 'Spine2': 'spine01',
    'Neck': 'neck01 neck02', 'Head': 'neck03 head', 'Shoulder': 'clavicle shoulder01',
    'Arm': 'upperarm01 upperarm02', 'ForeArm': 'lowerarm01', 'Hand': 'lowerarm02 wrist',
    'UpLeg': 'upperleg01 upperleg02', 'Leg': 'lowerleg01', 'Foot': 'foot',
}  # fmt: skip
_SMPL = {
    'Hips': 'pelvis', 'Spine': 'spine1', 'Spine1': 'spine2', 'Spine2': 'spine3', 'Neck': 'neck', 'Head': 'head',
    'Shoulder': 'collar', 'Arm': 'shoulder', 'ForeArm': 'elbow', 'Hand': 'wrist', 'UpLeg': 'hip', 'Leg': 'knee',
    'Foot': 'ankle',
}  # fmt: skip
_PALM = 'finger5-1', 'finger2-1'  # Anny's bones at the little finger's and the index finger's side of a palm
_ELBOW = (0.0, -0.87, 0.49)  # hinge of the left elbow in the T pose, from the recordings of CMU
_BENT = 0.1  # sine of the bend at rest above which a body's own arm says where its hinge is


class Articulation:
    """Takes rotations of the bones of a body model to those of the common bones, and back.

    A common bone's frame in a body is fixed to the last of its bones, and tells how the T pose is turned to the body at
    rest: so bodies that rest with their arms half down or straight out agree about a pose.

    Args:
        body: the body model.

    Attributes:
        moving: numbers of the M bones of the body that turn, parents first; the others are at rest.
    """

    def __init__(self, body: BodyModel) -> None:
        self.body, self.frames = body, _frames(body)
        self.groups = [_bones(body, name) for name in COMMON]
        self.last = [group[-1] for group in self.groups]
        order = [(group[part], number, part) for number, group in enumerate(self.groups) for part in range(len(group))]
        self.moving = [bone for bone, _, _ in sorted(order)]
        several = [number for number, group in enumerate(self.groups) if len(group) > 1]
        self.twisted = [number for number in several if COMMON[number].endswith(('Arm', 'UpLeg'))]
        self.shared = [number for number in several if number not in self.twisted]
        self.lengths = torch.tensor([float(len(self.groups[number])) for number in self.shared]).unsqueeze(-1)
        self.axes = torch.stack([self.along(number) for number in self.twisted] or [self.frames.new_zeros(3)])
        rows = [number for _, number, _ in sorted(order)]  # of all turns, of a part of those shared, of two of a limb's
        for place, (_, number, part) in enumerate(sorted(order)):
            if number in self.shared:
                rows[place] = len(COMMON) + self.shared.index(number)
            elif number in self.twisted:
                first = len(COMMON) + len(self.shared) + part * len(self.twisted)
                rows[place] = first + self.twisted.index(number)
        self.rows = rows
        self.above = [0, *TREE.above]

    def from_body(self, rotations: Tensor) -> Tensor:
        """Rotations (..., K, 3, 3) of a body's bones, relative to parents, to those (..., C, 3, 3) of common bones."""
        return self.of_turns(self.body.tree.world(rotations)[..., self.last, :, :])

    def of_turns(self, turns: Tensor) -> Tensor:
        """Turns (..., C, 3, 3) from the body at rest, in its axes, to rotations of common bones relative to parents."""
        world = turns @ self.frames.to(turns)
        below = world[..., TREE.above, :, :].transpose(-1, -2) @ world[..., 1:, :, :]
        return torch.cat([world[..., :1, :, :], below], -3)

    def moving_rotations(self, common: Tensor) -> Tensor:
        """Rotations (..., C, 3, 3) of common bones to those (..., M, 3, 3) of the bones that turn.

        Bones of the trunk share a turn; of two in a limb the second takes half of the turn about the limb.
        """
        frames = self.frames.to(common)
        turns = frames[self.above] @ common @ frames.transpose(-1, -2)
        parts = [turns]
        if self.shared:
            angles = matrix_to_axis_angle(turns[..., self.shared, :, :])
            parts.append(axis_angle_to_matrix(angles / self.lengths.to(angles)))
        if self.twisted:
            whole = turns[..., self.twisted, :, :]
            half = self._half_twist(whole)
            parts += [whole @ half.transpose(-1, -2), half]
        return torch.cat(parts, -3)[..., self.rows, :, :]

    def to_body(self, common: Tensor) -> Tensor:
        """Rotations (..., C, 3, 3) of common bones to those (..., K, 3, 3) of all bones of the body."""
        whole = torch.eye(3).to(common).repeat(*common.shape[:-3], len(self.body.parents), 1, 1)
        whole[..., self.moving, :, :] = self.moving_rotations(common)
        return whole

    def _half_twist(self, turns: Tensor) -> Tensor:
        """Half of what turns (..., N, 3, 3) of the limbs of several bones turn them about their lengths."""
        axes = self.axes.to(turns)
        skew = turns - turns.transpose(-1, -2)
        axial = (torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1) * axes).sum(-1)
        angle = torch.atan2(axial, 1 + turns.diagonal(dim1=-2, dim2=-1).sum(-1))  # half the angle, of swing then twist
        return axis_angle_to_matrix(angle.unsqueeze(-1) * axes)

    def along(self, number: int) -> Tensor:
        """Unit vector (3,) along a limb at rest in the body's axes."""
        return self.frames[number] @ _t_pose(COMMON[number])[0].to(self.frames)


def carry_rotations(rotations: Tensor, source: BodyModel, target: BodyModel) -> Tensor:
    """A pose of one body model as that of another one, whatever their shapes.

    Args:
        rotations: (..., K, 3, 3) of the source's bones, each relative to its parent.
        source: the body model of the pose.
        target: the one that is to take it.

    Returns:
        (..., K', 3, 3) of the target's bones; those that correspond to none of the source's stay at rest.
    """
    return Articulation(target).to_body(
        Articulation(source).from_body(rotations.to(source.template)).to(target.template)
    )


def sole_weights(body: BodyModel) -> Tensor:
    """Weights (4, V) of the vertices below left heel, left toes, right heel and right toes."""
    shape, rows = body.default_shape(), []
    vertices = body(torch.eye(3).to(shape).expand(len(body.parents), 3, 3), shape)[0]
    for side in ('Left', 'Right'):
        below = body.tree.chain[:, _bones(body, side + 'Foot')[0] - 1] > 0
        foot = (body.weights[:, below].sum(1) > 0.5).nonzero().squeeze(1)
        foot = foot[vertices[foot, 2].argsort()]  # from back to front
        for start, end in ((0, 0.3), (0.6, 0.9)):
            part = foot[int(start * len(foot)) : int(end * len(foot)) + 1]
            lowest = part[vertices[part, 1].argsort()[: len(part) // 8 + 1]]
            rows.append(torch.zeros_like(body.weights[:, 0]).index_fill(0, lowest, 1 / len(lowest)))
    return torch.stack(rows)


def _bones(body: BodyModel, common: str) -> list[int]:
    """Numbers of the bones of a body that make up a common one."""
    names = _ANNY if body.kind == 'anny' else _SMPL
    side = next((side for side in ('Left', 'Right') if common.startswith(side)), '')
    pattern = {'': '{}'}.get(side, f'{{}}.{side[:1]}' if body.kind == 'anny' else f'{side.lower()}_{{}}')
    return [body.bone_names.index(pattern.format(name)) for name in names[common.removeprefix(side)].split()]


def _t_pose(limb: str) -> tuple[Tensor, Tensor]:
    """Direction of a limb's bone in the T pose, and its hinge."""
    if limb.endswith('Leg'):
        return torch.tensor([0.0, -1, 0]), torch.tensor([1.0, 0, 0])
    sign = 1.0 if limb.startswith('Left') else -1.0
    return torch.tensor([sign, 0, 0]), sign * torch.tensor(_ELBOW)


@torch.no_grad()
def _frames(body: BodyModel) -> Tensor:
    """Rotations (C, 3, 3) from the T pose to the body at rest: those of limbs; trunk and feet rest as they stand."""
    heads = body.rest(body.default_shape()).heads
    frames = torch.eye(3).to(heads).repeat(len(COMMON), 1, 1)
    for side in ('Left', 'Right'):
        for limb in (('Arm', 'ForeArm', 'Hand'), ('UpLeg', 'Leg', 'Foot')):
            ends = [heads[_bones(body, side + bone)[-1 if bone == limb[-1] else 0]] for bone in limb]
            directions = [normalize(b - a, dim=0) for a, b in pairwise(ends)]
            hinge = heads.new_tensor([1.0, 0, 0])
            if limb[0] == 'Arm':
                bend = torch.linalg.cross(*directions)
                hinge = bend if bend.norm() > _BENT else _t_pose(side + limb[0])[1].to(heads)
            for bone, along in zip(limb, directions, strict=False):
                start = _axes(*(vector.to(heads) for vector in _t_pose(side + bone)))
                frames[COMMON.index(side + bone)] = _axes(along, hinge) @ start.T
        if body.kind == 'anny':  # others rest with their palms as in the T pose
            little, index = (heads[body.bone_names.index(f'{bone}.{side[0]}')] for bone in _PALM)
            palm = _axes(
                normalize((little + index) / 2 - heads[_bones(body, side + 'Hand')[-1]], dim=0), index - little
            )
            thumb = heads.new_tensor([0.0, 0, 1])
            frames[COMMON.index(side + 'Hand')] = palm @ _axes(_t_pose(side + 'Arm')[0].to(heads), thumb).T
    return frames


def _axes(along: Tensor, near: Tensor) -> Tensor:
    """Rotation (3, 3) with the first column ``along``, the second as near as may be to ``near``."""
    second = normalize(near - (near @ along) * along, dim=0)
    return torch.stack([along, second, torch.linalg.cross(along, second)], -1)
