"""Angles of hips, knees, ankles, shoulders and elbows in degrees."""

import numpy as np

from .inverse_kinematics import BoneMotion, named_points

_SHORT = np.sin(np.radians(15))  # projections shorter than this have no angle
_BENDS = {'knee': ('UpLeg', 'Leg'), 'elbow': ('Arm', 'ForeArm'), 'ankle': ('Leg', 'Foot')}
_NEEDS = {  # joints of a side without which an angle is not known
    'hip': ('hip', 'knee'),
    'knee': ('hip', 'knee', 'ankle'),
    'ankle': ('knee', 'ankle', 'toe'),
    'shoulder': ('shoulder', 'elbow'),
    'elbow': ('shoulder', 'elbow', 'wrist'),
}


def joint_angles(motion: BoneMotion, joints: np.ndarray, skeleton: str) -> dict[str, np.ndarray]:
    """Angles by name, such as ``left_knee_flexion``; NaN where a joint is not known.

    Knees and elbows: flexion, the angle between the upper and the lower bone, 0 when straight. Ankles: dorsiflexion,
    of the line from ankle to toe, 0 at a right angle to the shank; NaN where the joint set has no toes. Hips and
    shoulders: of the thigh against the pelvis, of the upper arm against the trunk, whose axes are the line of the hips
    or shoulders and the spine: flexion in the plane of front and down, abduction in the plane of side and down, both 0
    when hanging, positive to the front and outwards, NaN within 15 degrees of the normal of the plane; elevation is
    the angle to straight down.

    Args:
        motion: of :func:`~poselifter.geometry.inverse_kinematics.inverse_kinematics`.
        joints: (T, J, 3) from which it was made.
        skeleton: joint set of J joints.

    Returns:
        (T,) degrees by name.
    """
    points, angles = named_points(np.asarray(joints, float), skeleton), {}
    for side, outwards in (('left', 1), ('right', -1)):
        found = {}
        for name, base, bone in (('hip', 'Hips', 'UpLeg'), ('shoulder', 'Spine2', 'Arm')):
            frame = motion.rotations[:, motion.armature.names.index(base)]
            x, y, z = np.moveaxis(
                (frame.swapaxes(-1, -2) @ motion.directions(side.title() + bone)[..., None])[..., 0], 1, 0
            )
            found[f'{name}_flexion'] = _in_plane(z, -y)
            found[f'{name}_abduction'] = _in_plane(x * outwards, -y)
            found[f'{name}_elevation'] = np.degrees(np.arccos(np.clip(-y, -1, 1)))
        for name, bones in _BENDS.items():
            upper, lower = (motion.directions(side.title() + bone) for bone in bones)
            bend = np.degrees(np.arctan2(np.linalg.norm(np.cross(upper, lower), axis=-1), (upper * lower).sum(-1)))
            found[f'{name}_{"dorsiflexion" if name == "ankle" else "flexion"}'] = bend - 90 if name == 'ankle' else bend
        for name, values in found.items():
            needs = [points[f'{side}_{joint}'] for joint in _NEEDS[name.split('_')[0]]]
            angles[f'{side}_{name}'] = np.where(np.isfinite(needs).all((0, 2)), values, np.nan)
    return angles


def _in_plane(towards: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Degrees (T,) from down, of what is long enough."""
    return np.where(np.hypot(towards, down) < _SHORT, np.nan, np.degrees(np.arctan2(towards, down)))
