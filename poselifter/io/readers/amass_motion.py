"""Reader of AMASS recordings as joints: SMPL's rotations on an average body, since SMPL's own needs its licence."""

import numpy as np

from ...geometry import axis_angle_to_matrix
from ...light_registry import register_reader
from ...skeletons import get_skeleton
from ..amass import BODY, read_amass
from ..motion import Joint, Motion, assemble
from .document import Document

_HEIGHT = 1.7  # metres
# each joint from its parent in SMPL's T-pose (x to the body's left, y up, z forward) as fractions of the height; after
# Winter, "Biomechanics and Motor Control of Human Movement", 4th edition, figure 4.1; what it lacks is divided evenly
_SIDE = {
    'hip': (0.05, -0.02, 0), 'knee': (0, -0.245, 0), 'ankle': (0, -0.246, 0), 'foot': (0, -0.03, 0.08),
    'collar': (0.04, 0.07, 0), 'shoulder': (0.07, 0.03, 0), 'elbow': (0.186, 0, 0), 'wrist': (0.146, 0, 0),
    'hand': (0.05, 0, 0),
}  # fmt: skip
_MIDDLE = {
    'pelvis': (0, 0, 0), 'spine1': (0, 0.06, 0), 'spine2': (0, 0.08, 0), 'spine3': (0, 0.03, 0), 'neck': (0, 0.13, 0),
    'head': (0, 0.05, 0.01),
}  # fmt: skip


def _detect(document: Document) -> bool:
    """Arrays ``poses`` and ``trans``."""
    return document.is_arrays and {'poses', 'trans'} <= document.content.keys()


@register_reader('amass', 'AMASS recordings', _detect, gives='motion')
def read_amass_motion(document: Document) -> Motion:
    """Reads the 24 joints of SMPL in world axes, z up; hands are at rest.

    Raises:
        InputError: see :func:`~poselifter.io.amass.read_amass`.
    """
    sequence, skeleton = read_amass(document.path), get_skeleton('smpl24')
    frames = len(sequence.poses)
    turns = np.tile(np.eye(3), (frames, 24, 1, 1))
    turns[:, : BODY // 3] = axis_angle_to_matrix(sequence.poses[:, :BODY].astype(np.float64).reshape(frames, -1, 3))
    joints = []
    for name, parent in zip(skeleton.joint_names, skeleton.parents, strict=True):
        side, _, part = name.partition('_')
        offset = np.array(_MIDDLE[name] if name in _MIDDLE else _SIDE[part]) * _HEIGHT
        joints.append(Joint(name, parent, offset * [-1, 1, 1] if side == 'right' else offset))
    local = [(np.tile(joint.offset, (frames, 1)), turns[:, j]) for j, joint in enumerate(joints)]
    local[0] = sequence.trans.astype(np.float64), turns[:, 0]
    note = f"joints of an average body, {_HEIGHT} m tall, whatever the recording's betas; hands at rest"
    stated = {'fps': sequence.fps, 'unit_m': 1.0, 'up': 'z', 'source': str(document.path), 'notes': (note,)}
    return assemble(joints, local, **stated)
