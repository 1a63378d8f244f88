"""Up and down in front of a camera: its tilt, upright persons, axes of a world with z up."""

from typing import NamedTuple

import numpy as np

_BENT_KNEE, _BENT_HIP = 25.0, 15.0  # degrees at which a frame counts half as standing
_LEAN = 0.12  # radians off the common direction at which a limb counts half


class Landmarks(NamedTuple):
    """Indices of the joints that tell how a person stands, left and right each.

    Attributes:
        hips: two indices; likewise the others.
    """

    hips: tuple[int, int]
    knees: tuple[int, int]
    ankles: tuple[int, int]
    shoulders: tuple[int, int]


def up_of_persons(poses: np.ndarray, joints: Landmarks) -> tuple[np.ndarray, np.ndarray]:
    """The direction in which standing persons stand: the way up, if they stand upright on average.

    Legs (ankles to hips) and trunks (hips to shoulders) vote, with more weight where the knees and the hips are
    straight; then limbs that lean from the common direction lose weight.

    Args:
        poses: (T, K, 3) in any frames of any persons, any axes.
        joints: of the joint set.

    Returns:
        (3,) unit vector in the axes of ``poses``; (T,) in [0, 1], how much each frame counted as standing.
    """
    hips, ankles, shoulders = (poses[:, list(pair)].mean(1) for pair in (joints.hips, joints.ankles, joints.shoulders))
    legs, trunk = _unit(hips - ankles), _unit(shoulders - hips)
    thighs = _unit(poses[:, list(joints.hips)] - poses[:, list(joints.knees)])
    shins = _unit(poses[:, list(joints.knees)] - poses[:, list(joints.ankles)])
    knee, hip = _degrees(thighs, shins).max(1), _degrees(legs, trunk)
    standing = 1 / (1 + (knee / _BENT_KNEE) ** 4) / (1 + (hip / _BENT_HIP) ** 4)
    limbs, weights = np.concatenate([legs, trunk]), np.tile(standing, 2)
    up = _unit((limbs * weights[:, None]).sum(0))
    for _ in range(15):
        robust = weights / (1 + ((limbs - up) ** 2).sum(-1) / _LEAN**2)
        up = _unit((limbs * robust[:, None]).sum(0))
    return up, standing


def up_of_camera(pitch: float, roll: float = 0.0) -> np.ndarray:
    """The way up (3,) in the axes of a camera (x right, y down, z forward).

    Args:
        pitch: how far it looks down, degrees; negative looks up.
        roll: how far it is turned clockwise seen from behind, degrees.

    Example:
        >>> up_of_camera(0).tolist()
        [0.0, -1.0, 0.0]
    """
    pitch, roll = np.radians(pitch), np.radians(roll)
    return np.array([-np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)]) + 0.0


def tilt_of_camera(up: np.ndarray) -> tuple[float, float]:
    """Pitch and roll in degrees of a camera in whose axes ``up`` (3,) is the way up, see :func:`up_of_camera`."""
    pitch, roll = np.arctan2(-up[2], np.hypot(up[0], up[1])), np.arctan2(-up[0], -up[1])
    return float(np.degrees(pitch)), float(np.degrees(roll))


def upright_axes(up: np.ndarray) -> np.ndarray:
    """Axes of a world above the ground in those of a camera: rows x right, y forward, z up; (3, 3), a rotation.

    Args:
        up: (3,) unit vector in camera axes. Of a camera that looks straight up or down, forward is the picture's top.
    """
    level = np.array([0.0, 0.0, 1.0]) - up * up[2]
    if np.linalg.norm(level) < 1e-6:
        level = np.array([0.0, -1.0, 0.0]) + up * up[1]
    forward = _unit(level)
    return np.stack([np.cross(forward, up), forward, up])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))
