"""Bodies as parameters, and as a mesh for each frame."""

from pathlib import Path

import numpy as np

from ...geometry import matrix_to_axis_angle
from ...geometry.inverse_kinematics import Armature, BoneMotion
from ...light_registry import register_writer
from ...structures import MovingBody, Result
from ...utils import atomic_write
from ...utils.arrays import save_arrays
from ..amass import BODY, MODELS, AmassSequence, write_amass
from .motion import motion_of, write_each_person, y_up_of_camera

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


def turned(body: MovingBody, axes: np.ndarray, shift: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T, K, 3, 3) and trans (T, 3) in other axes; a body turns about its pelvis, which is off the origin."""
    rotations, pelvis = body.rotations(), body.rest_joints[0]
    rotations[:, 0] = axes @ rotations[:, 0]
    return rotations, (body.trans + pelvis) @ axes.T + shift - pelvis


def bones_of(result: Result) -> BoneMotion:
    """The bones of a result's body, y up, in the world where it is known; a bone points at the first one below it."""
    body = result.body
    local, trans = turned(body, *y_up_of_camera(result))
    world, parents = local.copy(), np.array(body.parents)
    for bone, parent in enumerate(parents[1:], 1):
        world[:, bone] = world[:, parent] @ local[:, bone]
    offsets = body.rest_joints - body.rest_joints[np.maximum(parents, 0)]
    first = [np.flatnonzero(parents == bone)[:1] for bone in range(len(parents))]
    tips = [offsets[child[0]] if len(child) else offsets[bone] / 2 for bone, child in enumerate(first)]
    armature = Armature(tuple(body.bone_names), tuple(body.parents), offsets, np.stack(tips))
    return BoneMotion(armature, world, body.rest_joints[0] + trans)


def write_parameters(path: Path, body: MovingBody, fps: float) -> None:
    """Writes the parameters of a body: SMPL's in AMASS's layout, world axes with z up; Anny's by name, camera axes."""
    if body.model not in MODELS.values():
        poses = body.poses.reshape(len(body.poses), -1, 3).astype(np.float32)
        arrays = {'body_model': np.array(body.model), 'bone_names': np.array(body.bone_names), 'poses': poses}
        arrays |= {'shape_names': np.array(body.shape_names), 'shape': body.betas, 'trans': body.trans}
        save_arrays(path, arrays | {'fps': np.array(float(fps))})
        return
    rotations, trans = turned(body, _Z_UP)
    poses = np.zeros((len(rotations), {model: width for width, model in MODELS.items()}[body.model]))
    known = 72 if body.model == 'smpl' else BODY  # the hands of the others are fingers, and stay at rest
    poses[:, :known] = matrix_to_axis_angle(rotations).reshape(len(rotations), -1)[:, :known]
    write_amass(path, AmassSequence(body.model, body.gender, fps, poses, trans, body.betas))


@register_writer('amass', '_amass.npz', needs=('poses',))
def write_amass_motion(path: Path, result: Result) -> list[Path]:
    """Parameters of SMPL-X in AMASS's layout, world axes with z up, a file for each person; also read by GMR.

    A fitted SMPL body's are its own. Of joints alone they are the rotations of bones from a straight T pose, with the
    mean shape; SMPL-X rests with its limbs a few degrees off that pose, and fits them by that much less well.
    """
    if result.body is not None and result.body.model in MODELS.values():
        return write_parameters(path, result.body, result.fps)
    return write_each_person(path, result, _write_amass)


def _write_amass(path: Path, person: Result, frames: np.ndarray) -> None:
    motion = motion_of(person, frames)
    poses = np.zeros((len(frames), 55, 3))
    for name, turns in zip(motion.armature.names, motion.local_rotations(), strict=True):
        turns = _Z_UP_OF_Y_UP @ turns if name == 'Hips' else turns
        poses[:, _SMPL_BONES.index(name)] = matrix_to_axis_angle(turns)
    trans = motion.root @ _Z_UP_OF_Y_UP.T - _PELVIS
    write_amass(
        path, AmassSequence('smplx', 'neutral', person.fps, poses.reshape(len(frames), -1), trans, np.zeros(16))
    )


@register_writer('obj', '_obj', ('body',), TRIMESH)
@register_writer('ply', '_ply', ('body',), TRIMESH)
def write_meshes(path: Path, result: Result) -> None:
    """A folder with a mesh for each frame, ``00000.obj`` or ``00000.ply`` and so on, as its name ends; y up."""
    import trimesh

    kind = path.name.rpartition('_')[2]
    turn, shift = (x.astype(np.float32) for x in y_up_of_camera(result))
    for frame, points in enumerate(result.body.vertices() @ turn.T + shift):
        with atomic_write(path / f'{frame:05d}.{kind}') as temporary:
            trimesh.Trimesh(points, result.body.surface, process=False).export(temporary)
