"""Converts the bodies in which the CMU database circulates to the joint set ``cmu17``.

Convention: files are y up and face +z at rest; ``cmu17`` is z up, in metres, (x, y, z) of a file becoming (x, -z, y).
Joint meanings are those of the converted data's README: a bone's end in ASF/AMC; BVH joints are bones' starts.
"""

from dataclasses import dataclass

import numpy as np

from poselifter.errors import InputError
from poselifter.io.motion import Motion

CMU_UNIT_M = 0.0254 / 0.45  # CMU's files count in units of 0.45 to an inch


@dataclass(frozen=True)
class Body:
    """Joint names of one family of files.

    Attributes:
        joints: names of joints 1 to 16 of ``cmu17``, spaces between; ``'*'`` is
            two joints below the neck, whatever its name.
        first_frame: frames of the T-pose at the start, which is no motion.
        unit_m: metres in a file unit, where the file does not say.
    """

    joints: str
    first_frame: int
    unit_m: float = CMU_UNIT_M


BODIES = {
    'asf-amc': Body(
        'rhipjoint rfemur rtibia lhipjoint lfemur ltibia lowerback thorax upperneck head '
        'lclavicle lhumerus lradius rclavicle rhumerus rradius',
        first_frame=0,
    ),
    'bvh-motionbuilder': Body(
        'RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot Spine Neck Head Head_end '
        'LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand',
        first_frame=2,
    ),
    'bvh-3dsmax': Body(
        'RightHip RightKnee RightAnkle LeftHip LeftKnee LeftAnkle * Neck Head Head_end '
        'LeftShoulder LeftElbow LeftWrist RightShoulder RightElbow RightWrist',
        first_frame=2,
    ),
    'bvh-daz': Body(
        'rThigh rShin rFoot lThigh lShin lFoot abdomen neck head head lShldr lForeArm lHand rShldr rForeArm rHand',
        first_frame=6,
        unit_m=0.01,
    ),
}
# Daz heads have no joints at skull base and forehead: points fixed to the head, metres, y up, z forward.
_DAZ_NOSE, _DAZ_HEAD_TOP = np.array([0.0, 0.07, 0.04]), np.array([0.0, 0.17, 0.0])
_THORAX_AND_ABOVE = [8, 9, 10, 11, 12, 13, 14, 15, 16]


def body_of(motion: Motion) -> str:
    """The family of a file by its joint names, a key of :data:`BODIES`.

    Raises:
        InputError: the joints are those of no family we know.
    """
    for name, body in BODIES.items():
        if {*body.joints.split()} <= {'*', *motion.names}:
            return name
    raise InputError(f'{motion.source}: joints {", ".join(motion.names[:6])}, ... are no body of {", ".join(BODIES)}')


def to_cmu17(motion: Motion, thorax: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Maps a motion to ``cmu17``.

    MotionBuilder's and 3ds Max's files lack the thorax bone: neck and collar
    bones start where it starts. It is put back, turning with the joint there.

    Args:
        motion: of :func:`read_amc` or :func:`read_bvh`.
        thorax: (3,) the subject's thorax bone at rest, in file units, for
            bodies that lack it; ``None`` takes the bone below once more.

    Returns:
        (keypoints, feet): (T, 17, 3) metres, z up; (T,) height of the lowest point of ankles, feet and toes, metres.

    Raises:
        InputError: the joints are those of no family we know, or the body has
            no human size, so that its unit of length is another.
    """
    name = body_of(motion)
    body = BODIES[name]
    unit = motion.unit_m or body.unit_m
    order = body.joints.split()
    if '*' in order:
        order[order.index('*')] = motion.names[motion.parents[motion.parents[motion.index('Neck')]]]
    joints = np.stack([motion.position(joint) for joint in order], 1) * unit
    thigh_and_shin = np.median(np.linalg.norm(np.diff(joints[:, :3], axis=1), axis=-1).sum(-1))
    if not 0.4 < thigh_and_shin < 1.3:
        reason = 'expected 0.4 to 1.3 m; the unit of length is not that of the database'
        raise InputError(f'{motion.source}: thigh and shin are {thigh_and_shin:.3g} m long together, {reason}')
    keypoints = np.concatenate([(joints[:, [0]] + joints[:, [3]]) / 2, joints], 1)
    if name == 'bvh-daz':
        turn = motion.rotations[:, motion.index('head')]
        keypoints[:, 9] += turn @ _DAZ_NOSE
        keypoints[:, 10] += turn @ _DAZ_HEAD_TOP
    elif name != 'asf-amc':
        neck = motion.index('Neck')
        start = motion.parents[neck]
        if np.abs(motion.offsets[neck]).max() <= 1e-6:  # it has no bone below it
            bone = motion.rotations[:, start] @ (motion.offsets[start] if thorax is None else thorax)
            keypoints[:, _THORAX_AND_ABOVE] += bone[:, None] * unit
    feet = {motion.index(order[2]), motion.index(order[5])}  # the ankles and all joints after them
    for joint, parent in enumerate(motion.parents):
        if parent in feet:
            feet.add(joint)
    lowest = motion.positions[:, sorted(feet), 1].min(1) * unit
    return np.stack([keypoints[..., 0], -keypoints[..., 2], keypoints[..., 1]], -1), lowest
