"""Joint angles and ankle places -> joint positions, for all frames at once.

Body frame: x forward, y to the person's left, z up; metres, degrees. Rotations turn the body frame into the world
frame (or a part's frame into its parent's) and multiply column vectors.
"""

import numpy as np

from .body import JOINT_LIMITS, Body

ARM = ('flex', 'abd', 'rot', 'elbow')
ARMS = tuple(f'{side}_{angle}' for side in ('left', 'right') for angle in ARM)
#: Channels of a pose. ``height``: hip joint over the ankle's stance height as a fraction of the leg; ``gaze``: how far
#: the head follows a hand, 0 to 1; ``pitch``, ``roll``, ``yaw``: of the pelvis; then trunk, neck and arms, degrees.
CHANNELS = ('height', 'pitch', 'roll', 'yaw', 'lean', 'side', 'twist', 'nod', 'tilt', 'turn', 'gaze', *ARMS)
COLUMN = {name: i for i, name in enumerate(CHANNELS)}
#: Shoulders rise with the arms (scapulohumeral rhythm: Inman, Saunders and Abbott, J Bone Joint Surg 1944).
SHRUG = 22.0


def soft_limits(angle: np.ndarray, name: str, width: float = 2.0) -> np.ndarray:
    """Degrees, kept inside the joint's limits; smooth, and unchanged some ``width`` away from them."""
    low, high = JOINT_LIMITS[name]
    angle = -width * np.logaddexp(-angle / width, -high / width)
    return width * np.logaddexp(angle / width, low / width)


def about(axis: int, degrees: np.ndarray) -> np.ndarray:
    """Rotations about x, y or z (axis 0, 1, 2), (T,) -> (T, 3, 3)."""
    angle = np.radians(degrees)
    second, third = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., axis, axis] = 1
    matrix[..., second, second] = matrix[..., third, third] = np.cos(angle)
    matrix[..., third, second] = np.sin(angle)
    matrix[..., second, third] = -matrix[..., third, second]
    return matrix


def pelvis_rotation(yaw: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Heading (T,) radians and poses (T, C) -> (T, 3, 3)."""
    turn = about(2, np.degrees(yaw) + pose[:, COLUMN['yaw']])
    return turn @ about(1, pose[:, COLUMN['pitch']]) @ about(0, pose[:, COLUMN['roll']])


def _bend(**angles: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) of a trunk part that bends forward, to the left, turns to the left; degrees (T,) by joint."""
    forward, left, turn = (soft_limits(angle, name) for name, angle in angles.items())
    return about(1, forward) @ about(0, -left) @ about(2, turn)


def leg_joints(hip: np.ndarray, ankle: np.ndarray, yaw: np.ndarray, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Two-bone inverse kinematics: hip and ankle (T, 3), knee direction ``yaw`` (T,) -> knee and ankle (T, 3).

    The knee's axis points to the person's left, so it can only bend forward. An ankle out of reach is pulled in.
    """
    line = ankle - hip
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    axis = np.stack([-np.sin(yaw), np.cos(yaw), np.zeros_like(yaw)], axis=-1)
    line = line / length
    front = np.cross(line, axis)
    front = front / np.linalg.norm(front, axis=-1, keepdims=True)
    length = np.minimum(length, 0.9999 * body.leg)
    along = (body.thigh**2 - body.shank**2 + length**2) / (2 * length)
    return hip + along * line + np.sqrt(body.thigh**2 - along**2) * front, hip + length * line


def arm_joints(thorax, rotation, angles, side: int, body: Body) -> np.ndarray:
    """Shoulder, elbow and wrist of one arm, (3, T, 3) m.

    Args:
        thorax: (T, 3); rotation: (T, 3, 3) of the thorax.
        angles: (T, 4) flexion, abduction, outward rotation of the shoulder, flexion of the elbow. The arm is first
            turned about its length, then lifted sideways, then swung forward.
        side: 1 left, -1 right.
    """
    flex, abd, rot, elbow = (soft_limits(a, name) for a, name in zip(angles.T, ARM, strict=True))
    lift = about(1, -flex) @ about(0, side * abd) @ about(2, side * rot)
    upper = -lift[:, :, 2]
    shrug = np.radians(SHRUG) * (1 + upper[:, 2]) / 2
    girdle = body.shoulder * np.stack([0 * shrug, side * np.cos(shrug), np.sin(shrug)], axis=1)
    bend = np.radians(elbow)
    lower = np.sin(bend)[:, None] * lift[:, :, 0] - np.cos(bend)[:, None] * lift[:, :, 2]
    local = np.cumsum([girdle, body.upper_arm * upper, body.forearm * lower], axis=0)
    return thorax + np.einsum('tij,stj->sti', rotation, local)


def joint_positions(body, pose, pelvis, yaw, ankles, leg_yaw, lead: int) -> np.ndarray:
    """Poses to positions.

    Args:
        pose: (T, C) in the order of ``CHANNELS``.
        pelvis: (T, 3) m; yaw: (T,) heading, radians.
        ankles: (2, T, 3) m, left first; leg_yaw: (2, T) where the knees point, radians.
        lead: the hand to look at, 1 left, -1 right.

    Returns:
        (T, 17, 3) m, joint set h36m17.
    """
    c = {name: pose[:, i] for name, i in COLUMN.items()}
    joints = np.empty((len(pose), 17, 3))
    root = pelvis_rotation(yaw, pose)
    trunk = root @ _bend(lean=c['lean'], side=c['side'], twist=c['twist'])
    joints[:, 0] = pelvis
    for side, first, ankle, knee_yaw in ((1, 4, ankles[0], leg_yaw[0]), (-1, 1, ankles[1], leg_yaw[1])):
        joints[:, first] = pelvis + side * body.hip * root[:, :, 1]
        joints[:, first + 1], joints[:, first + 2] = leg_joints(joints[:, first], ankle, knee_yaw, body)
    joints[:, 7] = pelvis + body.lower_trunk * root[:, :, 2]
    joints[:, 8] = joints[:, 7] + body.upper_trunk * trunk[:, :, 2]
    for side, first, angles in ((1, 11, ARMS[:4]), (-1, 14, ARMS[4:])):
        arm = arm_joints(joints[:, 8], trunk, pose[:, [COLUMN[name] for name in angles]], side, body)
        joints[:, first : first + 3] = arm.swapaxes(0, 1)
    # the head turns towards the hand
    hand, nose = joints[:, 13 if lead > 0 else 16], joints[:, 8] + body.neck * trunk[:, :, 2]
    x, y, z = np.einsum('tij,ti->jt', trunk, hand - nose)
    down, left = np.degrees(np.arctan2(-z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    nod, turn = c['nod'] + c['gaze'] * (0.8 * down - c['nod']), c['turn'] + c['gaze'] * (0.8 * left - c['turn'])
    neck = _bend(nod=nod, tilt=c['tilt'], turn=turn)
    # the face lies before the neck's axis: the two bones of the head enclose an angle, which shows where it looks
    joints[:, 9] = joints[:, 8] + body.neck * (trunk @ neck @ np.array([0.45, 0, np.sqrt(1 - 0.45**2)]))
    joints[:, 10] = joints[:, 9] + body.head * (trunk @ neck @ np.array([-0.25, 0, np.sqrt(1 - 0.25**2)]))
    return joints
