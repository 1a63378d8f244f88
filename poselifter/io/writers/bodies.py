"""Bodies as parameters, and as a mesh for each frame."""

from pathlib import Path

import numpy as np

from ...geometry import matrix_to_axis_angle
from ...registry import register_writer
from ...structures import MovingBody, Result
from ...utils import atomic_write
from ..amass import BODY, MODELS, AmassSequence, write_amass
from .motion import Y_UP, motion_of, write_each_person

TRIMESH = ('trimesh', 'poselifter[mesh]')
_PELVIS = np.array([0.0031, -0.3514, 0.0120])  # of SMPL-X's mean shape at rest, metres from its origin
#: The bones that are SMPL's 22 body joints, in their order.
_SMPL_BONES = [
    'Hips', 'LeftUpLeg', 'RightUpLeg', 'Spine', 'LeftLeg', 'RightLeg', 'Spine1', 'LeftFoot', 'RightFoot', 'Spine2',
    'LeftToeBase', 'RightToeBase', 'Neck', 'LeftShoulder', 'RightShoulder', 'Head', 'LeftArm', 'RightArm',
    'LeftForeArm', 'RightForeArm', 'LeftHand', 'RightHand',
]  # fmt: skip
_Z_UP_OF_Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def turned(body: MovingBody, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T, K, 3, 3) and trans (T, 3) in other axes; a body turns about its pelvis, which is off the origin."""
    rotations, pelvis = body.rotations(), body.rest_joints[0]
    rotations[:, 0] = axes @ rotations[:, 0]
    return rotations, (body.trans + pelvis) @ axes.T - pelvis


def write_parameters(path: Path, body: MovingBody, fps: float) -> None:
    """Writes the parameters of a body in AMASS's layout, world axes with z up."""
    rotations, trans = turned(body, _Z_UP)
    poses = np.zeros((len(rotations), {model: width for width, model in MODELS.items()}[body.model]))
    known = 72 if body.model == 'smpl' else BODY  # the hands of the others are fingers, and stay at rest
    poses[:, :known] = matrix_to_axis_angle(rotations).reshape(len(rotations), -1)[:, :known]
    write_amass(path, AmassSequence(body.model, body.gender, fps, poses, trans, body.betas))


@register_writer('amass', '_amass.npz', needs=('poses',))
def write_amass_motion(path: Path, result: Result) -> list[Path]:
    """Parameters of SMPL-X in AMASS's layout, world axes with z up, a file for each person; also read by GMR.

    A fitted body's are its own. Of joints alone they are the rotations of bones from a straight T pose, with the mean
    shape; SMPL-X rests with its limbs a few degrees off that pose, and fits them by that much less well.
    """
    if result.body is not None:
        return write_parameters(path, result.body, result.fps)
    return write_each_person(path, result, _write_amass)


def _write_amass(path: Path, person: Result, frames: np.ndarray) -> None:
    motion = motion_of(person, frames)
    local = motion.local_rotations()[:, [motion.armature.names.index(name) for name in _SMPL_BONES]]
    local[:, 0] = _Z_UP_OF_Y_UP @ local[:, 0]
    poses = np.zeros((len(frames), 165))
    poses[:, :BODY] = matrix_to_axis_angle(local).reshape(len(frames), -1)
    trans = motion.root @ _Z_UP_OF_Y_UP.T - _PELVIS
    write_amass(path, AmassSequence('smplx', 'neutral', person.fps, poses, trans, np.zeros(16)))


@register_writer('obj', '_obj', ('body',), TRIMESH)
@register_writer('ply', '_ply', ('body',), TRIMESH)
def write_meshes(path: Path, result: Result) -> None:
    """A folder with a mesh for each frame, ``00000.obj`` or ``00000.ply`` and so on, as its name ends; y up."""
    import trimesh

    kind = path.name.rpartition('_')[2]
    for frame, points in enumerate(result.body.vertices() @ Y_UP.astype(np.float32)):
        with atomic_write(path / f'{frame:05d}.{kind}') as temporary:
            trimesh.Trimesh(points, result.body.surface, process=False).export(temporary)
